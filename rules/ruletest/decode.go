package ruletest

import (
	"fmt"
	"slices"
	"time"

	"hogar/gateway/home"
	"hogar/rules"
)

// decoder reads a file of tests and collects what is wrong with it.
type decoder struct {
	suite  *Suite
	engine *rules.Engine // of all rules: for names, and to check conditions
	house  rules.House
	faults *home.Faults

	test   *Test
	last   time.Time // of the step before
	back   time.Time // the gateway is off until then
	stands setting   // the clock of the house
}

// Decode reads the tests of one file: a map with tests:, a list. What is wrong
// goes to faults, each at its place; the rules themselves must have none.
func (s *Suite) Decode(n *home.Node, faults *home.Faults) []*Test {
	e := s.load(nil, &home.Faults{})
	if e == nil {
		faults.Add(home.Fault{Message: "the rules have faults", Hint: "hogar check names them"})
		return nil
	}
	d := &decoder{suite: s, engine: e, house: e.House(), faults: faults}
	top := home.NewDecoder(n, faults)
	top.Require("tests")
	var tests []*Test
	list := top.Get("tests")
	if list != nil && list.Kind != home.NodeList {
		faults.At(list, "write - name: … for each test", "tests is %s, expected a list of tests", list.Describe())
	}
	if list != nil {
		for _, item := range list.Items {
			tests = append(tests, d.one(item))
		}
	}
	top.Done()
	return tests
}

func (d *decoder) one(n *home.Node) *Test {
	t := &Test{Path: n.Path}
	d.test = t
	in := home.NewDecoder(n, d.faults)
	in.Require("name", "start", "steps")
	t.Name = in.Text("name", "")
	d.start(in)
	for _, item := range in.List("rules") {
		if d.ruleName(item) {
			t.rules = append(t.rules, item.Text)
		}
	}
	if given := in.Get("given"); given != nil {
		t.given = d.readings(given)
		for _, one := range t.given {
			if one.every > 0 || one.event.Kind == home.KindEvent {
				d.faults.At(given, "put it into a step", "given are values at the start, no series and no events")
			}
		}
	}
	if world := in.Get("world"); world != nil {
		t.world = d.world(world)
	}
	steps := in.Get("steps")
	if steps != nil && steps.Kind != home.NodeList {
		d.faults.At(steps, "write - before each step", "steps is %s, expected a list of steps", steps.Describe())
	}
	if steps != nil {
		if len(steps.Items) == 0 && steps.Kind == home.NodeList {
			d.faults.At(steps, "", "steps is an empty list: nothing would be tested")
		}
		for _, item := range steps.Items {
			t.steps = append(t.steps, d.step(item))
		}
	}
	in.Done()
	return t
}

func (d *decoder) start(in *home.Decoder) {
	d.last, d.back, d.stands = time.Time{}, time.Time{}, setting{}
	if text := in.Text("start", ""); text != "" {
		at, ok := rules.LocalTime(text, time.Time{}, d.suite.location())
		if !ok || len(text) < len("2026-07-01 ") {
			in.Fault("start", "write a local time: 2026-07-01 23:00", "start is '%s'", text)
		}
		d.last = at
	}
	d.test.start = d.last
}

func (d *decoder) world(n *home.Node) *simulation {
	s := &simulation{seed: 1, every: time.Minute}
	if n.Kind == home.NodeScalar && n.Text == "true" {
		return s
	}
	in := home.NewDecoder(n, d.faults)
	s.seed = int64(in.Int("seed", 1, 0, 1<<30))
	s.every = in.Duration("every", s.every, time.Second, time.Hour)
	in.Done()
	return s
}

