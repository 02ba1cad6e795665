package control

import (
	"slices"
	"time"

	"hogar/gateway/home"
)

// graceAfterStart is how long a sensor has after a start to be measured, before
// its silence counts.
const graceAfterStart = 10 * time.Second

// guard makes the guards of the house that is attached. What an earlier house, or
// an earlier run of the gateway, knew of a switch goes on. The lock is held.
func (c *Control) guard() {
	old := c.guards.byName
	c.guards.byName = make(map[string]*guard)
	c.guards.wanted, c.guards.told = false, ""
	for device, d := range c.devices {
		if d.Safety != nil {
			c.protect(device, old)
		}
	}
	if at := c.fold.lost; !at.IsZero() && c.guards.lost.Equal(c.guards.began) {
		c.guards.lost = c.machine(at)
	}
}

// protect makes the guard of a device with a safety envelope. The lock is held.
func (c *Control) protect(device string, old map[string]*guard) {
	safety := c.devices[device].Safety
	g := c.watch(device, old)
	g.safety = safety
	if old[device] == nil {
		g.drives = c.driven(device, safety.Rate)
	}
	for _, other := range safety.Interlock {
		if o := c.devices[other]; o != nil && o.Actuator != nil {
			c.exclude(g, other, old)
		}
	}
	c.listen(safety.OnStale)
	c.guards.wanted = c.guards.wanted || safety.OnLoss.After > 0
}

// exclude keeps g and another switch from being on together. The lock is held.
func (c *Control) exclude(g *guard, other string, old map[string]*guard) {
	w := c.watch(other, old)
	if !slices.Contains(g.others, other) {
		g.others = append(g.others, other)
	}
	if !slices.Contains(w.others, g.device) {
		w.others = append(w.others, g.device)
	}
}

// watch returns the guard of a device, new or as it was. The lock is held.
func (c *Control) watch(device string, old map[string]*guard) *guard {
	if g := c.guards.byName[device]; g != nil {
		return g
	}
	now := time.Now()
	g := old[device]
	prop := Switch(c.devices[device].Properties)
	if g == nil || g.prop != prop {
		g = &guard{prop: prop, since: now, onSince: now}
		if s := c.fold.shown[name{device, prop}]; s != nil && !s.On.IsZero() {
			g.onSince = c.machine(s.On)
		}
		for _, in := range c.fold.open { // one that was cut off may have switched it on
			if at := c.machine(in.began()); in.Device == device && sets(in.Set, prop) && at.Before(g.onSince) {
				g.onSince = at
			}
		}
	}
	g.device, g.safety, g.others = device, nil, nil
	g.is = unsure // its driver may have been opened anew
	if g.onSince.IsZero() {
		g.onSince = now
	}
	c.guards.byName[device] = g
	return g
}

// machine is the machine time of an elapsed time. Of one before a start of which nobody
// knows how long the gateway was off before it, nobody knows how long ago it was: long.
func (c *Control) machine(at time.Time) time.Time {
	now := time.Now()
	if c.clock.Gap() {
		return now.Add(-long)
	}
	return now.Add(-min(c.clock.Machine(c.clock.Elapsed().Sub(at)), long))
}

// driven returns what counts for the rate at a start: nothing, or, when the device
// was driven within the span, or nobody knows, as much as is allowed. The lock is held.
func (c *Control) driven(device string, r Rate) []time.Time {
	shows, recent := c.clock.Elapsed(), false
	for n, s := range c.fold.shown {
		recent = recent || n.device == device && shows.Sub(s.DrivenAt) < r.Within
	}
	for _, in := range c.fold.open {
		recent = recent || in.Device == device
	}
	if !recent && !c.clock.Gap() {
		return nil
	}
	return slices.Repeat([]time.Time{time.Now()}, r.Most)
}

const long = 100 * 365 * 24 * time.Hour

// listen remembers when what a reaction watches was measured. The lock is held.
func (c *Control) listen(r Reaction) {
	if r.After == 0 {
		return
	}
	device, property := home.Split(r.Name)
	n := name{device, property}
	if _, ok := c.guards.heard[n]; ok {
		return
	}
	c.guards.heard[n] = time.Now()
	if s := c.fold.shown[n]; s != nil && !s.Time.IsZero() {
		c.guards.heard[n] = c.machine(s.Time)
	}
}

// observe takes a live reading into the guards. A switch that is being driven is
// not off because it was off before. The lock is held.
func (c *Control) observe(ev *home.Event) {
	age := c.clock.Machine(elapsed(ev).Sub(ev.Measured()))
	n := name{ev.Device, ev.Property}
	if at, ok := c.guards.heard[n]; ok && ev.Value.Known() {
		if heard := time.Now().Add(-age); heard.After(at) {
			c.guards.heard[n] = heard
		}
	}
	g := c.guards.byName[ev.Device]
	if g == nil || g.prop != ev.Property {
		return
	}
	is := conditionOf(ev.Value)
	if is == off && (g.driving || ev.Measured().Before(g.drove) || c.unproven(ev.Device, g.prop)) {
		return
	}
	if s := c.fold.shown[n]; s != nil && s.outdated(ev) {
		return
	}
	since := time.Now()
	if is == on {
		since = since.Add(-age)
	}
	if is != off && !g.before.IsZero() && g.before.Before(since) {
		since = g.before // it was switched off, and may not have obeyed
	}
	g.settle(is, since)
	g.before = time.Time{}
}

// unproven reports whether the device has been switched on and has not told yet.
// The lock is held.
func (c *Control) unproven(device, prop string) bool {
	return slices.ContainsFunc(c.devices[device].proofs, func(p *proof) bool {
		return slices.Contains(p.want, home.Setting{Property: prop, Value: home.BooleanOf(true)})
	})
}

// Broker tells the envelope whether the broker can be reached. Safe for concurrent
// use; telling the same again does nothing.
func (c *Control) Broker(connected bool) {
	what := home.EventBrokerLost
	if connected {
		what = home.EventBrokerBack
	}
	c.mu.Lock()
	news := c.guards.told != what
	c.guards.told = what
	if connected {
		c.guards.lost = time.Time{}
	} else if c.guards.lost.IsZero() {
		c.guards.lost = time.Now()
	}
	known := connected == c.fold.lost.IsZero() // as an earlier run of the gateway left it
	tell := news && !known && c.guards.wanted
	c.mu.Unlock()
	if tell {
		c.hub.Accept([]home.Event{{Kind: home.KindGateway, Name: what, Elapsed: c.clock.Elapsed()}}, nil)
	}
}
