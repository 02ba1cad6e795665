package control

import (
	"time"

	"hogar/gateway/home"
)

// Apply makes control a part of the hub: an intent is queued at its device when
// it stands in the journal, an outcome is remembered, readings are looked at, and
// the safety envelope acts when time has passed.
func (c *Control) Apply(ev *home.Event, live bool) {
	c.mu.Lock()
	if !live {
		c.fold.take(ev)
		c.mu.Unlock()
		return
	}
	var proven []*proof
	var wishes []*job
	switch ev.Kind {
	case 0:
		wishes = c.demands()
	case home.KindReading:
		c.observe(ev)
		wishes = c.returned(ev)
		c.fold.take(ev)
		proven = c.proven(ev)
	default:
		c.fold.take(ev)
	}
	c.mu.Unlock()
	for _, p := range proven {
		c.end(p)
	}
	for _, j := range wishes {
		c.record(j)
	}
	if ev.Kind == home.KindCommand {
		c.enqueue(ev.Command.ID)
	}
}

// Measured takes a measurement that is not told: it proves a command and lets the
// envelope know that its sensor is alive, as a reading does.
func (c *Control) Measured(ev *home.Event) {
	c.mu.Lock()
	c.observe(ev)
	proven := c.proven(ev)
	c.mu.Unlock()
	for _, p := range proven {
		c.end(p)
	}
}

// returned makes the command that sets a device again to what it should be, when
// it comes back from offline and differs. The lock is held.
func (c *Control) returned(ev *home.Event) []*job {
	s, d := c.fold.shown[name{ev.Device, ev.Property}], c.devices[ev.Device]
	if s == nil || !s.Away || !ev.Value.Known() || s.outdated(ev) {
		return nil
	}
	s.Away = false
	if d == nil || !d.Reapply || ev.Value == s.Desired || !d.sets(ev.Property) || c.momentary(ev.Device, ev.Property) {
		return nil
	}
	return []*job{c.own(home.Command{Deadline: time.Now().Add(lives), Device: ev.Device, Set: home.Settings{{Property: ev.Property, Value: s.Desired}}, Source: "on_return",
		Reason: "it came back with " + ev.Value.String() + ", and was set to " + s.Desired.String()})}
}

// own makes a command of the gateway itself, which has every right. The lock is held.
func (c *Control) own(cmd home.Command) *job {
	j := c.newJob(cmd, nil)
	j.todo = cmd.Set
	c.pending[j.cmd.ID] = j
	return j
}
