package rules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// saved is the state of an engine in the checkpoint. Everything is by name, so
// that another set of rules can take up what it knows.
type saved struct {
	Version int                  `json:"version"`
	Now     time.Time            `json:"now"`
	Offset  time.Duration        `json:"offset,omitempty"` // of the wall time to now, in nanoseconds
	Trusted bool                 `json:"trusted"`
	SetAt   time.Time            `json:"set_at,omitzero"`
	Off     bool                 `json:"off,omitempty"`
	RunSeq  uint64               `json:"run_seq"`
	Names   map[string]savedName `json:"names,omitempty"`
	Devices map[string]bool      `json:"devices,omitempty"` // those that have had a status
	Rules   map[string]savedRule `json:"rules,omitempty"`
	Unsent  []savedMessage       `json:"unsent,omitempty"` // messages out that were not yet recorded
	Heard   []string             `json:"heard,omitempty"`  // ids of messages in
}

type savedMessage struct {
	Rule    string        `json:"rule"`
	ID      string        `json:"id"`
	Message *home.Message `json:"message"`
}

type savedName struct {
	Value home.Value `json:"value"`
	Known home.Value `json:"known"` // the last known one
	Why   string     `json:"why,omitempty"`
	At    time.Time  `json:"at,omitzero"`
}

type savedRule struct {
	State    ruleState                 `json:"state"`
	Triggers map[string][]triggerState `json:"triggers,omitempty"` // by their text
	Steps    *home.Node                `json:"steps,omitempty"`    // of the runs
	Runs     []*run                    `json:"runs,omitempty"`
	Past     []RunTrace                `json:"past,omitempty"`
	Quiet    []Quiet                   `json:"quiet,omitempty"`
}

const saveVersion = 1

// Save returns the whole state. It is not to be called within Step.
func (e *Engine) Save() (json.RawMessage, error) {
	s := saved{Version: saveVersion, Now: e.now, Offset: e.offset, Trusted: e.trusted, SetAt: e.setAt, Off: e.off, RunSeq: e.runSeq, Heard: e.heard, Names: make(map[string]savedName),
		Devices: make(map[string]bool), Rules: make(map[string]savedRule)}
	for _, ev := range e.unsent {
		s.Unsent = append(s.Unsent, savedMessage{ev.Name, ev.Reason, ev.Message})
	}
	for slot, name := range e.table.Names() {
		one := e.env.Slots[slot]
		if one.Value.Known() || e.known[slot].Known() || !one.At.IsZero() {
			s.Names[name] = savedName{one.Value, e.known[slot], one.Why, one.At}
		}
	}
	for name, d := range e.devices {
		if d.seen {
			s.Devices[name] = e.env.Online[d.index]
		}
	}
	for _, r := range e.rules {
		one := savedRule{State: r.state, Runs: r.runs, Past: r.past, Quiet: r.quiet, Triggers: make(map[string][]triggerState)}
		for _, t := range r.triggers {
			one.Triggers[t.key] = append(one.Triggers[t.key], t.state)
		}
		if len(r.runs) > 0 {
			one.Steps = r.do
		}
		s.Rules[r.name] = one
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("save the rules' state: %w", err)
	}
	return b, nil
}

// Restore takes up a saved state; e must be fresh from [Load]. Of rules that
// were edited since, triggers whose text is the same keep their state, and a run
// goes on by the steps it began with. Runs of rules that are gone or disabled
// end; the next Step tells so.
func (e *Engine) Restore(b json.RawMessage) error {
	var s saved
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("restore the rules' state: %w", err)
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("restore the rules' state: %w", err)
	}
	if s.Version != saveVersion {
		return fmt.Errorf("restore the rules' state: it has version %d, expected %d", s.Version, saveVersion)
	}
	e.trusted, e.runSeq, e.heard = s.Trusted, s.RunSeq, bounded(s.Heard, keptHeard)
	e.off, e.offset, e.setAt, e.upTo = s.Off, s.Offset, s.SetAt.UTC(), s.Now.UTC()
	if e.setAt.IsZero() { // of a release that knew one clock
		e.setAt = e.upTo
	}
	e.setNow(e.upTo)
	for _, m := range s.Unsent {
		if m.Message != nil {
			e.unsent = append(e.unsent, home.Event{Kind: home.KindPublish, Name: m.Rule, Reason: m.ID, Message: m.Message})
		}
	}
	for _, r := range e.rules {
		e.restoreRule(r, s.Rules[r.name])
		delete(s.Rules, r.name)
	}
	e.grow()
	e.restoreNames(&s)
	for _, name := range slices.Sorted(maps.Keys(s.Rules)) {
		gone := &rule{name: name}
		for _, r := range s.Rules[name].Runs {
			e.drop(gone, r, "the rule was removed")
		}
	}
	slices.SortFunc(e.runs, func(a, b *run) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, r := range e.runs {
		e.armRun(r)
	}
	if !e.now.IsZero() {
		e.schedule()
	}
	e.left, e.out = e.out, nil
	return nil
}

