package control

import (
	"time"

	"hogar/gateway/home"
)

// A forced command that failed is tried again after a pause, which doubles.
const (
	pauseFirst = time.Second
	pauseMost  = time.Minute
)

// safetySource is the source of what the envelope does.
const safetySource = "safety"

// Next is when the envelope wants to be called, on the elapsed clock; zero: never. It is
// called by the hub's goroutine.
func (c *Control) Next() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := never
	for _, g := range c.guards.byName {
		next = min(next, c.due(g))
	}
	switch next {
	case never:
		return time.Time{}
	case 0:
		return c.clock.Elapsed().Add(-time.Second) // before whatever the hub takes for now
	}
	return c.clock.Elapsed().Add(next)
}

// due is the house time until the guard has something to do. The lock is held.
func (c *Control) due(g *guard) time.Duration {
	if g.forced != nil {
		return never
	}
	if set, _ := c.demand(g); len(set) > 0 {
		return c.clock.House(max(0, time.Until(g.again)))
	}
	next := never
	if s := g.safety; s != nil {
		for _, due := range []time.Duration{c.maxOnDue(g), c.staleDue(s), c.lossDue(s)} {
			if due > 0 { // what is due is as it should be
				next = min(next, due)
			}
		}
	}
	return next
}

// demands makes the commands of the guards that have something to do now. The
// lock is held.
func (c *Control) demands() []*job {
	var jobs []*job
	for _, g := range c.guards.byName {
		if g.forced != nil || time.Now().Before(g.again) {
			continue
		}
		set, why := c.demand(g)
		if len(set) == 0 {
			continue
		}
		j := c.own(home.Command{Device: g.device, Set: set, Source: safetySource, Reason: why})
		j.forced, g.forced = true, j
		if g.pause <= pauseFirst {
			c.log.Warn("safety acts", "device", g.device, "set", set.String(), "reason", why)
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// forcedEnd lets the guard act again, at once when it was obeyed.
func (c *Control) forcedEnd(j *job, r home.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.guards.byName[j.cmd.Device]
	if g == nil || g.forced != j {
		return
	}
	g.forced = nil
	if r.OK() {
		g.pause = pauseFirst
		g.again = time.Now().Add(pauseFirst) // a device that is switched on again and again is not fought faster
		return
	}
	g.pause = min(max(2*g.pause, pauseFirst), pauseMost)
	g.again = time.Now().Add(g.pause)
}
