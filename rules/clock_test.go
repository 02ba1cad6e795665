package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// TestDurationsDoNotNoticeTheClock: whatever the clock is set to in the middle of them,
// and back, wait, at_most, for, ages and the pause of a rule end when they have passed.
func TestDurationsDoNotNoticeTheClock(t *testing.T) {
	press := pairs{"event", "hall.button.action"}
	rules := pairs{
		"waits", pairs{"when", press, "do", []any{pairs{"wait", "90s"}, set("hall.lamp.state", "on")}},
		"limited", pairs{"when", press, "do", []any{pairs{"wait", pairs{"until", `hvac.mode == "heat"`, "at_most", "80s"}}, set("hvac.mode", "cool")}},
		"holds", pairs{"when", pairs{"is", "hall.motion.occupancy", "for", "70s"}, "do", []any{set("porch.lamp.state", "on")}},
		"ages", logs("age(cellar.probe.temperature) > 100s"),
		"gone", logs(pairs{"offline", "hall.light", "for", "120s"}),
		"rated", logs(press, "rate", "1 per 1m"),
	}
	live := func(set ...time.Duration) string {
		c := newClocked(t, rules, night)
		for _, f := range []string{"hall.motion.occupancy off", "hvac.mode off", "cellar.probe.temperature 4", "hall.light online",
			"hall.motion.occupancy on", "hall.light offline", "hall.button.action ! single", "hall.button.action ! single"} {
			c.step(event(c.elapsed, strings.Fields(f)))
		}
		c.live(30 * time.Second)
		for _, d := range set {
			c.set(d)
			c.live(20 * time.Second)
		}
		c.live(5*time.Minute - 20*time.Second*time.Duration(len(set)))
		for range 8 {
			c.live(time.Minute)
			c.step(event(c.elapsed, strings.Fields("hall.button.action ! single")))
		}
		return strings.Join(c.got, "\n")
	}
	want := live()
	for _, moment := range []string{"\n1m30s hall.lamp state: on", "\n1m20s hvac mode: cool", "\n1m10s holds started", "\n1m40.000001s ages started",
		"\n2m0s gone started", "\n10m30s rated started"} {
		if !strings.Contains(want, moment) {
			t.Fatalf("without a jump there is no %q:\n%s", moment, want)
		}
	}
	for _, jump := range jumps {
		if diff := cmp.Diff(want, live(jump)); diff != "" {
			t.Errorf("set by %v (-not set +set):\n%s", jump, diff)
		}
		if diff := cmp.Diff(want, live(jump, -jump)); diff != "" {
			t.Errorf("set by %v and back (-not set +set):\n%s", jump, diff)
		}
	}
}

// TestEveryCountsWhatHasPassed: between two starts is never less than half the span and
// never more than one and a half, however often the clock is set, and none is made up for.
func TestEveryCountsWhatHasPassed(t *testing.T) {
	for _, every := range []string{"1s", "1m", "7m", "1h"} {
		d, _ := home.ParseDuration(every)
		for _, jump := range append(jumps, 0) {
			c := newClocked(t, pairs{"often", logs(pairs{"every", every}, "missed", "run", "rate", "1000 per 1m")}, night.Add(1234*time.Millisecond))
			for range 6 {
				c.live(d*5/4 + 333*time.Millisecond)
				c.set(jump)
				c.live(d / 3)
				c.set(-jump)
			}
			last := time.Duration(-1)
			for _, line := range c.got {
				at, err := time.ParseDuration(strings.Fields(line)[0])
				if err != nil {
					t.Fatal(err)
				}
				if span := at - last; last >= 0 && (span < d/2 || span > d*3/2) {
					t.Errorf("every %s, set by %v: %v between two starts: %q", every, jump, span, c.got)
				}
				last = at
			}
			if n := c.starts("often"); n < 6 || n > 16 || jump == 0 && n < 9 {
				t.Errorf("every %s, set by %v: %d starts in %v", every, jump, n, c.elapsed.Sub(c.began))
			}
		}
	}
}

