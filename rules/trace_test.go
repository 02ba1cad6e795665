package rules

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// steps lets an engine see events, each at its time after night.
func steps(e *Engine, f map[time.Duration][]string) {
	for _, after := range slices.Sorted(func(yield func(time.Duration) bool) {
		for d := range f {
			if !yield(d) {
				return
			}
		}
	}) {
		for _, d := range e.Step(event(night.Add(after), f[after])) {
			if c := d.Command; c != nil {
				e.Step(home.Event{At: night.Add(after), Kind: home.KindOutcome, Outcome: &home.Outcome{ID: c.ID, Device: c.Device, Result: home.Applied}})
			}
		}
	}
}

func TestHistory(t *testing.T) {
	e := load(t, hallLight, place0)
	steps(e, map[time.Duration][]string{
		0: {"hall.light.illuminance", "400"}, 1: {"hall.motion.occupancy", "off"},
		time.Second: {"hall.motion.occupancy", "on"}, 2 * time.Second: {"hall.motion.occupancy", "off"},
		3 * time.Second: {"hall.light.illuminance", "4"}, time.Minute: {"hall.motion.occupancy", "on"},
		2 * time.Minute: {"hall.motion.occupancy", "off"}, 4 * time.Minute: {"tick"},
		10 * time.Minute: {"hall.motion.occupancy", "on"},
	})
	h, ok := e.History("hall_light")
	if !ok {
		t.Fatal("no history")
	}
	var got []string
	for _, q := range h.Quiet {
		got = append(got, fmt.Sprintf("%s %s: %s (%s)", q.At.Sub(night), q.Event, q.Why, q.If))
	}
	for _, r := range h.Past {
		got = append(got, fmt.Sprintf("run %d %s %s to %s: %s", r.Run, r.Event, r.Began.Sub(night), r.Ended.Sub(night), r.State))
		for _, l := range r.Steps {
			got = append(got, fmt.Sprintf("  %s %s", l.At.Sub(night), l.Did))
		}
	}
	want := []string{
		"1s hall.motion.occupancy on: if is false (hall.light.illuminance 400)",
		"run 1 hall.motion.occupancy on 1m0s to 4m0s: done",
		"  1m0s set hall.lamp state: on",
		"  1m0s hall.lamp applied",
		"  1m0s wait until not hall.motion.occupancy",
		"  4m0s wait until not hall.motion.occupancy: true (hall.motion.occupancy off)",
		"  4m0s set hall.lamp state: off",
		"  4m0s hall.lamp applied",
		"run 2 hall.motion.occupancy on 10m0s to -2562047h47m16.854775808s: running",
		"  10m0s set hall.lamp state: on",
		"  10m0s hall.lamp applied",
		"  10m0s wait until not hall.motion.occupancy",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, ok := e.History("nobody"); ok {
		t.Error("nobody has a history")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	e := load(t, aRule(pairs{"event", "hall.button.action"}, []any{pairs{"log", "x"}}, "if", "hall.lamp.brightness < 5"), place0)
	for i := range 100 {
		at := night.Add(time.Duration(i) * time.Minute)
		e.Step(event(at, []string{"hall.lamp.brightness", fmt.Sprint(i % 2 * 10)}))
		e.Step(event(at, []string{"hall.button.action", "!", "single"}))
	}
	h, _ := e.History("r")
	if len(h.Past) != keptRuns || len(h.Quiet) != keptQuiet || h.Past[keptRuns-1].Run != 50 || h.Quiet[keptQuiet-1].At != night.Add(99*time.Minute) {
		t.Errorf("%d runs and %d others: %+v", len(h.Past), len(h.Quiet), h.Past[len(h.Past)-1])
	}
}

// TestSwitch disables a rule while it runs, keeps that over a restart, and
// enables it again.
func TestSwitch(t *testing.T) {
	show := func(list []Decision) (got []string) {
		for _, d := range list {
			if d.Event != nil {
				got = append(got, showEvent(d.Event)+suffix(d.Event.Reason))
			} else {
				got = append(got, d.Command.Device+" "+d.Command.Set.String())
			}
		}
		return got
	}
	at := func(ev home.Event, after time.Duration) home.Event {
		ev.At = night.Add(after)
		return ev
	}
	e := load(t, one("r", "when", "hall.motion.occupancy", "do", []any{pairs{"wait", "1h"}, set("hall.lamp.state", "on")}), place0)
	e.Step(event(night, []string{"hall.motion.occupancy", "off"}))
	e.Step(event(night, []string{"hall.motion.occupancy", "on"}))
	got := show(e.Step(at(Switch("r", false, "cli:ana"), time.Minute)))
	got = append(got, e.Rules()[0].State+": "+e.Rules()[0].Why)
	state, err := e.Save()
	if err != nil {
		t.Fatal(err)
	}
	e = load(t, one("r", "when", "hall.motion.occupancy", "do", on), place0)
	if err := e.Restore(state); err != nil {
		t.Fatal(err)
	}
	for i, f := range [][]string{{"hall.motion.occupancy", "off"}, {"hall.motion.occupancy", "on"}} {
		got = append(got, show(e.Step(event(night.Add(time.Hour+time.Duration(i)), f)))...)
	}
	got = append(got, show(e.Step(at(Switch("r", true, "cli:ana"), 2*time.Hour)))...)
	got = append(got, show(e.Step(at(Switch("nobody", true, ""), 2*time.Hour)))...)
	for i, f := range [][]string{{"hall.motion.occupancy", "off"}, {"hall.motion.occupancy", "on"}} {
		got = append(got, show(e.Step(event(night.Add(3*time.Hour+time.Duration(i)), f)))...)
	}
	want := []string{
		"r stopped: the rule was disabled", "r disabled: cli:ana", "disabled: disabled at 23:01:00: cli:ana",
		"r enabled: cli:ana", "r started: hall.motion.occupancy on", "hall.lamp state: on",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSwitchOn enables a rule that the configuration disables.
func TestSwitchOn(t *testing.T) {
	e := load(t, aRule("hall.motion.occupancy", on, "enabled", "false"), place0)
	e.Step(event(night, []string{"hall.motion.occupancy", "off"}))
	if list := e.Step(event(night, []string{"hall.motion.occupancy", "on"})); len(list) > 0 {
		t.Errorf("%v", list)
	}
	ev := Switch("r", true, "")
	ev.At = night
	e.Step(ev)
	e.Step(event(night.Add(time.Second), []string{"hall.motion.occupancy", "off"}))
	if list := e.Step(event(night.Add(time.Second), []string{"hall.motion.occupancy", "on"})); len(list) != 2 {
		t.Errorf("%v", list)
	}
}
