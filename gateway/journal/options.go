package journal

import (
	"errors"
	"log/slog"
	"time"
)

// MaxBody is the length in bytes of the longest body.
const MaxBody = 256 << 10

// Why the journal refuses.
var (
	ErrFull   = errors.New("the journal is full")
	ErrFailed = errors.New("the journal cannot write")
	ErrClosed = errors.New("the journal is closed")
	ErrTooBig = errors.New("the record is longer than 256 KiB")
	ErrLocked = errors.New("the journal is in use by another process")
)

// Sync says when records are forced to the disk: [Always], [OS], or once in an
// interval. The interval works on the leading edge: the first record after
// a quiet one is synced at once, and so are those of the first interval after
// [Open]. It does not wait for its end when much has gathered, or when those who
// wait to be told seem to give no more until they are. Zero is [DefaultSync].
type Sync time.Duration

// The modes that are not an interval.
const (
	// Always syncs whenever something waits. Records that come while a sync runs
	// share the next one.
	Always Sync = -1
	// OS syncs only when a segment is left and on Close: what was told durable
	// survives SIGKILL; a power cut may lose what the system had not written yet,
	// usually 5 to 35 s.
	OS Sync = -2
	// DefaultSync is the interval of the zero Sync.
	DefaultSync = Sync(200 * time.Millisecond)
)

// WhenFull says what happens at [Options.MaxSize] when no confirmed record is left to
// delete.
type WhenFull uint8

const (
	// Block refuses new records with [ErrFull].
	Block WhenFull = iota
	// DropOldest deletes the oldest segment although it is not confirmed, and says so
	// as a [Gap]. What the older checkpoint has not yet seen is not dropped.
	DropOldest
)

// Options of a journal. The zero Options are ready to use.
type Options struct {
	Sync    Sync
	MaxSize int64 // bytes on the disk; 0: 512 MB
	// Elapsed turns the time of a record into that on a clock which is never set: how long
	// records stay is counted by it. ok is false while that is not known; nothing goes by its
	// age then. Nil: times are never set. Called by any goroutine; it must not call the journal.
	Elapsed     func(seq uint64, time int64) (elapsed int64, ok bool)
	Keep        time.Duration // how long confirmed records stay, by the time of records; 0: not
	WhenFull    WhenFull
	SegmentSize int64        // bytes; 0: 4 MiB; never more than a sixteenth of MaxSize
	Log         *slog.Logger // nil: silent
	OnGap       func(Gap)    // told each gap found after Open, once, from any goroutine; must not wait
	// OnRefuse is told how many records of a class got a number and did not become
	// durable, and why, before their done functions are called; must not wait.
	OnRefuse func(class uint8, n uint64, err error)
	FS       FS // nil: the real one, [Disk]
}

const (
	defaultMaxSize     = 512_000_000
	defaultSegmentSize = 4 << 20
	minSegmentSize     = 1 << 10

	earlyRecords = 64       // so many waiting records are synced before the interval is over
	earlyBytes   = 64 << 10 // so many bytes, too

	stalledWaiters = 8                     // so many who wait to be told may be all that come,
	stalledAfter   = 10 * time.Millisecond // when no further came for so long

	maxPending = 4 << 20 // bytes that wait for a slow disk; more are refused
	reserve    = 1 << 20 // bytes of that which only urgent records may use
)

func (o Options) withDefaults() Options {
	if o.Sync == 0 {
		o.Sync = DefaultSync
	}
	if o.MaxSize <= 0 {
		o.MaxSize = defaultMaxSize
	}
	if o.SegmentSize <= 0 {
		o.SegmentSize = defaultSegmentSize
	}
	o.SegmentSize = max(minSegmentSize, min(o.SegmentSize, o.MaxSize/16))
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = Disk()
	}
	return o
}
