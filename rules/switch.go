package rules

import (
	"slices"

	"hogar/gateway/home"
)

// ruleVariable begins the name of the variable by which a rule is switched on and
// off. Other variables have no dot.
const ruleVariable = "rule."

// Switch is the event by which a rule is enabled or disabled: a variable, so that
// it is kept. To be recorded and stepped like any other; reason says who wants it.
func Switch(rule string, on bool, reason string) home.Event {
	return home.Event{Kind: home.KindVariable, Name: ruleVariable + rule, Value: home.BooleanOf(on), Reason: reason}
}

// off reports whether the rule starts nothing. Its triggers go on watching, so
// that enabling it is no crossing.
func (r *rule) off() bool {
	if r.state.Switched == "" {
		return r.disabled
	}
	return r.state.Switched == "off"
}

// enable switches a rule; the runs of one that is switched off end.
func (e *Engine) enable(name string, ev *home.Event) {
	r := e.find(name)
	if r == nil || ev.Value.Kind() != home.Boolean {
		return
	}
	was := r.off()
	r.state.Switched = ev.Value.String()
	if r.off() == was {
		return
	}
	state := "enabled"
	if r.off() {
		state = "disabled"
		for _, one := range slices.Backward(slices.Clone(r.runs)) { // the queued first, or they would begin
			e.end(one, "stopped", "the rule was disabled")
		}
	}
	r.state.Why = state + " at " + e.clock() + suffix(ev.Reason)
	e.report(r, state, ev.Reason, trace{})
}
