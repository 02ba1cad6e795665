package rules

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hogar/gateway/home"
)

var offRules = pairs{
	"waits", pairs{"when", pairs{"event", "hall.button.action"}, "do", []any{pairs{"wait", "3h"}, set("hall.lamp.state", "off")}},
	"limited", pairs{"when", pairs{"event", "hall.button.action"}, "do", []any{
		pairs{"wait", pairs{"until", `hvac.mode == "heat"`, "at_most", "4h"}}, set("hvac.mode", "cool")}},
	"skips", pairs{"when", pairs{"event", "hall.button.action"}, "missed", "skip", "do", []any{pairs{"wait", "3h"}, set("porch.lamp.state", "off")}},
	"holds", logs(pairs{"is", "hall.motion.occupancy", "for", "3h"}),
	"old", logs("age(cellar.probe.temperature) > 5h"),
	"often", logs(pairs{"every", "6h"}),
}

// offHouse has lived for two hours when the gateway goes off.
func offHouse(t *testing.T) *clocked {
	c := newClocked(t, offRules, time.Date(2026, 7, 1, 5, 0, 0, 0, time.UTC)) // 7:00 in Berlin
	for _, f := range []string{"hall.motion.occupancy off", "hall.motion.occupancy on", "cellar.probe.temperature 4", "hvac.mode off", "hall.button.action ! single"} {
		c.step(event(c.elapsed, strings.Fields(f)))
	}
	c.live(2 * time.Hour)
	c.want("0s waits started", "0s limited started", "0s skips started")
	c.engine = c.restored()
	return c
}

// TestNothingComesBeforeTheStart: after a restart devices are there before the gateway
// says that it has started; until then time starts and ends nothing.
func TestNothingComesBeforeTheStart(t *testing.T) {
	c := offHouse(t)
	c.engine.Off()
	c.copied = nil
	c.elapsed = c.elapsed.Add(3 * time.Hour)
	c.read("hall.light", "online")
	if next := c.engine.Next(); !next.IsZero() {
		t.Errorf("it wants to be called at %s", next)
	}
	c.step(home.Event{})
	c.live(time.Second)
	c.want()
	c.step(home.Event{Kind: home.KindGateway, Name: home.EventStarted})
	c.want("5h0m1s skips missed", "5h0m1s hall.lamp state: off", "5h0m1s hvac mode: cool", "5h0m1s often started")
	c.live(time.Minute)
	c.read("hall.motion.occupancy", "on")
	c.live(2 * time.Hour)
	c.want("5h1m0s old started", "5h1m1s holds started")
}

// TestOffForLonger starts without a trusted clock: nothing is known to have passed. When
// the clock is trusted and three hours are missing, what was before the start is that
// much longer ago, and what was begun since is not.
func TestOffForLonger(t *testing.T) {
	c := offHouse(t)
	c.elapsed = c.elapsed.Add(time.Millisecond)
	start := c.elapsed
	c.flags = home.FlagUntrusted
	c.step(home.Event{Kind: home.KindGateway, Name: home.EventStarted, Detail: detail(t, home.ClockSet{Elapsed: start, Start: start})})
	c.read("hvac.mode", "off")
	c.read("hall.motion.occupancy", "on")
	c.step(event(c.elapsed, strings.Fields("hall.button.action ! single")))
	c.want("2h0m0.001s skips missed", "2h0m0.001s waits refused", "2h0m0.001s limited refused", "2h0m0.001s skips started")
	c.live(10 * time.Minute)
	c.want()
	c.flags, c.offset = 0, 3*time.Hour // 12:10
	c.step(home.Event{Kind: home.KindGateway, Name: home.EventClockSet,
		Detail: detail(t, home.ClockSet{Elapsed: c.elapsed, Start: start, Trusted: true, By: 3 * 3600, Off: 3 * 3600})})
	c.want("2h10m0.001s old started", "2h10m0.001s hall.lamp state: off", "2h10m0.001s holds started", "2h10m0.001s hvac mode: cool",
		"2h10m0.001s often started")
	c.live(3 * time.Hour)
	c.want("5h0m0.001s porch.lamp state: off")
}

func detail(t *testing.T, set home.ClockSet) json.RawMessage {
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRecordedStarts finds where a run of the gateway begins in what is recorded of it.
func TestRecordedStarts(t *testing.T) {
	at := func(d time.Duration, kind home.Kind, name string, set home.ClockSet) home.Event {
		ev := home.Event{At: night.Add(d), Elapsed: night.Add(d), Kind: kind, Name: name}
		if !set.Elapsed.IsZero() {
			ev.Detail = detail(t, set)
		}
		return ev
	}
	start := home.ClockSet{Elapsed: night.Add(time.Hour), Start: night.Add(time.Hour)}
	for name, c := range map[string]struct {
		events []home.Event
		want   string
	}{
		"devices come first": {[]home.Event{at(0, home.KindReading, "a", home.ClockSet{}), at(time.Hour, home.KindCatalog, "b", home.ClockSet{}),
			at(time.Hour, home.KindStatus, "c", home.ClockSet{}), at(time.Hour, home.KindGateway, home.EventStarted, start)}, "a off b c started"},
		"a reload just before the kill": {[]home.Event{at(time.Hour-time.Second, home.KindCatalog, "a", home.ClockSet{}),
			at(time.Hour, home.KindCatalog, "b", home.ClockSet{}), at(time.Hour, home.KindGateway, home.EventStarted, start)}, "a off b started"},
		"of a release that knew one clock": {[]home.Event{at(0, home.KindReading, "a", home.ClockSet{}), at(time.Hour, home.KindCatalog, "b", home.ClockSet{}),
			at(time.Hour, home.KindGateway, home.EventStarted, home.ClockSet{})}, "a off b started"},
		"nothing before it": {[]home.Event{at(0, home.KindReading, "a", home.ClockSet{}), at(time.Hour, home.KindGateway, home.EventStarted, start)}, "a off started"},
		"a device is discovered": {[]home.Event{at(0, home.KindCatalog, "a", home.ClockSet{}), at(time.Second, home.KindReading, "b", home.ClockSet{}),
			at(2*time.Minute, home.KindReading, "c", home.ClockSet{})}, "a b c"},
		"the end of what there is": {[]home.Event{at(0, home.KindCatalog, "a", home.ClockSet{}), at(time.Second, home.KindReading, "b", home.ClockSet{})}, "a b"},
	} {
		var got []string
		var r Recorded
		step := func(ev *home.Event, off bool) {
			if off {
				got = append(got, "off")
			}
			got = append(got, ev.Name)
		}
		for i := range c.events {
			r.Take(&c.events[i], step)
		}
		r.Flush(step)
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s: %s, want %s", name, g, c.want)
		}
	}
}
