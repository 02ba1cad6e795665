package ledger

import (
	"maps"
	"time"
)

// Why an event was dropped after it was accepted.
const (
	Unrouted = "unrouted" // no queue takes it, and its kind is not kept for that
	Full     = "full"     // the journal was full, and told to drop the oldest
	Damaged  = "damaged"  // the disk did not give back what was written
)

// Entry is what became of the events of one class.
type Entry struct {
	Sampled   uint64            `json:"sampled"`             // came in, or were made by the house
	Filtered  uint64            `json:"filtered"`            // held back by a filter, or said nothing new
	Refused   map[string]uint64 `json:"refused,omitempty"`   // by reason: the journal did not take them
	Accepted  uint64            `json:"accepted"`            // got a number in the journal
	Confirmed uint64            `json:"confirmed"`           // a queue has them, and all before them
	Waiting   int64             `json:"waiting"`             // neither of the others yet
	Dropped   map[string]uint64 `json:"dropped,omitempty"`   // by reason
	SetAside  uint64            `json:"set_aside,omitempty"` // refused by the broker for their own sake, and not mended since
}

// Counts are the ledger at one moment.
type Counts struct {
	Since    time.Time        `json:"since"`              // house time from which it is counted
	Counting bool             `json:"counting,omitempty"` // what waited at the start is not counted to its end yet
	All      Entry            `json:"all"`
	Classes  map[string]Entry `json:"classes"` // those of which something is counted
}

// account is the entry of a class as a checkpoint keeps it. What waits is not kept:
// it is counted anew at each start.
type account struct {
	Sampled  uint64            `json:"sampled,omitempty"`
	Filtered uint64            `json:"filtered,omitempty"`
	Refused  map[string]uint64 `json:"refused,omitempty"`
	Accepted uint64            `json:"accepted,omitempty"`
	Dropped  map[string]uint64 `json:"dropped,omitempty"` // but for the unrouted
	SetAside uint64            `json:"set_aside,omitempty"`
	Mended   uint64            `json:"mended,omitempty"` // were set aside, and a resend brought them to a queue

	// What is behind the cursor, and kept with it.
	Confirmed uint64 `json:"confirmed,omitempty"`
	Unrouted  uint64 `json:"unrouted,omitempty"`

	waiting int64
}

// entry is the account as others see it.
func (a *account) entry() Entry {
	e := Entry{Sampled: a.Sampled, Filtered: a.Filtered, Refused: maps.Clone(a.Refused), Accepted: a.Accepted,
		Confirmed: a.Confirmed + a.Mended, Waiting: a.waiting, Dropped: maps.Clone(a.Dropped), SetAside: a.SetAside}
	if a.Unrouted > 0 {
		increase(&e.Dropped, Unrouted, a.Unrouted)
	}
	return e
}

func (e *Entry) empty() bool {
	return e.Sampled == 0 && e.Accepted == 0 && e.Confirmed == 0 && e.Waiting == 0 && len(e.Refused) == 0 && len(e.Dropped) == 0 &&
		e.SetAside == 0
}

func (e *Entry) add(o *Entry) {
	e.Sampled += o.Sampled
	e.Filtered += o.Filtered
	e.Accepted += o.Accepted
	e.Confirmed += o.Confirmed
	e.Waiting += o.Waiting
	e.SetAside += o.SetAside
	for reason, n := range o.Refused {
		increase(&e.Refused, reason, n)
	}
	for reason, n := range o.Dropped {
		increase(&e.Dropped, reason, n)
	}
}

// Missing is how many events the two sums of the entry do not account for: 0 when
// the ledger is right.
func (e *Entry) Missing() (sampled, accepted int64) {
	sampled = int64(e.Sampled) - int64(e.Filtered) - int64(e.Accepted) - int64(Sum(e.Refused))
	accepted = int64(e.Accepted) - int64(e.Confirmed) - e.Waiting - int64(Sum(e.Dropped)) - int64(e.SetAside)
	return sampled, accepted
}

// Sum adds up what is counted by reason.
func Sum(by map[string]uint64) (n uint64) {
	for _, v := range by {
		n += v
	}
	return n
}

func increase(m *map[string]uint64, key string, n uint64) {
	if *m == nil {
		*m = make(map[string]uint64)
	}
	(*m)[key] += n
}
