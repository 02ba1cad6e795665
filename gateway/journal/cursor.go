package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"time"
)

const (
	cursorName  = "cursor"
	cursorMagic = "HGCURSO1"
	cursorSlot  = 4096
	cursorLen   = 54
	maxNote     = 1024

	cursorEvery     = 256             // confirmed records after which it is written at once
	cursorWriteWait = time.Second     // it is written so often at most otherwise, and synced so often when so many wait
	cursorSyncWait  = 5 * time.Second // it is synced so often otherwise
)

// slot is what is in one slot of the cursor file.
type slot struct {
	gen, seq, last uint64
	note           string // the caller's, about what is behind seq
}

func encodeSlot(id [16]byte, s slot) []byte {
	b := make([]byte, 0, cursorLen)
	b = append(b, cursorMagic...)
	b = append(b, id[:]...)
	b = le.AppendUint64(b, s.gen)
	b = le.AppendUint64(b, s.seq)
	b = le.AppendUint64(b, s.last)
	tail := le.AppendUint16(nil, uint16(len(s.note)))
	tail = append(tail, s.note...)
	b = le.AppendUint32(b, slotSum(b, tail))
	return append(b, tail...)
}

// slotSum is the checksum of a slot: of its head and, when there is a note, of tail.
func slotSum(head, tail []byte) uint32 {
	sum := crc32.Checksum(head, castagnoli)
	if len(tail) > 2 {
		sum = crc32.Update(sum, castagnoli, tail)
	}
	return sum
}

// decodeSlot returns false when b is not an intact slot of the journal id.
func decodeSlot(id [16]byte, b []byte) (slot, bool) {
	if len(b) < cursorLen || string(b[:8]) != cursorMagic || [16]byte(b[8:24]) != id {
		return slot{}, false
	}
	n := int(le.Uint16(b[52:]))
	if n > maxNote || cursorLen+n > len(b) || slotSum(b[:48], b[52:cursorLen+n]) != le.Uint32(b[48:]) {
		return slot{}, false
	}
	return slot{le.Uint64(b[24:]), le.Uint64(b[32:]), le.Uint64(b[40:]), string(b[cursorLen : cursorLen+n])}, true
}

// cursorFile writes the cursor into the two slots in turn. It belongs to one
// goroutine.
type cursorFile struct {
	fs  FS
	dir string
	id  [16]byte

	file     File      // nil: to be made anew
	gone     bool      // load: there was no file
	bad      []finding // load: the damaged slots
	at       int       // the slot that may be written
	gen      uint64
	saved    slot // what was written last
	synced   slot // what is durable
	savedAt  time.Time
	syncedAt time.Time
}

// load reads the file and returns the newer slot. lost: there was a file, but no intact slot in
// it.
func (c *cursorFile) load() (s slot, lost bool) {
	f, err := c.fs.Edit(filepath.Join(c.dir, cursorName))
	if err != nil {
		c.gone = errors.Is(err, fs.ErrNotExist)
		return slot{}, !c.gone
	}
	b := make([]byte, 2*cursorSlot)
	readAround(f, b, 0)
	found := false
	for i := range 2 {
		part := b[i*cursorSlot : (i+1)*cursorSlot]
		got, ok := decodeSlot(c.id, part)
		if ok && (!found || got.gen > s.gen) {
			s, found, c.at = got, true, 1-i
		}
		if !ok && len(bytes.Trim(part, "\x00")) > 0 { // else it was never written
			c.bad = append(c.bad, finding{cursorName, int64(i) * cursorSlot, part[:cursorLen+maxNote]})
		}
	}
	// A killed process may have left the newer slot in memory only; while it is
	// not durable, the other must stay as it is.
	if !found || f.Datasync() != nil {
		f.Close()
		return s, !found
	}
	c.file, c.gen, c.saved, c.synced = f, s.gen, s, s
	return s, false
}

// write writes the cursor, without a sync unless the file had to be made.
func (c *cursorFile) write(seq, last uint64, note string) error {
	c.gen++
	s := slot{c.gen, seq, last, note}
	if c.file == nil {
		return c.create(s)
	}
	if err := writeAll(c.file, encodeSlot(c.id, s), int64(c.at)*cursorSlot); err != nil {
		c.give()
		return fmt.Errorf("write cursor: %w", err)
	}
	c.saved = s
	return nil
}

// sync makes what was written durable.
func (c *cursorFile) sync() error {
	if c.file == nil || c.synced == c.saved {
		return nil
	}
	if err := c.file.Datasync(); err != nil {
		c.give()
		return fmt.Errorf("sync cursor: %w", err)
	}
	c.at, c.synced = 1-c.at, c.saved
	return nil
}

// give gives up the file after an error: it is made anew by the next write.
func (c *cursorFile) give() {
	c.file.Close()
	c.file = nil
}

// create puts a new file with s in the place of the old one, durably.
func (c *cursorFile) create(s slot) error {
	name := filepath.Join(c.dir, cursorName)
	b := make([]byte, 2*cursorSlot)
	copy(b, encodeSlot(c.id, s))
	f, err := replaceFile(c.fs, c.dir, name, b)
	if err != nil {
		return fmt.Errorf("make cursor: %w", err)
	}
	c.file, c.at, c.saved, c.synced = f, 1, s, s
	return nil
}

// replaceFile writes data to a temporary file, syncs it, gives it its name and
// syncs the folder. It returns the open file.
func replaceFile(fsys FS, dir, name string, data []byte) (File, error) {
	f, err := fsys.Create(name + ".tmp")
	if err != nil {
		return nil, err
	}
	if err = writeAll(f, data, 0); err == nil {
		err = f.Datasync()
	}
	if err == nil {
		err = fsys.Rename(name+".tmp", name)
	}
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// saveCursor writes and syncs the cursor if it is due, and returns how long until
// it is next.
func (j *Journal) saveCursor(now time.Time) time.Duration {
	c := j.slots
	j.mu.Lock()
	seq, last, note := j.cursor, j.written, string(j.note)
	j.mu.Unlock()
	wait := never
	if seq != c.saved.seq {
		wait = cursorWriteWait - now.Sub(c.savedAt)
		if wait <= 0 || seq/cursorEvery != c.saved.seq/cursorEvery {
			j.noteCursor(c.write(seq, last, note))
			c.savedAt, wait = now, never
		}
		j.mu.Lock()
		j.cursorSaved = c.saved.seq
		j.mu.Unlock()
	}
	if c.synced != c.saved {
		due := cursorSyncWait - now.Sub(c.syncedAt)
		if c.saved.seq-c.synced.seq >= cursorEvery { // a backlog went out: a power cut now would send it once more
			due -= cursorSyncWait - cursorWriteWait
		}
		if due <= 0 {
			j.noteCursor(c.sync())
			c.syncedAt, due = now, never
		}
		wait = min(wait, due)
	}
	return wait
}

// syncCursor makes the cursor durable as it is now.
func (j *Journal) syncCursor() error {
	j.mu.Lock()
	seq, last, note := j.cursor, j.written, string(j.note)
	j.mu.Unlock()
	err := j.slots.write(seq, last, note)
	if err == nil {
		err = j.slots.sync()
	}
	j.noteCursor(err)
	return err
}

func (j *Journal) noteCursor(err error) {
	if err == nil {
		return
	}
	j.mu.Lock()
	j.lastErr = err
	j.mu.Unlock()
	j.log.Warn("the cursor could not be saved: confirmed records may come again", "error", err)
}
