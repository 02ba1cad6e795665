package ruletest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/config"
	"hogar/gateway/home"
	"hogar/rules"
)

const someRules = `
rules:
  hall:
    when: hall.motion.occupancy
    if: hall.light.illuminance < 30
    do:
      - set: {hall.lamp.state: on}
      - wait: {until: not hall.motion.occupancy, for: 2m, at_most: 1h}
      - set: {hall.lamp.state: off}
    mode: restart
  button: {when: {event: {hall.button.action: single}}, do: [{set: {hall.lamp.state: toggle}}]}
  order:
    when: {message: {exchange: shop, key: order.*}}
    do:
      - if: message.count > 1
        then: [{publish: {exchange: alerts, key: casa.many, body: {sku: = message.sku, n: = message.count}}}]
        else: [{set: {vars.orders: = vars.orders + 1}}]
  boiler_hot: {when: {is: boiler.temperature > 60, hysteresis: 5}, do: [{set: {hvac.mode: off}}]}
  gone: {when: {offline: boiler, for: 5m}, do: [{log: gone}]}
  morning: {when: {at: "02:30"}, do: [{set: {hall.lamp.brightness: 40}}], missed: run}
`

// someSuite is a house with those rules.
func someSuite(t testing.TB, text string) *Suite {
	t.Helper()
	number := func(name string, low, high float64) home.Property {
		return home.Property{Name: name, Type: home.TypeNumber, Min: &low, Max: &high}
	}
	lamp := number("brightness", 0, 100)
	lamp.Settable = true
	h := newFakeHouse()
	h.add("hall.motion", home.Property{Name: "occupancy", Type: home.TypeBoolean})
	h.add("hall.light", number("illuminance", 0, 1e6))
	h.add("hall.lamp", home.Property{Name: "state", Type: home.TypeBoolean, Settable: true}, lamp)
	h.add("hall.button", home.Property{Name: "action", Type: home.TypeEvent, Options: []string{"single", "double"}})
	h.add("boiler", number("temperature", -40, 120))
	h.add("hvac", home.Property{Name: "mode", Type: home.TypeChoice, Options: []string{"off", "heat"}, Settable: true})
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	n, src := parsed(t, text)
	vars, _ := parsed(t, "orders: 0\n")
	s := &Suite{Rules: n.Get("rules"), House: h, Options: rules.Options{Location: berlin, Latitude: 52.5, Longitude: 13.4, Vars: vars}}
	var faults home.Faults
	s.load(nil, &faults)
	for _, p := range src.Problems(&faults) {
		t.Fatal(p)
	}
	return s
}

func parsed(t testing.TB, text string) (*home.Node, *config.Source) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n, src, faults := config.File(path)
	for _, p := range src.Problems(faults) {
		t.Fatal(p)
	}
	return n, src
}

// outcome runs the one test in text and returns its failures, each with its line.
func outcome(t *testing.T, s *Suite, text string) []string {
	t.Helper()
	n, src := parsed(t, text)
	var faults home.Faults
	tests := s.Decode(n, &faults)
	for _, p := range src.Problems(&faults) {
		t.Fatal(p)
	}
	var got []string
	r := s.Run(tests[0], nil)
	for _, f := range r.Failures {
		at := strings.SplitN(place(src, f.Path), ":", 4)
		got = append(got, at[1]+": "+f.Message)
	}
	if r.Failed() && len(r.Trace) == 0 {
		t.Error("no trace")
	}
	return got
}

