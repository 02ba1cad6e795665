package control

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"hogar/gateway/home"
)

// Witness is an actuator that knows what its device will tell when it has obeyed.
// Without it that is the value itself.
type Witness interface {
	// Proof says what will be read of the property; ok is false when nothing will.
	Proof(property string, v home.Value) (want home.Value, ok bool)
}

func newDevice(d Device) *device {
	if d.Timeout == 0 {
		d.Timeout = defaultTimeout
	}
	return &device{Device: d, wake: make(chan struct{}, 1)}
}

// Add takes in a device that came into the house, or that is another now: it has other
// properties, or is reached by another actuator. All others go on undisturbed. What waits
// at the device is carried out as the device is now, or rejected where it no longer fits;
// a Set that is under way at the actuator before is cut short, and an absolute one is done
// again at the new one. Who adds a new device runs [Control.Serve] for it.
func (c *Control) Add(device string, d Device) {
	c.mu.Lock()
	known := c.devices[device]
	if known == nil {
		c.devices[device] = newDevice(d)
	} else {
		if known.cut != nil && !same(known.Actuator, d.Actuator) {
			known.cut()
		}
		known.Device = newDevice(d).Device
	}
	c.link(device)
	unfit := c.unfit(device)
	c.mu.Unlock()
	for j, problem := range unfit {
		c.finish(j, *problem, nil)
	}
	if known != nil {
		known.poke()
	}
}

// same reports whether a and b are one actuator.
func same(a, b Actuator) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// unfit takes out of the device's queue what it can no longer do. The lock is held.
func (c *Control) unfit(device string) map[*job]*home.Outcome {
	problems := make(map[*job]*home.Outcome)
	d := c.devices[device]
	d.queue = slices.DeleteFunc(d.queue, func(j *job) bool {
		problem := c.stillFits(j)
		if problem != nil {
			problems[j] = problem
		}
		return problem != nil
	})
	return problems
}

// stillFits says why the device of a command that was taken cannot do it any more; nil:
// it can. The lock is held.
func (c *Control) stillFits(j *job) *home.Outcome {
	if j.forced {
		return nil
	}
	return c.checkDevice(&home.Command{Device: j.cmd.Device, Set: j.todo})
}

// hand is an actuator for one Set. Its context ends with ctx, or when the device gets
// another actuator or is removed.
type hand struct {
	Actuator
	ctx  context.Context
	over func() (moved bool) // the Set has returned
}

// errMoved cuts a Set short.
var errMoved = errors.New("the device moved elsewhere, or was removed, while it was commanded, and may or may not have acted")

// lend hands out the device's actuator as it is now; nil: it has none.
func (c *Control) lend(ctx context.Context, d *device) *hand {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.Actuator == nil {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	d.cut = func() { cancel(errMoved) }
	return &hand{d.Actuator, ctx, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		d.cut = nil
		cancel(nil)
		return errors.Is(context.Cause(ctx), errMoved)
	}}
}

// Remove takes a device that has left out of the house. What waits at it fails, a Set that is
// under way is cut short, and its Serve returns.
func (c *Control) Remove(device string) {
	c.mu.Lock()
	d := c.devices[device]
	if d == nil {
		c.mu.Unlock()
		return
	}
	lost, proofs := d.queue, slices.Clone(d.proofs)
	d.queue, d.stops = nil, true
	if d.cut != nil {
		d.cut()
	}
	delete(c.devices, device)
	delete(c.guards.byName, device)
	for _, g := range c.guards.byName {
		g.others = slices.DeleteFunc(g.others, func(other string) bool { return other == device })
	}
	c.mu.Unlock()
	d.poke()
	c.failAll(lost)
	for _, p := range proofs {
		c.end(p)
	}
}

// link makes the guards that a device which came, or has changed, needs. The lock is
// held.
func (c *Control) link(device string) {
	d := c.devices[device]
	if g := c.guards.byName[device]; g != nil {
		g.safety, g.prop = d.Safety, Switch(d.Properties)
	}
	if d.Safety != nil {
		c.protect(device, c.guards.byName)
	}
	for name, other := range c.devices {
		if other.Safety != nil && name != device && slices.Contains(other.Safety.Interlock, device) {
			c.exclude(c.guards.byName[name], device, c.guards.byName)
		}
	}
}
