// Package expr is the language of conditions and computed values in rules.
//
// [Compile] parses an expression, checks it against the house (names, types,
// options, ranges) and makes a [Program] of closures. [Program.Eval] computes it
// in three values: what depends on something unknown is unknown, unless the
// answer is certain anyway (false and unknown is false).
//
// Names are resolved to slots when the expression is compiled, so that an
// evaluation looks nothing up and allocates nothing. There is no assignment, no
// loop, and no text that becomes code.
package expr

import (
	"fmt"
	"slices"
	"time"

	"hogar/gateway/home"
)

// Limits of one expression.
const (
	maxLength = 4000 // characters
	maxDepth  = 100  // levels of nesting
)

// Fault is a mistake in an expression.
type Fault struct {
	Offset  int    // characters from the beginning of the source
	Message string // what was found
	Hint    string // what to write instead; may be empty
	Warning bool   // the expression works, but hardly as meant
}

// Error shows the fault with its cure.
func (f Fault) Error() string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + " (" + f.Hint + ")"
}

// House is what names are checked against.
type House interface {
	// Property of a device that is still to be discovered has no type.
	Property(name string) (home.Property, bool) // by its full name
	Device(name string) bool
	Names() []string // all full names and all devices, for "did you mean"
}

// MayCome reports whether there is no such device, and one may still be discovered.
func MayCome(h House, device string) bool {
	p, ok := h.Property(home.Join(device, "state"))
	return ok && p.Type == "" && !h.Device(device)
}

// Scope is what an expression may name. One Scope may serve many expressions,
// one after the other; they then share its Slots.
type Scope struct {
	House    House
	Groups   map[string][]string // group to its devices
	Slots    *Table
	Sun      bool           // the location is known
	Message  bool           // message.… is there
	Triggers []string       // the ids that trigger can have
	Value    *home.Property // what value and previous are; nil: they are not there; no Type: anything
}

// Want is the result that is asked for.
type Want struct {
	Property *home.Property // a value of it; nil: see Any
	Any      bool           // any value; else a condition
}

// Program is a compiled expression. It never changes and may be evaluated by
// many goroutines, each with its own [Env].
type Program struct {
	Source string
	Names  []int // slots of the names it reads, in the order of the text
	Online []int // slots of the devices whose state it asks
	Clock  bool  // it also changes as time passes
	Wall   bool  // it reads the time of the day, by the wall clock
	Ages   []Age // moments at which a comparison with age() changes

	eval, stay eval
}

// Age says that a comparison changes when the name has not been read for After.
type Age struct {
	Slot  int
	After time.Duration
}

type eval func(*Env) home.Value

// Eval computes the program.
func (p *Program) Eval(e *Env) home.Value { return p.eval(e) }

// Stay computes whether a condition with hysteresis, once true, is still true.
// Without hysteresis it is [Program.Eval].
func (p *Program) Stay(e *Env) home.Value { return p.stay(e) }

// Compile makes a program of src. With faults that are no warnings the program
// is nil.
func Compile(src string, want Want, s *Scope) (*Program, []Fault) {
	return compile(src, want, s, 0)
}

// CompileHysteresis makes a program of a condition that is one comparison by
// <, <=, > or >= and that, once true, turns false only when by passes by band.
func CompileHysteresis(src string, band float64, s *Scope) (*Program, []Fault) {
	return compile(src, Want{}, s, band)
}

func compile(src string, want Want, s *Scope, band float64) (*Program, []Fault) {
	root, fault := parse(src)
	if fault != nil {
		return nil, []Fault{*fault}
	}
	c := &checker{scope: s, prog: &Program{Source: src}}
	c.root(root, want)
	var wider *node
	if band != 0 {
		wider = c.widen(root, band)
	}
	slices.SortStableFunc(c.faults, func(a, b Fault) int { return a.Offset - b.Offset })
	if slices.ContainsFunc(c.faults, func(f Fault) bool { return !f.Warning }) {
		return nil, c.faults
	}
	p := c.prog
	p.eval = build(root)
	p.stay = p.eval
	if wider != nil {
		p.stay = build(wider)
	}
	return p, c.faults
}

// widen makes the comparison that holds as long as the condition stays true.
func (c *checker) widen(n *node, band float64) *node {
	sign := 1.0
	switch n.op {
	case opLess, opLessEq:
	case opMore, opMoreEq:
		sign = -1
	default:
		c.fault(n, "write one comparison, such as a.b < 4", "hysteresis stands with one comparison by <, <=, > or >=")
		return nil
	}
	if n.kids[1].typ.kind != typeNumber && n.kids[1].typ.kind != typeBad {
		c.fault(n, "", "hysteresis is a number, so it cannot widen a comparison of %s", n.kids[1].typ)
		return nil
	}
	edge := &node{op: opAdd, pos: n.pos, kids: []*node{n.kids[1], {op: opNumber, num: sign * band}}}
	return &node{op: n.op, pos: n.pos, kids: []*node{n.kids[0], edge}}
}

// Describe shows what the program saw: a.b 4, c.d unknown (offline).
func (p *Program) Describe(e *Env, t *Table) string {
	text := ""
	for _, slot := range p.Names {
		if text != "" {
			text += ", "
		}
		s := e.Slots[slot]
		text += t.Name(slot) + " " + s.Value.String()
		if !s.Value.Known() && s.Why != "" {
			text += " (" + s.Why + ")"
		}
	}
	return text
}

// Table numbers the names and devices that expressions read. Not for concurrent use.
type Table struct {
	names   []string
	slots   map[string]int
	devices []string
	online  map[string]int
}

// NewTable returns an empty table.
func NewTable() *Table { return &Table{slots: make(map[string]int), online: make(map[string]int)} }

// Slot returns the number of a full name, a new one the first time.
func (t *Table) Slot(name string) int { return number(t.slots, &t.names, name) }

// Find returns the number of a full name, if it has one.
func (t *Table) Find(name string) (int, bool) {
	i, ok := t.slots[name]
	return i, ok
}

// Device returns the number of a device, a new one the first time.
func (t *Table) Device(name string) int { return number(t.online, &t.devices, name) }

// Name returns the full name with that number.
func (t *Table) Name(slot int) string { return t.names[slot] }

// Names returns all full names by number. It is not to be changed.
func (t *Table) Names() []string { return t.names }

// Devices returns all devices by number. It is not to be changed.
func (t *Table) Devices() []string { return t.devices }

func number(m map[string]int, list *[]string, name string) int {
	if i, ok := m[name]; ok {
		return i
	}
	i := len(*list)
	m[name] = i
	*list = append(*list, name)
	return i
}

func faultAt(pos int, hint, format string, args ...any) *Fault {
	return &Fault{Offset: pos, Hint: hint, Message: fmt.Sprintf(format, args...)}
}
