package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"
)

const (
	checkpointPrefix = "checkpoint-"
	checkpointMagic  = "HGCHECK1"
	checkpointHeader = 52
)

func checkpointName(seq uint64) string { return fmt.Sprintf("%s%020d", checkpointPrefix, seq) }

// checkpointNumber is the reverse of checkpointName.
func checkpointNumber(name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, checkpointPrefix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// checkpoint is a decoded one.
type checkpoint struct {
	seq, cursor uint64
	data        []byte
}

func encodeCheckpoint(id [16]byte, c checkpoint) []byte {
	b := make([]byte, 0, checkpointHeader+len(c.data))
	b = append(b, checkpointMagic...)
	b = append(b, id[:]...)
	b = le.AppendUint64(b, c.seq)
	b = le.AppendUint64(b, c.cursor)
	b = le.AppendUint64(b, uint64(len(c.data)))
	sum := crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, c.data)
	return append(le.AppendUint32(b, sum), c.data...)
}

// decodeCheckpoint returns false when b is not an intact checkpoint of the
// journal id.
func decodeCheckpoint(id [16]byte, b []byte) (checkpoint, bool) {
	if len(b) < checkpointHeader || string(b[:8]) != checkpointMagic || [16]byte(b[8:24]) != id {
		return checkpoint{}, false
	}
	data := b[checkpointHeader:]
	if le.Uint64(b[40:]) != uint64(len(data)) ||
		crc32.Update(crc32.Checksum(b[:48], castagnoli), castagnoli, data) != le.Uint32(b[48:]) {
		return checkpoint{}, false
	}
	return checkpoint{le.Uint64(b[24:]), le.Uint64(b[32:]), data}, true
}

// SaveCheckpoint keeps data as the state after the record seq, and the one before
// it as a reserve. It waits until that record is durable, so that a state never
// knows of what the journal lost. When it returns nil the checkpoint is durable.
// One save runs at a time.
func (j *Journal) SaveCheckpoint(seq uint64, data []byte) error {
	j.checkpointMu.Lock()
	defer j.checkpointMu.Unlock()
	if err := j.waitDurable(seq); err != nil {
		return fmt.Errorf("save checkpoint %d: %w", seq, err)
	}
	if newest := j.newestCheckpoint(); seq < newest {
		return fmt.Errorf("save checkpoint %d: there is a newer one, %d", seq, newest)
	}
	b := encodeCheckpoint(j.id, checkpoint{seq, j.Cursor(), data})
	f, err := replaceFile(j.fs, j.dir, j.path(checkpointName(seq)), b)
	if err != nil {
		return fmt.Errorf("save checkpoint %d: %w", seq, err)
	}
	f.Close()
	j.mu.Lock()
	if seq != j.checkpoint {
		j.bound, j.checkpoint = j.checkpoint, seq
	}
	newest, before := j.checkpoint, j.bound
	j.mu.Unlock()
	for _, n := range j.checkpoints() {
		if n != newest && n != before {
			j.fs.Remove(j.path(checkpointName(n)))
		}
	}
	j.wake()
	return nil
}

func (j *Journal) newestCheckpoint() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.checkpoint
}

// waitDurable waits until seq is durable or refused.
func (j *Journal) waitDurable(seq uint64) error {
	for {
		advanced := j.watch()
		j.mu.Lock()
		closed, last, durable := j.closed, j.last, j.durable
		j.pend.urgent = j.pend.n > 0
		j.mu.Unlock()
		switch {
		case closed:
			return ErrClosed
		case seq <= durable:
			return nil
		case seq > last:
			return fmt.Errorf("no record has that number yet, the newest is %d", last)
		}
		j.wake()
		select {
		case <-advanced:
		case <-j.stop:
		}
	}
}

// Checkpoint returns the newest intact checkpoint; 0 and nil when there is none.
func (j *Journal) Checkpoint() (seq uint64, data []byte) {
	j.checkpointMu.Lock()
	defer j.checkpointMu.Unlock()
	for _, n := range j.checkpoints() {
		if c, ok := j.readCheckpoint(n); ok {
			return c.seq, c.data
		}
	}
	return 0, nil
}

// checkpoints returns the numbers of the files there are, the newest first.
func (j *Journal) checkpoints() []uint64 {
	names, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return nil
	}
	var numbers []uint64
	for _, name := range names {
		if n, ok := checkpointNumber(name); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	return numbers
}

func (j *Journal) readCheckpoint(n uint64) (checkpoint, bool) {
	b, err := readFile(j.fs, j.path(checkpointName(n)))
	if err != nil {
		return checkpoint{}, false
	}
	c, ok := decodeCheckpoint(j.id, b)
	return c, ok && c.seq == n
}

// maxFile is more than any file that is read whole has.
const maxFile = 256 << 20

func readFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > maxFile {
		return nil, fmt.Errorf("%s is too long: %d bytes", name, size)
	}
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); n < len(b) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}
