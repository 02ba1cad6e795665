package journal

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
)

// afterLoss is how far the numbers jump after a power cut in mode [OS]: records
// that were sent on may be lost here, and their numbers must not come again.
const afterLoss = 1 << 20

// recover finds out what is on the disk. It fails when the folder cannot be read
// or written, not because of what is in the files.
func (j *Journal) recover() error {
	start := time.Now()
	names, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return err
	}
	if err := newer(j.fs, j.dir, names); err != nil {
		return err // before anything is touched
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".tmp") {
			j.fs.Remove(j.path(name))
		}
	}
	if err := j.loadID(names); err != nil {
		return err
	}
	j.loadQuarantine()
	j.loadSegments(names)
	j.slots = &cursorFile{fs: j.fs, dir: j.dir, id: j.id}
	if j.renewed {
		j.renew()
	} else {
		j.loadState(slices.Contains(names, spareName))
	}
	for _, f := range j.damaged {
		j.rewritten(f)
	}
	j.durable = j.last
	for _, s := range j.segs {
		j.filled += s.end
	}
	r := &j.report
	r.Segments, r.Last, r.Took = len(j.segs), j.last, time.Since(start)
	return nil
}

// loadState finds out what is confirmed, and what the newest number is. killed: the journal
// was not closed.
func (j *Journal) loadState(killed bool) {
	newest := j.loadCheckpoints()
	cursor, lost := j.slots.load()
	j.damaged = append(j.damaged, j.slots.bad...)
	if j.slots.gone && len(j.segs) > 0 && (newest.cursor > 0 || !killed) {
		lost = true // else nothing was confirmed yet
	}
	j.report.CursorLost = lost
	j.cursor = max(cursor.seq, newest.cursor)
	j.report.Cursor = j.cursor
	j.cursorSaved = cursor.seq
	if cursor.seq == j.cursor {
		j.note = []byte(cursor.note)
	}
	j.loadTail(cursor, newest.seq, killed || lost)
	if len(j.slots.bad) > 0 && !j.looks() {
		j.noteCursor(j.slots.create(slot{cursor.gen + 1, j.cursor, max(cursor.last, j.written), string(j.note)}))
	}
	if lost {
		j.log.Warn("the cursor cannot be read or is gone: confirmed records come again", "from", j.cursor+1)
	}
	if len(j.segs) > 0 && j.segs[0].first > j.cursor+1 {
		j.log.Warn("records that were not sent are gone from the front of the journal", "from", j.cursor+1, "to", j.segs[0].first-1)
	}
	if n := j.report.Torn; n > 0 {
		j.log.Warn("the end of a write that was never finished is cut off: nobody relies on it", "bytes", n)
	}
}

// loadCheckpoints finds the newest intact checkpoint and the one before it.
func (j *Journal) loadCheckpoints() checkpoint {
	var found []checkpoint
	for i, n := range j.checkpoints() {
		c, ok := j.readCheckpoint(n)
		if !ok {
			j.report.CheckpointLost = j.report.CheckpointLost || i == 0
			b, _ := readFile(j.fs, j.path(checkpointName(n)))
			j.damaged = append(j.damaged, finding{checkpointName(n), 0, b})
			continue
		}
		c.data = nil
		if found = append(found, c); len(found) == 2 {
			j.bound = c.seq
			break
		}
	}
	if len(found) == 0 {
		return checkpoint{}
	}
	j.checkpoint = found[0].seq
	return found[0]
}

// loadSegments lists the segments; it reads their headers only.
func (j *Journal) loadSegments(names []string) {
	for _, name := range names {
		first, ok := segmentNumber(name)
		if !ok {
			continue
		}
		if s := j.loadSegment(name, first); s != nil {
			j.segs = append(j.segs, s)
		}
	}
	slices.SortFunc(j.segs, func(a, b *segment) int { return cmp.Compare(a.first, b.first) })
}

// loadSegment reads one header. It returns nil when the file is not a segment of
// this journal, and has been set aside.
func (j *Journal) loadSegment(name string, first uint64) *segment {
	f, err := j.fs.Open(j.path(name))
	if err != nil {
		j.log.Warn("segment cannot be opened", "file", name, "error", err)
		return nil
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil
	}
	head := make([]byte, segmentHeader)
	readAround(f, head, 0)
	id, s, ok := decodeHeader(head)
	if ok && (id != j.id || s.first != first) {
		j.setAside(name, "it is not what its name says")
		return nil
	}
	if ok {
		s.end = size
		return s
	}
	return j.loadHeaderless(f, first, size)
}

// loadHeaderless makes a segment of a file whose header is damaged, if there are
// records in it: their salt is known from the name.
func (j *Journal) loadHeaderless(f File, first uint64, size int64) *segment {
	s := &segment{first: first, prev: first - 1, salt: saltOf(j.id, first), end: size}
	w := walker{}
	w.walk(f, s)
	w.end = size
	r, ok := w.next()
	if !ok {
		j.setAside(s.name(), "there is no record in it")
		return nil
	}
	s.time = r.Time
	j.reportGap(Gap{File: s.name(), Bytes: segmentHeader, Reason: Damaged})
	return s
}

