package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"hogar/drivers"
	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// runner owns one device: it opens it, polls it or listens to it, sets it, and
// opens it anew when it failed. Nobody else notices when the device hangs or its
// driver panics: that device is offline with the reason, and tried again.
type runner struct {
	name   string
	spec   drivers.Spec
	every  time.Duration // house time; 0: not polled
	clock  *clock.Clock
	board  drivers.Board
	accept func(events []home.Event, done func(error))
	log    *slog.Logger
	asked  chan request
	stop   context.CancelFunc
	ended  chan struct{}   // closed when what start began has ended
	left   <-chan struct{} // closed when the call that a stop left behind has returned; nil: there is none

	repeated atomic.Uint64 // measurements that came only when they were repeated
}

// Back-off between two tries to open a device, in machine time.
const (
	retryFirst = time.Second
	retryMost  = time.Minute
)

// listenWindow is how many readings of a listener may be without a place on the
// disk.
const listenWindow = 1024

// start serves the device until stop is called, or ctx ends; then it closes ended.
func (r *runner) start(ctx context.Context) {
	ctx, r.stop = context.WithCancel(ctx)
	r.ended = make(chan struct{})
	go func() {
		defer close(r.ended)
		r.Run(ctx)
	}()
}

// Run serves the device until ctx ends.
func (r *runner) Run(ctx context.Context) {
	wait, told := retryFirst, ""
	for {
		worked, err := r.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if worked {
			wait, told = retryFirst, ""
		}
		if why := err.Error(); why != told { // once, not at each try
			told = why
			r.log.Warn("device is offline", "device", r.name, "error", err)
		}
		r.accept([]home.Event{{Kind: home.KindStatus, Device: r.name, State: home.Offline, Reason: err.Error()}}, nil)
		if !r.sleep(ctx, wait/2+rand.N(wait/2), err) {
			return
		}
		wait = min(2*wait, retryMost)
	}
}

// sleep waits, and tells who asks something of the device meanwhile why it cannot be.
func (r *runner) sleep(ctx context.Context, d time.Duration, reason error) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case req := <-r.asked:
			req.answer <- answer{err: fmt.Errorf("%s is offline: %w", r.name, reason)}
		case <-ctx.Done():
			return false
		}
	}
}

// session opens the device and serves it until it fails. worked tells whether it
// ever answered.
func (r *runner) session(ctx context.Context) (worked bool, err error) {
	var dev drivers.Device
	err = r.call(ctx, func(ctx context.Context) error {
		d, err := r.spec.Open(ctx, r.board)
		if err == nil && ctx.Err() != nil {
			_ = d.Close() // it came too late: nobody waits for it any more
			return ctx.Err()
		}
		dev = d
		return err
	})
	if err != nil {
		if r.left == nil && dev != nil { // it was opened at the very moment at which its time was over
			r.close(ctx, dev)
		}
		return false, err
	}
	defer func() { r.close(ctx, dev) }()
	if l, ok := dev.(drivers.Listener); ok {
		return r.listen(ctx, l)
	}
	return r.poll(ctx, dev)
}

// listen serves a device that tells by itself.
func (r *runner) listen(ctx context.Context, l drivers.Listener) (worked bool, err error) {
	room := make(chan struct{}, listenWindow)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	result := make(chan error, 1)
	returned := make(chan struct{})
	heard := make(chan struct{}, 1)
	go func() {
		defer close(returned)
		result <- r.guarded(ctx, func(ctx context.Context) error {
			return l.Listen(ctx, func(reading drivers.Reading) {
				select {
				case room <- struct{}{}:
				case <-ctx.Done():
					return
				}
				r.accept(r.events(home.ClassListen, []drivers.Reading{reading}), func(error) { <-room })
				select {
				case heard <- struct{}{}:
				default:
				}
			})
		})
	}()
	for {
		select {
		case <-heard:
			worked = true
		case err := <-result:
			return worked, err
		case req := <-r.asked:
			req.answer <- answer{err: fmt.Errorf("%s tells by itself, and can be neither set nor asked to measure", r.name)}
		case <-ctx.Done():
			select {
			case err := <-result:
				return worked, err
			case <-time.After(r.limit()):
				r.left = returned
				return worked, fmt.Errorf("it listens on %s after the stop", r.limit())
			}
		}
	}
}

