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
	seq   uint64        // the newest number told
	more  chan struct{} // closed when something is added; nil: nobody waits
}

func (r *ring) init() { r.slots = make([]home.Event, ringSize) }

func (r *ring) add(ev *home.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[r.count%ringSize] = *ev
	r.count++
	r.seq = max(r.seq, ev.Seq)
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
	raw  bool   // the measurements before the filters, too
	lost uint64 // not told yet
}

// Follow starts to follow at the next event.
func (h *Hub) Follow() *Follower {
	h.recent.mu.Lock()
	defer h.recent.mu.Unlock()
	return &Follower{ring: &h.recent, next: h.recent.count}
}

// FollowRaw is [Hub.Follow] that also sees each measurement before the filters, and
// those that repeat what is known ([home.FlagRaw]).
func (h *Hub) FollowRaw() *Follower {
	f := h.Follow()
	f.raw = true
	return f
}

// Newest returns the number of the newest event that followers were told of, or that
// was in the journal at the start. The house's state is at least as new.
func (h *Hub) Newest() uint64 {
	h.recent.mu.Lock()
	defer h.recent.mu.Unlock()
	return h.recent.seq
}

// Next waits for the next event. lost counts the events left out before it. The
// error is ctx's, when ctx ends; one that has ended already gets what is there.
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
	if r.count-f.next > ringSize {
		lost = r.count - ringSize - f.next
		f.next += lost
	}
	for !f.raw && f.next < r.count && r.slots[f.next%ringSize].Flags&home.FlagRaw != 0 {
		f.next++
	}
	if f.next == r.count {
		if r.more == nil {
			r.more = make(chan struct{})
		}
		f.lost += lost
		return home.Event{}, 0, r.more, false
	}
	lost, f.lost = lost+f.lost, 0
	ev = r.slots[f.next%ringSize]
	f.next++
	return ev, lost, nil, true
}
