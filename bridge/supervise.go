package bridge

import (
	"context"
	"math/rand/v2"
	"time"
)

// supervise runs sessions of one part until ctx ends: first with the broker that any part
// was connected to last, and then with one after the other. The back-off starts anew
// after a session that worked for a while.
func (b *Bridge) supervise(ctx context.Context, p part, targets []*target, session func(context.Context, *target) error) {
	failures := 0
	good := b.good.Load()
	for next := good; ; {
		began := time.Now()
		err := session(ctx, targets[next%int64(len(targets))])
		if ctx.Err() != nil {
			b.status.down(p, nil)
			return
		}
		next++
		worked := b.status.works(p)
		if worked && time.Since(began) > b.times.cap/3 {
			failures = 0
		}
		// It may be there again, or another one was found; but not for ever one that ends each session soon.
		if last := b.good.Load(); worked && failures < mostDoublings || last != good {
			good, next = last, last
		}
		wait := b.retry(failures / len(targets)) // one round through the targets is one failure
		failures++
		if text, changed := b.status.down(p, err); changed {
			b.log.Warn(p.trouble(err), "error", text, "wait", wait.Round(time.Millisecond))
		} else {
			b.log.Debug(p.trouble(err), "error", err, "attempt", failures, "wait", wait)
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// mostDoublings is how often the wait before trying again doubles: from half a second to four. What waits
// for a broker that is back, or for a queue that has room again, goes out soon.
const mostDoublings = 3

// retry is the wait after so many failures.
func (b *Bridge) retry(failures int) time.Duration { return b.backoff(min(failures, mostDoublings)) }

// backoff doubles with each failure up to the cap, with full jitter: gateways
// that lost their broker together do not come back together.
func (b *Bridge) backoff(failures int) time.Duration {
	top := b.times.cap
	if failures < 16 {
		top = min(top, b.times.backoff<<failures)
	}
	return rand.N(top) + time.Millisecond
}

// sleep waits, and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
