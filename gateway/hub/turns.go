package hub

import (
	"slices"
	"sort"
	"sync"
	"time"

	"hogar/gateway/home"
)

// Turns are the settings of the clock that stand in the journal: they say what the wall time
// of a record is worth. Safe for concurrent use.
type Turns struct {
	mu    sync.Mutex
	known bool // the journal's are in
	list  []turn
}

// turn is how the clock was set from a record on, up to the next turn.
type turn struct {
	Seq     uint64        `json:"seq"`
	Offset  time.Duration `json:"offset"`
	Doubted bool          `json:"doubted,omitempty"`
	Assumed bool          `json:"assumed,omitempty"`
	Start   time.Time     `json:"start,omitzero"` // of the run of the gateway, see [home.ClockSet]
}

// sure reports whether somebody vouched for the time.
func (t *turn) sure() bool { return !t.Doubted && !t.Assumed }

// mostTurns is how many are remembered; what is older counts as of a clock that was never set.
const mostTurns = 1000

// take takes in how the clock is set from the record ev on. When the journal refused that,
// it holds from the next record on.
func (t *Turns) take(ev *home.Event, set home.ClockSet, newest uint64) {
	next := turn{ev.Seq, ev.At.Sub(ev.Elapsed), !set.Trusted, set.Assumed, set.Start}
	if next.Seq == 0 {
		next.Seq = newest + 1
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.list); n > 0 {
		last := t.list[n-1]
		if last.Seq = next.Seq; last == next {
			return // a start that changed nothing
		}
	}
	t.list = append(t.list, next)
	t.list = slices.Delete(t.list, 0, max(0, len(t.list)-mostTurns))
}

// restore takes the turns of a checkpoint in the place of its own.
func (t *Turns) restore(list []turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = list
}

// ready says that all turns of the journal are in.
func (t *Turns) ready() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known = true
}

func (t *Turns) save() []turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.list)
}

// at returns which turn a record belongs to; -1: none. The lock is held.
func (t *Turns) at(seq uint64) int {
	return sort.Search(len(t.list), func(i int) bool { return t.list[i].Seq > seq }) - 1
}

// Elapsed turns the time of a record, in µs since 1970, into that on the elapsed clock. ok is
// false before the journal has been read.
func (t *Turns) Elapsed(seq uint64, time int64) (elapsed int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := t.at(seq); i >= 0 {
		time -= t.list[i].Offset.Microseconds()
	}
	return time, t.known
}

// Worth says what the time of a record is worth, as far as it is known now: nothing to be said
// (""), [home.ClockUntrusted], or [home.ClockCorrected]: nobody vouched for it when it was
// recorded, somebody has since, in the same run of the gateway, and it was behind by so much.
func (t *Turns) Worth(seq uint64) (word string, by time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.at(seq)
	if i < 0 || t.list[i].sure() {
		return "", 0
	}
	was := t.list[i]
	for _, later := range t.list[i+1:] {
		if !later.Start.Equal(was.Start) {
			break
		}
		if later.sure() {
			if by = later.Offset - was.Offset; by == 0 && was.Assumed {
				return "", 0
			}
			return home.ClockCorrected, by
		}
	}
	if was.Assumed {
		return "", 0
	}
	return home.ClockUntrusted, 0
}

// Spans returns the numbers of records at which the clock was set: from each of them up to the
// next the times of records ascend. The first is 0.
func (t *Turns) Spans() []uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	spans := []uint64{0}
	for _, one := range t.list {
		spans = append(spans, one.Seq)
	}
	return spans
}
