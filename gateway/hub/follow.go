package hub

import (
	"context"
	"sync"

	"hogar/gateway/home"
)

// ringSize is how far a follower may lag.
const ringSize = 1024

// ring keeps the newest events for the followers.
type ring struct {
	mu    sync.Mutex
	slots []home.Event
	count uint64        // events added so far; the next goes to count % ringSize
	more  chan struct{} // closed when something is added; nil: nobody waits
}

func (r *ring) init() { r.slots = make([]home.Event, ringSize) }

func (r *ring) add(ev *home.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[r.count%ringSize] = *ev
	r.count++
	if r.more != nil {
		close(r.more)
		r.more = nil
	}
}

// Follower sees the events of the house from now on. It may lag: what it is too
// slow for is left out and counted. Not for concurrent use.
type Follower struct {
	ring *ring
	next uint64
}

// Follow starts to follow at the next event.
func (h *Hub) Follow() *Follower {
	h.recent.mu.Lock()
	defer h.recent.mu.Unlock()
	return &Follower{ring: &h.recent, next: h.recent.count}
}

// Next waits for the next event. lost counts the events left out before it. The
// error is ctx's, when ctx ends.
func (f *Follower) Next(ctx context.Context) (ev home.Event, lost uint64, err error) {
	for {
		ev, lost, more, ok := f.try()
		if ok {
			return ev, lost, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return home.Event{}, 0, ctx.Err()
		}
	}
}

func (f *Follower) try() (ev home.Event, lost uint64, more <-chan struct{}, ok bool) {
	r := f.ring
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.next == r.count {
		if r.more == nil {
			r.more = make(chan struct{})
		}
		return home.Event{}, 0, r.more, false
	}
	if r.count-f.next > ringSize {
		lost = r.count - ringSize - f.next
		f.next += lost
	}
	ev = r.slots[f.next%ringSize]
	f.next++
	return ev, lost, nil, true
}
