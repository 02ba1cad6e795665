package journal

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

// Journal is an open journal. All methods may be called concurrently.
type Journal struct {
	dir    string
	o      Options
	fs     FS
	log    *slog.Logger
	id     [16]byte
	report Report
	lock   io.Closer

	kick   chan struct{} // holds one: there is something to do for the committer
	stop   chan struct{} // closed by Close
	ended  chan struct{} // closed when the committer has ended
	minded chan struct{} // closed when mind has ended
	under  *underWay     // operations on the disk
	steps  *underWay     // of the committer
	close  sync.Once

	mu          sync.Mutex
	last        uint64   // the newest number given
	lastTime    int64    // of the newest record
	pend        batch    // waits for the committer
	waiting     []waiter // of the batch that is being written
	hung        error    // what of the disk does not answer; nil: all does
	stuck       bool     // and the committer waits for it
	room        int64    // bytes left in the active segment
	state       State
	crowded     bool // the newest ordinary record was refused for want of room
	lastErr     error
	closed      bool
	segs        []*segment // ascending
	filled      int64      // bytes in all of segs
	durable     uint64
	advanced    chan struct{} // closed when durable moves; nil: nobody waits
	cursor      uint64
	note        []byte // the caller's, about what is behind the cursor
	cursorSaved uint64 // what the file was told last
	checkpoint  uint64 // the number of the newest
	bound       uint64 // the number of the one before it: what is behind it may go
	stats       Stats  // the counters among them
	known       map[gapKey]Gap

	damaged []finding // Open's
	renewed bool      // Open's: there is nothing of what the id was given to

	// The committer's own, and Open's before it starts.
	active     *segment
	activeFile File
	activeOff  int64 // where the next record goes
	activeSize int64
	written    uint64 // the newest number in a segment
	fresh      bool   // something was written since the last tidying
	spare      File
	batch      batch // being written
	opened     time.Time
	lastCommit time.Time
	seen       int       // pending records when they were looked at
	firstSeen  time.Time // when there were the first of them
	lastSeen   time.Time // since when there are so many
	lastProbe  time.Time
	slots      *cursorFile

	checkpointMu sync.Mutex // one save at a time

	oldestTurn   chan struct{} // holds one: who has the next two
	oldestReader *Reader
	oldestAt     Record // the record after the cursor when it was last asked for, without body
}

// batch is a row of encoded records and who waits for them.
type batch struct {
	buf     []byte
	n       int
	urgent  bool
	waiters []waiter
}

type waiter struct {
	seq  uint64
	done func(error)
}

const lockName = "LOCK"

// Open opens the journal in dir, which is made when it is not there. It fails when
// dir cannot be used or another process has it open, and not because of what is in
// it: see [Journal.Report] for what it found.
func Open(dir string, o Options) (*Journal, error) {
	o = o.withDefaults()
	j := &Journal{
		dir: dir, o: o, log: o.Log, state: OK, known: make(map[gapKey]Gap),
		kick: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}), minded: make(chan struct{}), oldestTurn: make(chan struct{}, 1),
	}
	w := watch(o.FS)
	j.fs, j.under, j.steps = w, w.under, newUnderWay()
	j.oldestReader = j.Reader(0)
	if err := j.fs.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	lock, err := j.fs.Lock(j.path(lockName))
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	j.lock = lock
	if err := j.recover(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	j.opened = time.Now()
	go j.run()
	go j.mind()
	return j, nil
}

// ID returns the journal's uuid, which it keeps for its life.
func (j *Journal) ID() string { return formatID(j.id) }

