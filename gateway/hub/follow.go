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
	slots []followed
	count uint64        // events added so far; the next goes to count % ringSize
	raw   uint64        // raw measurements among them
	seq   uint64        // the newest number told
	more  chan struct{} // closed when something is added; nil: nobody waits
}

// followed is an event in the ring, and how many raw measurements were added before it.
type followed struct {
	home.Event
	raw uint64
}

func (r *ring) init() { r.slots = make([]followed, ringSize) }

func (r *ring) add(ev *home.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[r.count%ringSize] = followed{*ev, r.raw}
	r.count++
	if ev.Flags&home.FlagRaw != 0 {
		r.raw++
	}
	r.seq = max(r.seq, ev.Seq)
	if r.more != nil {
		close(r.more)
		r.more = nil
	}
}

// Follower sees the events of the house from now on. It may lag: what it is too
// slow for is left out and counted, as far as it would have seen it. Not for concurrent use.
type Follower struct {
	ring   *ring
	next   uint64
	passed uint64 // raw measurements before next
	raw    bool   // the measurements before the filters, too
	lost   uint64 // not reported yet
}

// Follow starts to follow at the next event.
func (h *Hub) Follow() *Follower {
	h.recent.mu.Lock()
	defer h.recent.mu.Unlock()
	return &Follower{ring: &h.recent, next: h.recent.count, passed: h.recent.raw}
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
		f.lost += f.leave(r.count - ringSize)
	}
	for !f.raw && f.next < r.count && r.slots[f.next%ringSize].Flags&home.FlagRaw != 0 {
		f.leave(f.next + 1)
	}
	if f.next == r.count {
		if r.more == nil {
			r.more = make(chan struct{})
		}
		return home.Event{}, 0, r.more, false
	}
	lost, f.lost = f.lost, 0
	ev = r.slots[f.next%ringSize].Event
	f.leave(f.next + 1)
	return ev, lost, nil, true
}

// leave goes on to the event to, which may be the next one to come, and returns how many
// before it the follower would have seen. The ring's lock is held.
func (f *Follower) leave(to uint64) uint64 {
	r, n, raw := f.ring, to-f.next, f.ring.raw
	if to < r.count {
		raw = r.slots[to%ringSize].raw
	}
	raw, f.passed = raw-f.passed, raw
	f.next = to
	if f.raw {
		return n
	}
	return n - raw
}