// TestTimesOverAJump lives two days from 6:00 local time, with an at and a cron line of
// 6:45. After half an hour the clock is set.
func TestTimesOverAJump(t *testing.T) {
	six := time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		jump   time.Duration
		missed string
		want   string // starts, by what has passed
	}{
		{10 * time.Second, "skip", "44m50s 24h44m50s"}, // 6:30:10, not there yet
		{20 * time.Minute, "skip", "24h25m0s"},         // 6:50: the one of today is left out
		{20 * time.Minute, "if_still_true", "30m0s 24h25m0s"},
		{20 * time.Minute, "run", "30m0s 24h25m0s"},
		{3 * time.Hour, "if_still_true", "21h45m0s 45h45m0s"}, // 9:30
		{3 * time.Hour, "run", "30m0s 21h45m0s 45h45m0s"},
		{14 * 24 * time.Hour, "if_still_true", "45m0s 24h45m0s"}, // 6:30 of another day
		{14 * 24 * time.Hour, "run", "30m0s 45m0s 24h45m0s"},     // of 14 that were missed one
		{14*24*time.Hour + 20*time.Minute, "if_still_true", "30m0s 24h25m0s"},
		{14*24*time.Hour + 20*time.Minute, "skip", "24h25m0s"},
		{20454 * 24 * time.Hour, "run", "30m0s 45m0s 24h45m0s"}, // 56 years
		{-time.Minute, "run", "46m0s 24h46m0s"},                 // 6:29
		{-time.Hour, "run", "1h45m0s 25h45m0s"},                 // 5:30
		{-14 * 24 * time.Hour, "run", "45m0s 24h45m0s"},
		{-20454 * 24 * time.Hour, "run", "1h45m0s 25h45m0s"}, // 1970 had no summer time
	} {
		for _, when := range []pairs{{"at", "06:45"}, {"cron", "45 6 * * *"}} {
			h := newClocked(t, pairs{"r", logs(when, "missed", c.missed)}, six)
			h.live(30 * time.Minute)
			h.set(c.jump)
			h.live(48*time.Hour - 30*time.Minute)
			var got []string
			for _, line := range h.got {
				got = append(got, strings.Fields(line)[0])
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("%v set by %v, missed: %s (-want +got):\n%s", when, c.jump, c.missed, diff)
			}
		}
	}
}

// TestTimesSetBack: what has started its rule is not started again when the clock is set
// back over it by up to three hours; what is set back by more is another day.
func TestTimesSetBack(t *testing.T) {
	six := time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC)
	at := pairs{"r", logs(pairs{"at", "06:45"})}
	h := newClocked(t, at, six)
	h.live(50 * time.Minute)
	h.want("45m0s r started")
	for _, back := range []time.Duration{10 * time.Second, 10 * time.Minute, time.Hour, 90 * time.Minute} { // 162 minutes together
		h.set(-back)
		h.live(time.Minute)
	}
	h.live(24 * time.Hour)
	h.want() // until 6:45 of tomorrow by the clock
	h.live(4 * time.Hour)
	h.want("27h25m10s r started")

	h = newClocked(t, at, six)
	h.live(50 * time.Minute)
	h.set(-4 * time.Hour)
	h.live(6 * time.Hour)
	h.want("45m0s r started", "4h45m0s r started")

	// A wrong answer of a time server, and the right one two minutes later: what came
	// meanwhile is a little late, and what had come before does not come again.
	for _, wrong := range []time.Duration{time.Hour, 14 * 24 * time.Hour, 20454 * 24 * time.Hour} {
		two := pairs{"before", logs(pairs{"at", "06:40"}), "meanwhile", logs(pairs{"at", "06:45"}), "after", logs(pairs{"at", "06:50"})}
		h = newClocked(t, two, six)
		h.live(44 * time.Minute)
		h.set(wrong)
		h.live(2 * time.Minute)
		if wrong > time.Hour && h.starts("meanwhile") != 1 {
			t.Errorf("on another day: %q", h.got)
		}
		h.got = nil
		h.set(-wrong)
		h.live(20 * time.Minute)
		if wrong == time.Hour {
			h.want("46m0s meanwhile started", "50m0s after started")
		} else {
			h.want("50m0s after started") // it was 6:45 of another day
		}
	}

	often := pairs{"often", logs(pairs{"cron", "*/10 * * * *"})}
	h = newClocked(t, often, six)
	h.live(25 * time.Minute) // 6:25
	h.set(-time.Hour)        // 5:25
	h.live(10 * time.Minute)
	h.set(90 * time.Minute) // 7:05, eight of them were jumped over
	h.live(10 * time.Minute)
	h.want("10m0s often started", "20m0s often started", "30m0s often started", "35m0s often started", "40m0s often started")
}

// TestConditionsOverAJump: a condition on the time of the day is in a gap when the clock
// is set, and is looked at again at once; another one does not notice.
func TestConditionsOverAJump(t *testing.T) {
	six := time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC)
	rules := func(missed string) pairs {
		return pairs{
			"noon", logs("now.hour >= 12", "missed", missed),
			"sun", logs("not sun.up", "missed", missed),
			"other", logs("hall.motion.occupancy", "missed", missed),
			"waits", pairs{"when", pairs{"event", "hall.button.action"}, "do", []any{pairs{"wait", pairs{"until", "now.hour == 13"}}, set("hall.lamp.state", "on")}},
		}
	}
	for missed, want := range map[string][]string{
		"skip":          {"1m0s hall.lamp state: on"},
		"if_still_true": {"1m0s hall.lamp state: on", "1m0s noon started"},
		"run":           {"1m0s hall.lamp state: on", "1m0s noon started"},
	} {
		h := newClocked(t, rules(missed), six)
		h.read("hall.motion.occupancy", "off")
		h.step(event(h.elapsed, strings.Fields("hall.button.action ! single")))
		h.live(time.Minute)
		h.got = nil
		h.set(7 * time.Hour) // 13:01
		h.want(want...)
		h.set(time.Minute)
		h.read("hall.motion.occupancy", "on")
		h.live(time.Hour)
		h.want("1m0s other started")
	}
}