// check refuses what Save never writes, such as runs that are null.
func (s *saved) check() error {
	for name, r := range s.Rules {
		if slices.ContainsFunc(r.Runs, func(r *run) bool { return r == nil || slices.Contains(r.Await, nil) }) || r.Steps != nil && !whole(r.Steps) {
			return fmt.Errorf("rule %s is damaged", name)
		}
	}
	return nil
}

// whole reports whether a node that was read back has all its pieces.
func whole(n *home.Node) bool {
	if n == nil || n.Kind > home.NodeList {
		return false
	}
	return !slices.ContainsFunc(n.Items, func(item *home.Node) bool { return !whole(item) }) &&
		!slices.ContainsFunc(n.Pairs, func(p home.Pair) bool { return !whole(p.Value) })
}

// fits reports whether a run that was read back can go on in code.
func (r *run) fits(code []instr, loops int) bool {
	if r.PC < 0 || r.PC >= len(code) || len(r.Loops) != loops || slices.Min(append(r.Loops, 0)) < 0 {
		return false
	}
	op := code[r.PC].op
	switch r.Waits {
	case waitTurn:
		return true
	case waitTime:
		return op == doWait
	case waitUntil:
		return op == doUntil
	case waitOutcome:
		return op == doSet && len(r.Await) > 0
	}
	return false
}

func (e *Engine) restoreNames(s *saved) {
	for slot, name := range e.table.Names() {
		one, ok := s.Names[name]
		if !ok {
			continue
		}
		if v := (&names{vars: e.vars}).find(name); v != nil && !v.holds(one.Value) {
			continue // the variable has become another
		}
		e.env.Slots[slot] = expr.Slot{Value: one.Value, Why: one.Why, At: one.At}
		e.known[slot] = one.Known
	}
	for name, online := range s.Devices {
		if d := e.devices[name]; d != nil {
			d.seen, e.env.Online[d.index] = true, online
		}
	}
}

func (e *Engine) restoreRule(r *rule, s savedRule) {
	r.state, r.past, r.quiet = s.State, bounded(s.Past, keptRuns), bounded(s.Quiet, keptQuiet)
	for _, t := range r.triggers {
		if list := s.Triggers[t.key]; len(list) > 0 {
			t.state = list[0]
			s.Triggers[t.key] = list[1:]
			if st := &t.state; t.schedule != nil && !st.Due.IsZero() && st.Acted.IsZero() {
				e.served(t, e.wall())
			}
		}
	}
	code, loops, do := r.code, r.loops, r.do
	if s.Steps != nil && keyOf(s.Steps) != keyOf(r.do) {
		code, loops = e.recompile(r, s.Steps)
		do = s.Steps
	}
	for _, n := range s.Runs {
		if r.off() || !n.fits(code, loops) {
			why := "the rule was edited, and its old steps cannot be done any more"
			if r.off() {
				why = "the rule was disabled"
			}
			e.drop(r, n, why)
			continue
		}
		n.rule, n.code, n.do, n.message = r, code, do, decoded(n.Cause.Message)
		e.setTimer(n)
		r.runs = append(r.runs, n)
		if n.Waits == waitTurn {
			continue
		}
		e.runs = append(e.runs, n)
		for _, c := range n.Await {
			e.awaited[c.ID] = n
		}
	}
}

// recompile makes the steps of runs that began before the rule was edited; nil
// when they no longer fit the house.
func (e *Engine) recompile(r *rule, do *home.Node) ([]instr, int) {
	faults := &home.Faults{}
	l := *e.loader
	l.faults = faults
	code, loops := l.steps(do, &r.when)
	if faults.Failed() {
		return nil, 0
	}
	return code, loops
}

func (e *Engine) drop(r *rule, n *run, why string) {
	n.rule = r
	n.Trace.Run = n.No
	e.report(r, "stopped", why, n.Trace)
}
