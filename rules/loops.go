package rules

import (
	"maps"
	"slices"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// Limits of the search for loops.
const (
	mostInLoop  = 12   // rules that start one another
	mostCases   = 1500 // states with one change each
	mostStarts  = 60   // of one rule after one change: then it goes on for ever
	mostMoments = 1500 // that are lived through after one change
)

// loops finds rules that start one another without end. A graph of who sets what
// another one reads is only the filter; whether they come to rest is tried out.
func (a *analyst) loops() {
	edges := a.edges()
	for _, group := range components(a.rules, edges) {
		if len(group) <= mostInLoop && (len(group) > 1 || slices.Contains(edges[group[0]], group[0])) {
			a.judge(group)
		}
	}
}

// edges lead from a rule to those that what it sets, or publishes, may start or
// steer, if it can be undone: when no rule ever writes another value, it settles.
func (a *analyst) edges() map[*rule][]*rule {
	readers := make(map[string][]*rule)
	for _, r := range a.rules {
		seen := make(map[string]bool)
		note := func(name string) {
			if !seen[name] {
				seen[name] = true
				readers[name] = append(readers[name], r)
			}
		}
		for _, p := range r.programs() {
			for _, slot := range p.Names {
				note(a.table.Name(slot))
			}
		}
		for _, t := range r.triggers {
			for _, name := range t.names {
				note(name)
			}
		}
	}
	edges := make(map[*rule][]*rule)
	for _, name := range slices.Sorted(maps.Keys(a.sets)) {
		if !a.undone(name) {
			continue
		}
		for _, s := range a.sets[name] {
			edges[s.rule] = append(edges[s.rule], readers[name]...)
		}
	}
	for _, r := range a.rules {
		for i := range r.code {
			if m := r.code[i].message; m != nil {
				edges[r] = append(edges[r], a.listeners(m)...)
			}
		}
	}
	return edges
}

// listeners are the rules that a message out starts, when it comes back.
func (a *analyst) listeners(m *publish) []*rule {
	var list []*rule
	for _, r := range a.rules {
		for _, t := range r.triggers {
			if t.kind == whenMessage && m.exchange.plain == home.TextOf(t.exchange) && home.Match(t.pattern, m.key.plain.String()) {
				list = append(list, r)
			}
		}
	}
	return list
}

// programs are all expressions of a rule.
func (r *rule) programs() []*expr.Program {
	var list []*expr.Program
	for _, t := range r.triggers {
		list = append(list, t.prog)
	}
	list = append(list, r.cond)
	for _, in := range r.code {
		list = append(list, in.prog)
		for _, s := range in.sets {
			list = append(list, s.value.prog)
		}
	}
	return slices.DeleteFunc(list, func(p *expr.Program) bool { return p == nil })
}

// undone reports whether different values are written to a name.
func (a *analyst) undone(name string) bool {
	list := a.sets[name]
	return slices.ContainsFunc(list, func(s setBy) bool {
		return !s.value.plain.Known() || s.value.plain == home.Toggle || s.value.plain != list[0].value.plain
	})
}

// components are the groups of rules that lead to one another (Tarjan 1972).
func components(list []*rule, edges map[*rule][]*rule) [][]*rule {
	index, low := make(map[*rule]int), make(map[*rule]int)
	var stack []*rule
	var groups [][]*rule
	var visit func(r *rule)
	visit = func(r *rule) {
		index[r] = len(index) + 1
		low[r] = index[r]
		stack = append(stack, r)
		for _, to := range edges[r] {
			if index[to] == 0 {
				visit(to)
				low[r] = min(low[r], low[to])
			} else if slices.Contains(stack, to) {
				low[r] = min(low[r], index[to])
			}
		}
		if low[r] == index[r] {
			at := slices.Index(stack, r)
			groups = append(groups, slices.Clone(stack[at:]))
			stack = stack[:at]
		}
	}
	for _, r := range list {
		if index[r] == 0 {
			visit(r)
		}
	}
	return groups
}
