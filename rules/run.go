package rules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hogar/gateway/home"
)

// cause is what started a run.
type cause struct {
	Event    string          `json:"event"` // in words
	Trigger  home.Value      `json:"trigger"`
	Value    home.Value      `json:"value"`
	Previous home.Value      `json:"previous"`
	Message  json.RawMessage `json:"message,omitempty"`
}

// waiting is what a run waits for.
type waiting uint8

const (
	waitNothing waiting = iota
	waitTurn            // in the queue of its rule
	waitOutcome         // of its commands
	waitTime            // until Due
	waitUntil           // for a condition, up to Limit
)

// run is a rule that was started. What is exported is its state.
type run struct {
	No      int             `json:"no"`  // of the rule, from 1
	Seq     uint64          `json:"seq"` // among all runs
	Began   time.Time       `json:"began"`
	Cause   cause           `json:"cause"`
	PC      int             `json:"pc"`
	Round   int             `json:"round"` // counts the rounds of all its loops
	Loops   []int           `json:"loops,omitempty"`
	Waits   waiting         `json:"waits"`
	Await   []*home.Command `json:"await,omitempty"` // without an outcome
	Wrong   string          `json:"wrong,omitempty"` // what went wrong in this step
	Due     time.Time       `json:"due,omitzero"`
	Limit   time.Time       `json:"limit,omitzero"`
	Held    bool            `json:"held,omitempty"` // until is unknown: Due must be seen
	Trace   trace           `json:"trace"`
	rule    *rule
	code    []instr
	do      *home.Node
	timer   timer
	message any
	ended   bool
}

func (r *run) step() *instr { return &r.code[r.PC] }

// ruleState is what a rule remembers.
type ruleState struct {
	Runs   int         `json:"runs,omitempty"`   // number of the last one
	Recent []time.Time `json:"recent,omitempty"` // starts within the time of its rate
	Paused time.Time   `json:"paused,omitzero"`  // until then
	Why    string      `json:"why,omitempty"`

	Switched string `json:"switched,omitempty"` // on or off, by hand; else as the configuration says
}

// start is called when a trigger came: it asks the if, minds the mode, and runs.
func (e *Engine) start(t *trigger, c cause) {
	r := t.rule
	if r.fired == e.moment || r.off() {
		return
	}
	r.fired = e.moment
	c.Trigger = t.id
	s := &r.state
	if e.now.Before(s.Paused) {
		e.quiet(r, trace{Trigger: t.shown, Event: c.Event}, "paused")
		return
	}
	tr := trace{Trigger: t.shown, Event: c.Event}
	if r.cond != nil {
		e.context(&c, decoded(c.Message))
		v := r.cond.Eval(&e.env)
		tr.If = r.cond.Describe(&e.env, e.table)
		if !v.Boolean() {
			if len(r.runs) == 0 {
				s.Why = fmt.Sprintf("not started at %s by %s: if is %s: %s", e.clock(), t.shown, truthWord(v), tr.If)
			}
			e.quiet(r, tr, "if is "+truthWord(v))
			return
		}
	}
	if e.runaway(r) || !e.admitted(r, &tr) {
		return
	}
	s.Runs++
	e.runSeq++
	n := &run{No: s.Runs, Seq: e.runSeq, Began: e.wall(), Cause: c, rule: r, code: r.code, do: r.do,
		Loops: make([]int, r.loops), Trace: tr}
	n.message = decoded(c.Message)
	r.runs = append(r.runs, n)
	if r.mode == "queued" && len(r.runs) > 1 {
		n.Waits = waitTurn
		s.Why = fmt.Sprintf("run %d waits for its turn", n.No)
		return
	}
	e.begin(n)
}

func truthWord(v home.Value) string {
	if v.Kind() == home.Boolean {
		return "false"
	}
	return "unknown"
}

