package gateway

import (
	"context"
	"fmt"
	"slices"

	"hogar/drivers"
	"hogar/gateway/home"
)

// request asks the runner's goroutine to do something with the device.
type request struct {
	ctx context.Context
	// of returns what is to be done with the open device, or why it cannot be.
	of     func(drivers.Device) (task, error)
	answer chan answer // has room for one
}

type task func(ctx context.Context) ([]drivers.Reading, error)

type answer struct {
	readings []home.Event
	err      error
}

// Set drives one property, in the device's own goroutine. On a bus one transfer that a chip did not acknowledge is no
// reason for a command to fail: it is repeated once, unless each command does something anew.
func (r *runner) Set(ctx context.Context, property string, v home.Value) ([]home.Event, error) {
	return r.ask(ctx, func(dev drivers.Device) (task, error) {
		a, ok := dev.(drivers.Actuator)
		if !ok {
			return nil, fmt.Errorf("%s cannot be set", r.name)
		}
		set := func(ctx context.Context) ([]drivers.Reading, error) { return a.Set(ctx, property, v) }
		if r.onBus() && !r.momentary(property) {
			return again(set, func(error) {}), nil
		}
		return set, nil
	})
}

// onBus reports whether the device is a chip on a bus.
func (r *runner) onBus() bool { return len(r.spec.Parts) > 0 && r.spec.Parts[0].Bus != "" }

// momentary reports whether each command to a property does something anew.
func (r *runner) momentary(property string) bool {
	return slices.ContainsFunc(r.spec.Properties, func(p home.Property) bool { return p.Name == property && p.Momentary })
}

// measure has the device read at once, and hands its readings to the hub.
func (r *runner) measure(ctx context.Context) error {
	readings, err := r.ask(ctx, func(dev drivers.Device) (task, error) {
		s, ok := dev.(drivers.Sensor)
		if !ok {
			return nil, fmt.Errorf("%s cannot be read", r.name)
		}
		return r.twice(s.Sense), nil
	})
	if err == nil {
		for i := range readings {
			readings[i].Class = home.ClassPoll
		}
		r.accept(readings, nil)
	}
	return err
}

func (r *runner) ask(ctx context.Context, of func(drivers.Device) (task, error)) ([]home.Event, error) {
	req := request{ctx, of, make(chan answer, 1)}
	select {
	case r.asked <- req:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-req.answer:
		return a.readings, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// obey answers one request. A driver's error is the answer, and ends the session
// as well: the device is opened anew.
func (r *runner) obey(ctx context.Context, dev drivers.Device, req request) error {
	do, err := req.of(dev)
	if err != nil {
		req.answer <- answer{err: err}
		return nil
	}
	if req.ctx.Err() != nil {
		return nil // who asked has given up; nothing must move any more
	}
	readings, err := r.read(ctx, do)
	req.answer <- answer{r.events(home.ClassNone, readings), err}
	return err
}
