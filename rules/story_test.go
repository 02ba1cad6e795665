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
