package journal

import (
	"errors"
	"fmt"
)

const spareName = "spare.tmp"

// makeSpare makes the next segment's file ahead of need, so that a full disk is
// found before a record is half written.
func (j *Journal) makeSpare(size int64) error {
	f, err := j.fs.Create(j.path(spareName))
	if err != nil {
		return fmt.Errorf("make a segment: %w", err)
	}
	err = f.Allocate(size)
	if err == nil {
		err = writeAll(f, make([]byte, segmentHeader), 0) // a disk that takes no bytes is found now, too
	}
	if err == nil {
		err = f.Datasync()
	}
	if err != nil {
		f.Close()
		j.fs.Remove(j.path(spareName)) // room for others; it is made anew anyhow
		return fmt.Errorf("make a segment of %d bytes: %w", size, err)
	}
	j.spare = f
	return nil
}

func (j *Journal) dropSpare() {
	if j.spare != nil {
		j.spare.Close()
		j.fs.Remove(j.path(spareName))
		j.spare = nil
	}
}

// roll leaves the active segment and begins a new one, whose first record is the
// first of recs. It is in place, durably, before anything is written to it.
func (j *Journal) roll(recs []byte) error {
	s := &segment{first: recordSeq(recs), prev: j.written, time: recordTime(recs), end: segmentHeader}
	s.salt = saltOf(j.id, s.first)
	if j.o.Sync == OS {
		s.flags = flagUnsynced
	}
	size := max(j.o.SegmentSize, int64(segmentHeader+recordLen(recs)))
	if size > j.o.SegmentSize {
		j.dropSpare()
	}
	if j.spare == nil {
		if err := j.makeSpare(size); err != nil {
			return err
		}
	}
	f := j.spare
	if err := j.place(f, s); err != nil {
		j.dropSpare()
		return err
	}
	j.spare = nil
	j.leave(true)
	j.active, j.activeFile, j.activeOff, j.activeSize = s, f, segmentHeader, size
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.segs); n > 0 && j.segs[n-1].first == s.first {
		j.filled -= j.segs[n-1].end // it had no records, and its file was replaced
		j.segs = j.segs[:n-1]
	}
	j.segs = append(j.segs, s)
	j.filled += s.end
	j.room = size - segmentHeader
	return nil
}

// place writes the header of s into f, the spare, and gives it its name.
func (j *Journal) place(f File, s *segment) error {
	if err := writeAll(f, encodeHeader(j.id, s), 0); err != nil {
		return fmt.Errorf("write header of %s: %w", s.name(), err)
	}
	if err := f.Datasync(); err != nil {
		return fmt.Errorf("sync header of %s: %w", s.name(), err)
	}
	if err := j.fs.Rename(j.path(spareName), j.path(s.name())); err != nil {
		return fmt.Errorf("name segment %s: %w", s.name(), err)
	}
	if err := j.fs.SyncDir(j.dir); err != nil {
		return fmt.Errorf("sync folder of %s: %w", s.name(), err)
	}
	return nil
}

// leave ends the active segment, which is cut to its length. After a failed write
// or sync it is not trusted: then it is not synced either.
func (j *Journal) leave(trusted bool) {
	if j.active == nil {
		return
	}
	// Best effort: what remains behind the end is not read, because the next
	// segment says where this one ends.
	err := j.activeFile.Truncate(j.activeOff)
	if err == nil && trusted && j.o.Sync == OS {
		err = j.activeFile.Datasync()
	}
	if err = errors.Join(err, j.activeFile.Close()); err != nil {
		j.log.Debug("segment not cut", "file", j.active.name(), "error", err)
	}
	j.active, j.activeFile = nil, nil
	j.mu.Lock()
	j.room = 0
	j.mu.Unlock()
}

// tidy makes the next segment ahead and deletes what may go.
func (j *Journal) tidy() {
	j.mu.Lock()
	ok := j.state == OK
	j.mu.Unlock()
	if ok && j.spare == nil {
		if err := j.makeSpare(j.o.SegmentSize); err != nil {
			j.fail(err)
		}
	}
	for j.deleteOldest() {
	}
	j.fresh = false
}

// deleteOldest deletes the oldest segment if it may go.
func (j *Journal) deleteOldest() bool {
	j.mu.Lock()
	s, dropped := j.deletable()
	cursor := j.cursor
	j.mu.Unlock()
	if s == nil {
		return false
	}
	if j.slots.synced.seq < min(cursor, dropped.To) && j.syncCursor() != nil {
		return false // else confirmed records of the next segments might come again without need
	}
	if dropped.From > 0 {
		dropped.Lost = j.classesOf(s, dropped.From)
	}
	if err := j.fs.Remove(j.path(s.name())); err != nil {
		j.log.Debug("segment not deleted", "file", s.name(), "error", err)
		return false
	}
	j.mu.Lock()
	j.segs = j.segs[1:]
	j.filled -= s.end
	j.crowded = false
	if dropped.From > 0 {
		j.count(dropped)
	}
	j.mu.Unlock()
	if dropped.From > 0 {
		j.tell(dropped)
	}
	return true
}

// classesOf counts the records of s from a number on by their class.
func (j *Journal) classesOf(s *segment, from uint64) map[uint8]uint64 {
	f, err := j.fs.Open(j.path(s.name()))
	if err != nil {
		return nil
	}
	defer f.Close()
	var w walker
	w.walk(f, s)
	w.end = s.end
	n := make(map[uint8]uint64)
	for {
		r, ok := w.next()
		if !ok {
			return n
		}
		if r.Seq >= from {
			n[r.Class]++
		}
	}
}

// outdated reports whether all before s is older than is kept. The caller holds mu.
func (j *Journal) outdated(s *segment) bool {
	if j.o.Elapsed == nil {
		return s.time < j.lastTime-j.o.Keep.Microseconds()
	}
	first, known := j.o.Elapsed(s.first, s.time)
	last, _ := j.o.Elapsed(j.last, j.lastTime)
	return known && first < last-j.o.Keep.Microseconds()
}

// deletable returns the oldest segment if it may go. To of the gap is its last
// number; From is set when it holds records that were never confirmed. The caller
// holds mu.
func (j *Journal) deletable() (*segment, Gap) {
	if len(j.segs) < 2 {
		return nil, Gap{}
	}
	s, next := j.segs[0], j.segs[1]
	g := Gap{File: s.name(), Bytes: s.end, To: next.prev, Reason: Dropped}
	pressed := j.filled > j.limit(false)-2*j.o.SegmentSize
	switch {
	case next.prev > j.bound:
		return nil, Gap{}
	case next.prev <= j.cursor:
		if pressed || j.outdated(next) {
			return s, g
		}
	case pressed && j.o.WhenFull == DropOldest && (j.fresh || j.crowded): // nothing is given up that needs not be, as at a stop
		g.From = max(s.first, j.cursor+1)
		return s, g
	}
	return nil, Gap{}
}