// runaway pauses a rule that starts too often, and reports whether it did.
func (e *Engine) runaway(r *rule) bool {
	s := &r.state
	s.Recent = slices.DeleteFunc(s.Recent, func(t time.Time) bool { return e.now.Sub(t) >= r.within })
	s.Recent = append(s.Recent, e.now)
	if len(s.Recent) <= r.most {
		return false
	}
	s.Recent = nil
	s.Paused = e.now.Add(runawayPause)
	s.Why = fmt.Sprintf("runaway: started more than %d times within %s; paused until %s", r.most, home.FormatDuration(r.within),
		s.Paused.Add(e.offset).In(e.loc).Format("15:04:05"))
	e.report(r, "paused", s.Why, trace{})
	return true
}

// admitted minds the rule's mode: whether there may be one more run.
func (e *Engine) admitted(r *rule, tr *trace) bool {
	switch {
	case r.mode == "restart":
		for _, old := range slices.Clone(r.runs) {
			e.end(old, "stopped", "started anew")
		}
		return true
	case r.mode == "single" && len(r.runs) == 0, r.mode != "single" && len(r.runs) < r.max:
		return true
	}
	why := "it runs already"
	if r.mode != "single" {
		why = fmt.Sprintf("%d runs are under way", len(r.runs))
	}
	e.quiet(r, *tr, why)
	e.report(r, "refused", why, *tr)
	return false
}

// bySeq compares the number of a run with another, whatever the width of int.
func bySeq(r *run, seq uint64) int { return cmp.Compare(r.Seq, seq) }

func (e *Engine) begin(r *run) {
	r.Waits = waitNothing
	i, _ := slices.BinarySearchFunc(e.runs, r.Seq, bySeq)
	e.runs = slices.Insert(e.runs, i, r)
	e.setTimer(r)
	r.Trace.Run = r.No
	r.rule.state.Why = fmt.Sprintf("running since %s: %s", e.clock(), r.Cause.Event)
	e.report(r.rule, "started", r.Cause.Event, r.Trace)
	e.exec(r)
}

func (e *Engine) setTimer(r *run) {
	r.timer = timer{class: classRun, order: r.Seq, wake: func(e *Engine) { e.wakeRun(r) }}
}

// exec does steps until the run waits or has ended.
func (e *Engine) exec(r *run) {
	for !r.ended && r.Waits == waitNothing {
		if r.PC >= len(r.code) {
			e.end(r, "done", "")
			return
		}
		if !e.spend() {
			e.end(r, "failed", fmt.Sprintf("more than %d steps at one moment", stepBudget))
			return
		}
		e.context(&r.Cause, r.message)
		e.do(r, r.step())
	}
}

// end takes a run out of the world, tells how it ended, and lets the next one of
// its rule begin.
func (e *Engine) end(r *run, state, reason string) {
	if r.ended {
		return
	}
	r.ended = true
	e.due.clear(&r.timer)
	for _, c := range r.Await {
		delete(e.awaited, c.ID)
	}
	same := func(o *run) bool { return o == r }
	e.runs = slices.DeleteFunc(e.runs, same)
	r.rule.runs = slices.DeleteFunc(r.rule.runs, same)
	why := state
	if reason != "" {
		why += ": " + reason
	}
	r.rule.state.Why = fmt.Sprintf("run %d, started by %s, ended at %s: %s", r.No, r.Cause.Event, e.clock(), why)
	r.Trace.Run = r.No
	e.keep(r, state, reason)
	e.report(r.rule, state, reason, r.Trace)
	if state == "stopped" && r.rule.mode == "restart" {
		return
	}
	if len(r.rule.runs) > 0 && r.rule.runs[0].Waits == waitTurn {
		e.begin(r.rule.runs[0])
	}
}

// context is what trigger, value, previous and message are.
func (e *Engine) context(c *cause, message any) {
	e.env.Trigger, e.env.Value, e.env.Previous, e.env.Message = c.Trigger, c.Value, c.Previous, message
}

func decoded(body json.RawMessage) any {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	return v
}

func (e *Engine) clock() string { return e.wall().In(e.loc).Format("15:04:05") }

// commandID is the same each time the same events are stepped, so that a command
// that is decided again acts once.
func (r *run) commandID(device string) string {
	return "rule:" + r.rule.name + ":" + strconv.Itoa(r.No) + ":" + strconv.Itoa(r.PC) + ":" + strconv.Itoa(r.Round) + ":" + device
}
