package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

func TestSteps(t *testing.T) {
	rules := one("r", "when", pairs{"event", "hall.button.action"}, "do", []any{
		pairs{"if", "cellar.probe.temperature < 4", "then", []any{set("cellar.heater.state", "on")}, "else", []any{set("cellar.heater.state", "off")}},
		pairs{"repeat", "3", "while", `hvac.mode != "off"`, "do", []any{set("hall.lamp.state", "toggle"), pairs{"wait", "1s"}}},
		pairs{"publish", pairs{"exchange", "alerts", "key", "casa.frost", "body", pairs{"celsius", "= cellar.probe.temperature", "n", "5", "l", []any{"x", "true"}}}},
		pairs{"log", "all well"},
		pairs{"if", `value == "single"`, "then", []any{pairs{"stop", "enough"}}},
		set("porch.lamp.state", "on"),
	})
	story{t: t, rules: rules, o: place0, start: night}.tell(`
		0s  hvac.mode heat
		1s  hall.button.action ! double => r started; hall.lamp state: toggle
		2s  tick => hall.lamp state: toggle
		3s  tick => hall.lamp state: toggle
		4s  tick => publish alerts casa.frost {"celsius":null,"n":5,"l":["x",true]}; porch.lamp state: on; r done
		10s cellar.probe.temperature 2.5
		11s hvac.mode off
		12s hall.button.action ! single => r started; cellar.heater state: on; publish alerts casa.frost {"celsius":2.5,"n":5,"l":["x",true]}; r stopped
		13s cellar.probe.temperature 5
		14s hall.button.action ! single => r started; cellar.heater state: off; publish alerts casa.frost {"celsius":5,"n":5,"l":["x",true]}; r stopped
	`)
}

func TestModes(t *testing.T) {
	for mode, lines := range map[string]string{
		"single": `
			0s hall.button.action ! single => r started; hall.lamp state: on
			1s hall.button.action ! single => r refused
			10s tick => hall.lamp state: off; r done`,
		"restart": `
			0s hall.button.action ! single => r started; hall.lamp state: on
			1s hall.button.action ! single => r stopped; r started; hall.lamp state: on
			10s tick
			11s tick => hall.lamp state: off; r done`,
		"queued": `
			0s hall.button.action ! single => r started; hall.lamp state: on
			1s hall.button.action ! single
			2s hall.button.action ! single => r refused
			10s tick => hall.lamp state: off; r done; r started; hall.lamp state: on
			20s tick => hall.lamp state: off; r done`,
		"parallel": `
			0s hall.button.action ! single => r started; hall.lamp state: on
			1s hall.button.action ! single => r started; hall.lamp state: on
			2s hall.button.action ! single => r refused
			11s tick => hall.lamp state: off; r done; hall.lamp state: off; r done`,
	} {
		t.Run(mode, func(t *testing.T) {
			r := one("r", "when", pairs{"event", "hall.button.action"}, "mode", mode, "max", "2",
				"do", []any{set("hall.lamp.state", "on"), pairs{"wait", "10s"}, set("hall.lamp.state", "off")})
			story{t: t, rules: r, o: place0, start: night}.tell(lines)
		})
	}
}

func TestVariables(t *testing.T) {
	o := place0
	o.Vars = node(pairs{"guests", "off", "house", pairs{"options", []any{"day", "night"}, "start", "day"}, "n", "0"}, "vars")
	rules := pairs{
		"b", pairs{"when", "vars.guests", "do", []any{set("vars.house", "night")}},
		"a", pairs{"when", pairs{"event", "hall.button.action"}, "do", []any{set("vars.guests", "toggle"), set("hall.lamp.state", "on")}},
		"c", pairs{"when", pairs{"changed", "vars.house"}, "if", `vars.house == "night"`, "do", []any{set("porch.lamp.state", "on")}},
		"loop", pairs{"when", pairs{"changed", "vars.n"}, "mode", "parallel", "max", "100", "allow", "loop", "do", []any{set("vars.n", "= vars.n + 1")}},
	}
	story{t: t, rules: rules, o: o, start: night}.tell(`
		0s hall.button.action ! single => a started; vars.guests on; hall.lamp state: on; b started; vars.house night; b done; c started; porch.lamp state: on; a done; c done
		1s vars.guests off
		2s vars.house day
	`)
	e := load(t, rules, o)
	e.Step(event(night, []string{"tick"}))
	decisions := e.Step(event(night, []string{"vars.n", "1"}))
	last := decisions[len(decisions)-1].Event
	if len(decisions) != 3*variableDeep+2 || last.State != "failed" {
		t.Errorf("%d decisions, the last %s: %s", len(decisions), last.State, last.Reason)
	}
}

