package journal

import (
	"fmt"
	"io"
	"time"
)

const (
	never      = time.Hour       // nothing to do before somebody wakes the committer
	probeEvery = 2 * time.Second // how often a full or failed disk is tried
	keepBuffer = 256 << 10       // bytes; larger buffers are given back after a burst
)

// run is the committer.
func (j *Journal) run() {
	defer close(j.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-j.stop:
			return
		case <-j.kick:
		case <-timer.C:
		}
		timer.Reset(j.step(time.Now()))
	}
}

// step does what is due, and returns how long until the next thing is.
func (j *Journal) step(now time.Time) time.Duration {
	defer j.steps.begin("write", j.dir)()
	wait := j.commitDue(now)
	if wait <= 0 {
		j.lastCommit = now
		j.commit()
		wait = max(0, j.commitDue(time.Now()))
	}
	j.tidy()
	return min(wait, j.saveCursor(now), j.probe(now))
}

// commitDue returns how long the pending records may wait.
func (j *Journal) commitDue(now time.Time) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := &j.pend
	switch {
	case p.n == 0:
		return never
	case j.o.Sync < 0, p.urgent, p.n >= earlyRecords, len(p.buf) >= earlyBytes, j.lastCommit.IsZero():
		return 0
	case now.Sub(j.opened) < time.Duration(j.o.Sync):
		return 0 // a start tells much in a moment, and the first reading waits behind it
	}
	return min(time.Duration(j.o.Sync)-now.Sub(j.lastCommit), j.stalled(now))
}

// stalled returns how long until it is clear that those who gave records wait to be told: a
// source gives only so many before, an MQTT broker 10 or 20, say. Then nothing comes for longer
// than it did while they came. The caller holds mu.
func (j *Journal) stalled(now time.Time) time.Duration {
	p := &j.pend
	if j.seen == 0 {
		j.firstSeen = now
	}
	if j.seen != p.n {
		j.seen, j.lastSeen = p.n, now
	}
	if len(p.waiters) < stalledWaiters {
		return never
	}
	pace := j.lastSeen.Sub(j.firstSeen) / time.Duration(p.n)
	return max(stalledAfter, 4*pace) - now.Sub(j.lastSeen)
}

// commit makes the pending records durable, or refuses them.
func (j *Journal) commit() {
	j.mu.Lock()
	j.pend, j.batch = j.batch, j.pend
	j.waiting, j.seen = j.batch.waiters, 0
	j.mu.Unlock()
	b := &j.batch
	rest := b.buf
	for len(rest) > 0 {
		n, err := j.store(rest)
		if err != nil {
			j.refuse(rest, err)
			break
		}
		j.answer(j.written, nil)
		j.announce()
		rest = rest[n:]
	}
	quiet := len(b.buf) <= keepBuffer/2
	clear(b.waiters)
	*b = batch{buf: b.buf[:0], waiters: b.waiters[:0]}
	if quiet && cap(b.buf) > keepBuffer {
		*b = batch{}
	}
}

// store makes as many records durable as fit into one segment, and returns their
// length. When that fails it is tried once more in a new segment.
func (j *Journal) store(recs []byte) (int, error) {
	var err error
	for range 2 {
		if j.active == nil || j.activeOff+int64(recordLen(recs)) > j.activeSize {
			if err = j.roll(recs); err != nil {
				continue
			}
		}
		var n int
		if n, err = j.write(recs); err == nil {
			return n, nil
		}
		j.noteError(err)
		j.leave(false)
	}
	return 0, err
}

// write puts the records that fit into the active segment there and syncs them.
func (j *Journal) write(recs []byte) (int, error) {
	n, last := 0, uint64(0)
	for n < len(recs) {
		size := recordLen(recs[n:])
		if j.activeOff+int64(n+size) > j.activeSize {
			break
		}
		last = recordSeq(recs[n:])
		if n == 0 && j.o.Sync != OS {
			recs[markAt] = marked
		}
		sealRecord(recs[n:n+size], j.active.salt)
		n += size
	}
	if err := writeAll(j.activeFile, recs[:n], j.activeOff); err != nil {
		return 0, fmt.Errorf("write %s at %d: %w", j.active.name(), j.activeOff, err)
	}
	start := time.Now()
	if j.o.Sync != OS {
		if err := j.activeFile.Datasync(); err != nil {
			return 0, fmt.Errorf("sync %s: %w", j.active.name(), err)
		}
	}
	j.activeOff += int64(n)
	j.written, j.fresh = last, true
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.o.Sync != OS {
		j.stats.Syncs++
		j.stats.LastSync = time.Since(start)
	}
	j.active.end = j.activeOff
	j.room = j.activeSize - j.activeOff
	j.filled += int64(n)
	j.durable = last
	return n, nil
}

func writeAll(f File, b []byte, off int64) error {
	n, err := f.WriteAt(b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// announce wakes the readers that wait, after durable has moved and those were told
// whose records they are.
func (j *Journal) announce() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.advanced != nil {
		close(j.advanced)
		j.advanced = nil
	}
}

// answer calls those who wait for a record of the batch up to last, and were not answered by
// [Journal.release].
func (j *Journal) answer(last uint64, err error) {
	j.mu.Lock()
	n := 0
	for n < len(j.waiting) && j.waiting[n].seq <= last {
		n++
	}
	due := j.waiting[:n]
	j.waiting = j.waiting[n:]
	j.mu.Unlock()
	for _, w := range due {
		w.done(err)
	}
}

// refuse tells all waiters that their records are not taken, and enters the state
// that err asks for.
func (j *Journal) refuse(recs []byte, err error) {
	j.fail(err)
	n, last, classes := uint64(0), uint64(0), map[uint8]uint64{}
	for len(recs) > 0 {
		last = recordSeq(recs)
		classes[recs[classAt]]++
		recs = recs[recordLen(recs):]
		n++
	}
	j.mu.Lock()
	reason := ErrFailed
	if j.state == Full {
		reason = ErrFull
	}
	j.stats.Refused += n
	j.durable = last
	j.mu.Unlock()
	err = fmt.Errorf("%w: %w", reason, err)
	if j.o.OnRefuse != nil {
		for class, n := range classes {
			j.o.OnRefuse(class, n, err)
		}
	}
	j.answer(last, err)
	j.announce()
}

// noteError keeps err for Stats.
func (j *Journal) noteError(err error) {
	j.mu.Lock()
	j.lastErr = err
	j.mu.Unlock()
	j.log.Warn("the journal goes on in a new segment", "error", err)
}

// fail enters the state Full or Failed.
func (j *Journal) fail(err error) {
	state := Failed
	if isNoSpace(err) {
		state = Full
	}
	j.mu.Lock()
	changed := j.state != state
	j.state, j.lastErr = state, err
	j.mu.Unlock()
	j.lastProbe = time.Now()
	if changed {
		j.log.Error("the journal refuses records", "state", state, "error", err)
	}
}

// probe tries a full or failed disk again with a new file, and returns how long
// until it is to be tried next.
func (j *Journal) probe(now time.Time) time.Duration {
	j.mu.Lock()
	state := j.state
	j.mu.Unlock()
	if state == OK {
		return never
	}
	if wait := probeEvery - now.Sub(j.lastProbe); wait > 0 {
		return wait
	}
	j.lastProbe = now
	j.dropSpare()
	if err := j.makeSpare(j.o.SegmentSize); err != nil {
		j.fail(err)
		return probeEvery
	}
	j.mu.Lock()
	j.state, j.crowded = OK, false
	j.mu.Unlock()
	j.log.Info("the journal takes records again")
	return never
}
