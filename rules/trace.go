package rules

import (
	"encoding/json"
	"slices"
	"time"

	"hogar/gateway/home"
)

// trace is what a run did: the detail of the events of its rule.
type trace struct {
	Run     int    `json:"run,omitempty"`
	Trigger string `json:"trigger,omitempty"`
	Event   string `json:"event,omitempty"`
	If      string `json:"if,omitempty"` // the values that the condition saw
	Steps   []Line `json:"steps,omitempty"`
	Cut     int    `json:"cut,omitempty"` // lines that are left out
}

// Line is one thing that a run did.
type Line struct {
	At   time.Time `json:"at"`
	Step int       `json:"step"`
	Did  string    `json:"did"`
}

// RunTrace is one run of a rule.
type RunTrace struct {
	trace
	Began  time.Time `json:"began"`
	Ended  time.Time `json:"ended,omitzero"`
	State  string    `json:"state"` // running, waiting for its turn, done, failed, stopped, missed
	Reason string    `json:"reason,omitempty"`
}

// Quiet is a trigger that came and started nothing.
type Quiet struct {
	At      time.Time `json:"at"`
	Why     string    `json:"why"` // if is false, if is unknown, it runs already, paused
	Trigger string    `json:"trigger"`
	Event   string    `json:"event,omitempty"`
	If      string    `json:"if,omitempty"` // the values that the condition saw
}

// History is what a rule did last, the oldest first.
type History struct {
	Status
	Past  []RunTrace `json:"past,omitempty"` // the present ones behind those that ended
	Quiet []Quiet    `json:"quiet,omitempty"`
}

// What is kept of each rule.
const (
	keptRuns  = 10
	keptQuiet = 10
)

// History returns what the rule of that name did last; false: there is none.
func (e *Engine) History(name string) (History, bool) {
	r := e.find(name)
	if r == nil {
		return History{}, false
	}
	h := History{Status: e.statusOf(r), Past: slices.Clone(r.past), Quiet: slices.Clone(r.quiet)}
	for _, one := range r.runs {
		state := "running"
		if one.Waits == waitTurn {
			state = "waiting for its turn"
		}
		h.Past = append(h.Past, one.traced(state, ""))
	}
	return h, true
}

func (e *Engine) find(name string) *rule {
	i := slices.IndexFunc(e.rules, func(r *rule) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	return e.rules[i]
}

func (r *run) traced(state, reason string) RunTrace {
	t := RunTrace{trace: r.Trace, Began: r.Began, State: state, Reason: reason}
	t.Run, t.Steps = r.No, slices.Clone(r.Trace.Steps)
	return t
}

// keep notes a run that ends now.
func (e *Engine) keep(r *run, state, reason string) {
	t := r.traced(state, reason)
	t.Ended = e.wall()
	r.rule.past = bounded(append(r.rule.past, t), keptRuns)
}

// quiet notes that a trigger started nothing.
func (e *Engine) quiet(r *rule, t trace, why string) {
	r.quiet = bounded(append(r.quiet, Quiet{At: e.wall(), Why: why, Trigger: t.Trigger, Event: t.Event, If: t.If}), keptQuiet)
}

// bounded drops the oldest.
func bounded[T any](list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	copy(list, list[len(list)-most:])
	return list[:most]
}

func (r *run) note(at time.Time, did string) {
	if len(r.Trace.Steps) >= traceLimit {
		r.Trace.Cut++
		return
	}
	r.Trace.Steps = append(r.Trace.Steps, Line{at, r.PC, did})
}

// report records what became of a rule.
func (e *Engine) report(r *rule, state, reason string, t trace) {
	detail, err := json.Marshal(t)
	if err != nil {
		detail = nil // a trace is texts and numbers: it always has a JSON form
	}
	e.out = append(e.out, Decision{Event: &home.Event{At: e.wall(), Kind: home.KindRule, Name: r.name, State: state,
		Reason: reason, Detail: detail}})
}
