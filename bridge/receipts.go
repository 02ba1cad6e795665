package bridge

import (
	"context"
	"sync/atomic"
	"time"
)

// receipts are the messages for senders that are not out yet. They go before all else
// that a command makes: a person waits for them.
type receipts struct {
	queue chan reply
	left  atomic.Int64              // are in the queue, or on their way
	moved chan struct{}             // holds one: left has become less
	last  atomic.Pointer[time.Time] // when one went out, machine time
}

// repliesMost is how many receipts may wait. Where more than half of that wait,
// commands do, too, for as long as receipts are on the move; when they are not, they
// are dropped rather than that a lamp waits for them.
const (
	repliesMost = 256
	crowdPause  = 5 * time.Millisecond
	movesWithin = time.Second
)

// giveWay is how long the records of a command wait for its receipt at most.
const giveWay = 3 * time.Millisecond

func newReceipts() *receipts {
	return &receipts{queue: make(chan reply, repliesMost), moved: make(chan struct{}, 1)}
}

// put queues a receipt, when there is room.
func (r *receipts) put(one reply) bool {
	r.left.Add(1)
	select {
	case r.queue <- one:
		return true
	default:
		r.left.Add(-1)
		return false
	}
}

// over notes that one from the queue was sent, or given up.
func (r *receipts) over(sent bool) {
	if sent {
		now := time.Now()
		r.last.Store(&now)
	}
	r.left.Add(-1)
	select {
	case r.moved <- struct{}{}:
	default:
	}
}

// crowd reports whether commands should wait for the receipts that do.
func (r *receipts) crowd() bool {
	last := r.last.Load()
	return len(r.queue) > repliesMost/2 && last != nil && time.Since(*last) < movesWithin
}

// first lets the receipts go first, for a moment. For one goroutine.
func (r *receipts) first(ctx context.Context) {
	if r.left.Load() == 0 {
		return
	}
	for limit := time.After(giveWay); r.left.Load() > 0; {
		select {
		case <-r.moved:
		case <-limit:
			return
		case <-ctx.Done():
			return
		}
	}
}
