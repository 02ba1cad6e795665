package rules

import (
	"slices"
	"strings"
	"time"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// engine puts compiled rules together with the indexes by which an event finds
// those that read it.
func (l *loader) engine(list []*rule) *Engine {
	e := &Engine{o: l.o, patience: defaultPatience, loc: l.loc, table: l.table, rules: list, vars: l.house.vars, loader: l,
		names: make(map[nameKey]*watch), devices: make(map[string]*deviceWatch), awaited: make(map[string]*run)}
	for i, r := range list {
		r.order = i
		e.triggers = append(e.triggers, r.triggers...)
	}
	for i, t := range e.triggers {
		t.order, t.state.New = uint64(i), true
		t.due = timer{class: classTrigger, order: 2 * t.order, wake: func(e *Engine) { e.wakeTrigger(t) }}
		t.ages = timer{class: classTrigger, order: 2*t.order + 1, wake: func(e *Engine) { e.look(t, false) }}
		e.index(t)
	}
	e.minute = timer{class: classMinute, wake: (*Engine).wakeMinute}
	e.indexDevices()
	e.env = expr.Env{Slots: make([]expr.Slot, len(l.table.Names())), Online: make([]bool, len(l.table.Devices()))}
	if l.o.Latitude != 0 || l.o.Longitude != 0 {
		e.env.Sun = place{l.o.Latitude, l.o.Longitude}.elevation
	}
	e.known = make([]home.Value, len(e.env.Slots))
	for i := range e.env.Slots {
		e.env.Slots[i].Why = "never read"
	}
	for _, v := range e.vars {
		if w := e.names[nameKey{home.Vars, v.Name}]; w != nil {
			e.env.Slots[w.slot] = expr.Slot{Value: v.start}
			e.known[w.slot] = v.start
		}
	}
	return e
}

// Step takes one event and returns what the rules decide, in order. First all
// happens that is due up to the event's elapsed time, each at its own moment. An
// event of Kind 0 only says that time has passed. Elapsed time never goes back: an
// event with an earlier one counts as now. Each event, the empty one too, says by
// At and [home.FlagUntrusted] what the wall time is and whether it is trusted; it
// may be set in either direction. The gateway's event "started" ends the time in
// which it was off.
//
// The work of one step is bounded, however much time has passed: a schedule starts
// its rule once at most, and after stepBudget moments and steps of the past the
// rest of it happens now.
//
// A late event updates the value and starts nothing; after a reload the last
// readings may be handed in as such. The engine's own variables, rule events and
// messages out may come back: it ignores them.
func (e *Engine) Step(ev home.Event) []Decision {
	e.out, e.left, e.budget = e.left, nil, stepBudget
	e.pass(&ev)
	if e.unread(&ev) {
		e.now = e.upTo
		return e.out
	}
	e.setNow(e.upTo)
	e.budget = stepBudget
	e.moment++
	e.take(&ev)
	e.settle()
	return e.out
}

// unread reports whether ev is a reading that nobody looks at: nearly all are.
func (e *Engine) unread(ev *home.Event) bool {
	return ev.Kind == home.KindReading && e.names[nameKey{ev.Device, ev.Property}] == nil
}

// Next returns the moment, on the elapsed clock, at which Step wants to be called
// although nothing happens; zero: never. Before the first Step it is zero: call Step once at the
// start.
func (e *Engine) Next() time.Time {
	if len(e.due) == 0 || e.off {
		return time.Time{}
	}
	return e.due[0].at
}

// take lets one event be seen by the rules.
func (e *Engine) take(ev *home.Event) {
	switch ev.Kind {
	case home.KindReading:
		if ev.Device == home.Vars {
			return // it tells others what the variable's own event told the rules
		}
		if w := e.names[nameKey{ev.Device, ev.Property}]; w != nil && w.slot >= 0 {
			e.read(w, ev)
		}
	case home.KindEvent:
		if w := e.names[nameKey{ev.Device, ev.Property}]; w != nil && !ev.Late() {
			e.happen(w, ev)
		}
	case home.KindStatus:
		if d := e.devices[ev.Device]; d != nil {
			e.status(d, ev)
		}
	case home.KindOutcome:
		if ev.Outcome != nil {
			e.outcome(ev.Outcome)
		}
	case home.KindMessage:
		e.message(ev)
	case home.KindPublish:
		e.recorded(ev)
	case home.KindVariable:
		rule, isRule := strings.CutPrefix(ev.Name, ruleVariable)
		switch {
		case isRule:
			e.enable(rule, ev)
		case !strings.HasPrefix(ev.Reason, "rule:"): // else it was seen when it was set
			e.readVariable(ev)
		}
	case home.KindGateway:
		if ev.Name == "started" {
			for _, t := range e.started {
				e.start(t, cause{Event: "the gateway has started"})
			}
		}
	}
}

func (e *Engine) readVariable(ev *home.Event) {
	v := (&names{vars: e.vars}).find(home.Join(home.Vars, ev.Name))
	if w := e.names[nameKey{home.Vars, ev.Name}]; v != nil && w != nil && (!ev.Value.Known() || v.holds(ev.Value)) {
		e.read(w, ev)
	}
}

// read updates a value and lets those look who read it: waiting runs first.
func (e *Engine) read(w *watch, ev *home.Event) {
	s := &e.env.Slots[w.slot]
	at := ev.Measured()
	if at.After(e.now) {
		at = e.now
	}
	if at.Before(s.At) {
		return
	}
	before := e.known[w.slot]
	s.Value, s.Why = ev.Value, ev.Unknown
	if ev.Value.Known() {
		s.At, s.Why = at.UTC(), ""
		e.known[w.slot] = ev.Value
	} else if s.Why == "" {
		s.Why = "unknown"
	}
	e.lookAll(w, ev.Value, before, ev.Late())
}

// lookAll lets those look who read a name that has a value now and had another
// before: waiting runs first.
func (e *Engine) lookAll(w *watch, now, before home.Value, late bool) {
	e.resume(w.slot)
	for _, t := range w.triggers {
		if t.kind == whenIs {
			e.look(t, late)
			continue
		}
		if t.kind == whenChanged && now.Known() && before.Known() && before != now && !late {
			e.start(t, cause{Value: now, Previous: before, Event: e.table.Name(w.slot) + " " + before.String() + " -> " + now.String()})
		}
	}
}

func (e *Engine) happen(w *watch, ev *home.Event) {
	for _, t := range w.triggers {
		if t.kind == whenEvent && (!t.happened.Known() || t.happened == ev.Value) {
			e.start(t, cause{Value: ev.Value, Event: ev.FullName() + " " + ev.Value.String()})
		}
	}
}

// status notes if a device is there; of one that is not all values are unknown.
func (e *Engine) status(d *deviceWatch, ev *home.Event) {
	online := ev.State == home.Online
	e.env.Online[d.index], d.seen = online, true
	if !online {
		why := ev.State
		if ev.Reason != "" {
			why += ": " + ev.Reason
		}
		for _, slot := range d.slots {
			e.env.Slots[slot].Value, e.env.Slots[slot].Why = home.Value{}, why
		}
	}
	e.resumeDevice(d)
	for _, t := range d.triggers {
		if t.kind != whenChanged && t.kind != whenEvent {
			e.look(t, ev.Late())
		}
	}
}

// keptHeard is how many ids of messages are remembered.
const keptHeard = 1000

// heardBefore reports whether a message with the same id has come before: a sender
// that knows nothing of a confirm, or a broker that knows nothing of an
// acknowledgement, says it once more.
func (e *Engine) heardBefore(m *home.Message) bool {
	if m.ID == "" {
		return false
	}
	id := m.Exchange + " " + m.ID
	if slices.Contains(e.heard, id) {
		return true
	}
	e.heard = bounded(append(e.heard, id), keptHeard)
	return false
}

func (e *Engine) message(ev *home.Event) {
	m := ev.Message
	if m == nil || ev.Late() || e.heardBefore(m) {
		return
	}
	for _, t := range e.messages {
		if t.exchange == m.Exchange && home.Match(t.pattern, m.Key) {
			e.start(t, cause{Message: m.Body, Event: "message " + m.Exchange + " " + m.Key})
		}
	}
}
