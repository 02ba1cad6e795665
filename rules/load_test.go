package rules

import (
	"slices"
	"strings"
	"testing"

	"hogar/gateway/home"
)

func aRule(when, do any, more ...any) pairs {
	return pairs{"r", append(pairs{"when", when, "do", do}, more...)}
}

func slip(sign, text string) *home.Node {
	n := &home.Node{Kind: home.NodeNull, Slip: sign}
	if text != "" {
		n.Kind, n.Text = home.NodeScalar, text
	}
	return n
}

var on = []any{pairs{"set", pairs{"hall.lamp.state", "on"}}}

// TestLoadFaults is the table of what is written wrong, where, and what is told.
func TestLoadFaults(t *testing.T) {
	button := pairs{"event", "hall.button.action"}
	for _, c := range []struct {
		rules  any
		path   string
		offset int
		want   string
	}{
		{aRule("hall.motion.ocupancy", on), "r.when", 0, "did you mean occupancy?"},
		{aRule("hall.motion.occupancy && sun.up", on), "r.when", 22, "write: and"},
		{aRule("= hall.motion.occupancy", on), "r.when", 0, "needs no ="},
		{aRule(slip("!", ""), on), "r.when", 0, "! begins a YAML tag (write: not a.b)"},
		{aRule(slip("!", "and c.d"), on), "r.when", 0, "! begins a YAML tag (write: not a.b)"},
		{aRule(slip("&", "b"), on), "r.when", 0, "write: and"},
		{aRule(slip(">", ""), on), "r.when", 0, "begin with a name"},
		{aRule(pairs{"is", "max(cellar.probe.temperature", "5) > 3", nil}, on), "r.when.is", 0, "a comma ends the value inside {}"},
		{aRule(pairs{"is", "hall.motion.occupancy", "for", "10"}, on), "r.when.for", 0, "expected a duration"},
		{aRule(pairs{"is", "hall.motion.occupancy", "hysteresis", "1"}, on), "r.when.is", 0, "hysteresis stands with one comparison"},
		{aRule(pairs{"is", "hall.motion.occupancy", "fro", "10s"}, on), "r.when.fro", 0, "did you mean for?"},
		{aRule(pairs{"is", "sun.up", "at", "06:00"}, on), "r.when.at", 0, "one trigger has both is and at"},
		{aRule(pairs{"evnet", "hall.button.action"}, on), "r.when", 0, "did you mean event?"},
		{aRule(pairs{"hall.lamp.state", "on"}, on), "r.when", 0, "write a condition: hall.lamp.state == …"},
		{aRule("hall.button.action", on), "r.when", 0, "write: when: {event: {hall.button.action: single}}"},
		{aRule(pairs{"event", pairs{"hall.button.action", "singel"}}, on), "r.when.event.hall.button.action", 0, "did you mean single?"},
		{aRule(pairs{"event", "hall.lamp.state"}, on), "r.when.event", 0, "is no event"},
		{aRule(pairs{"changed", "hall.button.action"}, on), "r.when.changed", 0, "write: {event: hall.button.action}"},
		{aRule(pairs{"changed", []any{"hall.lamp.sttae"}}, on), "r.when.changed.0", 0, "did you mean hall.lamp.state?"},
		{aRule(pairs{"at", "6.45"}, on), "r.when.at", 0, "write a time of day"},
		{aRule(pairs{"at", "24:00"}, on), "r.when.at", 0, "write a time of day"},
		{aRule(pairs{"at", "sunset"}, on), "r.when.at", 0, "write: {sun: sunset}"},
		{aRule(pairs{"at", "06:45", "days", "mon-fry"}, on), "r.when.days", 0, "write mon, mon-fri"},
		{aRule(pairs{"sun", "sunst - 20m"}, on), "r.when.sun", 0, "did you mean sunset?"},
		{aRule(pairs{"every", "2d"}, on), "r.when.every", 0, "expected from 1s to 1d"},
		{aRule(pairs{"cron", "* * * *"}, on), "r.when.cron", 0, "4 fields"},
		{aRule(pairs{"cron", "0 0 31 2 *"}, on), "r.when.cron", 0, "never comes"},
		{aRule(pairs{"cron", slip("*", "")}, on), "r.when.cron", 0, "* is a YAML alias"},
		{aRule(pairs{"offline", "hall.mtion"}, on), "r.when.offline", 0, "did you mean hall.motion?"},
		{aRule(pairs{"started", "yes"}, on), "r.when.started", 0, "write: {started: true}"},
		{aRule(pairs{"message", pairs{"exchange", "x"}}, on), "r.when.message", 0, "key is missing"},
		{aRule(pairs{"message", pairs{"exchange", "x", "key", "#.a.#.b.#"}}, on), "r.when.message.key", 0, "key has 3 words #, and RabbitMQ takes at most 2 since 4.3.5"},
		{aRule([]any{}, on), "r.when", 0, "an empty list"},
		{pairs{"r", pairs{"do", on}}, "r", 0, "when is missing"},
		{pairs{"R", pairs{"when", "sun.up", "do", on}}, "R", 0, "does not begin with a lower-case letter"},
		{aRule("sun.up", on, "mod", "single"), "r.mod", 0, "did you mean mode?"},
		{aRule("sun.up", on, "mode", "sinlge"), "r.mode", 0, "did you mean single?"},
		{aRule("sun.up", on, "if", "value > 1"), "r.if", 0, "only when changed or event starts the rule"},
		{aRule("sun.up", on, "if", `message.x == 1`), "r.if", 0, "not started by a message"},
		{aRule("sun.up", on, "if", `trigger == "a"`), "r.if", 0, "no trigger of this rule has an id"},
		{aRule("sun.up", pairs{}), "r.do", 0, "write - before each step"},
		{aRule("sun.up", []any{pairs{"hall.lamp.state", "on"}}), "r.do.0", 0, "write: set: {hall.lamp.state: …}"},
		{aRule("sun.up", []any{pairs{"delay", "5s"}}), "r.do.0", 0, "a step begins with one of"},
		{aRule("sun.up", []any{pairs{"wait", "5"}}), "r.do.0.wait", 0, "expected a duration"},
		{aRule("sun.up", []any{pairs{"wait", pairs{"for", "5s"}}}), "r.do.0.wait", 0, "until is missing"},
		{aRule("sun.up", []any{pairs{"wait", pairs{"until", "sun.up", "on_timeout", "stop"}}}), "r.do.0.wait.on_timeout", 0, "on_timeout without at_most"},
		{aRule("sun.up", []any{set("hall.lamp.stat", "on")}), "r.do.0.set.hall.lamp.stat", 0, "did you mean state?"},
		{aRule("sun.up", []any{set("hall.lamp.state", "onn")}), "r.do.0.set.hall.lamp.state", 0, "is not on, off or toggle"},
		{aRule("sun.up", []any{set("hall.lamp.brightness", "120")}), "r.do.0.set.hall.lamp.brightness", 0, "between 0 and 100"},
		{aRule("sun.up", []any{set("hall.lamp.brightness", "hall.light.illuminance")}), "r.do.0.set.hall.lamp.brightness", 0, "computed values begin with ="},
		{aRule("sun.up", []any{set("hall.lamp.brightness", "=  hall.light.iluminance")}), "r.do.0.set.hall.lamp.brightness", 3, "did you mean illuminance?"},
		{aRule("sun.up", []any{set("hvac.mode", "haet")}), "r.do.0.set.hvac.mode", 0, "did you mean heat?"},
		{aRule("sun.up", []any{set("hall.motion.occupancy", "on")}), "r.do.0.set.hall.motion.occupancy", 0, "cannot be set"},
		{aRule("sun.up", []any{pairs{"scene", "wakeup"}}), "r.do.0.scene", 0, "there is no scene wakeup"},
		{aRule("sun.up", []any{pairs{"if", "sun.up"}}), "r.do.0", 0, "then is missing"},
		{aRule("sun.up", []any{pairs{"if", "sun.up", "then", on, "esle", on}}), "r.do.0.esle", 0, "did you mean else?"},
		{aRule("sun.up", []any{pairs{"while", "sun.up", "do", on}}), "r.do.0", 0, "write repeat: N beside it"},
		{aRule("sun.up", []any{pairs{"repeat", "0", "do", on}}), "r.do.0.repeat", 0, "expected a whole number from 1"},
		{aRule("sun.up", []any{pairs{"publish", pairs{"exchange", "x"}}}), "r.do.0.publish", 0, "key is missing"},
		{aRule("sun.up", []any{pairs{"publish", pairs{"exchange", "x", "key", "y", "body", pairs{"t", "= a.b"}}}}), "r.do.0.publish.body.t", 2, "there is no a.b"},
		{aRule("sun.up", []any{pairs{"set", pairs{"hall.lamp.state", "on"}, "on_error", "ignore"}}), "r.do.0.on_error", 0, "expected one of stop, continue"},
		{aRule([]any{button, pairs{"at", "06:00", "id", "Morning"}}, on), "r.when.1.id", 0, "does not begin with a lower-case letter"},
		{"text", "", 0, "expected a map of rules"},
	} {
		var faults home.Faults
		e := Load(node(c.rules), house, place0, &faults)
		if e != nil || len(faults.List) != 1 {
			t.Errorf("want %s: %d faults: %v", c.want, len(faults.List), faults.List)
			continue
		}
		f := faults.List[0]
		if got := strings.Join(f.Path, "."); got != c.path || f.Offset != c.offset || !strings.Contains(f.Message+" ("+f.Hint+")", c.want) {
			t.Errorf("at %s %d: %s (%s)\n\twant at %s %d: %s", got, f.Offset, f.Message, f.Hint, c.path, c.offset, c.want)
		}
	}
}

