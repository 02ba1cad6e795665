package rules

import (
	"slices"
	"strings"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// analyst looks at rules that compile for what can hardly be meant: loops, rules
// that work against one another, conditions that never change. What it tells it
// has seen happen, in a state of the house that it names; what it cannot see
// through it leaves alone.
type analyst struct {
	*loader
	rules []*rule
	nodes map[*rule]*home.Node
	cuts  map[*expr.Program]expr.Cuts
	env   expr.Env // for trying states; the clock is unknown in it
	pairs int      // of rules that were compared
	sets  map[string][]setBy
}

// setBy is a rule that sets a name.
type setBy struct {
	rule   *rule
	value  value
	before bool // without condition and before any wait
}

// analyse checks rules against one another; nodes are theirs.
func (l *loader) analyse(list []*rule, node *home.Node) {
	if node == nil {
		return
	}
	a := &analyst{loader: l, nodes: make(map[*rule]*home.Node), cuts: make(map[*expr.Program]expr.Cuts), sets: make(map[string][]setBy)}
	for i, r := range list {
		if r.disabled {
			continue
		}
		a.rules = append(a.rules, r)
		a.nodes[r] = node.Pairs[i].Value
	}
	for _, r := range a.rules {
		a.collect(r)
	}
	a.env = expr.Env{Slots: make([]expr.Slot, len(l.table.Names())), Online: make([]bool, len(l.table.Devices()))}
	for i := range a.env.Online {
		a.env.Online[i] = true
	}
	a.constants()
	a.opposites()
	a.loops()
}

// collect notes what a rule sets.
func (a *analyst) collect(r *rule) {
	before, inside := true, 0
	for i, in := range r.code {
		if i >= inside {
			inside = 0
		}
		switch in.op {
		case doWait, doUntil, doStop:
			before = false
		case doIf, doLoop:
			inside = max(inside, in.end)
		case doSet:
			for _, s := range in.sets {
				a.sets[s.name] = append(a.sets[s.name], setBy{r, s.value, before && inside == 0})
			}
		}
	}
}

// allows reports whether a rule's allow: has the word.
func (a *analyst) allows(r *rule, word string) bool {
	d := home.Decoder{Node: a.nodes[r], Faults: &home.Faults{}}
	return slices.Contains(d.Texts("allow"), word)
}

// tell notes a finding about a rule, unless one of those concerned allows it.
func (a *analyst) tell(word string, warning bool, concerned []*rule, message, hint string) {
	for _, r := range concerned {
		if a.allows(r, word) {
			return
		}
	}
	last := concerned[len(concerned)-1]
	a.faults.Add(home.Fault{Path: a.nodes[last].Path, OnKey: true, Warning: warning, Message: word + ": " + message,
		Hint: hint + "; if it is meant, write allow: " + word})
}

// constants finds conditions that are the same in every state of the house.
func (a *analyst) constants() {
	for _, r := range a.rules {
		for _, t := range r.triggers {
			if t.kind == whenIs {
				a.constant(r, t.prog, "when")
			}
		}
		a.constant(r, r.cond, "if")
		for i := range r.code {
			if op := r.code[i].op; op == doIf || op == doUntil {
				a.constant(r, r.code[i].prog, r.code[i].shown)
			}
		}
	}
}

func (a *analyst) constant(r *rule, p *expr.Program, what string) {
	if p == nil || len(p.Names) == 0 || !a.cutsOf(p).Exact || a.told(r) {
		return
	}
	var seen [2]bool
	if !a.states([]*expr.Program{p}, func() bool {
		if v := p.Eval(&a.env); v.Kind() == home.Boolean {
			seen[int(truth(v.Boolean()))] = true
		}
		return !seen[0] || !seen[1]
	}) {
		return
	}
	word := ""
	switch {
	case seen[1] && !seen[0]:
		word = "always"
	case seen[0] && !seen[1]:
		word = "never"
	default:
		return
	}
	if a.allows(r, word) {
		return
	}
	a.faults.Add(home.Fault{Path: a.nodes[r].Path, OnKey: true, Warning: true,
		Message: word + " true: " + strings.TrimSpace(p.Source) + " (" + what + " of " + r.name + ")"})
}

// told reports whether a rule was already told that something in it is constant.
func (a *analyst) told(r *rule) bool {
	return slices.ContainsFunc(a.faults.List, func(f home.Fault) bool {
		return len(f.Path) >= 2 && slices.Equal(f.Path[:min(2, len(a.nodes[r].Path))], a.nodes[r].Path) &&
			(strings.HasPrefix(f.Message, "never true") || strings.HasPrefix(f.Message, "always true"))
	})
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
