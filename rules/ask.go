package rules

import (
	"hogar/gateway/home"
)

// What was reached of a step.
const (
	seenStep uint8 = 1 << iota
	seenTrue
	seenFalse
)

// Reach tells how far a step of a rule was reached since the engine was loaded.
type Reach struct {
	Rule   string
	Node   *home.Node // where the step is written
	Shown  string     // how a trace names it
	Done   bool
	Branch bool // it goes one of two ways; then these tell which were gone
	True   bool
	False  bool
}

// Reached tells of all steps of all rules, in their order.
func (e *Engine) Reached() []Reach {
	var list []Reach
	for _, r := range e.rules {
		for _, in := range r.code {
			if in.op == doJump || in.node == nil {
				continue
			}
			list = append(list, Reach{Rule: r.name, Node: in.node, Shown: in.shown, Done: in.seen&seenStep != 0,
				Branch: in.op == doIf, True: in.seen&seenTrue != 0, False: in.seen&seenFalse != 0})
		}
	}
	return list
}

// House returns what the rules were checked against, the variables included.
func (e *Engine) House() House { return e.loader.house }

// Ask computes a condition at the present moment, and tells what it saw. What is
// wrong with it goes to faults. Names that it reads are known from the first Ask
// on: before that an engine keeps only those that rules read.
func (e *Engine) Ask(n *home.Node, faults *home.Faults) (holds home.Value, saw string) {
	l := *e.loader
	l.faults = &home.Faults{}
	s := l.scope()
	prog := l.condition(n, "check", &s)
	faults.List = append(faults.List, l.faults.List...)
	e.grow()
	if prog == nil {
		return home.Value{}, ""
	}
	e.context(&cause{}, nil)
	return prog.Eval(&e.env), prog.Describe(&e.env, e.table)
}