// TestVariablesAtOnce: what a rule counts is there for its next step and for the
// rules that the same event starts; who looks at it is started right after.
func TestVariablesAtOnce(t *testing.T) {
	o := place0
	o.Vars = node(pairs{"n", "0"}, "vars")
	button := pairs{"event", "hall.button.action"}
	rules := pairs{
		"a", pairs{"when", button, "do", []any{pairs{"repeat", "2", "do", []any{set("vars.n", "= vars.n + 1")}}, set("hall.lamp.brightness", "= vars.n")}},
		"b", pairs{"when", button, "do", []any{set("vars.n", "= vars.n + 1")}},
		"c", pairs{"when", pairs{"changed", "vars.n"}, "mode", "parallel", "do", []any{pairs{"log", "= value"}}},
	}
	story{t: t, rules: rules, o: o, start: night}.tell(`
		0s hall.button.action ! single => a started; vars.n 1; vars.n 2; hall.lamp brightness: 2; b started; vars.n 3; b done; c started; c done; c started; c done; c started; c done; a done
	`)
}

func TestScenesAndGroups(t *testing.T) {
	o := place0
	o.Scenes = node(pairs{"evening", pairs{"hall.lamp.state", "on", "hall.lamp.brightness", "40", "porch.lamp.state", "off"}}, "scenes")
	o.Groups = map[string][]string{"lamps": {"hall.lamp", "porch.lamp"}}
	rules := pairs{
		"s", pairs{"when", pairs{"event", pairs{"hall.button.action", "single"}}, "do", []any{pairs{"scene", "evening"}}},
		"g", pairs{"when", pairs{"event", pairs{"hall.button.action", "double"}}, "do", []any{set("lamps.state", "off")}},
		"dark", pairs{"when", "not any(lamps.state)", "do", []any{set("cellar.heater.state", "off")}},
	}
	story{t: t, rules: rules, o: o, start: night}.tell(`
		0s hall.button.action ! single => s started; hall.lamp state: on, brightness: 40; porch.lamp state: off; s done
		1s hall.button.action ! double => g started; hall.lamp state: off; porch.lamp state: off; g done
		2s hall.lamp.state on
		3s hall.lamp.state off
		4s porch.lamp.state off => dark started; cellar.heater state: off; dark done
	`)
}

func TestMessages(t *testing.T) {
	r := one("r", "when", pairs{"message", pairs{"exchange", "shop", "key", "order.*"}}, "if", `message.sku == "A-7"`,
		"do", []any{pairs{"wait", "1s"}, set("hall.lamp.brightness", "= message.count * 10")})
	story{t: t, rules: r, o: place0, start: night}.tell(`
		0s message shop order.placed {"sku":"A-7","count":3} => r started
		1s tick => hall.lamp brightness: 30; r done
		2s message shop order.placed {"sku":"A-8"}
		3s message shop stock.changed {"sku":"A-7","count":3}
	`)
}

func TestRunaway(t *testing.T) {
	e := load(t, one("r", "when", pairs{"event", "hall.button.action"}, "do", []any{pairs{"log", "x"}}), place0)
	states := map[string]int{}
	press := func(at time.Duration) {
		for _, d := range e.Step(event(night.Add(at), []string{"hall.button.action", "!", "single"})) {
			states[d.Event.State]++
		}
	}
	for i := range 60 {
		press(time.Duration(i) * 500 * time.Millisecond)
	}
	if states["started"] != 30 || states["paused"] != 1 || e.Rules()[0].State != "paused" {
		t.Error(states, e.Rules())
	}
	press(11 * time.Minute)
	if states["started"] != 31 {
		t.Error(states)
	}
}

