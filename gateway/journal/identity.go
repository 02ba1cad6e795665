package journal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"strings"
)

const idName = "journal.id"

// loadID reads the journal's uuid; when its file is not there or damaged, the uuid is in the
// header of any segment, and else there is no journal yet. A journal without a segment gets
// a new one: nobody knows any more which numbers were given under the old one.
func (j *Journal) loadID(names []string) error {
	b, err := readFile(j.fs, j.path(idName))
	id, ok := parseIDFile(string(b))
	if err == nil && ok && (hasSegments(names) || j.looks()) {
		j.id = id
		return nil
	}
	if !j.idOfSegments(names) {
		j.renewed = !errors.Is(err, fs.ErrNotExist) || slices.Contains(names, cursorName) || len(j.checkpoints()) > 0
		rand.Read(j.id[:])
		j.id[6] = j.id[6]&0x0f | 0x40 // RFC 9562: version 4
		j.id[8] = j.id[8]&0x3f | 0x80 // and its variant
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !j.renewed && hasSegments(names):
		j.log.Warn("the journal's id is gone, it is read from the records", "file", idName)
	case !errors.Is(err, fs.ErrNotExist) && !ok:
		j.damaged = append(j.damaged, finding{file: idName, bytes: b})
	}
	if j.looks() && hasSegments(names) {
		return nil
	}
	text := formatID(j.id)
	text = fmt.Sprintf("%s %08x\n", text, crc32.Checksum([]byte(text), castagnoli))
	f, err := replaceFile(j.fs, j.dir, j.path(idName), []byte(text))
	if err != nil {
		return err
	}
	return f.Close()
}

// looks reports whether this is only a [View], which changes nothing.
func (j *Journal) looks() bool { return j.lock == nil }

func hasSegments(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, ok := segmentNumber(name)
		return ok
	})
}

func (j *Journal) idOfSegments(names []string) bool {
	for _, name := range names {
		if _, ok := segmentNumber(name); !ok {
			continue
		}
		f, err := j.fs.Open(j.path(name))
		if err != nil {
			continue
		}
		head := make([]byte, segmentHeader)
		readAround(f, head, 0)
		f.Close()
		if id, _, ok := decodeHeader(head); ok {
			j.id = id
			return true
		}
	}
	return false
}

// renew makes a journal whose segments are gone go on under its new id: with its state, as far
// as a checkpoint has it, and with the numbers that come next. What waited is lost.
func (j *Journal) renew() {
	newest, cursor := j.leftCheckpoint(), j.leftCursor()
	j.last = max(newest.seq, newest.cursor, cursor.seq, cursor.last)
	j.report.Cursor = max(newest.cursor, cursor.seq)
	j.report.Renewed = true
	j.log.Error("the records of the journal are gone: it goes on under a new id", "id", formatID(j.id), "last", j.last)
	if j.last == 0 {
		return
	}
	if newest.seq > 0 {
		f, err := replaceFile(j.fs, j.dir, j.path(checkpointName(newest.seq)), encodeCheckpoint(j.id, newest))
		if err != nil {
			j.log.Warn("the last checkpoint cannot be kept", "error", err)
		} else {
			f.Close()
			j.checkpoint = newest.seq
		}
	}
	if cursor.seq == j.report.Cursor {
		j.note = []byte(cursor.note)
	}
	j.cursor = j.last
	j.noteCursor(j.slots.create(slot{cursor.gen + 1, j.last, j.last, string(j.note)}))
	j.cursorSaved = j.last
	if from := j.report.Cursor + 1; from <= j.last {
		j.reportGap(Gap{File: segmentName(from), From: from, To: j.last, Reason: Damaged})
	}
}

// leftCheckpoint returns the newest intact checkpoint of whatever journal this was.
func (j *Journal) leftCheckpoint() checkpoint {
	for _, n := range j.checkpoints() {
		b, err := readFile(j.fs, j.path(checkpointName(n)))
		if err != nil || len(b) < checkpointHeader {
			continue
		}
		if c, ok := decodeCheckpoint([16]byte(b[8:24]), b); ok && c.seq == n {
			return c
		}
	}
	return checkpoint{}
}

// leftCursor returns the newer intact slot of whatever journal this was.
func (j *Journal) leftCursor() (newest slot) {
	b, err := readFile(j.fs, j.path(cursorName))
	if err != nil {
		return slot{}
	}
	b = append(b, make([]byte, max(0, 2*cursorSlot-len(b)))...)
	for i := range 2 {
		part := b[i*cursorSlot : (i+1)*cursorSlot]
		if got, ok := decodeSlot([16]byte(part[8:24]), part); ok && got.gen > newest.gen {
			newest = got
		}
	}
	return newest
}

func formatID(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// parseIDFile reads "<uuid> <checksum>\n".
func parseIDFile(s string) (id [16]byte, ok bool) {
	text, sum, _ := strings.Cut(strings.TrimSpace(s), " ")
	if fmt.Sprintf("%08x", crc32.Checksum([]byte(text), castagnoli)) != sum {
		return id, false
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != len(id) {
		return id, false
	}
	return [16]byte(b), true
}
