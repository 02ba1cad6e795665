package control

import (
	"fmt"
	"time"

	"hogar/gateway/home"
)

// begin asks the envelope whether a property may be driven to v now, and counts
// it as done when it may: from here on a switch may be on.
func (c *Control) begin(j *job, n name, v home.Value) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.guards.byName[n.device]
	if g == nil {
		return nil
	}
	if r := c.forbids(g, j.forced, n, v); r != nil {
		return r
	}
	now := time.Now()
	if g.safety != nil && g.safety.Rate.Most > 0 {
		g.drives = append(g.drives, now)
		g.drives = g.drives[max(0, len(g.drives)-g.safety.Rate.Most):]
	}
	if n.property != g.prop {
		return nil
	}
	g.driving, g.drove = true, c.clock.ElapsedAt(now)
	if v.Boolean() && g.is == off {
		g.settle(unsure, now)
	}
	return nil
}

// done tells the envelope how it went.
func (c *Control) done(n name, v home.Value, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.guards.byName[n.device]
	if g == nil || n.property != g.prop {
		return
	}
	g.driving = false
	if err == nil && !v.Boolean() && !g.onSince.IsZero() {
		g.before = g.onSince
	}
	if err == nil {
		g.settle(conditionOf(v), time.Now())
		return
	}
	g.settle(unsure, time.Now())
	g.since = time.Now()
}

// forbids says why not. The lock is held.
func (c *Control) forbids(g *guard, forced bool, n name, v home.Value) *refusal {
	if !forced {
		if want, why := c.reacts(g); sets(want, n.property) && !allowedBy(want, n.property, v) {
			return &refusal{fmt.Sprintf("%s is kept as it is: %s", n, why), "it can be set again when that is over"}
		}
	}
	if s := g.safety; s != nil && !forced && s.Rate.Most > 0 && len(g.drives) >= s.Rate.Most {
		if left := c.left(g.drives[0], s.Rate.Within); left > 0 {
			return &refusal{fmt.Sprintf("%s was driven %d times within %s", g.device, s.Rate.Most, home.FormatDuration(s.Rate.Within)), wait(left)}
		}
	}
	if n.property != g.prop {
		return nil
	}
	if !v.Boolean() {
		return c.forbidsOff(g, forced)
	}
	return c.forbidsOn(g)
}

func (c *Control) forbidsOff(g *guard, forced bool) *refusal {
	if s := g.safety; s != nil && !forced && g.is != off {
		if left := c.left(g.since, s.MinOn); left > 0 {
			return &refusal{fmt.Sprintf("%s stays on for %s at least", g.device, home.FormatDuration(s.MinOn)), wait(left)}
		}
	}
	return nil
}

func (c *Control) forbidsOn(g *guard) *refusal {
	for _, other := range g.others {
		switch c.guards.byName[other].is {
		case on:
			return &refusal{fmt.Sprintf("%s and %s are never on together, and %s is", g.device, other, other), "switch " + other + " off"}
		case unsure:
			return &refusal{fmt.Sprintf("%s and %s are never on together, and whether %s is cannot be told", g.device, other, other), "switch " + other + " off"}
		}
	}
	s := g.safety
	if s == nil || g.is == on {
		return nil
	}
	if left := c.left(g.since, s.MinOff); left > 0 {
		return &refusal{fmt.Sprintf("%s stays off for %s at least", g.device, home.FormatDuration(s.MinOff)), wait(left)}
	}
	return nil
}

// left is the house time until span is over; 0 when it is, or there is none.
func (c *Control) left(since time.Time, span time.Duration) time.Duration {
	if span == 0 {
		return 0
	}
	return max(0, span-c.clock.House(time.Since(since)))
}

func wait(left time.Duration) string {
	return "send it again in " + home.FormatDuration(left.Round(time.Second)+time.Second)
}

// reacts returns what the envelope enforces now, and why. The lock is held.
func (c *Control) reacts(g *guard) (home.Settings, string) {
	s := g.safety
	if s == nil {
		return nil, ""
	}
	off := home.Settings{{Property: g.prop, Value: home.BooleanOf(false)}}
	if due := c.maxOnDue(g); due == 0 {
		return off, "it was on for " + home.FormatDuration(s.MaxOn) + " (max_on)"
	}
	if due := c.staleDue(s); due == 0 {
		return s.OnStale.Then, s.OnStale.Name + " was not measured for " + home.FormatDuration(s.OnStale.After) + " (on_stale)"
	}
	if due := c.lossDue(s); due == 0 {
		return s.OnLoss.Then, "the broker cannot be reached for " + home.FormatDuration(s.OnLoss.After) + " (on_broker_loss)"
	}
	return nil, ""
}

// never is the time until what will not happen.
const never = time.Duration(1<<63 - 1)

// The times until a reaction is due, in house time; 0: it is. The lock is held.

func (c *Control) maxOnDue(g *guard) time.Duration {
	if g.safety.MaxOn == 0 || g.onSince.IsZero() {
		return never
	}
	return c.left(g.onSince, g.safety.MaxOn)
}

func (c *Control) staleDue(s *Safety) time.Duration {
	if s.OnStale.After == 0 {
		return never
	}
	device, property := home.Split(s.OnStale.Name)
	grace := c.clock.House(max(0, graceAfterStart-time.Since(c.guards.began)))
	return max(c.left(c.guards.heard[name{device, property}], s.OnStale.After), min(grace, s.OnStale.After))
}

func (c *Control) lossDue(s *Safety) time.Duration {
	if s.OnLoss.After == 0 || c.guards.lost.IsZero() {
		return never
	}
	return c.left(c.guards.lost, s.OnLoss.After)
}

// clashes returns what ends an interlock that was broken from outside: of two
// switches that are on, the later one goes off. The lock is held.
func (c *Control) clashes(g *guard) (home.Settings, string) {
	for _, other := range g.others {
		o := c.guards.byName[other]
		later := g.since.After(o.since) || g.since.Equal(o.since) && g.device > other
		if g.is == on && o.is == on && later {
			return home.Settings{{Property: g.prop, Value: home.BooleanOf(false)}}, other + " is on, too (interlock)"
		}
	}
	return nil, ""
}

// demand returns what has to be set now, and why. The lock is held.
func (c *Control) demand(g *guard) (home.Settings, string) {
	want, why := c.reacts(g)
	if want == nil {
		want, why = c.clashes(g)
	}
	var set home.Settings
	for _, s := range want {
		if s.Property == g.prop && g.is == conditionOf(s.Value) {
			continue
		}
		if p := c.fold.shown[name{g.device, s.Property}]; s.Property != g.prop && p != nil && p.Value == s.Value {
			continue
		}
		set = append(set, s)
	}
	return set, why
}

func allowedBy(want home.Settings, property string, v home.Value) bool {
	for _, s := range want {
		if s.Property == property {
			return s.Value == v
		}
	}
	return true
}
