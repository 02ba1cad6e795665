package rules

import (
	"encoding/json"
	"testing"
	"time"

	"hogar/gateway/home"
)

// TestReload edits a rule while its run waits: the run goes on by the steps it
// began with; the trigger that was not edited keeps what it saw.
func TestReload(t *testing.T) {
	button := pairs{"event", "hall.button.action"}
	before := pairs{
		"r", pairs{"when", button, "do", []any{pairs{"wait", pairs{"until", "hall.light.illuminance > 5"}}, set("hall.lamp.state", "on")}},
		"gone", pairs{"when", button, "do", []any{pairs{"wait", "1h"}}},
		"hold", pairs{"when", pairs{"is", "hall.motion.occupancy", "for", "10m"}, "do", on},
	}
	after := pairs{
		"r", pairs{"when", button, "do", []any{set("porch.lamp.state", "off")}},
		"hold", pairs{"when", pairs{"is", "hall.motion.occupancy", "for", "10m"}, "do", on, "label", "new"},
	}
	e := load(t, before, place0)
	e.Step(event(night, []string{"hall.motion.occupancy", "off"}))
	e.Step(event(night, []string{"hall.motion.occupancy", "on"}))
	e.Step(event(night, []string{"hall.button.action", "!", "single"}))
	saved, err := e.Save()
	if err != nil {
		t.Fatal(err)
	}
	e = load(t, after, place0)
	if err := e.Restore(saved); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range []struct {
		after time.Duration
		f     []string
	}{{time.Second, []string{"tick"}}, {time.Minute, []string{"hall.light.illuminance", "9"}}, {10 * time.Minute, []string{"tick"}}} {
		for _, d := range e.Step(event(night.Add(c.after), c.f)) {
			if d.Command != nil {
				got = append(got, d.Command.ID)
			} else {
				got = append(got, showEvent(d.Event)+suffix(d.Event.Reason))
			}
		}
	}
	want := []string{"gone stopped: the rule was removed", "rule:r:1:1:0:hall.lamp", "hold started: hall.motion.occupancy on", "r failed: no outcome within 10s", "rule:hold:1:0:0:hall.lamp"}
	want = []string{want[0], want[1], want[3], want[2], want[4]}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: %q, want %q", i, got[i], want[i])
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	for _, b := range []string{"", "{}", `{"version":9}`, `{"version":1,"rules":{"r":{"runs":"x"}}}`} {
		e := load(t, aRule("sun.up", on), place0)
		if err := e.Restore(json.RawMessage(b)); err == nil {
			t.Errorf("%q is accepted", b)
		}
	}
}

func FuzzRestore(f *testing.F) {
	e := load(f, hallLight, place0)
	e.Step(event(night, []string{"hall.light.illuminance", "4"}))
	e.Step(event(night, []string{"hall.motion.occupancy", "off"}))
	e.Step(event(night, []string{"hall.motion.occupancy", "on"}))
	saved, err := e.Save()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(saved))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := load(t, hallLight, place0)
		if e.Restore(b) != nil {
			return
		}
		e.Step(home.Event{At: e.now.Add(time.Second)})
		e.Step(event(e.now.Add(time.Second), []string{"hall.motion.occupancy", "off"}))
		e.Save()
	})
}