func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		test string
		want []string
	}{
		"a command too late is two failures": {`
  given: {hall.light.illuminance: 4, hall.motion.occupancy: off}
  steps:
    - {read: {hall.motion.occupancy: on}, expect: {hall.lamp.state: on}}
    - {at: 10s, read: {hall.motion.occupancy: off}}
    - {at: 2m, expect: {hall.lamp.state: off}}
    - {at: 1h}`, []string{
			"8: at 2m (23:02:00) expected hall.lamp.state: off, it was not commanded",
			"8: at 2m10s (23:02:10) hall sets hall.lamp.state: off, which no step expects (10s after it was expected)"}},
		"within": {`
  given: {hall.light.illuminance: 4, hall.motion.occupancy: off}
  steps:
    - {read: {hall.motion.occupancy: on}, expect: {hall.lamp.state: on}}
    - {at: 10s, read: {hall.motion.occupancy: off}, within: 5m, expect: {hall.lamp.state: off}}`, nil},
		"within is over": {`
  given: {hall.light.illuminance: 4, hall.motion.occupancy: off}
  steps:
    - {read: {hall.motion.occupancy: on}, expect: {hall.lamp.state: on}}
    - {at: 10s, within: 5m, expect: {hall.lamp.state: off}}`, []string{
			"7: at 10s (23:00:10), within 5m, expected hall.lamp.state: off, it was not commanded"}},
		"nobody expects it": {`
  steps: [{read: {hall.button.action: single}}]`, []string{
			"4: at 0s (23:00:00) button sets hall.lamp.state: toggle, which no step expects"}},
		"anything goes until the next step": {`
  steps:
    - {expect: anything, read: {hall.button.action: single}}
    - {at: 1m, read: {hall.button.action: single}, expect: {hall.lamp.state: toggle}}
    - {at: 2m, check: not hall.lamp.state, read: {hall.button.action: double}}`, nil},
		"another value": {`
  steps:
    - {read: {hall.button.action: single}, expect: {hall.lamp.state: on}}`, []string{
			"5: at 0s (23:00:00) button sets hall.lamp.state: toggle, which no step expects",
			"5: at 0s (23:00:00) expected hall.lamp.state: on, it was not commanded"}},
		"messages": {`
  steps:
    - {message: {exchange: shop, key: order.placed, body: {sku: A-7, count: 2}}, expect: {message: {key: casa.many, body: {n: 2, sku: A-7}}}}
    - {message: {exchange: shop, key: order.placed, body: {sku: A-7, count: 1}}, expect: {vars.orders: 1}}
    - {message: {exchange: shop, key: other, body: {count: 2}}}
    - {message: {exchange: shop, key: order.x, body: {count: 3}}}
    - {check: vars.orders == 1}`, []string{
			`8: at 0s (23:00:00) order publishes alerts casa.many {"sku":null,"n":3}, which no step expects`}},
		"another body": {`
  steps:
    - {message: {exchange: shop, key: order.placed, body: {count: 2}}, expect: {message: {key: casa.many, body: {n: 3}}}}`, []string{
			`5: at 0s (23:00:00) order publishes alerts casa.many {"sku":null,"n":2}, which no step expects`,
			"5: at 0s (23:00:00) expected message casa.many, it was not published"}},
		"a series, and hysteresis": {`
  given: {boiler.temperature: 20}
  steps:
    - {read: {boiler.temperature: {from: 20, to: 80, over: 1h}}, within: 1h, expect: {hvac.mode: "off"}}
    - {at: 41m, check: boiler.temperature > 60}
    - {at: 70m, read: {boiler.temperature: {from: 80, to: 56, over: 1m, every: 1s}}}
    - {at: 80m, read: {boiler.temperature: 70}}
    - {at: 90m, read: {boiler.temperature: 54}}
    - {at: 100m, read: {boiler.temperature: 61}, expect: {hvac.mode: off}}`, nil},
		"a check that does not hold, and one that is unknown": {`
  given: {boiler.temperature: 20}
  steps:
    - {check: boiler.temperature > 30}
    - {check: hall.light.illuminance > 30}`, []string{
			"6: at 0s (23:00:00): boiler.temperature > 30 is not true: boiler.temperature 20",
			"7: at 0s (23:00:00): hall.light.illuminance > 30 is unknown: hall.light.illuminance unknown (never read)"}},
		"offline, for five minutes": {`
  given: {boiler.temperature: 20}
  steps:
    - {offline: boiler}
    - {at: 4m, online: boiler}
    - {at: 20m, offline: [boiler, hall.lamp]}
    - {at: 25m, expect: {started: gone}}`, nil},
		"it fails": {`
  steps:
    - {fail: {hall.lamp.state: no answer}, read: {hall.button.action: single}, expect: {hall.lamp.state: toggle, failed: button}}
    - {fail: none, read: {hall.button.action: single}, expect: {hall.lamp.state: toggle, started: button}}
    - {check: hall.lamp.state}`, nil},
		"the clock goes forward in the night": {`
  steps:
    - {at: 2026-07-02 02:30, expect: {hall.lamp.brightness: 40}}
    - {at: 02:30}
    - {at: 02:31}
    - {at: 02:30, expect: {hall.lamp.brightness: 40}}`, nil},
		"it was off when it was due": {`
  steps:
    - {at: 02:00, restart: 3h}
    - {after: 3h, expect: {hall.lamp.brightness: 40}}`, nil},
		"off without an end that matters": {`
  given: {hall.light.illuminance: 4, hall.motion.occupancy: off}
  steps:
    - {read: {hall.motion.occupancy: on}, expect: {hall.lamp.state: on}}
    - {at: 1m, restart: 2m}`, nil},
		"only some rules": {`
  rules: [hall]
  steps: [{read: {hall.button.action: single}}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := outcome(t, someSuite(t, someRules), "tests:\n- name: x\n  start: 2026-07-01 23:00"+c.test+"\n")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	n, src := parsed(t, `tests:
- nmae: x
  start: 23:00
  steps: []
- name: y
  start: 2026-07-01 23:00
  rules: [hal]
  given: {hall.lihgt.illuminance: 4, hall.motion: on, boiler.temperature: 200, hall.button.action: single}
  steps:
    - {at: 5m, after: 1m, read: {hall.motion.occupancy: toggle}}
    - {at: 4m, expect: {hall.light.illuminance: 5, hall.lamp.stat: on}}
    - {at: noon, fail: {boiler.temperature: x}, check: hall.light.illuminance > "dark"}
    - {within: 1m, offline: hall.lam, epxect: {}}
    - {restart: 1h, read: {boiler.temperature: {from: 1, to: 200}}, expect: all}
    - {after: 5m, expect: {started: [hall, hal], message: {body: 3}, hvac.mode: haet}}
    - 7
`)
	var faults home.Faults
	someSuite(t, someRules).Decode(n, &faults)
	var got []string
	for _, p := range src.Problems(&faults) {
		_, at, _ := strings.Cut(p.String(), "x.yaml:")
		got = append(got, at)
	}
	golden(t, "testdata/faults.txt", strings.Join(got, "\n")+"\n")
}

func TestPrintAndJUnit(t *testing.T) {
	s := someSuite(t, someRules)
	n, _ := parsed(t, `tests:
- {name: fine, start: 2026-07-01 23:00, steps: [{check: sun.up or not sun.up}]}
- name: not <fine>
  start: 2026-07-01 23:00
  given: {hall.light.illuminance: 40, hall.motion.occupancy: off}
  steps:
    - {read: {hall.motion.occupancy: on}, expect: {hall.lamp.state: on}}
    - {at: 5m, read: {hall.button.action: single}, expect: {hall.lamp.state: toggle}}
`)
	var faults home.Faults
	var cover Coverage
	f := File{Name: "x_test.yaml", Place: func(path []string) string { return strings.Join(path, ".") }}
	for _, one := range s.Decode(n, &faults) {
		r := s.Run(one, &cover)
		r.Took = 0
		f.Results = append(f.Results, r)
	}
	var b strings.Builder
	if err := f.Print(&b, true); err != nil {
		t.Fatal(err)
	}
	if err := JUnit(&b, []File{f}); err != nil {
		t.Fatal(err)
	}
	if err := cover.Print(&b, f.Place); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/print.txt", b.String())
}

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
