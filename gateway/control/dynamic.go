package control

import (
	"slices"

	"hogar/gateway/home"
)

// Witness is an actuator that knows what its device will tell when it has obeyed.
// Without it that is the value itself.
type Witness interface {
	// Proof says what will be read of the property; ok is false when nothing will.
	Proof(property string, v home.Value) (want home.Value, ok bool)
}

// Add tells of a device that came into the house, or that has other properties now;
// all others go on undisturbed. A device keeps the actuator, the timeout and the
// verification that it came with. Who adds a new one runs [Control.Serve] for it.
func (c *Control) Add(device string, d Device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.devices[device]; known != nil {
		known.Properties, known.Safety, known.Reapply = d.Properties, d.Safety, d.Reapply
	} else {
		c.devices[device] = newDevice(d)
	}
	c.link(device)
}

// Remove tells that a device has left the house. What waits at it fails, and its Serve
// returns.
func (c *Control) Remove(device string) {
	c.mu.Lock()
	d := c.devices[device]
	if d == nil {
		c.mu.Unlock()
		return
	}
	lost, proofs := d.queue, slices.Clone(d.proofs)
	d.queue, d.stops = nil, true
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
