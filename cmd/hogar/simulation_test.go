package main

import (
	"strings"
	"testing"
	"time"

	"hogar/gateway/home"
)

const brokenHouse = `
devices:
  hall.lamp:    {driver: relay, pin: GPIO17}
  hall.climate: {driver: bme280, every: 1s}
  cellar.probe: {driver: ds18b20, id: 28-0316a27902ff, every: 1s}
simulate:
  faults: {cellar.probe: power_on}
`

// TestSimulate breaks and mends devices of a running house, and lets its time stand still,
// run and step.
func TestSimulate(t *testing.T) {
	t.Parallel()
	g := newGate(t, "gateway: broken\n"+brokenHouse, "--start", "2026-03-21 18:30")
	g.run()
	status := func(name string) string { return g.device(name).Status }
	call := func(code int, says string, args ...string) string {
		t.Helper()
		got, out, errs := called(t, append(append([]string{"simulate"}, args...), "--socket", g.socket)...)
		if got != code || !strings.Contains(out+errs, says) {
			t.Errorf("hogar simulate %s: exit code %d, want %d and %q\n%s%s", strings.Join(args, " "), got, code, says, out, errs)
		}
		return out
	}
	until(t, "one is online and the other names its fault", func() bool {
		return status("hall.climate") == home.Online && strings.Contains(g.device("cellar.probe").Reason, "85 °C")
	})
	call(exitDone, "cellar.probe: power_on")
	call(exitDone, "pins driven: GPIO17 low")
	call(exitDone, "hall.climate: nak", "fault", "hall.climate", "nak")
	until(t, "it is offline", func() bool { return strings.Contains(g.device("hall.climate").Reason, "input/output error") })
	call(exitDone, "", "fault", "hall.climate", "none")
	call(exitDone, "", "fault", "cellar.probe", "none")
	until(t, "both are online", func() bool { return status("hall.climate") == home.Online && status("cellar.probe") == home.Online })
	call(exitDone, "I2C1: unplugged", "fault", "I2C1", "unplugged")
	until(t, "it is offline", func() bool { return strings.Contains(g.device("hall.climate").Reason, "no chip answers") })
	call(exitDone, "", "fault", "I2C1", "none")
	call(exitFailed, "did you mean nak?", "fault", "hall.climate", "nack")
	call(exitFailed, "did you mean hall.climate?", "fault", "hall.climat", "nak")
	call(exitFailed, "cannot be welded", "fault", "hall.climate", "welded")
	call(exitUsage, "TIMES", "speed", "fast")
	call(exitUsage, "step", "step", "long")
	call(exitFailed, "expected 0 (stand still) to 3600", "speed", "4000")

	call(exitDone, "60 times as fast", "speed", "60")
	call(exitDone, "standing still", "pause")
	time.Sleep(50 * time.Millisecond) // of the machine's time: none passes in the house
	stopped := g.status().HouseTime
	if again := g.status().HouseTime; !again.Equal(stopped) {
		t.Errorf("standing still, the house goes from %v to %v", stopped, again)
	}
	call(exitDone, "standing still", "step", "1m")
	if now := g.status().HouseTime; now.Sub(stopped) != time.Minute {
		t.Errorf("a step of one minute was one of %v", now.Sub(stopped))
	}
	until(t, "the sensors measure in the step", func() bool {
		r := g.device("hall.climate").Readings
		return len(r) > 0 && r[0].Time.After(stopped)
	})
	call(exitDone, "1 times as fast", "speed", "1")
	setClock(t, g, call)
	g.stop()
}

// setClock sets the clock of a simulated house, forward, back and to a time.
func setClock(t *testing.T, g *gate, call func(code int, says string, args ...string) string) {
	t.Helper()
	before := g.status().HouseTime
	call(exitDone, "", "clock", "-2h")
	if by := g.status().HouseTime.Sub(before); by < -2*time.Hour || by > -2*time.Hour+time.Minute {
		t.Errorf("set back by 2h it shows %v more", by)
	}
	if c := g.status().Clock; !c.Trusted || c.SetBy > -7199 || c.SetBy < -7201 || c.SetAt.IsZero() {
		t.Errorf("the clock is said to be %+v", c)
	}
	code, out, errs := called(t, "devices", "--socket", g.socket)
	if first, _, _ := strings.Cut(out, "\n"); code != exitDone || !strings.Contains(first, "the clock was set back by 2h at ") {
		t.Errorf("hogar devices begins with %q (%d %s)", first, code, errs)
	}
	call(exitDone, "", "clock", "+90m")
	call(exitDone, "", "clock", "2082-12-01T10:00")
	if year := g.status().HouseTime.Year(); year != 2082 {
		t.Errorf("it shows the year %d, want 2082", year)
	}
	call(exitFailed, "expected +1h30m, -2h, or a time like", "clock", "tomorrow")
	call(exitFailed, "expected a year from 1970 to 2199", "clock", "1950-01-01T00:00")
	call(exitUsage, "0 arguments", "clock")
	until(t, "the sensors go on", func() bool {
		d := g.device("hall.climate")
		return d.Status == home.Online && len(d.Readings) > 0 && g.status().HouseTime.Sub(d.Readings[0].Time) < time.Minute
	})
}

// TestSimulateFaultsInTheConfiguration are told by check.
func TestSimulateFaultsInTheConfiguration(t *testing.T) {
	t.Parallel()
	for config, says := range map[string]string{
		"simulate: {faults: {hall.lamp: weldet}}":              "did you mean welded?",
		"simulate: {faults: {hall.lamb: welded}}":              "no device hall.lamb",
		"simulate: {faults: {hall.lamp: crc}}":                 "hall.lamp is a relay, which cannot be crc",
		"simulate: {random: {every: 10m, kinds: [nack]}}":      "'nack' is no kind of fault",
		"simulate: {random: {kinds: [nak]}}":                   "every is missing",
		"simulate: {random: {every: 10m, lasts: 2m, seed: 1}}": "seed",
		"simulate: {fault: {}}":                                "fault",
	} {
		problems := problemsOf(t, "devices:\n  hall.lamp: {driver: relay, pin: GPIO17}\n"+config+"\n")
		if len(problems) != 1 || !strings.Contains(problems[0].Message+problems[0].Hint, says) {
			t.Errorf("%s: %+v, want %q", config, problems, says)
		}
	}
	if problems := problemsOf(t, "gateway: broken\n"+brokenHouse+"  random: {every: 10m, lasts: 2m, kinds: [absent, nak]}\n"); len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
}
