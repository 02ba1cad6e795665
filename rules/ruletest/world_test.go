package ruletest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"hogar/gateway/home"
)

// bigHome is a house of 40 sensors in ten rooms with a heater and a lamp each, and
// 50 rules.
func bigHome(t testing.TB) *Suite {
	t.Helper()
	h := newFakeHouse()
	low, high := -40.0, 85.0
	var text strings.Builder
	text.WriteString("rules:\n")
	for i := range 10 {
		room := fmt.Sprintf("room%d", i)
		h.add(room+".climate", home.Property{Name: "temperature", Type: home.TypeNumber, Min: &low, Max: &high})
		h.add(room+".air", home.Property{Name: "humidity", Type: home.TypeNumber})
		h.add(room+".light", home.Property{Name: "illuminance", Type: home.TypeNumber})
		h.add(room+".motion", home.Property{Name: "occupancy", Type: home.TypeBoolean})
		for _, actuator := range []string{".heater", ".lamp", ".fan"} {
			h.add(room+actuator, home.Property{Name: "state", Type: home.TypeBoolean, Settable: true})
		}
		fmt.Fprintf(&text, `
  warm%[1]d:
    when: {is: room%[1]d.climate.temperature < 19, hysteresis: 0.5}
    do:
      - set: {room%[1]d.heater.state: on}
      - wait: {until: room%[1]d.climate.temperature >= 20.5, at_most: 6h}
      - set: {room%[1]d.heater.state: off}
  light%[1]d:
    when: room%[1]d.motion.occupancy
    if: room%[1]d.light.illuminance < 30 and not sun.up
    do:
      - set: {room%[1]d.lamp.state: on}
      - wait: {until: not room%[1]d.motion.occupancy, for: 10m, at_most: 3h}
      - set: {room%[1]d.lamp.state: off}
    mode: restart
  damp%[1]d: {when: {is: room%[1]d.air.humidity > 70, for: 20m, hysteresis: 5}, do: [{set: {room%[1]d.fan.state: on}}, {wait: 1h}, {set: {room%[1]d.fan.state: off}}]}
  evening%[1]d: {when: {sun: sunset + %[1]dm}, if: room%[1]d.light.illuminance < 50, do: [{log: dark}]}
  seen%[1]d: {when: {changed: room%[1]d.motion.occupancy}, if: value, do: [{log: somebody}]}
`, i)
	}
	n, src := parsed(t, text.String())
	s := someSuite(t, someRules)
	s.House, s.Rules = h, n.Get("rules")
	s.Options.Vars = nil
	var faults home.Faults
	if s.load(nil, &faults) == nil {
		t.Fatal(src.Problems(&faults))
	}
	return s
}

// lived runs a house in the simulated world for some days and returns how many
// events that were, the engine's last state, and what was done.
func lived(t testing.TB, s *Suite, days int, every time.Duration) (events int, state, did string) {
	t.Helper()
	test := &Test{Name: "x", start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), world: &simulation{seed: 3, every: every}}
	test.steps = []step{{at: test.start.Add(time.Duration(days) * 24 * time.Hour)}}
	hash := sha256.New()
	r := s.runner(test, nil)
	r.heard = func(ev *home.Event) {
		if ev.Kind == home.KindReading {
			events++
		}
	}
	r.acted = func(text string) { fmt.Fprintln(hash, r.now.UnixMicro(), text) }
	r.run()
	if r.result.Failed() {
		t.Fatal(r.result.Failures)
	}
	b, err := r.engine.Save()
	if err != nil {
		t.Fatal(err)
	}
	return events, string(b), hex.EncodeToString(hash.Sum(nil))
}

// TestYearIsTheSameTwice lives a year of the demo home two times, or a month of it.
func TestYearIsTheSameTwice(t *testing.T) {
	s := suiteOf(t, "../../configs/demo.yaml")
	days := 30
	if os.Getenv("HOGAR_YEAR") != "" { // make year
		days = 365
	}
	_, state, did := lived(t, s, days, time.Hour)
	_, again, didAgain := lived(t, s, days, time.Hour)
	if state != again || did != didAgain {
		t.Error("two runs of the same days differ")
	}
}

// TestDecisionsAreTheSameEverywhere holds what a home of 50 rules does in some days
// against what is written down, so that machines of 32 and 64 bits can be compared.
func TestDecisionsAreTheSameEverywhere(t *testing.T) {
	_, state, did := lived(t, bigHome(t), 5, 5*time.Minute)
	sum := sha256.Sum256(regexp.MustCompile(`"Dir":"[^"]*"`).ReplaceAll([]byte(state), nil)) // where this test's rules are written
	golden(t, "testdata/decisions.txt", "done "+did+"\nstate "+hex.EncodeToString(sum[:])+"\n")
}

// BenchmarkDays is how fast a home of 40 sensors, each read every five minutes,
// and 50 rules lives in the simulated world: 11,520 readings a day.
func BenchmarkDays(b *testing.B) {
	s := bigHome(b)
	total := 0
	for b.Loop() {
		events, _, _ := lived(b, s, 20, 5*time.Minute)
		total += events
	}
	each := b.Elapsed().Seconds() / float64(total)
	b.ReportMetric(each*1e9, "ns/reading")
	b.ReportMetric(each*1000*11_520, "s/1000-days")
}
