package rules

import (
	"testing"
	"time"
)

var night = time.Date(2026, 7, 1, 21, 0, 0, 0, time.UTC) // 23:00 in Berlin

func set(name string, v any) pairs { return pairs{"set", pairs{name, v}} }

func one(name string, v ...any) pairs { return pairs{name, pairs(v)} }

var hallLight = one("hall_light",
	"when", "hall.motion.occupancy",
	"if", "hall.light.illuminance < 30 and not sun.up",
	"do", []any{
		set("hall.lamp.state", "on"),
		pairs{"wait", pairs{"until", "not hall.motion.occupancy", "for", "2m", "at_most", "1h"}},
		set("hall.lamp.state", "off"),
	},
	"mode", "restart")

func TestMotionLight(t *testing.T) {
	story{t: t, rules: hallLight, o: place0, start: night}.tell(`
		0s   hall.light.illuminance 4
		1s   hall.motion.occupancy off
		10s  hall.motion.occupancy on  => hall_light started; hall.lamp state: on
		20s  hall.motion.occupancy off
		2m   hall.motion.occupancy on  => hall_light stopped; hall_light started; hall.lamp state: on
		3m   hall.motion.occupancy off
		4m59s tick
		5m   tick => hall.lamp state: off; hall_light done
		6m   hall.light.illuminance 40
		7m   hall.motion.occupancy on
	`)
}

func TestSensorDiesWhileWaiting(t *testing.T) {
	story{t: t, rules: hallLight, o: place0, start: night}.tell(`
		0s   hall.light.illuminance 4
		1s   hall.motion.occupancy off
		10s  hall.motion.occupancy on  => hall_light started; hall.lamp state: on
		30s  hall.motion offline
		1h   tick
		1h10s tick => hall.lamp state: off; hall_light done
		2h   hall.motion online
		3h   hall.motion.occupancy on
		4h   hall.motion.occupancy off
		5h   hall.motion.occupancy on => hall_light started; hall.lamp state: on
	`)
}

var frost = one("frost",
	"when", pairs{"is", "cellar.probe.temperature < 4", "for", "10m", "hysteresis", "1"},
	"do", []any{set("cellar.heater.state", "on")})

func frostWith(missed string) pairs {
	r := frost[1].(pairs)
	return one("frost", append(append(pairs{}, r...), "missed", missed)...)
}

func TestHold(t *testing.T) {
	for name, c := range map[string]struct{ missed, lines string }{
		"it holds for ten minutes, in the band, too": {"if_still_true", `
			0s  cellar.probe.temperature 6
			1m  cellar.probe.temperature 3.9
			5m  cellar.probe.temperature 4.9
			11m tick => frost started; cellar.heater state: on; frost done
			12m cellar.probe.temperature 2
			30m cellar.probe.temperature 5
			31m cellar.probe.temperature 3
			41m tick => frost started; cellar.heater state: on; frost done`},
		"it does not hold": {"if_still_true", `
			0s  cellar.probe.temperature 6
			1m  cellar.probe.temperature 3
			10m59s cellar.probe.temperature 5
			1h  tick`},
		"a silent probe does not reset it": {"if_still_true", `
			0s  cellar.probe.temperature 6
			1s  cellar.probe.temperature 3
			5m  cellar.probe.temperature unknown
			12m tick
			15m cellar.probe.temperature 2 => frost started; cellar.heater state: on; frost done`},
		"skip: a silent probe resets it": {"skip", `
			0s  cellar.probe.temperature 6
			1s  cellar.probe.temperature 3
			5m  cellar.probe.temperature unknown
			15m cellar.probe.temperature 2
			1h  tick
			61m cellar.probe.temperature 6
			62m cellar.probe.temperature 2
			72m tick => frost started; cellar.heater state: on; frost done`},
		"false, unknown, true": {"if_still_true", `
			0s  cellar.probe.temperature 6
			1s  cellar.probe.temperature unknown
			1m  cellar.probe.temperature 2
			11m tick => frost started; cellar.heater state: on; frost done`},
		"true at first sight starts nothing": {"if_still_true", `
			0s  cellar.probe.temperature 2
			1h  tick`},
		"run: true at first sight starts": {"run", `
			0s  cellar.probe.temperature 2
			10m tick => frost started; cellar.heater state: on; frost done`},
		"off in between: due only when seen again": {"if_still_true", `
			0s  cellar.probe.temperature 6
			1m  cellar.probe.temperature 2
			1h  started
			61m tick
			62m cellar.probe.temperature 2 => frost started; cellar.heater state: on; frost done`},
		"late readings start nothing": {"if_still_true", `
			0s  cellar.probe.temperature 6
			1m  cellar.probe.temperature 2 (late)
			1h  cellar.probe.temperature 2`},
	} {
		t.Run(name, func(t *testing.T) {
			story{t: t, rules: frostWith(c.missed), o: place0, start: night}.tell(c.lines)
		})
	}
}