func TestAllFaultsOfAllRules(t *testing.T) {
	var faults home.Faults
	Load(node(pairs{
		"a", pairs{"wehn", "sun.up", "do", []any{set("hall.lamp.stat", "on")}},
		"b", pairs{"when", "sun.upp && x", "if", "!sun.up", "do", []any{pairs{"wiat", "5s"}}, "mode", []any{"x"}},
	}), house, place0, &faults)
	var paths []string
	for _, f := range faults.List {
		paths = append(paths, strings.Join(f.Path, "."))
	}
	slices.Sort(paths)
	if got := strings.Join(paths, " "); got != "a a.do.0.set.hall.lamp.stat a.wehn b.do.0 b.if b.mode b.when" {
		t.Error(got)
	}
}

// The sun needs a place, and a message an exchange that can be named.
func TestRefusedTriggers(t *testing.T) {
	o := place0
	o.Latitude, o.Longitude = 0, 0
	for _, when := range []pairs{
		{"sun", "noon"},
		{"message", pairs{"exchange", "", "key", "y"}},
		{"message", pairs{"exchange", "shop", "key", ""}},
		{"message", pairs{"exchange", strings.Repeat("x", 256), "key", "y"}},
		{"message", pairs{"exchange", "shop", "key", strings.Repeat("x", 256)}},
	} {
		var faults home.Faults
		if e := Load(node(aRule(when, on)), house, o, &faults); e != nil || len(faults.List) != 1 || faults.List[0].Hint == "" {
			t.Error(faults.List)
		}
	}
}

func TestWarningsAndAllow(t *testing.T) {
	var faults home.Faults
	r := pairs{"when", "hall.lamp.brightness > 100", "do", on}
	if e := Load(node(pairs{"r", r}), house, place0, &faults); e == nil || len(faults.List) != 1 || !faults.List[0].Warning {
		t.Error(faults.List)
	}
	faults = home.Faults{}
	if e := Load(node(pairs{"r", append(r, "allow", []any{"never"})}), house, place0, &faults); e == nil || len(faults.List) != 0 {
		t.Error(faults.List)
	}
}
