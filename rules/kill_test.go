package rules

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hogar/gateway/home"
)

// longRules have every kind of step that can be under way when the power goes.
var longRules = pairs{
	"long", pairs{"when", "hall.motion.occupancy", "mode", "queued", "do", []any{
		set("hall.lamp.state", "on"),
		pairs{"wait", pairs{"until", "not hall.motion.occupancy", "for", "20s", "at_most", "5m"}},
		pairs{"repeat", "3", "do", []any{
			pairs{"set", pairs{"hall.lamp.brightness", "= vars.n * 10", "porch.lamp.state", "toggle"}},
			pairs{"wait", "7s"},
			set("vars.n", "= vars.n + 1"),
		}},
		pairs{"if", "vars.n > 4", "then", []any{set("porch.lamp.state", "on")}, "else", []any{set("porch.lamp.state", "off")}},
		pairs{"publish", pairs{"exchange", "alerts", "key", "done", "body", "= vars.n"}},
		set("hall.lamp.state", "off"),
	}},
	"frost", pairs{"when", pairs{"is", "cellar.probe.temperature < 4", "for", "30s", "hysteresis", "1"}, "do", []any{
		set("cellar.heater.state", "on"), pairs{"wait", pairs{"until", "cellar.probe.temperature >= 6"}}, set("cellar.heater.state", "off"),
	}},
	"button", pairs{"when", pairs{"event", "hall.button.action"}, "mode", "parallel", "do", []any{
		pairs{"publish", pairs{"exchange", "alerts", "key", "pressed"}}, pairs{"wait", "11s"}, set("hvac.mode", "heat"), set("hvac.mode", "cool"),
	}},
}

var longOptions = Options{Location: time.UTC, Vars: node(pairs{"n", "0"})}

// mortal is a gateway that may be killed: a log that is kept, a checkpoint, and a
// door that does each command once, with its outcome in the log at once.
type mortal struct {
	t      testing.TB
	engine *Engine
	log    []home.Event
	state  json.RawMessage // the checkpoint, after so many events
	upTo   int
	queue  []home.Event
	door   map[string]bool
	did    []string
	now    time.Time
	last   map[string]home.Event // the newest readings, which sensors tell again at a start
	fuse   int                   // kills when it comes to 0; below: never
	deaths int
}

// dies counts the moments at which the power can go.
func (m *mortal) dies() bool {
	m.fuse--
	return m.fuse == 0
}

// take records an event, steps it, and hands on what is decided. It reports
// whether the gateway lived on.
func (m *mortal) take(ev home.Event) bool {
	if m.dies() {
		return false
	}
	ev.At = m.now
	if ev.Kind != 0 { // that time passes is not written down
		m.log = append(m.log, ev)
	}
	if ev.Kind == home.KindPublish { // it leaves the house when it is in the journal
		m.did = append(m.did, "publish "+ev.Message.Key+" "+string(ev.Message.Body))
	}
	for _, d := range m.engine.Step(ev) {
		if m.dies() {
			return false
		}
		switch {
		case d.Command != nil && !m.door[d.Command.ID]:
			m.door[d.Command.ID] = true
			m.did = append(m.did, d.Command.Device+" "+d.Command.Set.String())
			o := &home.Outcome{ID: d.Command.ID, Device: d.Command.Device, Result: home.Applied}
			m.queue = append(m.queue, home.Event{Kind: home.KindOutcome, Device: o.Device, Outcome: o})
		case d.Event != nil && d.Event.Kind == home.KindPublish:
			m.queue = append(m.queue, *d.Event)
		}
	}
	return true
}

// run takes an event and all that follows from it; after a death it starts anew.
func (m *mortal) run(ev home.Event) {
	m.queue = append(m.queue, ev)
	for len(m.queue) > 0 {
		ev := m.queue[0]
		m.queue = m.queue[1:]
		before := len(m.log)
		if m.take(ev) {
			continue
		}
		// What a device told is told again; outcomes that the door has are in its
		// journal, and come out of it.
		var rest []home.Event
		if len(m.log) == before && ev.Kind != 0 {
			rest = append(rest, ev)
		}
		rest = append(rest, m.queue...)
		m.restart(rest)
	}
}