func TestFailingCommands(t *testing.T) {
	two := one("two", "when", "hall.motion.occupancy", "do", []any{
		pairs{"set", pairs{"hall.lamp.state", "on"}, "on_error", "continue"},
		pairs{"set", pairs{"porch.lamp.state", "on", "hall.lamp.brightness", "= hall.light.illuminance / 2", "hall.lamp.state", "toggle"}},
	})
	story{t: t, rules: two, o: place0, start: night, fail: "hall.lamp"}.tell(`
		0s hall.motion.occupancy off
		1s hall.light.illuminance 80
		2s hall.motion.occupancy on => two started; hall.lamp state: on; porch.lamp state: on; hall.lamp brightness: 40, state: toggle; two failed
	`)
	story{t: t, rules: two, o: place0, start: night, mute: true}.tell(`
		0s  hall.motion.occupancy off
		2s  hall.motion.occupancy on => two started; hall.lamp state: on
		11s tick
		12s tick => two failed # brightness is unknown
	`)
	story{t: t, rules: two, o: place0, start: night, mute: true}.tell(`
		0s  hall.motion.occupancy off
		1s hall.light.illuminance 80
		2s  hall.motion.occupancy on => two started; hall.lamp state: on
		3s  hall.motion.occupancy off
		4s  hall.motion.occupancy on => two refused
		12s tick => porch.lamp state: on; hall.lamp brightness: 40, state: toggle
		22s tick => two failed
	`)
	story{t: t, rules: two, o: place0, start: night}.tell(`
		0s hall.motion.occupancy off
		1s hall.light.illuminance 800
		2s hall.motion.occupancy on => two started; hall.lamp state: on; two failed # 400 is beyond 100
	`)
}

func TestEventsAndChanges(t *testing.T) {
	rules := pairs{
		"button", pairs{"when", pairs{"event", pairs{"hall.button.action", "single"}}, "do", []any{set("hall.lamp.state", "toggle")}},
		"any_button", pairs{"when", pairs{"event", "hall.button.action"}, "if", `value == "double"`, "do", []any{set("porch.lamp.state", "on")}},
		"mode", pairs{"when", pairs{"changed", []any{"hvac.mode", "hall.lamp.state"}}, "do", []any{set("cellar.heater.state", "off")}},
		"rise", pairs{"when", pairs{"changed", "cellar.probe.temperature"}, "if", "value - previous > 2", "do", []any{set("cellar.heater.state", "off")}},
	}
	story{t: t, rules: rules, o: place0, start: night}.tell(`
		0s  hall.button.action ! single => button started; hall.lamp state: toggle; button done
		1s  hall.button.action ! double => any_button started; porch.lamp state: on; any_button done
		2s  hall.button.action ! single (late)
		3s  hvac.mode heat
		4s  hvac.mode heat
		5s  hvac.mode unknown
		6s  hvac.mode heat
		7s  hvac.mode cool => mode started; cellar.heater state: off; mode done
		8s  hvac.mode heat (late)
		9s  cellar.probe.temperature 4
		10s cellar.probe.temperature 5
		11s cellar.probe.temperature 8 => rise started; cellar.heater state: off; rise done
	`)
}

func TestAvailability(t *testing.T) {
	rules := pairs{
		"gone", pairs{"when", pairs{"offline", "hall.motion", "for", "5m"}, "do", []any{set("hall.lamp.state", "on")}},
		"back", pairs{"when", pairs{"online", "hall.motion"}, "do", []any{set("hall.lamp.state", "off")}},
		"asked", pairs{"when", "not online(hall.motion)", "do", []any{set("porch.lamp.state", "on")}},
	}
	story{t: t, rules: rules, o: place0, start: night}.tell(`
		0s  hall.motion online
		1m  hall.motion offline => asked started; porch.lamp state: on; asked done
		3m  hall.motion online => back started; hall.lamp state: off; back done
		4m  hall.motion stale => asked started; porch.lamp state: on; asked done
		9m  tick => gone started; hall.lamp state: on; gone done
	`)
}

func TestTimes(t *testing.T) {
	rules := pairs{
		"morning", pairs{"when", pairs{"at", "06:45", "days", "mon-fri"}, "do", []any{set("hall.lamp.state", "on")}},
		"skipped", pairs{"when", pairs{"at", []any{"02:30"}}, "do", []any{set("porch.lamp.state", "on")}},
	}
	story{t: t, rules: rules, o: place0}.tell(`
		2026-03-27T22:00 tick
		2026-03-28T02:30 tick => skipped started; porch.lamp state: on; skipped done
		2026-03-29T01:59:59 tick
		2026-03-29T03:00 tick => skipped started; porch.lamp state: on; skipped done
		2026-03-30T02:30 tick => skipped started; porch.lamp state: on; skipped done
		2026-03-30T06:44:59 tick
		2026-03-30T06:45 tick => morning started; hall.lamp state: on; morning done
	`)
}

func TestMissedTimes(t *testing.T) {
	for missed, want := range map[string][2]string{
		"skip":          {"", ""},
		"if_still_true": {"r started; hall.lamp state: on; r done", ""},
		"run":           {"r started; hall.lamp state: on; r done", "r started; hall.lamp state: on; r done"},
	} {
		r := one("r", "when", pairs{"at", "06:45"}, "do", []any{set("hall.lamp.state", "on")}, "missed", missed)
		t.Run(missed, func(t *testing.T) {
			story{t: t, rules: r, o: place0}.tell(`
				2026-03-27T06:30 tick
				2026-03-27T06:59 started => ` + want[0] + `
				2026-03-28T06:30 tick
				2026-03-28T07:00 started => ` + want[1] + `
				2026-03-29T06:45 tick => r started; hall.lamp state: on; r done`)
		})
	}
}

func TestUntrustedClock(t *testing.T) {
	rules := pairs{
		"morning", pairs{"when", pairs{"at", "06:45"}, "do", []any{set("hall.lamp.state", "on")}},
		"late", pairs{"when", "now.hour >= 7", "do", []any{set("porch.lamp.state", "on")}},
	}
	story{t: t, rules: rules, o: place0}.tell(`
		2026-03-27T06:00 untrusted
		2026-03-27T08:00 untrusted
		2026-03-28T06:00 tick
		2026-03-28T06:45 tick => morning started; hall.lamp state: on; morning done
		2026-03-28T07:00 tick => late started; porch.lamp state: on; late done
	`)
}

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
		"loop", pairs{"when", pairs{"changed", "vars.n"}, "mode", "parallel", "max", "100", "do", []any{set("vars.n", "= vars.n + 1")}},
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
