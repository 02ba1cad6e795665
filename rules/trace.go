package rules

import (
	"encoding/json"
	"time"

	"hogar/gateway/home"
)

// trace is what a run did: the detail of the events of its rule.
type trace struct {
	Run     int    `json:"run,omitempty"`
	Trigger string `json:"trigger,omitempty"`
	Event   string `json:"event,omitempty"`
	If      string `json:"if,omitempty"` // the values that the condition saw
	Steps   []line `json:"steps,omitempty"`
	Cut     int    `json:"cut,omitempty"` // lines that are left out
}

// line is one thing that a run did.
type line struct {
	At   time.Time `json:"at"`
	Step int       `json:"step"`
	Did  string    `json:"did"`
}

func (r *run) note(at time.Time, did string) {
	if len(r.Trace.Steps) >= traceLimit {
		r.Trace.Cut++
		return
	}
	r.Trace.Steps = append(r.Trace.Steps, line{at, r.PC, did})
}

// report records what became of a rule.
func (e *Engine) report(r *rule, state, reason string, t trace) {
	detail, err := json.Marshal(t)
	if err != nil {
		detail = nil // a trace is texts and numbers: it always has a JSON form
	}
	e.out = append(e.out, Decision{Event: &home.Event{At: e.now, Kind: home.KindRule, Name: r.name, State: state,
		Reason: reason, Detail: detail}})
}
