package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// defaultTimeout bounds one call of a driver, in machine time.
const defaultTimeout = 5 * time.Second

// call runs one method of the driver, bounded in time; a panic becomes an error.
// A method that does not return within its time is waited for once more before
// the device is used again, so that two never run at once.
func (r *runner) call(ctx context.Context, fn func(ctx context.Context) error) error {
	return r.bounded(ctx, ctx, fn)
}

// close closes the device, also when ctx has ended. When a call of it was left
// behind, it is closed as soon as that returns, and nobody waits for it.
func (r *runner) close(ctx context.Context, dev drivers.Device) {
	closing := func(context.Context) error { return dev.Close() }
	if left := r.left; left != nil {
		go func() {
			<-left
			_ = r.guarded(ctx, closing)
		}()
		return
	}
	if err := r.bounded(ctx, context.WithoutCancel(ctx), closing); err != nil {
		r.log.Warn("close device", "device", r.name, "error", err)
	}
}

// limit is how long one method of the driver may take.
func (r *runner) limit() time.Duration {
	if r.spec.Timeout > 0 {
		return r.spec.Timeout
	}
	return defaultTimeout
}

// bounded is call, where fn has a context of its own; ctx is the gateway's.
func (r *runner) bounded(ctx, own context.Context, fn func(ctx context.Context) error) error {
	limit := r.limit()
	bounded, cancel := context.WithTimeout(own, limit)
	defer cancel()
	result := make(chan error, 1)
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		result <- r.guarded(bounded, fn)
	}()
	select {
	case err := <-result:
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("no answer within %s", limit)
		}
		return err
	case <-bounded.Done():
	}
	if ctx.Err() == nil {
		r.log.Warn("device hangs", "device", r.name, "wait", limit)
		r.accept([]home.Event{{Kind: home.KindStatus, Device: r.name, State: home.Offline,
			Reason: fmt.Sprintf("no answer within %s", limit)}}, nil)
	}
	return r.outlast(ctx, returned, limit)
}

// outlast waits for a call that hangs. When the gateway stops, it waits a little
// and leaves the call behind: the kernel ends it with the process.
func (r *runner) outlast(ctx context.Context, returned <-chan struct{}, limit time.Duration) error {
	reason := fmt.Errorf("no answer within %s", limit)
	for {
		select {
		case <-returned:
			return reason
		case req := <-r.asked:
			req.answer <- answer{err: fmt.Errorf("%s is offline: %w", r.name, reason)}
		case <-ctx.Done():
			select {
			case <-returned:
			case <-time.After(time.Second):
				r.left = returned
			}
			return reason
		}
	}
}

// guarded turns a driver's panic into an error.
func (r *runner) guarded(ctx context.Context, fn func(ctx context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("driver panicked, please report this", "device", r.name, "error", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("the driver panicked: %v", p)
		}
	}()
	return fn(ctx)
}
