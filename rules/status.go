package rules

import (
	"slices"
	"strings"
	"time"

	"hogar/gateway/home"
)

// statusOf returns how the rule is, for the page and the command line.
func (e *Engine) statusOf(r *rule) Status {
	s := Status{Name: r.name, Label: r.label, Enabled: !r.off(), State: "idle", Why: r.state.Why, Running: len(r.runs),
		Started: r.state.Runs, Last: r.last(), Next: e.next(r), Findings: r.findings}
	switch {
	case r.state.Switched == "off":
		s.State = "disabled"
	case r.off():
		s.State, s.Why = "disabled", "enabled is false"
	case e.now.Before(r.state.Paused):
		s.State = "paused"
	case len(r.runs) > 0:
		s.State = "running"
		if first := r.runs[0]; first.Waits != waitNothing && first.PC < len(first.code) {
			s.Why += ", at: " + first.step().shown
		}
	case s.Why == "":
		var shown []string
		for _, t := range r.triggers {
			shown = append(shown, t.shown)
		}
		s.Why = "waits for " + strings.Join(shown, " or ")
	}
	return s
}

// Rules returns the present state of all rules, in their order.
func (e *Engine) Rules() []Status {
	list := make([]Status, len(e.rules))
	for i, r := range e.rules {
		list[i] = e.statusOf(r)
	}
	return list
}

// last is when the newest run that is remembered began.
func (r *rule) last() time.Time {
	if n := len(r.runs); n > 0 {
		return r.runs[n-1].Began
	}
	if n := len(r.past); n > 0 {
		return r.past[n-1].Began
	}
	return time.Time{}
}

// next is when the rule or one of its runs is woken by time.
func (e *Engine) next(r *rule) time.Time {
	var next time.Time
	sooner := func(t *timer) {
		if t.index > 0 && (next.IsZero() || t.at.Before(next)) {
			next = t.at
		}
	}
	for _, t := range r.triggers {
		if !r.off() {
			sooner(&t.due)
			sooner(&t.ages)
		}
	}
	for _, one := range r.runs {
		sooner(&one.timer)
	}
	if next.IsZero() {
		return next
	}
	return next.Add(e.offset)
}

// notes gives each rule what was found about it that is no mistake.
func (l *loader) notes(list []*rule, node *home.Node) {
	for i, r := range list {
		path := node.Pairs[i].Value.Path
		for _, f := range l.faults.List {
			if f.Warning && len(f.Path) >= len(path) && slices.Equal(f.Path[:len(path)], path) {
				f.Path = nil
				r.findings = append(r.findings, f.Error())
			}
		}
	}
}
