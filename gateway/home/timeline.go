package home

import (
	"encoding/json"
	"time"
)

// What is said of a time that nobody vouched for when it was recorded.
const (
	ClockUntrusted = "untrusted" // it may be wrong
	ClockCorrected = "corrected" // it has been put right since
)

// ClockSet is the detail of the gateway's events "started" and "clock_set": how the wall
// time relates to the elapsed time from this event on.
type ClockSet struct {
	Elapsed time.Time `json:"elapsed"`      // the event's own time on the elapsed clock
	By      float64   `json:"by,omitempty"` // seconds by which the wall time jumped; negative: back
	Trusted bool      `json:"trusted"`      // whether the wall time is trusted from now on

	// Assumed: it is trusted only because nobody has vouched for it for long.
	Assumed bool `json:"assumed,omitempty"`

	// Off are seconds that passed before Start, the elapsed time at which this run of the
	// gateway began, and were not counted until now, since no trusted time said so: what was
	// at an elapsed time before Start is as much longer ago than it seemed.
	Off   float64   `json:"off,omitempty"`
	Start time.Time `json:"start,omitzero"`
}

// ClockSet returns what the event says of the clock; ok is false when it says nothing.
func (e *Event) ClockSet() (set ClockSet, ok bool) {
	if e.Kind != KindGateway || e.Name != EventStarted && e.Name != EventClockSet {
		return set, false
	}
	var read ClockSet                                                     // on its own, so that other events need no memory
	ok = json.Unmarshal(e.Detail, &read) == nil && !read.Elapsed.IsZero() // a journal of before has none
	return read, ok
}

// Measured is when the event was measured, or happened, on the elapsed clock; not after it
// was accepted, whatever its own clock says.
func (e *Event) Measured() time.Time {
	at := e.Elapsed
	if at.IsZero() {
		at = e.At
	}
	if e.Time.IsZero() || e.Time.After(e.At) {
		return at
	}
	return at.Add(e.Time.Sub(e.At))
}

// Moved returns the JSON of an event of a kind with its time moved by so much; as it is when it
// cannot be read.
func Moved(kind Kind, body []byte, by time.Duration) []byte {
	ev, err := ParseEvent(kind, body)
	if err != nil {
		return body
	}
	ev.Time = ev.Time.Add(by)
	moved, err := ev.AppendJSON(nil)
	if err != nil {
		return body
	}
	return moved
}

// Timeline gives events that are read from the journal, in its order, their elapsed times.
// The zero Timeline is that of a house whose clock was never set.
type Timeline struct {
	Offset time.Duration // by which the wall time is ahead of the elapsed time
}

// Begin sets the offset as it was before ev, and reports whether ev knows: the first one
// that does says how the events before it are to be read, when the journal no longer has
// its own beginning.
func (t *Timeline) Begin(ev *Event) bool {
	set, ok := ev.ClockSet()
	if ok {
		t.Offset = ev.At.Sub(set.Elapsed) - time.Duration(set.By*float64(time.Second)).Round(time.Millisecond)
	}
	return ok
}

// Place sets ev.Elapsed.
func (t *Timeline) Place(ev *Event) {
	if set, ok := ev.ClockSet(); ok {
		t.Offset = ev.At.Sub(set.Elapsed)
	}
	ev.Elapsed = ev.At.Add(-t.Offset)
}