// loadTail reads the last segment, finds the newest number, and makes the segment
// ready to be continued if it is in order. cursor and checkpoint say which numbers
// there were for certain.
// unsure: newer ones may have been given.
func (j *Journal) loadTail(cursor slot, checkpoint uint64, unsure bool) {
	durable := max(cursor.seq, cursor.last)
	known := max(j.cursor, durable, checkpoint)
	if len(j.segs) == 0 {
		j.last = j.afterCut(known, cursor)
		return
	}
	s := j.segs[len(j.segs)-1]
	j.written, j.lastTime = s.prev, s.time
	f, err := j.fs.Edit(j.path(s.name()))
	if err != nil {
		j.log.Warn("the last segment cannot be opened", "file", s.name(), "error", err)
		j.last = max(known, s.first) + afterLoss // nobody knows what is in it
		return
	}
	size := s.end
	whole := j.readTail(f, s, durable)
	if durable > j.written {
		j.reportGap(Gap{File: s.name(), Offset: s.end, From: j.written + 1, To: durable, Reason: Damaged})
	}
	j.last = j.afterCut(known, cursor)
	if left := s.end == size && j.report.Torn == 0; left && unsure { // it was cut when the next began, and that one is gone
		j.last += afterLoss
		j.log.Error("the newest records of the journal are gone", "after", j.written)
	}
	size, err = f.Size()
	// Numbers are dense in a segment.
	dense := j.last == j.written && (j.written >= s.first || j.last+1 == s.first)
	if err != nil || !whole || !dense || (s.flags&flagUnsynced != 0) != (j.o.Sync == OS) {
		f.Close()
		return
	}
	j.active, j.activeFile, j.activeOff, j.activeSize = s, f, s.end, size
	j.room = size - s.end
}

// afterCut returns the newest number that may have been given. After a power cut
// in mode OS it is not known.
func (j *Journal) afterCut(known uint64, cursor slot) uint64 {
	last := max(known, j.written)
	if j.o.Sync == OS && j.written != cursor.last {
		last += afterLoss
	}
	return last
}

// readTail walks through the last segment, of which everything up to the number
// durable was told. It cuts what a write that was never finished left at the end,
// and returns whether the segment may be continued.
func (j *Journal) readTail(f File, s *segment, durable uint64) bool {
	var gaps []Gap
	w := walker{gap: func(g Gap) { gaps = append(gaps, g) }}
	w.walk(f, s)
	w.end = s.end
	size, certain := s.end, 0
	s.end = segmentHeader
	for {
		r, ok := w.next()
		if !ok {
			break
		}
		if w.mark {
			certain = len(gaps)
		}
		s.end, j.written, j.lastTime = w.off, r.Seq, r.Time
	}
	torn := false
	if n := len(gaps); n > 0 && gaps[n-1].Offset >= s.end {
		j.report.Torn = gaps[n-1].Bytes
		gaps, torn = gaps[:n-1], true
	}
	for i, g := range gaps {
		if i < certain || g.From <= durable {
			j.reportGap(g)
			continue
		}
		j.report.Torn += g.Bytes // what comes behind it belongs to the same write, and is kept
		j.keepTorn(g)
	}
	var err error
	if torn {
		err = errors.Join(f.Truncate(s.end), f.Allocate(size))
	}
	// What a killed process had written but not synced is durable only now.
	err = errors.Join(err, f.Datasync())
	if err != nil {
		j.log.Warn("the last segment is left", "file", s.name(), "error", err)
	}
	return err == nil && len(gaps) == 0
}

// reportGap logs a gap and puts it into the report, unless it was reported before.
func (j *Journal) reportGap(g Gap) {
	if _, known := j.known[gapKey{g.File, g.Offset, 0}]; !known {
		j.report.Gaps = append(j.report.Gaps, g)
		j.count(g)
		j.logGap(g)
		j.keepDamage(g)
	}
}

// finish is what Close does after the committer has ended.
func (j *Journal) finish() error {
	j.mu.Lock()
	pending := j.pend.n
	j.mu.Unlock()
	if pending > 0 {
		j.commit()
	}
	var errs []error
	if j.active != nil && j.o.Sync == OS {
		errs = append(errs, j.activeFile.Datasync())
	}
	if c := j.slots; c.synced.seq != j.Cursor() || c.synced.last != j.written || c.synced.note != string(j.note) {
		errs = append(errs, j.syncCursor())
	}
	if j.active != nil {
		errs = append(errs, j.activeFile.Close())
	}
	if j.slots.file != nil {
		errs = append(errs, j.slots.file.Close())
	}
	j.dropSpare()
	j.oldestTurn <- struct{}{} // nobody has it any more
	errs = append(errs, j.oldestReader.Close(), j.lock.Close())
	return errors.Join(errs...)
}