// Append takes a copy of r, gives it the next number, and returns that at once;
// r.Seq is not used. r.Time may be smaller than that of the record before it: clocks
// are set. done, which may be nil, is called once: with nil when the record is
// durable, with an error when it was refused after all, or when the disk does not
// answer ([ErrHung]): then it may be durable later. The calls are made one after the other in
// the order of the numbers, and must not wait. An urgent record does not wait for the
// interval, and may use the room that is kept for such.
//
// When Append itself refuses ([ErrFull], [ErrFailed], [ErrClosed], [ErrTooBig]),
// it returns 0, and done is not called.
func (j *Journal) Append(r Record, urgent bool, done func(error)) (uint64, error) {
	if len(r.Body) > MaxBody {
		return 0, ErrTooBig
	}
	j.mu.Lock()
	err := j.refusal(int64(recordHeader+len(r.Body)), urgent)
	if !urgent {
		j.crowded = err == ErrFull
	}
	if err != nil {
		j.mu.Unlock()
		j.wake() // it may be able to make room
		return 0, err
	}
	j.last++
	r.Seq, j.lastTime = j.last, r.Time
	p := &j.pend
	p.buf = appendRecord(p.buf, r)
	p.n++
	wake := p.n == 1 || p.n == earlyRecords || len(p.buf) >= earlyBytes || urgent && !p.urgent
	p.urgent = p.urgent || urgent
	if done != nil {
		p.waiters = append(p.waiters, waiter{r.Seq, done})
		wake = wake || len(p.waiters) == stalledWaiters
	}
	j.mu.Unlock()
	if wake {
		j.wake()
	}
	return r.Seq, nil
}

// refusal returns why a record of the given length cannot be taken; the caller
// holds mu.
func (j *Journal) refusal(size int64, urgent bool) error {
	waiting := int64(len(j.pend.buf))
	switch {
	case j.closed:
		return ErrClosed
	case j.stuck:
		return j.hung
	case j.state == Failed && !urgent:
		return ErrFailed
	case j.state == Full && (!urgent || waiting+size > j.room):
		return ErrFull
	case j.filled+waiting+size > j.limit(urgent):
		return ErrFull
	case waiting+size > maxPending || !urgent && waiting+size > maxPending-reserve:
		return ErrFull
	}
	return nil
}

// limit returns how many bytes the segments may hold: two segments below MaxSize
// is room for the spare and the rest of the active one, and two more are for
// urgent records only.
func (j *Journal) limit(urgent bool) int64 {
	if urgent {
		return j.o.MaxSize - 2*j.o.SegmentSize
	}
	return j.o.MaxSize - 4*j.o.SegmentSize
}

// MaxSize is [Options.MaxSize].
func (j *Journal) MaxSize() int64 { return j.o.MaxSize }

// Last returns the newest number given, 0 before the first.
func (j *Journal) Last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Durable returns the number up to which every record is durable or was refused.
func (j *Journal) Durable() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.durable
}

// Cursor returns the number up to which everything is confirmed.
func (j *Journal) Cursor() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.cursor
}

// Confirm moves the cursor to seq; it never moves back, nor beyond the newest
// durable record. It is on the disk within seconds, and before a segment is
// deleted: after a crash confirmed records may come again.
func (j *Journal) Confirm(seq uint64) { j.ConfirmNoted(seq, nil) }

// ConfirmNoted is [Journal.Confirm], and keeps a note of at most 1 KiB with the
// cursor, in the place of the one before: what is read of the two after a crash
// belongs together. A nil note leaves the one there is.
func (j *Journal) ConfirmNoted(seq uint64, note []byte) {
	j.mu.Lock()
	if note != nil && len(note) <= maxNote {
		j.note = append(j.note[:0], note...)
	}
	before := j.cursor
	j.cursor = max(j.cursor, min(seq, j.durable))
	wake := j.cursor > before && (j.cursor/cursorEvery != before/cursorEvery || before == j.cursorSaved)
	j.mu.Unlock()
	if wake {
		j.wake()
	}
}

// Close makes durable what was appended, saves the cursor, and ends. Further
// calls do nothing. Readers that wait return [ErrClosed]. When the disk does not answer for 5 s
// it returns [ErrHung], and leaves all as it is.
func (j *Journal) Close() error {
	var err error
	j.close.Do(func() {
		j.mu.Lock()
		j.closed = true
		j.mu.Unlock()
		close(j.stop)
		<-j.minded
		finished := make(chan error, 1)
		go func() {
			<-j.ended
			finished <- j.finish()
		}()
		err = j.outlast(finished)
	})
	return err
}

// Note returns the note that belongs to the cursor; empty when there is none, or
// when the cursor is known from a checkpoint only.
func (j *Journal) Note() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Clone(j.note)
}

func (j *Journal) wake() {
	select {
	case j.kick <- struct{}{}:
	default:
	}
}

func (j *Journal) path(name string) string { return filepath.Join(j.dir, name) }
