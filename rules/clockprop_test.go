package rules

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hogar/gateway/home"
)

// TestAnyClock lets a house live with a clock that is set, doubted and trusted at random,
// with sleeps and restarts. The elapsed time never goes back, a restored engine decides
// the same, the engine never wants to be called in the past ([clocked.step]), and rules
// start only as often as time has passed or the clock was set.
func TestAnyClock(t *testing.T) {
	rules := pairs{
		"often", logs(pairs{"every", "10m"}, "missed", "run"),
		"daily", logs(pairs{"at", "06:45"}, "missed", "run"),
		"lines", logs(pairs{"cron", "*/30 * * * *"}),
		"sunny", logs(pairs{"sun", "sunset - 1h"}, "missed", "run"),
		"night", logs("now.time in 22:00..06:00", "missed", "run"),
		"holds", logs(pairs{"is", "hall.motion.occupancy", "for", "5m"}),
		"waits", pairs{"when", "hall.motion.occupancy", "mode", "restart", "do", []any{
			pairs{"wait", pairs{"until", "now.hour == 12", "at_most", "3h"}}, pairs{"wait", "20m"}, set("hall.lamp.state", "off")}},
	}
	span := func(rt *rapid.T, name string) time.Duration {
		most := rapid.SampledFrom([]time.Duration{3 * time.Second, time.Minute, time.Hour, 20 * time.Hour, 40 * 24 * time.Hour, 60 * year}).Draw(rt, name+" up to")
		return time.Duration(rapid.Int64Range(0, int64(most)).Draw(rt, name))
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := newClocked(rt, rules, night)
		gaps, lived := 1, time.Duration(0)
		on := false
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			gaps++
			switch rapid.IntRange(0, 6).Draw(rt, "what") {
			case 0, 1:
				d := span(rt, "lives") % (30 * time.Hour)
				lived += d
				c.live(d)
			case 2:
				c.set(span(rt, "set") - span(rt, "set back"))
			case 3:
				c.stand(span(rt, "sleeps") % (5 * year))
			case 4:
				c.offset += span(rt, "set") - span(rt, "set back")
				c.restart(span(rt, "is off") % (5 * year))
			case 5:
				c.trust(c.flags != 0)
			case 6:
				on = !on
				c.step(home.Event{Kind: home.KindReading, Device: "hall.motion", Property: "occupancy", Value: home.BooleanOf(on)})
			}
			if c.longest > 30 {
				rt.Fatalf("%d decisions in one step", c.longest)
			}
		}
		for rule, each := range map[string]time.Duration{"often": 5 * time.Minute, "daily": 20 * time.Hour, "lines": 30 * time.Minute, "sunny": 20 * time.Hour,
			"night": 15 * time.Hour} {
			if n, most := c.starts(rule), 2*gaps+int(lived/each); n > most {
				rt.Errorf("%s has started %d times in %v with %d gaps, expected %d at most: %q", rule, n, lived, gaps, most, c.got)
			}
		}
	})
}
