package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hogar/gateway/home"
)

// testHouse is a house by full names.
type testHouse map[string]home.Property

func (h testHouse) Property(name string) (home.Property, bool) {
	p, ok := h[name]
	return p, ok
}

func (h testHouse) Device(name string) bool {
	for full := range h {
		if d, _ := home.Split(full); d == name {
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

func houseOf(lines string) testHouse {
	h := testHouse{}
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		_, property := home.Split(f[0])
		p := home.Property{Name: property, Type: home.Type(f[1])}
		for _, word := range f[2:] {
			low, high, isRange := strings.Cut(word, "..")
			switch {
			case word == "settable":
				p.Settable = true
			case isRange:
				p.Min, p.Max = new(mustFloat(low)), new(mustFloat(high))
			default:
				p.Options = append(p.Options, word)
			}
		}
		h[f[0]] = p
	}
	return h
}

func mustFloat(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return f
}

var house = houseOf(`
	hall.motion.occupancy boolean
	hall.light.illuminance number
	hall.lamp.state boolean settable
	hall.lamp.brightness number settable 0..100
	porch.lamp.state boolean settable
	cellar.probe.temperature number
	cellar.heater.state boolean settable
	hall.button.action event single double
	hvac.mode choice settable heat cool off
`)

var place0 = Options{Latitude: 52.52, Longitude: 13.405, Location: mustZone("Europe/Berlin")}

func mustZone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// tree makes a node of Go values: pairs for a map, []any for a list, else a
// scalar; nil is nothing.
type pairs []any // key, value, key, value …

func node(v any, path ...string) *home.Node {
	n := &home.Node{Path: path}
	sub := func(v any, key string) *home.Node { return node(v, append(slices.Clone(path), key)...) }
	switch v := v.(type) {
	case nil:
	case *home.Node:
		n = v
		n.Path = path
	case pairs:
		n.Kind = home.NodeMap
		for i := 0; i < len(v); i += 2 {
			key := v[i].(string)
			n.Pairs = append(n.Pairs, home.Pair{Key: key, Value: sub(v[i+1], key)})
		}
	case []any:
		n.Kind = home.NodeList
		for i, item := range v {
			n.Items = append(n.Items, sub(item, strconv.Itoa(i)))
		}
	default:
		n.Kind, n.Text = home.NodeScalar, fmt.Sprint(v)
	}
	return n
}

func load(t testing.TB, rules any, o Options) *Engine {
	t.Helper()
	var faults home.Faults
	e := Load(node(rules, "rules"), house, o, &faults)
	if e == nil {
		for _, f := range faults.List {
			t.Error(f.Error())
		}
		t.FailNow()
	}
	return e
}

// story steps an engine through a series of lines, each a time, an event, and
// after => what must come of it. After every step the engine is saved and taken
// up by a fresh one, which must decide the same.
type story struct {
	t     *testing.T
	rules any
	o     Options
	start time.Time
	fail  string // commands to this device fail
	mute  bool   // no command has an outcome
}

// tell runs the lines. An event is: NAME VALUE, NAME ! WHAT (it happens), DEVICE
// online, tick, started, untrusted, message EXCHANGE KEY BODY.
func (s story) tell(lines string) {
	s.t.Helper()
	e := load(s.t, s.rules, s.o)
	for line := range strings.Lines(lines) {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		text, want, _ := strings.Cut(line, "=>")
		f := strings.Fields(text)
		at := s.at(f[0])
		var got []string
		events := []home.Event{event(at, f[1:])}
		for len(events) > 0 {
			ev := events[0]
			e = s.again(e, ev, &got, &events)
			events = events[1:]
		}
		want = strings.Join(strings.Fields(want), " ")
		if g := strings.Join(got, "; "); g != want {
			s.t.Errorf("%s\n\tgot  %s\n\twant %s", strings.TrimSpace(line), g, want)
		}
	}
}

// again steps e and a restored copy of it, and compares. Timers act first, each
// in a step of its own, as the gateway does.
func (s story) again(e *Engine, ev home.Event, got *[]string, events *[]home.Event) *Engine {
	for n := e.Next(); !n.IsZero() && n.Before(ev.At) && !(ev.Kind == home.KindGateway); n = e.Next() {
		e = s.step(e, home.Event{At: n, Flags: ev.Flags & home.FlagUntrusted}, got, events)
		for len(*events) > 1 { // the outcomes of what timers did come before the event
			out := (*events)[1]
			*events = slices.Delete(*events, 1, 2)
			e = s.step(e, out, got, events)
		}
	}
	return s.step(e, ev, got, events)
}

func (s story) step(e *Engine, ev home.Event, got *[]string, events *[]home.Event) *Engine {
	copied := s.copy(e)
	a, b := e.Step(ev), copied.Step(ev)
	if x, y := show(a), show(b); x != y || !e.Next().Equal(copied.Next()) {
		s.t.Errorf("after a restore:\n%s\nwithout:\n%s\nnext %s, %s", y, x, copied.Next(), e.Next())
	}
	for _, d := range a {
		if d.Command == nil {
			*got = append(*got, showEvent(d.Event))
			continue
		}
		*got = append(*got, d.Command.Device+" "+d.Command.Set.String())
		if s.mute {
			continue
		}
		o := &home.Outcome{ID: d.Command.ID, Device: d.Command.Device, Result: home.Applied}
		if d.Command.Device == s.fail {
			o.Result, o.Error = home.Failed, "no answer"
		}
		*events = append(*events, home.Event{At: ev.At, Kind: home.KindOutcome, Device: o.Device, Outcome: o})
	}
	return copied
}

func (s story) copy(e *Engine) *Engine {
	saved, err := e.Save()
	if err != nil {
		s.t.Fatal(err)
	}
	copied := load(s.t, s.rules, s.o)
	if err := copied.Restore(saved); err != nil {
		s.t.Fatal(err)
	}
	again, err := copied.Save()
	if err != nil || string(again) != string(saved) {
		s.t.Errorf("saved, restored, saved (%v):\n%s\n%s", err, saved, again)
	}
	return copied
}

// show writes decisions whole, for a comparison.
func show(list []Decision) string {
	var b strings.Builder
	for _, d := range list {
		if d.Command != nil {
			fmt.Fprintf(&b, "%+v\n", *d.Command)
			continue
		}
		text, err := d.Event.AppendJSON(nil)
		fmt.Fprintf(&b, "%s %s %v\n", d.Event.At, text, err)
	}
	return b.String()
}

// showEvent shows what a story compares: a rule's name and state, a variable, a
// message.
func showEvent(ev *home.Event) string {
	switch ev.Kind {
	case home.KindVariable:
		return "vars." + ev.Name + " " + ev.Value.String()
	case home.KindPublish:
		return "publish " + ev.Message.Exchange + " " + ev.Message.Key + " " + string(ev.Message.Body)
	}
	return ev.Name + " " + ev.State
}
