package rules

import (
	"maps"
	"slices"
	"strings"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// mostPairs is how many pairs of rules are compared at most.
const mostPairs = 5000

// opposites finds pairs of rules that set one name differently: at the same
// moment (a conflict), while both their conditions hold (a fight), or around one
// threshold (flutter). Only what is set before any wait counts: what a rule does
// later is its own ending.
func (a *analyst) opposites() {
	for _, name := range slices.Sorted(maps.Keys(a.sets)) {
		list := slices.DeleteFunc(slices.Clone(a.sets[name]), func(s setBy) bool {
			return !s.before || !s.value.plain.Known() || s.value.plain == home.Toggle
		})
		for i, x := range list {
			for _, y := range list[i+1:] {
				if x.rule == y.rule || x.value.plain == y.value.plain || a.pairs >= mostPairs {
					continue
				}
				a.pairs++
				a.opposite(name, x, y)
			}
		}
	}
}

// opposite compares two rules that set a name differently.
func (a *analyst) opposite(name string, x, y setBy) {
	two := []*rule{x.rule, y.rule}
	what := x.rule.name + " sets " + name + ": " + x.value.plain.String() + ", " + y.rule.name + " sets " + y.value.plain.String()
	for _, t := range x.rule.triggers {
		for _, u := range y.rule.triggers {
			if moment := sameMoment(t, u); moment != "" {
				if when := a.both(t.prog, u.prog, x.rule.cond, y.rule.cond); when != "" {
					a.tell("conflict", false, two, what+", both "+moment+during(when), "put the two into one rule, or tell them apart by if")
					return
				}
			}
		}
	}
	for _, t := range x.rule.triggers {
		for _, u := range y.rule.triggers {
			if t.kind != whenIs || u.kind != whenIs {
				continue
			}
			edge, when := a.sharedEdge(t, u), a.both(t.prog, u.prog, x.rule.cond, y.rule.cond)
			switch {
			case edge != "" && (when == "" || when == edge):
				a.tell("flutter", true, two, what+", around one threshold: "+edge, "write hysteresis: 1 beside one of them")
				return
			case when != "":
				a.tell("fight", true, two, what+"; both hold when "+when, "the one that starts last wins")
				return
			}
		}
	}
}

func during(when string) string {
	if when == "always" {
		return ""
	}
	return ", when " + when
}

// sameMoment tells at what moment two triggers come together; empty: they do not,
// as far as can be seen.
func sameMoment(t, u *trigger) string {
	if t.kind != u.kind {
		return ""
	}
	switch t.kind {
	case whenIs:
		if t.hold == u.hold && strings.TrimSpace(t.prog.Source) == strings.TrimSpace(u.prog.Source) {
			return "when " + strings.TrimSpace(t.prog.Source)
		}
	case whenChanged:
		for _, name := range t.names {
			if slices.Contains(u.names, name) {
				return "when " + name + " changes"
			}
		}
	case whenEvent:
		if t.names[0] == u.names[0] && (t.happened == u.happened || !t.happened.Known() || !u.happened.Known()) {
			return "on " + t.shown
		}
	case whenTime:
		return sameTime(t.schedule, u.schedule, t.shown)
	case whenOnline, whenOffline:
		if t.device == u.device && t.hold == u.hold {
			return "when " + t.shown
		}
	case whenMessage:
		if t.exchange == u.exchange && (home.Match(t.pattern, u.pattern) || home.Match(u.pattern, t.pattern)) {
			return "on " + t.shown
		}
	case whenStarted:
		return "when the gateway has started"
	}
	return ""
}

func sameTime(x, y schedule, shown string) string {
	switch s := x.(type) {
	case daily:
		o, ok := y.(daily)
		if !ok || s.days != 0 && o.days != 0 && s.days&o.days == 0 {
			return ""
		}
		for _, m := range s.minutes {
			if slices.Contains(o.minutes, m) {
				return shown
			}
		}
	case sunDaily:
		o, ok := y.(sunDaily)
		if ok && s.moment == o.moment && s.shift == o.shift && (s.days == 0 || o.days == 0 || s.days&o.days != 0) {
			return shown
		}
	case periodic:
		if o, ok := y.(periodic); ok && s.every == o.every {
			return shown
		}
	case cron:
		if o, ok := y.(cron); ok && s == o {
			return shown
		}
	}
	return ""
}

// sharedEdge finds the one constant that both conditions compare one name with,
// neither with hysteresis.
func (a *analyst) sharedEdge(t, u *trigger) string {
	if len(t.prog.Names) != 1 || len(u.prog.Names) != 1 || t.prog.Names[0] != u.prog.Names[0] || t.hold > 0 || u.hold > 0 {
		return ""
	}
	name := a.table.Name(t.prog.Names[0])
	x, y := a.cutsOf(t.prog).Values[name], a.cutsOf(u.prog).Values[name]
	if len(x) != 1 || len(y) != 1 || x[0] != y[0] || x[0].Kind() != home.Number || a.banded(t) || a.banded(u) {
		return ""
	}
	return name + " is " + x[0].String()
}

// banded reports whether a trigger has hysteresis: at its constant, or a little
// beside it, staying true is another question than turning true.
func (a *analyst) banded(t *trigger) bool {
	found := false
	a.states([]*expr.Program{t.prog}, func() bool {
		found = t.prog.Eval(&a.env) != t.prog.Stay(&a.env)
		return !found
	})
	return found
}
