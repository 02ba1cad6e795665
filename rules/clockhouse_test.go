package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// reporter is what a test and a property have in common.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// clocked is an engine in a house whose clock is set. It is stepped as the hub does:
// whenever the engine wants it, and with each event. A copy of it, which is restored again
// and again, must decide the same.
type clocked struct {
	t       reporter
	rules   any
	engine  *Engine
	copied  *Engine
	elapsed time.Time
	offset  time.Duration
	flags   home.Flags
	began   time.Time
	got     []string // what rules did: seconds of elapsed time since the start, rule, state
	steps   int
	longest int // decisions of one step
}

func newClocked(t reporter, rules any, start time.Time) *clocked {
	c := &clocked{t: t, rules: rules, engine: loaded(t, rules), elapsed: start, began: start}
	c.step(home.Event{})
	return c
}

func loaded(t reporter, rules any) *Engine {
	t.Helper()
	var faults home.Faults
	e := Load(node(rules, "rules"), house, place0, &faults)
	if e == nil {
		t.Fatalf("%v", faults.List)
	}
	return e
}

func (c *clocked) step(ev home.Event) {
	queue := []home.Event{ev}
	for len(queue) > 0 {
		ev := queue[0]
		queue = queue[1:]
		ev.Elapsed, ev.At, ev.Flags = c.elapsed, c.elapsed.Add(c.offset), ev.Flags|c.flags
		before := c.engine.now
		if c.steps%10 == 0 || ev.Kind != 0 {
			c.copied = c.restored()
		}
		copied := c.copied
		out := c.engine.Step(ev)
		if x, y := show(out), show(copied.Step(ev)); x != y || !copied.Next().Equal(c.engine.Next()) {
			c.t.Fatalf("after a restore:\n%s\nwithout:\n%s\nnext %s, %s", y, x, copied.Next(), c.engine.Next())
		}
		if c.engine.now.Before(before) {
			c.t.Fatalf("the elapsed time went back from %s to %s", before, c.engine.now)
		}
		if next := c.engine.Next(); !next.IsZero() && !next.After(c.elapsed) {
			c.t.Fatalf("at %s it wants to be called at %s", c.elapsed, next)
		}
		c.steps++
		c.longest = max(c.longest, len(out))
		for _, d := range out {
			if d.Command != nil {
				c.note("%s %s", d.Command.Device, d.Command.Set)
				o := &home.Outcome{ID: d.Command.ID, Device: d.Command.Device, Result: home.Applied}
				queue = append(queue, home.Event{Kind: home.KindOutcome, Device: o.Device, Outcome: o})
				continue
			}
			if d.Event.State != "done" {
				c.note("%s", showEvent(d.Event))
			}
		}
	}
}

func (c *clocked) note(format string, args ...any) {
	c.got = append(c.got, fmt.Sprintf("%v ", c.elapsed.Sub(c.began))+fmt.Sprintf(format, args...))
}

// restored is a fresh engine with the state of c's.
func (c *clocked) restored() *Engine {
	saved, err := c.engine.Save()
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	copied := loaded(c.t, c.rules)
	if err := copied.Restore(saved); err != nil {
		c.t.Fatalf("%v", err)
	}
	return copied
}

// live lets time pass, with a tick whenever the engine wants one.
func (c *clocked) live(d time.Duration) {
	end := c.elapsed.Add(d)
	for next := c.engine.Next(); !next.IsZero() && !next.After(end); next = c.engine.Next() {
		c.elapsed = next
		c.step(home.Event{})
	}
	c.elapsed = end
}

// stand lets time pass without anybody calling the engine, as when the machine sleeps.
func (c *clocked) stand(d time.Duration) {
	c.elapsed = c.elapsed.Add(d)
	c.step(home.Event{})
}

// set sets the wall time by d.
func (c *clocked) set(d time.Duration) {
	c.offset += d
	c.step(home.Event{Kind: home.KindGateway, Name: "clock_set"})
}

// restart is a gateway that was off for so long, by the elapsed clock.
func (c *clocked) restart(d time.Duration) {
	c.engine = c.restored()
	c.elapsed = c.elapsed.Add(d)
	c.step(home.Event{Kind: home.KindGateway, Name: "started"})
}

func (c *clocked) trust(trusted bool) {
	c.flags = home.FlagUntrusted
	if trusted {
		c.flags = 0
	}
	c.step(home.Event{Kind: home.KindGateway, Name: "clock_set"})
}

func (c *clocked) read(name string, value string) { c.step(event(c.elapsed, []string{name, value})) }

// starts counts how often a rule was started.
func (c *clocked) starts(rule string) (n int) {
	for _, line := range c.got {
		if strings.HasSuffix(line, " "+rule+" started") {
			n++
		}
	}
	return n
}

// want compares what rules did since the last time it was asked.
func (c *clocked) want(lines ...string) {
	c.t.Helper()
	if diff := cmp.Diff(strings.Join(lines, "\n"), strings.Join(c.got, "\n")); diff != "" {
		c.t.Errorf("(-want +got):\n%s", diff)
	}
	c.got = nil
}

const year = 365 * 24 * time.Hour

var jumps = []time.Duration{10 * time.Second, time.Minute, time.Hour, 3 * time.Hour, 14 * 24 * time.Hour, year, 56 * year,
	-10 * time.Second, -time.Minute, -time.Hour, -year, -56 * year}

func logs(when any, more ...any) pairs {
	return append(pairs{"when", when, "do", []any{pairs{"log", "x"}}}, more...)
}
