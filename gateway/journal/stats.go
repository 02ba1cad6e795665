package journal

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Why a [Gap] is there.
const (
	Damaged = "damaged" // what was read is not what was written, or is gone
	Dropped = "dropped" // deleted unconfirmed, to make room
)

// Gap is a place where records are lost.
type Gap struct {
	File   string           // name of the segment
	Offset int64            // where the damage begins in it
	Bytes  int64            // how long it is; 0: numbers are missing without a trace
	From   uint64           // the first number lost; 0: no number is known to be lost
	To     uint64           // the last number lost
	Reason string           // [Damaged] or [Dropped]
	Lost   map[uint8]uint64 // of the dropped: how many of each class
}

// Report is what Open found.
type Report struct {
	Segments       int
	Last           uint64        // the newest number
	Torn           int64         // bytes at the end that a write left which was never finished: nobody was told of them
	Gaps           []Gap         // new ones, in the last segment, of headers, and in the other files; damage elsewhere is reported when it is read
	SetAside       []string      // files moved to the quarantine: not segments of this journal
	Cursor         uint64        // as it was found
	CursorLost     bool          // there was a cursor, and it could not be read: confirmed records come again
	CheckpointLost bool          // the newest checkpoint could not be read: the one before it counts
	Renewed        bool          // all segments were gone: the journal has a new id
	Took           time.Duration // machine time
}

// Report returns what Open found.
func (j *Journal) Report() Report { return j.report }

// State is how the journal is.
type State string

// The states of a journal. It leaves Full and Failed by itself, trying every two
// seconds.
const (
	OK     State = "ok"
	Full   State = "full"   // no room, or at MaxSize: only urgent records are taken, while they fit
	Failed State = "failed" // the disk refuses to write
)

// Stats are figures of a running journal.
type Stats struct {
	State    State
	Err      error         // the last error of the disk, also when it was mended; nil at MaxSize
	First    uint64        // the oldest number kept
	Last     uint64        // the newest number given
	Durable  uint64        // see [Journal.Durable]
	Cursor   uint64        // see [Journal.Cursor]
	Depth    uint64        // numbers after the cursor
	Oldest   int64         // time of the first record after the cursor, µs since 1970; 0: none, or it is not durable
	Bytes    int64         // written in all segments
	Segments int           //
	Syncs    uint64        // of segments, since Open
	LastSync time.Duration // how long the last one took
	Refused  uint64        // records that got a number and did not become durable
	Dropped  uint64        // numbers deleted unconfirmed
	Missing  uint64        // numbers lost to damage, as far as it was read, or is known from earlier: see the quarantine
	Damaged  int64         // bytes damaged, likewise
}

// statsWait is how long Stats waits for another one that reads from the disk.
const statsWait = time.Second

// Stats returns the figures of now. It reads from the disk when records wait for
// the cursor, so it may take a few milliseconds.
func (j *Journal) Stats() Stats {
	oldest := j.oldest()
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.State, s.Err = j.health()
	s.Last, s.Durable, s.Cursor = j.last, j.durable, j.cursor
	s.Bytes, s.Segments = j.filled, len(j.segs)
	s.First = j.last + 1
	if len(j.segs) > 0 {
		s.First = j.segs[0].first
	}
	if base := max(j.cursor, s.First-1); j.last > base {
		s.Depth, s.Oldest = j.last-base, oldest
	}
	return s
}

// oldest returns the time of the first durable record after the cursor. Its
// reader follows the cursor, so each record is read once at most. Where the disk does not
// answer it is not known.
func (j *Journal) oldest() int64 {
	j.mu.Lock()
	hung := j.hung
	j.mu.Unlock()
	late := time.NewTimer(statsWait)
	defer late.Stop()
	select {
	case j.oldestTurn <- struct{}{}:
		defer func() { <-j.oldestTurn }()
	case <-late.C:
		return 0
	}
	if hung != nil {
		return 0
	}
	cursor := j.Cursor()
	if j.oldestAt.Seq > cursor {
		return j.oldestAt.Time
	}
	if cursor >= j.Durable() {
		return 0
	}
	r := j.oldestReader
	r.skipTo(cursor)
	rec, ok, err := r.TryNext()
	if !ok || err != nil {
		return 0
	}
	j.oldestAt = Record{Seq: rec.Seq, Time: rec.Time}
	return rec.Time
}

// found takes note of a gap found by a reader, once: it counts, logs, reports, and keeps
// the damaged bytes.
func (j *Journal) found(g Gap) {
	j.mu.Lock()
	key := gapKey{g.File, g.Offset, 0}
	_, known := j.known[key]
	if !known {
		j.known[key] = g
		j.count(g)
	}
	j.mu.Unlock()
	if known {
		return
	}
	j.tell(g)
	j.keepDamage(g)
}

// gapKey is where damage is. seen is the number of the next record when it was found in a
// file that is written anew after it, else 0.
type gapKey struct {
	file   string
	offset int64
	seen   uint64
}

// count adds g to the figures; the caller holds mu.
func (j *Journal) count(g Gap) {
	n := uint64(0)
	if g.From > 0 {
		n = g.To - g.From + 1
	}
	if g.Reason == Dropped {
		j.stats.Dropped += n
		return
	}
	j.stats.Missing += n
	j.stats.Damaged += g.Bytes
}

// gaps returns the gaps that are known: read since Open, or kept as evidence. In the order
// of their places.
func (j *Journal) gaps() []Gap {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := slices.Collect(maps.Values(j.known))
	all = slices.DeleteFunc(all, func(g Gap) bool { return g.File == "" }) // torn, and no damage
	slices.SortFunc(all, func(a, b Gap) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
	})
	return all
}

func (j *Journal) tell(g Gap) {
	j.logGap(g)
	if j.o.OnGap != nil {
		j.o.OnGap(g)
	}
}

func (j *Journal) logGap(g Gap) {
	what := "records are lost"
	if g.From == 0 {
		what = "a part of the journal is damaged, no record is known to be lost"
	}
	j.log.Warn(what, "file", g.File, "offset", g.Offset, "bytes", g.Bytes, "from", g.From, "to", g.To, "reason", g.Reason)
}
