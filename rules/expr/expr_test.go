package expr

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// testHouse is a small house by full names.
type testHouse map[string]home.Property

func (h testHouse) Property(name string) (home.Property, bool) {
	p, ok := h[name]
	return p, ok
}

func (h testHouse) Device(name string) bool {
	for full := range h {
		if d, _ := home.Split(full); d == name && d != "vars" {
			return true
		}
	}
	return false
}

func (h testHouse) Names() []string {
	var list []string
	for full := range h {
		d, _ := home.Split(full)
		list = append(list, full, d)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

var house = testHouse{
	"hall.motion.occupancy":    {Name: "occupancy", Type: home.TypeBoolean},
	"hall.lamp.state":          {Name: "state", Type: home.TypeBoolean, Settable: true},
	"hall.lamp.brightness":     {Name: "brightness", Type: home.TypeNumber, Min: new(0.0), Max: new(100.0), Settable: true},
	"hall.light.illuminance":   {Name: "illuminance", Type: home.TypeNumber, Unit: "lx"},
	"cellar.probe.temperature": {Name: "temperature", Type: home.TypeNumber, Unit: "°C", Min: new(-40.0), Max: new(85.0)},
	"hvac.mode":                {Name: "mode", Type: home.TypeChoice, Options: []string{"heat", "cool", "off"}, Settable: true},
	"hvac.note":                {Name: "note", Type: home.TypeText},
	"hvac.program":             {Name: "program", Type: home.TypeObject},
	"hall.button.action":       {Name: "action", Type: home.TypeEvent, Options: []string{"single", "double"}},
	"a.x":                      {Name: "x", Type: home.TypeBoolean},
	"a.y":                      {Name: "y", Type: home.TypeBoolean},
	"a.n":                      {Name: "n", Type: home.TypeNumber},
	"b.n":                      {Name: "n", Type: home.TypeNumber},
	"max":                      {},
	"lamp.one.state":           {Name: "state", Type: home.TypeBoolean},
	"lamp.two.state":           {Name: "state", Type: home.TypeBoolean},
	"vars.guests":              {Name: "guests", Type: home.TypeBoolean},
}

func scope() *Scope {
	return &Scope{House: house, Slots: NewTable(), Sun: true, Message: true, Triggers: []string{"up", "down"},
		Value: &home.Property{Type: home.TypeNumber}, Groups: map[string][]string{"lamps": {"lamp.one", "lamp.two"}}}
}

// moment is Wednesday, 1 July 2026, 23:15.
var moment = time.Date(2026, 7, 1, 23, 15, 20, 0, time.UTC)

func env(s *Scope, values map[string]home.Value) *Env {
	e := &Env{Now: moment, Age: moment, Sun: func(time.Time) float64 { return -10 },
		Slots: make([]Slot, len(s.Slots.Names())), Online: make([]bool, len(s.Slots.Devices()))}
	for name, v := range values {
		if i, ok := s.Slots.Find(name); ok {
			e.Slots[i] = Slot{Value: v, At: moment.Add(-5 * time.Minute)}
		}
	}
	for i, d := range s.Slots.Devices() {
		e.Online[i] = d == "hvac"
	}
	e.Trigger, e.Value, e.Previous = home.TextOf("up"), home.NumberOf(7), home.NumberOf(5)
	e.Message = map[string]any{"sku": "A-7", "n": 3.0, "deep": map[string]any{"ok": true}}
	return e
}

func evaluate(t *testing.T, src string, values map[string]home.Value) home.Value {
	t.Helper()
	s := scope()
	p, faults := Compile(src, Want{Any: true}, s)
	if p == nil {
		t.Fatalf("%s: %v", src, faults)
	}
	return p.Eval(env(s, values))
}

func TestThreeValues(t *testing.T) {
	words := map[string]home.Value{"T": home.BooleanOf(true), "F": home.BooleanOf(false), "U": {}}
	tables := []struct{ src, table string }{
		// rows: x y result
		{"a.x and a.y", "TTT TFF TUU FTF FFF FUF UTU UFF UUU"},
		{"a.x or a.y", "TTT TFT TUT FTT FFF FUU UTT UFU UUU"},
		{"any(a.x, a.y)", "TTT TFT TUT FTT FFF FUU UTT UFU UUU"},
		{"all(a.x, a.y)", "TTT TFF TUU FTF FFF FUF UTU UFF UUU"},
		{"not a.x", "TTF TFF TUF FTT FFT FUT UTU UFU UUU"},
		{"a.x == a.y", "TTT TFF TUU FTF FFT FUU UTU UFU UUU"},
		{"a.x != a.y", "TTF TFT TUU FTT FFF FUU UTU UFU UUU"},
		{"a.x ?? a.y", "TTT TFT TUT FTF FFF FUF UTT UFF UUU"},
		{"known(a.x)", "TTT TFT TUT FTT FFT FUT UTF UFF UUF"},
		{"if a.x then a.y else not a.y", "TTT TFF TUU FTF FFT FUU UTU UFU UUU"},
		{"count(a.x, a.y) > 0", "TTT TFT TUU FTT FFF FUU UTU UFU UUU"},
	}
	for _, c := range tables {
		for row := range strings.FieldsSeq(c.table) {
			got := evaluate(t, c.src, map[string]home.Value{"a.x": words[row[:1]], "a.y": words[row[1:2]]})
			if want := words[row[2:]]; got != want {
				t.Errorf("%s with x=%c y=%c: %s, want %s", c.src, row[0], row[1], got, want)
			}
		}
	}
}

func TestEval(t *testing.T) {
	values := map[string]home.Value{
		"a.n": home.NumberOf(21), "hvac.mode": home.TextOf("heat"), "hvac.note": home.TextOf("filter is old"),
		"hall.lamp.state": home.BooleanOf(true), "lamp.one.state": home.BooleanOf(true), "lamp.two.state": home.BooleanOf(false),
	}
	for src, want := range map[string]string{
		"a.n + 1 * 2": "23", "(a.n + 1) * 2": "44", "-a.n": "-21", "a.n - -1": "22", "7 % 4": "3", "1 / 0": "unknown",
		"a.n + b.n": "unknown", "b.n ?? 5 > 3": "on", "b.n ?? -5": "-5", "b.n ?? 1 + 1": "2", "a.n in 18..22": "on",
		"a.n in 21..21": "on", "a.n not in 18..22": "off", "b.n in 1..2": "unknown", "min(a.n, 5, 9)": "5", "max(a.n, 5)": "21",
		"abs(-3)": "3", "round(2.346, 2)": "2.35", "round(2.5)": "3", "mean(a.n, 1)": "11", "count(a.n > 1, a.n > 100)": "1",
		`hvac.mode == "heat"`: "on", `hvac.mode != "cool"`: "on", `hvac.mode in ["heat", "cool"]`: "on", "hvac.mode == off": "off",
		`contains(hvac.note, "old")`: "on", "text(a.n)": "21", "hall.lamp.state": "on", "not hall.lamp.state": "off",
		"hall.lamp.state == on": "on", "now.time in 22:00..06:00": "on", "now.time in 06:00..22:00": "off", "now.time >= 23:15": "on",
		"now.time in 23:15..23:16": "on", "now.time in 22:00..23:15": "off", "now.hour": "23", "now.month": "7",
		`now.weekday in ["wed"]`: "on", "sun.up": "off", "sun.elevation < 0": "on", "age(a.n) > 4m": "on", "age(a.n) >= 5m": "on",
		"age(a.n) > 5m": "off", "age(b.n) > 1s": "unknown", "online(hvac)": "on", "online(hall.lamp)": "off", "trigger == \"up\"": "on",
		"value - previous": "2", `message.sku == "A-7"`: "on", "message.n > 2": "on", "message.deep.ok": "on", "message.none == 1": "unknown",
		`message.sku > 2`: "unknown", "if a.n > 20 then 1 else 2": "1", `if b.n > 20 then "x" else "y"`: "unknown",
		"any(lamps.state)": "on", "all(lamps.state)": "off", "count(lamps.state)": "1", "10m > 1h": "off", "1h30m == 90m": "on",
		"not a.n > 30 and a.n > 1": "on", "max.n": "fault", "1 == 1 or b.n > 1": "on", "if on then 1 else if off then 2 else 3": "1",
		"5m + 30s < 6m": "on", "5m * 2 == 10m": "on", "10m / 5m": "2",
	} {
		s := scope()
		p, _ := Compile(src, Want{Any: true}, s)
		got := "fault"
		if p != nil {
			got = p.Eval(env(s, values)).String()
		}
		if got != want {
			t.Errorf("%s = %s, want %s", src, got, want)
		}
	}
}

func TestHysteresis(t *testing.T) {
	for _, c := range []struct {
		src      string
		n        float64
		in, stay bool
	}{
		{"a.n < 4", 3.9, true, true}, {"a.n < 4", 4, false, true}, {"a.n < 4", 5, false, false},
		{"a.n <= 4", 5, false, true}, {"a.n <= 4", 5.1, false, false},
		{"a.n > 4", 4.1, true, true}, {"a.n > 4", 3.1, false, true}, {"a.n > 4", 3, false, false},
		{"4 > a.n", 4.5, false, true}, {"4 > a.n", 5, false, false},
	} {
		s := scope()
		p, faults := CompileHysteresis(c.src, 1, s)
		if p == nil {
			t.Fatal(faults)
		}
		e := env(s, map[string]home.Value{"a.n": home.NumberOf(c.n)})
		if in, stay := p.Eval(e).Boolean(), p.Stay(e).Boolean(); in != c.in || stay != c.stay {
			t.Errorf("%s at %v: enter %v, stay %v; want %v, %v", c.src, c.n, in, stay, c.in, c.stay)
		}
	}
	for _, src := range []string{"a.x", "a.n == 4", "a.n > 4 and a.x"} {
		if p, faults := CompileHysteresis(src, 1, scope()); p != nil || len(faults) == 0 {
			t.Errorf("hysteresis on %s is accepted", src)
		}
	}
}

func TestWanted(t *testing.T) {
	for _, c := range []struct{ src, name, want string }{
		{"hall.light.illuminance / 2", "hall.lamp.brightness", ""},
		{"120", "hall.lamp.brightness", "between 0 and 100"},
		{"if a.x then 20 else 130", "hall.lamp.brightness", "between 0 and 100"},
		{"a.x", "hall.lamp.brightness", "brightness is a number, and this is a switch"},
		{`if a.x then "heat" else "cool"`, "hvac.mode", ""},
		{`if a.x then "heat" else "coll"`, "hvac.mode", "did you mean cool?"},
		{`if a.x then "heat" else off`, "hvac.mode", ""},
		{"a.n > 5", "hall.lamp.state", ""},
		{"5", "hall.lamp.state", "state is a switch"},
		{"message.n", "hall.lamp.brightness", ""},
	} {
		prop := house[c.name]
		_, faults := Compile(c.src, Want{Property: &prop}, scope())
		var got strings.Builder
		for _, f := range faults {
			got.WriteString(f.Error())
		}
		if c.want == "" && got.String() != "" || !strings.Contains(got.String(), c.want) {
			t.Errorf("%s for %s: %q, want %q", c.src, c.name, got.String(), c.want)
		}
	}
}

func TestReads(t *testing.T) {
	s := scope()
	p, faults := Compile("a.x and a.n > b.n and a.x and age(hvac.mode) > 10m and online(hvac)", Want{}, s)
	if p == nil {
		t.Fatal(faults)
	}
	var names []string
	for _, slot := range p.Names {
		names = append(names, s.Slots.Name(slot))
	}
	if diff := cmp.Diff([]string{"a.x", "a.n", "b.n", "hvac.mode"}, names); diff != "" {
		t.Error(diff)
	}
	mode, _ := s.Slots.Find("hvac.mode")
	if diff := cmp.Diff([]Age{{mode, 10*time.Minute + time.Microsecond}}, p.Ages); diff != "" || !p.Clock {
		t.Error(diff, p.Clock)
	}
	if diff := cmp.Diff([]string{"hvac"}, s.Slots.Devices()); diff != "" {
		t.Error(diff)
	}
}

func TestNoAllocations(t *testing.T) {
	s := scope()
	p, _ := Compile(`hall.light.illuminance < 30 and not sun.up and now.time in 22:00..06:00 and hvac.mode in ["heat"]`, Want{}, s)
	e := env(s, map[string]home.Value{"hall.light.illuminance": home.NumberOf(4), "hvac.mode": home.TextOf("heat")})
	if n := testing.AllocsPerRun(100, func() { p.Eval(e) }); n != 0 {
		t.Errorf("%v allocations in an evaluation", n)
	}
}

func BenchmarkEval(b *testing.B) {
	s := scope()
	p, _ := Compile("hall.light.illuminance < 30 and not hall.lamp.state and (a.n + 1) * 2 > b.n ?? 5", Want{}, s)
	e := env(s, map[string]home.Value{"hall.light.illuminance": home.NumberOf(4), "hall.lamp.state": home.BooleanOf(false),
		"a.n": home.NumberOf(4)})
	b.ReportAllocs()
	for b.Loop() {
		p.Eval(e)
	}
}

func FuzzCompile(f *testing.F) {
	for _, src := range []string{"a.x and not a.y", "a.n in 18..22", `hvac.mode in ["heat", off]`, "if a.x then 1 else 2", "-a.n ?? -5 % 3",
		"age(a.n) > 10m and online(hvac)", "now.time in 22:00..06:00", "any(lamps.state)", "round(message.n, 2) == value", "((", "a..b", `"`} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		for _, want := range []Want{{}, {Any: true}, {Property: new(house["hvac.mode"])}} {
			s := scope()
			p, faults := Compile(src, want, s)
			if p == nil && len(faults) == 0 {
				t.Fatal("neither a program nor a fault")
			}
			for _, fault := range faults {
				if n := len([]rune(src)); fault.Offset < 0 || fault.Offset > n {
					t.Fatalf("offset %d outside of %d characters", fault.Offset, n)
				}
			}
			if p != nil {
				p.Eval(env(s, map[string]home.Value{"a.n": home.NumberOf(1), "hvac.mode": home.TextOf("heat")}))
				p.Eval(env(s, nil))
			}
			CompileHysteresis(src, 1, scope())
		}
	})
}
