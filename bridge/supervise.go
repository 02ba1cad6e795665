package bridge

import (
	"context"
	"math/rand/v2"
	"time"
)

// supervise runs sessions of one part, each with the next of the targets, until
// ctx ends. The back-off starts anew after a session that worked for a while.
func (b *Bridge) supervise(ctx context.Context, p part, targets []*target, session func(context.Context, *target) error) {
	failures := 0
	for i := 0; ; i++ {
		began := time.Now()
		err := session(ctx, targets[i%len(targets)])
		if ctx.Err() != nil {
			b.status.down(p, nil)
			return
		}
		if time.Since(began) > b.times.cap/3 {
			failures = 0
		}
		wait := b.backoff(failures / len(targets)) // one round through the targets is one failure
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