// poll reads the device now and then, and sets it when asked to.
func (r *runner) poll(ctx context.Context, dev drivers.Device) (worked bool, err error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	next := r.clock.Elapsed()
	sensor, _ := dev.(drivers.Sensor)
	due := timer.C
	written := make(chan struct{}, 1)
	left := func() time.Duration { return r.clock.Machine(next.Sub(r.clock.Elapsed())) }
	for {
		select {
		case <-due:
			if sensor == nil {
				due = nil
				continue
			}
			if worked && left() > time.Millisecond { // the house's clock was stopped, or slowed down
				timer.Reset(left())
				continue
			}
			err := r.sense(ctx, sensor, func(error) { written <- struct{}{} })
			if err != nil {
				return worked, err
			}
			worked, due = true, nil // the next comes when this one is on the disk
		case <-written:
			if r.every > 0 {
				due = timer.C
				now := r.clock.Elapsed()
				next = next.Add(r.every * (1 + max(0, now.Sub(next))/r.every)) // what was missed is left out
				timer.Reset(left())
			}
		case <-r.clock.Changed():
			if worked && due != nil {
				timer.Reset(left())
			}
		case req := <-r.asked:
			err := r.obey(ctx, dev, req)
			if err != nil {
				return worked, err
			}
		case <-ctx.Done():
			return worked, nil
		}
	}
}

// breath is between a measurement that failed and its repetition, in machine time.
const breath = 100 * time.Millisecond

// twice is a measurement that is repeated once when it failed, within the time that it has:
// one transfer that a chip did not acknowledge is no reason to be offline. One that took so long
// that there is no time for another is not repeated. The error is that of the first. It is
// counted where it helped.
func (r *runner) twice(sense task) task {
	return again(sense, func(first error) {
		r.repeated.Add(1)
		r.log.Debug("measurement repeated", "device", r.name, "error", first)
	})
}

// again is a task that is repeated once; helped is called with the first error where that helped.
func again(do task, helped func(first error)) task {
	return func(ctx context.Context) ([]drivers.Reading, error) {
		began := time.Now()
		readings, first := do(ctx)
		if first == nil {
			return readings, nil
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < breath+time.Since(began) {
			return readings, first
		}
		select {
		case <-time.After(breath):
		case <-ctx.Done():
			return readings, first
		}
		second, err := do(ctx)
		if err != nil {
			return readings, first // with what a command that failed has read back
		}
		helped(first)
		return second, nil
	}
}

// sense reads the device and hands the readings to the hub.
func (r *runner) sense(ctx context.Context, s drivers.Sensor, done func(error)) error {
	readings, err := r.read(ctx, r.twice(s.Sense))
	if err != nil {
		return err
	}
	r.accept(r.events(home.ClassPoll, readings), done)
	return nil
}

// read calls a method of the driver that returns readings.
func (r *runner) read(ctx context.Context, do task) (readings []drivers.Reading, err error) {
	err = r.call(ctx, func(ctx context.Context) error {
		got, err := do(ctx)
		if ctx.Err() == nil {
			readings = got // else nobody waits any more
		}
		return err
	})
	return readings, err
}

// events turns a driver's readings into events.
func (r *runner) events(class home.Class, readings []drivers.Reading) []home.Event {
	now := r.clock.Elapsed()
	events := make([]home.Event, 0, len(readings))
	for _, reading := range readings {
		ev := home.Event{Kind: home.KindReading, Class: class, Device: r.name, Property: reading.Property, Value: reading.Value, Elapsed: now}
		if !reading.Time.IsZero() {
			ev.Elapsed = r.clock.ElapsedAt(reading.Time)
		}
		for _, p := range r.spec.Properties {
			if p.Name == reading.Property {
				ev.Unit = p.Unit
				if p.Type == home.TypeEvent {
					ev.Kind = home.KindEvent
				}
			}
		}
		if !ev.Value.Known() {
			ev.Unknown = "the sensor gave no number"
		}
		events = append(events, ev)
	}
	return events
}
