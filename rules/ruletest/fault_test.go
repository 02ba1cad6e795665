package ruletest

import (
	"strings"
	"testing"

	"hogar/gateway/home"
)

// TestFaultsInTests breaks devices in tests of the demo's rules, which heat the kitchen
// below 18 °C and stop above 20.
func TestFaultsInTests(t *testing.T) {
	s := suiteOf(t, "../../configs/demo.yaml")
	for name, c := range map[string]struct{ steps, want string }{
		"a fault that is noticed makes it offline": {`
      - {fault: {kitchen.climate: nak}, check: not online(kitchen.climate)}
      - {after: 1h, check: not known(kitchen.climate.temperature)}
      - {fault: {kitchen.climate: none}, check: online(kitchen.climate)}
      - {after: 10m, check: known(kitchen.climate.temperature)}`, ""},
		"a frozen sensor goes on telling": {`
      - {after: 10m, fault: {kitchen.climate: frozen}}
      - {after: 5m, fault: {kitchen.heater: nak}}
      - {after: 3h, check: known(kitchen.climate.temperature) and kitchen.climate.temperature > 17}`, ""},
		"a drifting one goes away": {`
      - {after: 10m, fault: {kitchen.climate: drifting}}
      - {after: 10h, check: kitchen.climate.temperature > 35}`, ""},
		"a welded relay heats on": {`
      - {fault: {kitchen.heater: welded}}
      - {after: 10h, check: kitchen.climate.temperature > 24}`, ""},
		"a relay that is broken does not obey": {`
      - {fault: {porch.lamp: absent}, check: not online(porch.lamp)}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := "tests:\n  - name: x\n    start: 2026-03-21 18:30\n    world: true\n    steps:" + c.steps + "\n"
			if got := outcome(t, s, text); strings.Join(got, "\n") != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	for steps, says := range map[string]string{
		"- {fault: {kitchen.climate: weldet}}":   "did you mean welded?",
		"- {fault: {kitchen.climat: nak}}":       "kitchen.climat",
		"- {fault: nak}":                         "fault is",
		"- {fault: {kitchen.climate: frozen}}":   "makes no difference without the simulated world",
		"- {fault: {kitchen.climate: bouncing}}": "expected one of absent",
	} {
		n, src := parsed(t, "tests:\n  - name: x\n    start: 2026-03-21 18:30\n    steps:\n      "+steps+"\n")
		var faults home.Faults
		s.Decode(n, &faults)
		problems := src.Problems(&faults)
		if len(problems) != 1 || !strings.Contains(problems[0].Message+problems[0].Hint, says) {
			t.Errorf("%s: %+v, want %q", steps, problems, says)
		}
	}
}
