package expr

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFaults is the table of what is written wrong and what is told.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		src    string
		offset int
		want   string
	}{
		{"", 0, "nothing stands here"},
		{"a.x && a.y", 4, "write: and"},
		{"a.x || a.y", 4, "write: or"},
		{"a.x & a.y", 4, "write: and"},
		{"!a.x", 0, "write: not"},
		{"a.n = 5", 4, "write: =="},
		{"a.n === 5", 4, "write: =="},
		{"a.n => 5", 4, "write: >="},
		{"a.n <> 5", 4, "write: !="},
		{"a.n ≥ 5", 4, "write: >="},
		{"a.x ? 1 : 2", 4, "write: if C then A else B"},
		{"a.x AND a.y", 4, "write: and"},
		{"NOT a.x", 0, "write: not"},
		{"a.x is on", 4, "write: =="},
		{"a.n between 1 and 2", 4, "write: a.b in 18..22"},
		{"{{ states('a') }}", 0, "no templates"},
		{"${a.x}", 0, "no templates"},
		{"a.n > 30lx", 6, "units are left out: write 30"},
		{"a.n > 4°C", 6, "units are left out: write 4"},
		{"a.n > 4 °C", 8, "units are left out"},
		{"a.n > 60 %", 9, "units are left out: write 60"},
		{"a.n > 60% and a.x", 8, "units are left out: write 60"},
		{"a.n > 20 W", 9, "units are left out: write 20"},
		{"age(a.n) > 10", 11, "write a duration, such as 10s"},
		{"age(a.n) > 10min", 11, "10min is no duration"},
		{"age(a.n) > 1.5h", 11, "1.5h is no duration"},
		{"now.time > 25:00", 11, "25:00 is no time of day"},
		{"now.time > 6:5", 11, "6:5 is no time of day"},
		{"now.time > 06:45:00", 11, "no seconds"},
		{"now.time > 6", 11, "write a time of day"},
		{`hvac.mode == "haet"`, 13, `hvac.mode is never "haet" (did you mean heat?)`},
		{`hvac.mode == "dry"`, 13, "it is one of heat, cool, off"},
		{`hvac.mode in ["heat", "col"]`, 22, "did you mean cool?"},
		{"hvac.mode == heat", 13, `write it in quotes: "heat"`},
		{"hvac.mode == haet", 13, `write: "heat"`},
		{"hvac.mode == on", 13, "hvac.mode is a choice and on is a condition"},
		{"hvac.mode > \"heat\"", 10, "a choice has no order"},
		{"hvac.mode", 0, `compare it: hvac.mode == "heat"`},
		{"hall.light.illuminance", 0, "compare it: hall.light.illuminance > 5"},
		{`hall.lamp.state == "on"`, 19, "a switch needs no comparison: hall.lamp.state"},
		{"hall.lamp.state > 1", 16, "a switch has no order"},
		{"hall.motion.ocupancy", 0, "hall.motion has no property ocupancy (did you mean occupancy?)"},
		{"hal.motion.occupancy", 0, "did you mean hall.motion.occupancy?"},
		{"Hall.Motion.occupancy", 0, "write: hall.motion.occupancy"},
		{"hall.motion", 0, "hall.motion is a device"},
		{"motion", 0, "there is no motion"},
		{"lamps.state", 0, "write: any(lamps.state) or all(lamps.state)"},
		{`hall.button.action == "single"`, 0, "write: when: {event: {hall.button.action: single}}"},
		{"a.n > 1 > 2", 8, "a second comparison"},
		{"a.n in 18", 7, "after in a range or a list is expected"},
		{"a.n in 22..18", 7, "the smaller one first: 18..22"},
		{"a.n in []", 7, "an empty list"},
		{"a.x in [a.y]", 8, "a.y is no constant"},
		{"a.x and", 7, "it ends where a value is expected"},
		{"(a.x", 4, "it ends where ) is expected"},
		{"a.x)", 3, ") without its beginning"},
		{"a.x a.y", 4, "write and, or or a comparison between"},
		{"if a.x then 1", 13, "it ends where else is expected"},
		{"1 + if a.x then 1 else 2", 4, "put it in brackets"},
		{"a.x == unknown", 7, "write: not known(a.b)"},
		{"True", 0, "write: on"},
		{"a.n == \"5\"", 7, "a number stands without quotes"},
		{"a.n + hvac.mode", 6, "hvac.mode is a choice, where a number is expected"},
		{"hvac.note + \"x\" == \"y\"", 0, "texts are not joined"},
		{"agee(a.n) > 1m", 0, "did you mean age?"},
		{"age(1) > 1m", 0, "age() takes one name"},
		{"online(hall.lamp.state)", 7, "write: online(hall.lamp)"},
		{"online(hall.lmap)", 7, "did you mean hall.lamp?"},
		{"now.tiem > 06:00", 0, "did you mean time?"},
		{"sun.high", 0, "there is sun.up, sun.elevation"},
		{`"abc`, 0, "a text without an end"},
		{"a.x and “b”", 8, "write plain quotes"},
		{"trigger == \"upp\"", 11, "did you mean up?"},
		{"if a.x then 1 else \"b\"", 19, "both must be of one kind"},
		{"é.x", 0, "there is no é.x"},
		{"\"é\" == 1", 7, "1 is a number"},
		{"cellar.probe.temperature > 10m", 27, "a duration is compared with age(name)"},
		{strings.Repeat("(", 200) + "a.x", 100, "more than 100 levels"},
	} {
		p, faults := Compile(c.src, Want{}, scope())
		if p != nil || len(faults) == 0 {
			t.Errorf("%s: no fault, want %s", c.src, c.want)
			continue
		}
		if f := faults[0]; !strings.Contains(f.Error(), c.want) || f.Offset != c.offset {
			t.Errorf("%s: at %d %q, want at %d %q", c.src, f.Offset, f.Error(), c.offset, c.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for src, want := range map[string]string{
		"cellar.probe.temperature > 100":   "never true: cellar.probe.temperature is between -40 and 85 °C",
		"cellar.probe.temperature >= 85":   "",
		"cellar.probe.temperature < -40":   "never true: cellar.probe.temperature is between -40 and 85 °C",
		"100 < cellar.probe.temperature":   "never true: cellar.probe.temperature is between -40 and 85 °C",
		"cellar.probe.temperature <= 90":   "always true: cellar.probe.temperature is between -40 and 85 °C",
		"cellar.probe.temperature == 21":   "a measured number is hardly ever exactly 21 (write a range: cellar.probe.temperature in 21..22)",
		"cellar.probe.temperature in 1..2": "",
	} {
		p, faults := Compile(src, Want{}, scope())
		var got strings.Builder
		for _, f := range faults {
			got.WriteString(f.Error())
			if !f.Warning {
				t.Errorf("%s: %s is no warning", src, f.Error())
			}
		}
		if p == nil || got.String() != want {
			t.Errorf("%s: %q, want %q", src, got.String(), want)
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, faults := Compile(`hall.lamp.stat and hvac.mode == "haet" and a.nn > 5`, Want{}, scope())
	var got []int
	for _, f := range faults {
		got = append(got, f.Offset)
	}
	if diff := cmp.Diff([]int{0, 32, 43}, got); diff != "" {
		t.Errorf("offsets (-want +got):\n%s", diff)
	}
}
