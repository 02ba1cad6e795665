package hub

import (
	"context"
	"errors"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

const (
	// heartbeat is how long the loop waits at most.
	heartbeat = 5 * time.Second

	// turnMost is how many calls of Accept are handled before the loop looks at the
	// time, the watchdog, and its end.
	turnMost = 256

	// queueMost is how many events may wait in the queue. The sources bound what they
	// have under way far below it; what passes it is a house that answers itself.
	queueMost = 1 << 15

	// keepQueue is how many calls each half of the queue keeps room for.
	keepQueue = 1 << 12

	// endMost is how many turns the end may take: what waits then, which are 128 turns
	// at most, and half as many for what that brings.
	endMost = queueMost / turnMost * 3 / 2
)

// ErrBusy is why an event is refused when too many wait in the queue.
var ErrBusy = errors.New("the house is busy: too many events wait")

// batch is what one call of Accept brought, or a call to make between events.
type batch struct {
	events []home.Event
	done   func(error)
	stream *stream // that they belong to; nil: none
	call   func()
}

// put hands b to the loop.
func (h *Hub) put(b batch) {
	h.mu.Lock()
	err, first := h.admit(&b), false
	switch {
	case err == nil:
		h.queue = append(h.queue, b)
		h.waiting += max(1, len(b.events))
	case err == ErrBusy:
		first = h.crowd.refuse()
		if b.done != nil {
			h.busy = append(h.busy, b.done)
		}
	}
	h.mu.Unlock()
	if err != nil {
		h.lose(b.events, err)
	}
	if first {
		h.o.Log.Error("too many events wait, further ones are refused: does a rule, or a device, answer itself?", "waiting", queueMost)
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// admit returns why b cannot wait; nil: it can. The lock is held.
func (h *Hub) admit(b *batch) error {
	switch {
	case h.closed:
		return journal.ErrClosed
	case h.waiting+len(b.events) > queueMost && !owed(b):
		return ErrBusy
	}
	return nil
}

// lose counts events that are not taken.
func (h *Hub) lose(events []home.Event, err error) {
	for i := range events {
		h.sample(&events[i])
		h.count(&events[i], err)
	}
}

// owed reports whether somebody relies on b: commands and their outcomes, how a device is
// and what it is, what the gateway says about itself, and calls. Their number has a bound
// of its own.
func owed(b *batch) bool {
	for i := range b.events {
		switch b.events[i].Kind {
		case home.KindCommand, home.KindOutcome, home.KindStatus, home.KindCatalog, home.KindGateway:
			return true
		}
	}
	return b.call != nil
}

// Run takes events until ctx ends; what came in before is still handled, and what that
// brings, within bounds. What waits then is refused with [journal.ErrClosed]. On return a
// checkpoint has been saved, or the error says why not. However much comes in, the loop looks
// at the time, calls Alive, and looks for its end after a bounded number of events.
func (h *Hub) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		more := h.turn()
		h.passTime()
		if h.o.Alive != nil {
			h.o.Alive()
		}
		h.maybeSave()
		if ctx.Err() != nil {
			h.drain()
			h.close()
			return h.saveLast()
		}
		if more {
			continue
		}
		timer.Reset(h.wait())
		select {
		case <-h.wake:
		case <-timer.C:
		case <-h.o.Clock.Changed():
		case <-ctx.Done():
		}
	}
}

// turn handles what waits, turnMost calls at most, and reports whether more does.
func (h *Hub) turn() (more bool) {
	work, busy := h.pick()
	for _, done := range busy {
		done(ErrBusy)
	}
	events := 0
	for _, b := range work {
		events += max(1, len(b.events))
		h.handle(b)
	}
	clear(work)
	h.mu.Lock()
	h.waiting -= events
	more = len(h.rest)+len(h.queue)+len(h.busy) > 0
	refused := h.crowd.end()
	h.mu.Unlock()
	if refused > 0 {
		h.o.Log.Warn("events are taken again", "refused", refused)
	}
	return more
}

// pick takes the next calls out of the queue, and who is to be answered that it is full.
// The queue is a double buffer: one half is worked off while the other fills.
func (h *Hub) pick() (work []batch, busy []func(error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.rest) == 0 {
		if cap(h.spare) > keepQueue {
			h.spare = nil // of a burst
		}
		h.queue, h.spare = h.spare[:0], h.queue
		h.rest = h.spare
	}
	n := min(len(h.rest), turnMost)
	work, h.rest = h.rest[:n:n], h.rest[n:]
	busy, h.busy = h.busy, nil
	return work, busy
}

// drain handles what waits and what that brings, at most endMost turns.
func (h *Hub) drain() {
	for range endMost {
		if !h.turn() {
			return
		}
	}
}

// close ends the queue: what still waits is refused, and what comes later.
func (h *Hub) close() {
	h.mu.Lock()
	h.closed = true
	left, busy := append(h.rest, h.queue...), h.busy
	h.rest, h.queue, h.spare, h.busy, h.waiting = nil, nil, nil, nil, 0
	h.mu.Unlock()
	close(h.ended)
	for _, done := range busy {
		done(ErrBusy)
	}
	for _, b := range left {
		h.lose(b.events, journal.ErrClosed)
		if b.done != nil {
			b.done(journal.ErrClosed)
		}
	}
	if len(left) > 0 {
		h.o.Log.Error("events were still coming at the end and are refused", "calls", len(left))
	}
}