func (d *decoder) ruleName(n *home.Node) bool {
	list := d.engine.Rules()
	if slices.ContainsFunc(list, func(s rules.Status) bool { return s.Name == n.Text }) {
		return true
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	d.faults.At(n, near(n.Text, names), "there is no rule %s", n.Describe())
	return false
}

func near(text string, names []string) string {
	if word := home.Nearest(text, names); word != "" {
		return "did you mean " + word + "?"
	}
	return ""
}

func (d *decoder) step(n *home.Node) step {
	s := step{path: n.Path, at: d.last}
	if n.Kind != home.NodeMap {
		d.faults.At(n, "write {at: 10s, read: {…}, expect: {…}}", "%s is no step", n.Describe())
		return s
	}
	in := home.NewDecoder(n, d.faults)
	d.moment(&s, in)
	within := in.Duration("within", 0, 0, 366*24*time.Hour)
	s.restart = in.Duration("restart", 0, time.Millisecond, 366*24*time.Hour)
	d.clock(&s, in)
	for _, p := range n.Pairs { // inputs come in the order in which they are written
		d.input(&s, p.Key, in.Get)
	}
	for _, key := range []string{"read", "offline", "online", "message"} {
		in.Get(key)
	}
	d.fails(&s, in)
	d.breaks(&s, in)
	d.expect(&s, in, within)
	if s.check = in.Get("check"); s.check != nil {
		d.engine.Ask(s.check, d.faults)
	}
	in.Done()
	if s.restart > 0 {
		d.back = s.at.Add(s.restart)
	}
	return s
}

// moment finds out when a step is; time never goes backwards.
func (d *decoder) moment(s *step, in *home.Decoder) {
	s.at = d.last
	at, after := in.Get("at"), in.Get("after")
	key := "at"
	switch {
	case at != nil && after != nil:
		in.Fault("after", "leave one of them out", "one step has both at and after")
	case at != nil:
		s.at = d.at(at)
	case after != nil:
		key = "after"
		s.at = d.last.Add(in.Duration("after", 0, 0, 100*366*24*time.Hour))
	}
	if s.at.Before(d.last) {
		in.Fault(key, "steps stand in the order of their times", "this is before the last step")
		s.at = d.last
	}
	if s.at.Before(d.back) {
		in.Fault(key, "write after: "+home.FormatDuration(d.back.Sub(d.last)), "the gateway is off at this moment")
	}
	d.last = s.at
}

func (d *decoder) at(n *home.Node) time.Time {
	if after, err := home.ParseDuration(n.Text); err == nil {
		return d.test.start.Add(after)
	}
	if at, ok := rules.LocalTime(n.Text, d.last.Add(d.stands.offset), d.suite.location()); ok {
		return at.Add(-d.stands.offset)
	}
	d.faults.At(n, "write 2m10s after the start, 06:45, or 2026-07-02 06:45", "at is %s", n.Describe())
	return d.last
}

// fails reads {NAME: TEXT} or none.
func (d *decoder) fails(s *step, in *home.Decoder) {
	n := in.Get("fail")
	switch {
	case n == nil:
	case n.Kind == home.NodeScalar && n.Text == "none":
		s.fails = append(s.fails, failing{})
	case n.Kind == home.NodeMap:
		for _, p := range n.Pairs {
			if _, ok := d.property(p, true); ok {
				s.fails = append(s.fails, failing{p.Key, p.Value.Text})
			}
		}
	default:
		d.faults.At(n, "write {hall.lamp.state: no answer}, or none", "fail is %s", n.Describe())
	}
}

// property finds the property that the key of p names.
func (d *decoder) property(p home.Pair, settable bool) (home.Property, bool) {
	prop, ok := d.house.Property(p.Key)
	f := home.Fault{Path: p.Value.Path, OnKey: true, Message: "there is no " + p.Key, Hint: near(p.Key, d.house.Names())}
	switch {
	case ok && settable && !prop.Settable:
		f.Message, f.Hint = p.Key+" is never set: it is only read", ""
	case ok:
		return prop, true
	case d.house.Device(p.Key):
		f.Message, f.Hint = p.Key+" is a device", "name one of its properties"
	}
	d.faults.Add(f)
	return prop, false
}

func (d *decoder) device(n *home.Node) bool {
	if d.house.Device(n.Text) {
		return true
	}
	var devices []string
	for _, name := range d.house.Names() {
		if d.house.Device(name) {
			devices = append(devices, name)
		}
	}
	d.faults.At(n, near(n.Text, devices), "there is no device %s", n.Describe())
	return false
}

// value reads what stands for a value of p.
func (d *decoder) value(n *home.Node, p home.Property) (home.Value, bool) {
	var v home.Value
	var err error
	switch {
	case p.Type == home.TypeObject:
		v, err = home.ParseValue(jsonOf(n))
	case n.Kind != home.NodeScalar:
		err = fmt.Errorf("%s, expected a %s", n.Describe(), p.Type)
	case p.Type == "": // of a device that is not discovered yet
		v = rules.Literal(n)
	default:
		v, err = p.Accept(home.TextOf(n.Text))
	}
	if err != nil {
		d.faults.At(n, near(n.Text, p.Options), "%s: %s", p.Name, err)
	}
	return v, err == nil
}
