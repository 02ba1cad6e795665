package ruletest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

const clockRules = `
rules:
  morning: {when: {at: "06:45"}, do: [{set: {hall.lamp.brightness: 40}}]}
  always: {when: {at: "07:30"}, do: [{set: {hall.lamp.brightness: 60}}], missed: run}
  boiler: {when: {is: boiler.temperature > 60, for: 30m}, do: [{set: {hvac.mode: off}}]}
  button: {when: {event: {hall.button.action: single}}, do: [{wait: 2h}, {set: {hall.lamp.state: on}}]}
  night: {when: "now.time in 22:00..06:00", do: [{set: {hall.lamp.brightness: 5}}]}
  count: {when: {every: 20m}, do: [{set: {vars.orders: = vars.orders + 1}}]}
`

// TestClockSteps sets the clock of the house in tests.
func TestClockSteps(t *testing.T) {
	for name, c := range map[string]struct {
		test string
		want []string
	}{
		"set over a time that is missed": {`
  start: 2026-07-01 06:30
  steps:
    - {clock: +20m, expect: {hall.lamp.brightness: 40}}
    - {after: 1m, clock: +3h, expect: {hall.lamp.brightness: 60}}
    - {at: 22:00, expect: {hall.lamp.brightness: 5}}
    - {after: 8h44m}
    - {at: 06:45, expect: {hall.lamp.brightness: 40}}`, nil},
		"and it is not missed": {`
  start: 2026-07-01 06:30
  steps:
    - {clock: +20m}`, []string{"5: at 0s (06:50:00) morning sets hall.lamp.brightness: 40, which no step expects"}},
		"set back over a time that has come": {`
  start: 2026-07-01 06:30
  steps:
    - {at: 06:45, expect: {hall.lamp.brightness: 40}}
    - {at: 06:50, clock: -2h, expect: {hall.lamp.brightness: 5}}
    - {at: 07:30, expect: {hall.lamp.brightness: 60}}
    - {at: 08:00, clock: -5h, check: now.hour == 3, expect: {hall.lamp.brightness: 5}}
    - {at: 06:45, expect: {hall.lamp.brightness: 40}}
    - {at: 07:30, expect: {hall.lamp.brightness: 60}}`, nil},
		"durations do not notice": {`
  start: 2026-07-01 12:00
  given: {boiler.temperature: 20}
  steps:
    - {read: {boiler.temperature: 70, hall.button.action: single}}
    - {at: 10m, clock: 2031-02-03T12:00, expect: {hall.lamp.brightness: 60}}
    - {at: 20m, clock: 1970-01-01 12:00 untrusted}
    - {at: 30m, expect: {hvac.mode: off}}
    - {at: 40m, clock: 2026-07-01 12:40 trusted}
    - {at: 2h, expect: {hall.lamp.state: on}}`, nil},
		"not trusted at the start": {`
  start: 1970-01-02 06:30
  steps:
    - {clock: untrusted, check: not known(boiler.temperature)}
    - {at: 1h, check: 'vars.orders == 3 and (now.hour ?? 77) == 77'}
    - {after: 1m, clock: 2026-12-01T06:44 trusted, check: now.hour == 6}
    - {after: 1m, expect: {hall.lamp.brightness: 40}}`, nil},
		"a night without power": {`
  start: 2026-07-01 12:00
  given: {boiler.temperature: 20}
  steps:
    - {read: {boiler.temperature: 70, hall.button.action: single}}
    - {at: 10m, restart: 3h, clock: -3h untrusted}
    - {after: 3h, check: not known(hvac.mode)}
    - {after: 5m, clock: 2026-07-01T15:15 trusted, expect: {hall.lamp.state: on}}
    - {after: 1m, read: {boiler.temperature: 71}, expect: {hvac.mode: off}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := outcome(t, someSuite(t, clockRules), "tests:\n- name: x"+c.test+"\n")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestClockFaults(t *testing.T) {
	n, src := parsed(t, `tests:
- name: x
  start: 2026-07-01 23:00
  steps:
    - {clock: 10:00}
    - {clock: soon}
    - {clock: 2026-13-01T10:00 trusted}
    - {clock: -40000d}
    - {clock: 0001-01-01T00:00}
    - {clock: {by: 2h}}
`)
	var faults home.Faults
	someSuite(t, clockRules).Decode(n, &faults)
	var got []string
	for _, p := range src.Problems(&faults) {
		_, at, _ := strings.Cut(p.String(), "x.yaml:")
		at, _, _ = strings.Cut(at, " (")
		got = append(got, at)
	}
	want := []string{"5:15: tests.0.steps.0.clock is '10:00'", "6:15: tests.0.steps.1.clock is 'soon'", "7:15: tests.0.steps.2.clock is '2026-13-01T10:00 trusted'",
		"8:15: tests.0.steps.3.clock is '-40000d'", "9:15: tests.0.steps.4.clock is '0001-01-01T00:00'", "10:15: tests.0.steps.5.clock is a map"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestReplayOverClocks records a house whose clock was set, in all the ways of the tests
// above, and replays it from what a journal has: the same is done at the same moments.
func TestReplayOverClocks(t *testing.T) {
	n, src := parsed(t, `tests:
- name: x
  start: 2026-07-01 06:30
  given: {boiler.temperature: 20}
  steps:
    - {after: 1m, read: {hall.button.action: single}}
    - {after: 30m, clock: +50m}
    - {after: 20m, read: {boiler.temperature: 70}}
    - {after: 10m, clock: -14d, expect: anything}
    - {after: 50m, clock: 2031-02-03T12:00}
    - {after: 10m, clock: 1970-01-01 12:00 untrusted}
    - {after: 10m, read: {hall.button.action: single}}
    - {after: 1h, restart: 3h}
    - {after: 200m, clock: 2026-07-02T06:40 trusted}
    - {after: 30m, restart: 10m, clock: -1h}
    - {after: 3h, read: {boiler.temperature: 20}}
    - {after: 20h, read: {boiler.temperature: 70}}
    - {after: 20h}
`)
	var faults home.Faults
	s := someSuite(t, clockRules)
	tests := s.Decode(n, &faults)
	for _, p := range src.Problems(&faults) {
		t.Fatal(p)
	}
	r := s.runner(tests[0], nil)
	var recorded []home.Event
	acted := 0
	r.heard = func(ev *home.Event) {
		if ev.Kind == 0 {
			return
		}
		kept := *ev
		kept.Elapsed = time.Time{} // it is not written
		recorded = append(recorded, kept)
	}
	r.acted = func(what string) {
		if strings.Contains(what, ": ") {
			acted++
		}
		ev := home.Event{Kind: home.KindRule, At: r.wall(r.now)} // the hub records what rules do
		if r.stands.doubted {
			ev.Flags = home.FlagUntrusted
		}
		recorded = append(recorded, ev)
	}
	r.run()
	got, err := Replay(func(yield func(home.Event, error) bool) {
		for _, ev := range recorded {
			if !yield(ev, nil) {
				return
			}
		}
	}, time.Time{}, s.load(nil, &home.Faults{}), s.load([]string{"none of them"}, &home.Faults{}))
	if err != nil {
		t.Fatal(err)
	}
	again := 0
	for _, d := range got.Rules {
		again += len(d.Gone)
		if len(d.New) > 0 {
			t.Errorf("%+v", d)
		}
	}
	if acted < 20 || again != acted {
		t.Errorf("%d times something was done, and %d times when it was replayed", acted, again)
	}
}