// TestAnUntrustedClock: on a Pi that starts without a network what needs the time of the
// day waits, and all else works from the first second.
func TestAnUntrustedClock(t *testing.T) {
	rules := pairs{
		"at", logs(pairs{"at", "06:45"}), "sun", logs(pairs{"sun", "sunrise"}), "cron", logs(pairs{"cron", "* * * * *"}),
		"hour", logs("now.hour >= 0"), "day", logs("hall.motion.occupancy and not sun.up"),
		"every", logs(pairs{"every", "20s"}),
		"wait", pairs{"when", "hall.motion.occupancy", "do", []any{pairs{"wait", "15s"}, set("hall.lamp.state", "on")}},
		"hold", logs(pairs{"is", "hall.motion.occupancy", "for", "10s"}),
	}
	h := &clocked{t: t, rules: rules, engine: load(t, rules, place0), elapsed: time.Unix(17, 0), began: time.Unix(17, 0), flags: home.FlagUntrusted}
	h.step(home.Event{})
	h.read("hall.motion.occupancy", "off")
	h.read("hall.motion.occupancy", "on")
	h.live(30 * time.Second)
	h.want("0s wait started", "3s every started", "10s hold started", "15s hall.lamp state: on", "23s every started")
	h.live(2 * time.Hour)
	if n := h.starts("every"); n != 360 || len(h.got) != n {
		t.Errorf("%d starts of %d in two hours: %q …", n, len(h.got), h.got[:min(10, len(h.got))])
	}
	h.got, h.flags = nil, 0
	h.set(20634*24*time.Hour + 2*time.Hour) // 6:01 and some seconds, 56 years later
	h.live(50 * time.Second)
	if h.starts("cron") != 1 || h.starts("every") < 2 || h.starts("every") > 3 || h.starts("at") != 0 {
		t.Errorf("trusted: %q", h.got)
	}
	h.live(time.Hour)
	if h.starts("at") != 1 {
		t.Errorf("trusted: %q", h.got)
	}
	h.got = nil
	h.trust(false)
	h.live(2 * time.Hour)
	if n := h.starts("every"); n != 360 || len(h.got) != n {
		t.Errorf("no longer trusted: %d starts of %d in two hours", n, len(h.got))
	}
}

// TestOneStepIsBounded: whatever time an event says has passed, and why, a schedule
// starts its rule once, and the rest is done in few steps.
func TestOneStepIsBounded(t *testing.T) {
	rules := pairs{
		"second", logs(pairs{"every", "1s"}, "rate", "1000 per 1m"), "minute", logs(pairs{"cron", "* * * * *"}), "at", logs(pairs{"at", "06:45"}, "missed", "run"),
		"skip", logs(pairs{"every", "1s"}, "missed", "skip"), "asks", logs(pairs{"every", "1s"}, "if", "hall.motion.occupancy"),
		"hour", logs("now.hour == 7"), "blink", pairs{"when", pairs{"started", "true"}, "do", []any{
			pairs{"repeat", "100000", "do", []any{pairs{"log", "x"}, pairs{"wait", "1s"}}}}},
		"ages", logs("age(cellar.probe.temperature) > 10m"),
		"nothing", pairs{"when", pairs{"event", "hall.button.action"}, "do", []any{pairs{"repeat", "100000", "do", []any{pairs{"wait", "0s"}}}}},
	}
	for _, span := range []time.Duration{time.Minute, 3 * time.Hour, 14 * 24 * time.Hour, year, 56 * year} {
		for name, act := range map[string]func(h *clocked){
			"the machine slept":   func(h *clocked) { h.stand(span) },
			"the gateway was off": func(h *clocked) { h.restart(span) },
			"the clock was set":   func(h *clocked) { h.set(span) },
			"both":                func(h *clocked) { h.offset -= span / 2; h.restart(span) },
		} {
			h := newClocked(t, rules, night)
			h.read("cellar.probe.temperature", "4")
			h.read("hall.motion.occupancy", "off")
			h.step(home.Event{Kind: home.KindGateway, Name: "started"})
			h.step(event(h.elapsed, strings.Fields("hall.button.action ! single"))) // a thousand steps, and it has failed
			h.live(10 * time.Second)
			h.got, h.longest = nil, 0
			before, began := h.engine, time.Now()
			moments := before.moment
			act(h)
			took := time.Since(began)
			if moments = h.engine.moment - moments; h.engine != before {
				moments = h.engine.moment // it counts anew
			}
			if h.starts("second") > 1 || h.starts("minute") > 1 || h.starts("at") > 1 || h.starts("skip") > 1 || h.starts("hour") > 1 || h.starts("blink") > 1 {
				t.Errorf("%s for %v: %q", name, span, h.got)
			}
			if h.longest > 30 || moments > 2*stepBudget {
				t.Errorf("%s for %v: %d decisions in one step, %d moments", name, span, h.longest, moments)
			}
			t.Logf("%s for %v: %d decisions, %d moments, %v", name, span, h.longest, moments, took)
			if len(h.engine.find("blink").runs) != 1 {
				t.Errorf("%s for %v: the run that blinks has ended: %s", name, span, h.engine.find("blink").state.Why)
			}
		}
	}
}
