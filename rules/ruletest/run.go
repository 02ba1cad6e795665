package ruletest

import (
	"fmt"
	"slices"
	"time"

	"hogar/gateway/home"
	"hogar/rules"
)

// mostEvents is how many events may follow from one another at one moment.
const mostEvents = 1000

// runner is one test under way.
type runner struct {
	suite  *Suite
	test   *Test
	cover  *Coverage
	engine *rules.Engine
	result *Result

	now    time.Time // the time of the test, which is never set
	path   []string  // of the step that was done last
	saved  []byte    // the state while the gateway is off
	back   time.Time
	off    *step    // the step at which it went off
	coming []coming // inputs of later, by time
	queue  []home.Event
	fails  map[string]string
	values map[string]home.Value // last readings, for toggle
	open   []*expectation
	late   map[string]time.Time // what was expected and did not come
	any    bool
	house  *house
	log    journal

	stands    setting       // the clock of the house
	start     time.Time     // of the gateway, on the elapsed clock
	uncounted time.Duration // that passed while it was off and is not in the elapsed time
	missing   time.Duration // of it, what is not known yet

	heard func(ev *home.Event) // told of each event; may be nil
	acted func(text string)    // and of each thing that rules do
}

// coming is an input that has its time.
type coming struct {
	at    time.Time
	event home.Event
}

// Run runs a test. What it reaches is added to cover, which may be nil.
func (s *Suite) Run(t *Test, cover *Coverage) Result {
	began := time.Now()
	r := s.runner(t, cover)
	r.run()
	r.result.Took = time.Since(began)
	return *r.result
}

func (s *Suite) runner(t *Test, cover *Coverage) *runner {
	r := &runner{suite: s, test: t, cover: cover, now: t.start, path: t.Path, result: &Result{Name: t.Name, Path: t.Path},
		any:   t.world != nil,
		fails: make(map[string]string), values: make(map[string]home.Value), late: make(map[string]time.Time)}
	r.log.zone = s.location()
	return r
}

func (r *runner) run() {
	if r.engine = r.load(); r.engine == nil {
		r.fail(r.test.Path, "the rules have faults: hogar check names them")
		return
	}
	r.begin()
	for i := range r.test.steps {
		r.step(&r.test.steps[i])
	}
	r.finish()
	r.log.collect(r.engine)
	r.cover.add(r.engine)
	if r.result.Failed() {
		r.result.Trace = r.log.show()
	}
}

// load makes a fresh engine, which minds the names that only the test asks for.
func (r *runner) load() *rules.Engine {
	e := r.suite.load(r.test.rules, &home.Faults{})
	if e == nil {
		return nil
	}
	for _, s := range r.test.steps {
		if s.check != nil {
			e.Ask(s.check, &home.Faults{})
		}
	}
	return e
}

// begin lets all devices be there and gives the first readings.
func (r *runner) begin() {
	if w := r.test.world; w != nil {
		r.house = newHouse(r.suite, w)
		r.house.world.Advance(r.now)
	}
	r.start = r.now
	if len(r.test.steps) > 0 && r.test.steps[0].at.Equal(r.now) {
		r.doubts(&r.test.steps[0])
	}
	r.feed(home.Event{})
	for _, name := range r.suite.House.Names() {
		if r.suite.House.Device(name) {
			r.feed(home.Event{Kind: home.KindStatus, Device: name, State: home.Online})
		}
	}
	if len(r.test.steps) > 0 { // what the first readings start is expected by a first step at the same moment
		if first := &r.test.steps[0]; first.at.Equal(r.now) {
			r.expect(first)
		}
	}
	for _, in := range r.test.given {
		r.input(in)
	}
	if r.house != nil {
		r.sense()
	}
}

// step does one step and judges what happened up to it.
func (r *runner) step(s *step) {
	r.advance(s.at, false)
	r.now = s.at
	r.expire(false)
	r.path = s.path
	r.expect(s)
	for _, f := range s.fails {
		if f.name == "" {
			clear(r.fails)
			continue
		}
		r.fails[f.name] = f.why
	}
	r.broke(s.breaks)
	r.advance(s.at, true)
	if s.restart == 0 {
		r.setClock(s.clock)
		r.advance(s.at, true)
	}
	for _, in := range s.inputs {
		r.input(in)
	}
	r.advance(s.at, true)
	if s.check != nil {
		r.ask(s)
	}
	if s.restart > 0 {
		r.turnOff(s)
	}
}

// expect opens the expectations of a step.
func (r *runner) expect(s *step) {
	r.any = s.anything || r.test.world != nil
	for _, x := range s.expect {
		if !slices.Contains(r.open, x) && !x.met {
			r.open = append(r.open, x)
		}
	}
}

func (r *runner) ask(s *step) {
	v, saw := r.engine.Ask(s.check, &home.Faults{})
	switch {
	case v.Kind() != home.Boolean:
		r.fail(s.check.Path, fmt.Sprintf("%s: %s is unknown: %s", r.when(r.now), s.check.Text, saw))
	case !v.Boolean():
		r.fail(s.check.Path, fmt.Sprintf("%s: %s is not true: %s", r.when(r.now), s.check.Text, saw))
	}
}

// turnOff ends the gateway as a power cut does, with its state as it stands.
func (r *runner) turnOff(s *step) {
	state, err := r.engine.Save()
	if err != nil {
		r.fail(s.path, err.Error())
		return
	}
	r.saved, r.back, r.off = state, s.at.Add(s.restart), s
	r.log.add(r.wall(r.now), "the gateway goes off")
}

// turnOn starts the gateway again.
func (r *runner) turnOn() {
	r.log.collect(r.engine)
	r.cover.add(r.engine)
	r.now = r.back
	r.startClock()
	r.engine = r.load()
	if err := r.engine.Restore(r.saved); err != nil {
		r.fail(r.path, err.Error())
	}
	r.saved, r.back = nil, time.Time{}
	r.coming = slices.DeleteFunc(r.coming, func(c coming) bool { return c.at.Before(r.now) })
	r.feed(home.Event{Kind: home.KindGateway, Name: home.EventStarted, Detail: encoded(r.clockSet())})
}

// advance lets all happen that is due before a moment, or up to it.
func (r *runner) advance(to time.Time, inclusive bool) {
	for {
		at, ok := r.next()
		if !ok || at.After(to) || at.Equal(to) && !inclusive {
			return
		}
		if at.After(r.now) {
			r.now = at
			r.expire(false)
		}
		switch {
		case !r.back.IsZero():
			r.turnOn()
		case len(r.coming) > 0 && !r.coming[0].at.After(at):
			ev := r.coming[0].event
			r.coming = r.coming[1:]
			r.feed(ev)
		case r.house != nil && !r.house.next.After(at):
			r.sense()
		default:
			r.feed(home.Event{})
		}
	}
}

// next is when something happens by itself.
func (r *runner) next() (at time.Time, ok bool) {
	if !r.back.IsZero() {
		return r.back, true
	}
	earlier := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if t := r.engine.Next(); !t.IsZero() {
		earlier(t.Add(r.uncounted))
	}
	if len(r.coming) > 0 {
		earlier(r.coming[0].at)
	}
	if r.house != nil {
		earlier(r.house.next)
	}
	return at, !at.IsZero()
}

// finish waits for what is still expected, and for series to end.
func (r *runner) finish() {
	end := r.now
	for _, x := range r.open {
		end = later(end, x.until)
	}
	if len(r.coming) > 0 {
		end = later(end, r.coming[len(r.coming)-1].at)
	}
	end = later(end, r.back)
	r.advance(end, true)
	r.now = end
	r.expire(true)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