func (m *mortal) restart(rest []home.Event) {
	m.deaths++
	m.engine = load(m.t, longRules, longOptions)
	if m.state != nil {
		if err := m.engine.Restore(m.state); err != nil {
			m.t.Fatal(err)
		}
	}
	for _, ev := range m.log[m.upTo:] {
		m.engine.Step(ev) // what it decides was done, or is decided again
	}
	for _, ev := range rest { // the door writes outcomes before anything new is decided
		if ev.Kind == home.KindOutcome {
			ev.At = m.now
			m.log = append(m.log, ev)
			m.engine.Step(ev)
		}
	}
	m.queue = append([]home.Event{{Kind: home.KindGateway, Name: "started"}},
		slices.DeleteFunc(rest, func(ev home.Event) bool {
			return ev.Kind == home.KindOutcome || ev.Kind == home.KindPublish // a message out that is not recorded is lost
		})...)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range m.last {
			if !yield(name) {
				return
			}
		}
	}) {
		m.queue = append(m.queue, m.last[name])
	}
}

func (m *mortal) checkpoint() {
	state, err := m.engine.Save()
	if err != nil {
		m.t.Fatal(err)
	}
	m.state, m.upTo = state, len(m.log)
}

// advance lives on to a moment, with all that is due.
func (m *mortal) advance(to time.Time) {
	for {
		next := m.engine.Next()
		if next.IsZero() || next.After(to) {
			break
		}
		m.now = next
		m.run(home.Event{})
	}
	m.now = to
}

// live lets a story happen, and returns what was done to the house.
func live(t testing.TB, story []home.Event, fuse int, checkpoints []int) (*mortal, string) {
	m := &mortal{t: t, engine: load(t, longRules, longOptions), door: make(map[string]bool),
		last: make(map[string]home.Event), fuse: fuse, now: night}
	m.run(home.Event{})
	for i, ev := range story {
		m.advance(ev.At)
		if slices.Contains(checkpoints, i) {
			m.checkpoint()
		}
		if ev.Kind == home.KindReading {
			m.last[ev.FullName()] = ev
		}
		m.run(ev)
	}
	m.advance(night.Add(24 * time.Hour))
	slices.Sort(m.did) // commands to different devices may change places
	var text strings.Builder
	for _, one := range m.did {
		text.WriteString(one + "\n")
	}
	return m, text.String()
}

// TestKillAnywhere kills the gateway at any moment, between an event and its
// record, between a decision and its command, and starts it again: the house is
// treated as if nothing had been.
func TestKillAnywhere(t *testing.T) {
	deaths := 0
	rapid.Check(t, func(rt *rapid.T) {
		at := night
		story := []home.Event{}
		add := func(f ...string) {
			ev := event(at, f)
			story = append(story, ev)
		}
		add("hall.motion.occupancy", "off")
		add("cellar.probe.temperature", "8")
		for range rapid.IntRange(1, 12).Draw(rt, "events") {
			at = at.Add(time.Duration(rapid.IntRange(1, 60000).Draw(rt, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				add("hall.motion.occupancy", rapid.SampledFrom([]string{"on", "off"}).Draw(rt, "motion"))
			case 1:
				add("cellar.probe.temperature", rapid.SampledFrom([]string{"2", "4.5", "7"}).Draw(rt, "temperature"))
			case 2:
				add("hall.button.action", "!", "single")
			case 3:
				add("hall.motion.occupancy", "on")
				at = at.Add(time.Second)
				add("hall.motion.occupancy", "off")
			}
		}
		whole, want := live(t, story, -1, nil)
		moments := -1 - whole.fuse
		fuse := rapid.IntRange(1, moments).Draw(rt, "killed")
		killed, got := live(t, story, fuse, []int{rapid.IntRange(0, len(story)).Draw(rt, "checkpoint")})
		deaths += killed.deaths
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("killed at %d of %d (-lived +killed):\n%s", fuse, moments, diff)
		}
	})
	if deaths == 0 {
		t.Error("nobody died")
	}
}
