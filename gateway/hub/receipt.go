package hub

import (
	"sync"

	"hogar/gateway/home"
)

// receipt tells the sender of a batch, once, when all that was taken of it is durable,
// or why it is not.
type receipt struct {
	done func(error) // nil: nobody asks

	// sure: the last event of the batch is taken in any case. What stands before it in
	// the journal is durable with it, so that one call is enough.
	sure    bool
	last    bool  // it is the last event's turn
	given   bool  // done is the journal's to call
	refusal error // of an earlier event

	mu   sync.Mutex // where it is not sure, each event tells
	left int        // events that have not told yet, and the batch itself
	err  error
}

// receipt makes the receipt of a batch. A status or a catalog may say nothing new,
// and a reading may be held back by a filter.
func (h *Hub) receipt(b batch) *receipt {
	r := &receipt{done: b.done, left: 1}
	if n := len(b.events); n > 0 {
		ev := &b.events[n-1]
		r.sure = ev.Kind != home.KindStatus && ev.Kind != home.KindCatalog && !h.sieves.concern(ev)
	}
	return r
}

// takeFor takes an event of which r tells.
func (h *Hub) takeFor(ev *home.Event, r *receipt) {
	var done func(error)
	switch {
	case r.done == nil:
	case !r.sure:
		r.mu.Lock()
		r.left++
		r.mu.Unlock()
		done = r.told
	case r.last && r.refusal == nil:
		done, r.given = r.done, true
	}
	r.last = false
	switch err := h.take(ev, done); { // append has logged why
	case err == nil:
	case done != nil:
		done(err)
	default:
		r.refusal = err
	}
}

// told takes what became of one event, or of the batch.
func (r *receipt) told(err error) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.left--
	over := r.left == 0
	err = r.err
	r.mu.Unlock()
	if over {
		r.done(err)
	}
}

// close ends the batch.
func (r *receipt) close() {
	switch {
	case r.done == nil:
	case !r.sure:
		r.told(nil)
	case !r.given:
		r.done(r.refusal)
	}
}
