package ruletest

import (
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// TestReplay replays an evening over rules of which one was edited, one is gone
// and one is new.
func TestReplay(t *testing.T) {
	start := time.Date(2026, 7, 1, 21, 0, 0, 0, time.UTC)
	reading := func(after time.Duration, name string, v home.Value) home.Event {
		device, property := home.Split(name)
		return home.Event{At: start.Add(after), Kind: home.KindReading, Device: device, Property: property, Value: v}
	}
	on, off := home.BooleanOf(true), home.BooleanOf(false)
	recorded := []home.Event{
		reading(-time.Hour, "hall.motion.occupancy", off),
		reading(-time.Hour, "hall.light.illuminance", home.NumberOf(4)),
		reading(-30*time.Minute, "hall.motion.occupancy", on), // before since: no news
		reading(-29*time.Minute, "hall.motion.occupancy", off),
		reading(time.Minute, "hall.motion.occupancy", on),
		{At: start.Add(time.Minute), Kind: home.KindOutcome, Device: "hall.lamp", Outcome: &home.Outcome{ID: "rule:hall:2:0:0:hall.lamp", Result: home.Failed}},
		reading(time.Minute, "hall.lamp.state", on),
		reading(2*time.Minute, "hall.motion.occupancy", off),
		{At: start.Add(3 * time.Minute), Kind: home.KindEvent, Device: "hall.button", Property: "action", Value: home.TextOf("single")},
		{At: start.Add(30 * time.Minute), Kind: home.KindGateway, Name: "stopping"},
	}
	edited := strings.Replace(someRules, "for: 2m", "for: 5m", 1)
	edited = strings.Replace(edited, "button: {when", "new_button: {when", 1)
	events := iter.Seq2[home.Event, error](func(yield func(home.Event, error) bool) {
		for _, ev := range recorded {
			if !yield(ev, nil) {
				return
			}
		}
	})
	got, err := Replay(events, start, someSuite(t, someRules).load(nil, &home.Faults{}), someSuite(t, edited).load(nil, &home.Faults{}))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := got.Print(&b, time.UTC); err != nil {
		t.Fatal(err)
	}
	want := `button
  - 2026-07-01 21:03:00  set hall.lamp state: toggle
hall
  - 2026-07-01 21:04:00  set hall.lamp state: off
  + 2026-07-01 21:07:00  set hall.lamp state: off
new_button
  + 2026-07-01 21:03:00  set hall.lamp state: toggle
3 rules act otherwise, 4 the same; 6 events from 2026-07-01 21:01:00 to 2026-07-01 21:30:00
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Rules[1].Shared != 1 {
		t.Errorf("%+v", got.Rules[1])
	}
}