// TestRate: a rule may say how often it is started at most, and no less than once.
func TestRate(t *testing.T) {
	r := pairs{"when", pairs{"event", "hall.button.action"}, "do", []any{pairs{"log", "x"}}, "rate", "3 per 10s"}
	e := load(t, pairs{"r", r}, place0)
	var got []string
	for i := range 4 {
		for _, d := range e.Step(event(night.Add(time.Duration(i)*time.Second), []string{"hall.button.action", "!", "single"})) {
			got = append(got, d.Event.State)
		}
	}
	if len(got) != 7 || got[6] != "paused" || !strings.Contains(e.Rules()[0].Why, "more than 3 times within 10s") {
		t.Error(got, e.Rules())
	}
	var faults home.Faults
	r[len(r)-1] = "0 per 10s"
	if Load(node(pairs{"r", r}), house, place0, &faults) != nil || len(faults.List) != 1 || !strings.Contains(faults.List[0].Message, "like 10 per 1m") {
		t.Error(faults.List)
	}
}

// TestMessageTwice: a message that its sender, or the broker, says once more
// starts nothing; after a restart, too.
func TestMessageTwice(t *testing.T) {
	rules := one("r", "when", pairs{"message", pairs{"exchange", "shop", "key", "#"}}, "do", []any{pairs{"log", "x"}})
	e := load(t, rules, place0)
	started := func(id string) (n int) {
		for _, d := range e.Step(home.Event{At: night, Kind: home.KindMessage, Message: &home.Message{Exchange: "shop", Key: "order", ID: id}}) {
			if d.Event.State == "started" {
				n++
			}
		}
		return n
	}
	got := []int{started("a"), started("a"), started("b"), started(""), started("")}
	state, err := e.Save()
	if err != nil {
		t.Fatal(err)
	}
	e = load(t, rules, place0)
	if err := e.Restore(state); err != nil {
		t.Fatal(err)
	}
	got = append(got, started("a"), started("b"), started("c"))
	if diff := cmp.Diff([]int{1, 0, 1, 1, 1, 0, 0, 1}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClockConditions(t *testing.T) {
	rules := pairs{
		"night", pairs{"when", "now.time in 22:00..06:00", "do", []any{set("hall.lamp.state", "off")}},
		"silent", pairs{"when", "age(cellar.probe.temperature) > 90s", "do", []any{set("porch.lamp.state", "on")}},
		"up", pairs{"when", "sun.up", "do", []any{set("porch.lamp.state", "off")}},
	}
	story{t: t, rules: rules, o: place0}.tell(`
		2026-07-01T21:00 cellar.probe.temperature 4
		2026-07-01T21:01:30 tick
		2026-07-01T21:01:31 tick => silent started; porch.lamp state: on; silent done
		2026-07-01T21:59:59 tick
		2026-07-01T22:00 tick => night started; hall.lamp state: off; night done
		2026-07-02T04:48 tick
		2026-07-02T04:49 tick => up started; porch.lamp state: off; up done
	`)
}

func TestRestartOfTheGateway(t *testing.T) {
	for missed, want := range map[string]string{"skip": "r missed", "if_still_true": "hall.lamp state: off"} {
		r := pairs{
			"r", pairs{"when", pairs{"event", "hall.button.action"}, "missed", missed,
				"do", []any{set("hall.lamp.state", "on"), pairs{"wait", "10m"}, set("hall.lamp.state", "off")}},
			"s", pairs{"when", pairs{"started", "true"}, "do", []any{set("porch.lamp.state", "off")}},
		}
		story{t: t, rules: r, o: place0, start: night}.tell(`
			0s hall.button.action ! single => r started; hall.lamp state: on
			1h started => ` + want + `; s started; porch.lamp state: off` + map[bool]string{true: "; r done"}[missed != "skip"] + `; s done
		`)
	}
}
