package expr

import (
	"slices"
	"strings"

	"hogar/gateway/home"
)

// checker finds the types of an expression's nodes, resolves its names, and
// collects what is wrong.
type checker struct {
	scope  *Scope
	prog   *Program
	faults []Fault
}

func (c *checker) fault(n *node, hint, format string, args ...any) typ {
	c.faults = append(c.faults, *faultAt(n.pos, hint, format, args...))
	return typ{}
}

func (c *checker) warn(n *node, hint, format string, args ...any) {
	f := faultAt(n.pos, hint, format, args...)
	f.Warning = true
	c.faults = append(c.faults, *f)
}

// root checks the whole expression against what is wanted of it.
func (c *checker) root(n *node, want Want) {
	switch {
	case want.Property != nil:
		c.check(n)
		c.wanted(n, want.Property)
	case want.Any:
		c.check(n)
	default:
		c.condition(n)
	}
}

// wanted checks that n can be a value of p.
func (c *checker) wanted(n *node, p *home.Property) {
	switch n.op {
	case opIf:
		c.wanted(n.kids[1], p)
		c.wanted(n.kids[2], p)
		return
	case opElse:
		c.wanted(n.kids[0], p)
		c.wanted(n.kids[1], p)
		return
	}
	want := typeOf(p)
	if want.kind == typeChoice {
		asOption(n, p)
	}
	switch {
	case n.typ.loose() || want.kind == typeAny:
	case n.op == opNumber && want.kind == typeNumber, n.op == opText && want.kind == typeChoice:
		if _, err := p.Accept(constant(n)); err != nil {
			c.fault(n, nearest(n.text, p.Options), "%s: %s", p.Name, err)
		}
	case n.op == opText && want.kind == typeBoolean && n.text == "toggle":
	case n.typ.isText() && want.isText():
	case n.typ.kind != want.kind:
		c.fault(n, "", "%s is %s, and this is %s", p.Name, want, n.typ)
	}
}

// condition checks n where true or false is needed.
func (c *checker) condition(n *node) {
	t := c.check(n)
	if t.kind == typeBoolean || t.loose() {
		return
	}
	hint := ""
	if n.op == opName {
		switch t.kind {
		case typeNumber:
			hint = "compare it: " + n.text + " > 5"
		case typeChoice:
			hint = "compare it: " + n.text + " == " + quote(firstOf(t.prop.Options))
		case typeText:
			hint = "compare it: " + n.text + ` == "…"`
		}
	}
	c.fault(n, hint, "%s is %s, where a condition is expected", shown(n), t)
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return "…"
	}
	return list[0]
}

func quote(s string) string { return `"` + s + `"` }

// shown is how a node is called in a message.
func shown(n *node) string {
	switch n.op {
	case opName, opNumber, opDuration, opTime:
		return n.text
	case opText:
		return quote(n.text)
	case opBool:
		if n.num == 1 {
			return "on"
		}
		return "off"
	case opCall:
		return n.text + "(…)"
	}
	return "this"
}

// check finds the type of n.
func (c *checker) check(n *node) typ {
	n.typ = c.typeOf(n)
	return n.typ
}

func (c *checker) typeOf(n *node) typ {
	switch n.op {
	case opNumber:
		return typ{kind: typeNumber}
	case opDuration:
		return typ{kind: typeDuration}
	case opTime:
		return typ{kind: typeTime}
	case opText:
		return typ{kind: typeText}
	case opBool:
		return typ{kind: typeBoolean}
	case opName:
		return c.name(n)
	case opCall:
		return c.call(n)
	case opAnd, opOr, opNot:
		for _, kid := range n.kids {
			c.condition(kid)
		}
		return typ{kind: typeBoolean}
	case opIn, opNotIn:
		return c.in(n)
	case opNeg, opAdd, opSub, opMul, opDiv, opMod:
		return c.arithmetic(n)
	case opElse:
		c.check(n.kids[0])
		c.check(n.kids[1])
		return c.unify(n.kids[0], n.kids[1])
	case opIf:
		c.condition(n.kids[0])
		c.check(n.kids[1])
		c.check(n.kids[2])
		return c.unify(n.kids[1], n.kids[2])
	}
	return c.compare(n)
}

// unify is the type of a value that is either a or b.
func (c *checker) unify(a, b *node) typ {
	c.options(a, b)
	c.options(b, a)
	for _, pair := range [][2]*node{{a, b}, {b, a}} {
		if pair[0].op == opText && pair[1].op == opBool { // "heat" or off: the option
			*pair[1] = node{op: opText, pos: pair[1].pos, text: shown(pair[1]), typ: typ{kind: typeText}}
		}
	}
	switch {
	case a.typ.loose() && b.typ.loose():
		return a.typ
	case a.typ.loose():
		return typ{kind: typeAny}
	case b.typ.loose():
		return typ{kind: typeAny}
	case a.typ.kind == b.typ.kind:
		return typ{kind: a.typ.kind, prop: a.typ.prop}
	case a.typ.isText() && b.typ.isText():
		if a.typ.kind == typeChoice {
			return a.typ
		}
		return b.typ
	}
	return c.fault(b, "", "%s here and %s there: both must be of one kind", b.typ, a.typ)
}

// asOption turns on and off into texts where a choice has such options.
func asOption(n *node, p *home.Property) {
	if n.op == opBool && slices.Contains(p.Options, shown(n)) {
		*n = node{op: opText, pos: n.pos, text: shown(n), typ: typ{kind: typeText}}
	}
}

// options checks constant b against the options of the choice a.
func (c *checker) options(a, b *node) {
	if a.typ.kind != typeChoice || a.typ.prop == nil || a.op == opText {
		return
	}
	asOption(b, a.typ.prop)
	if b.op != opText || slices.Contains(a.typ.prop.Options, b.text) {
		return
	}
	hint := nearest(b.text, a.typ.prop.Options)
	if hint == "" {
		hint = "it is one of " + strings.Join(a.typ.prop.Options, ", ")
	}
	c.fault(b, hint, "%s is never %s", shown(a), quote(b.text))
	b.typ = typ{}
}

func nearest(s string, list []string) string {
	if near := home.Nearest(s, list); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// bare tells that a word without quotes stands where a text is compared.
func (c *checker) bare(n, other *node) bool {
	if n.op != opName || strings.Contains(n.text, ".") || isSpecial(n.text) {
		return false
	}
	if t := c.check(other); !t.isText() {
		return false
	}
	hint := "write it in quotes: " + quote(n.text)
	if p := other.typ.prop; p != nil && !slices.Contains(p.Options, n.text) {
		if near := home.Nearest(n.text, p.Options); near != "" {
			hint = "write: " + quote(near)
		}
	}
	c.fault(n, hint, "%s is a word without quotes", n.text)
	return true
}

func (c *checker) compare(n *node) typ {
	a, b := n.kids[0], n.kids[1]
	result := typ{kind: typeBoolean}
	if c.bare(b, a) || c.bare(a, b) {
		return result
	}
	ordered := n.op != opEqual && n.op != opNotEqual
	c.check(a)
	c.check(b)
	c.options(a, b)
	c.options(b, a)
	c.comparable(n, a, b, ordered)
	c.limits(n, a, b, n.op)
	c.limits(n, b, a, mirrored[n.op])
	c.ages(a, b, n.op)
	c.ages(b, a, mirrored[n.op])
	return result
}

var mirrored = map[op]op{
	opEqual: opEqual, opNotEqual: opNotEqual, opLess: opMore, opLessEq: opMoreEq, opMore: opLess, opMoreEq: opLessEq,
}

func (c *checker) comparable(n, a, b *node, ordered bool) {
	ta, tb := a.typ, b.typ
	switch {
	case ta.kind == typeBad || tb.kind == typeBad:
	case ordered && (ta.isText() || tb.isText() || ta.kind == typeBoolean || tb.kind == typeBoolean || ta.kind == typeObject):
		t := ta
		if !t.isText() && t.kind != typeBoolean {
			t = tb
		}
		c.fault(n, "write == or !=", "%s has no order", t)
	case ta.kind == typeAny || tb.kind == typeAny || ta.kind == tb.kind || ta.isText() && tb.isText():
	default:
		c.fault(b, mixedHint(a, b), "%s is %s and %s is %s", shown(a), ta, shown(b), tb)
	}
}

func mixedHint(a, b *node) string {
	if a.constant() {
		a, b = b, a
	}
	switch {
	case a.typ.kind == typeBoolean && b.op == opText:
		return "a switch needs no comparison: " + shown(a) + ", not " + shown(a)
	case a.typ.kind == typeDuration && b.op == opNumber:
		return "write a duration, such as " + b.text + "s"
	case a.typ.kind == typeTime && b.op == opNumber:
		return "write a time of day, such as 06:45"
	case a.typ.kind == typeNumber && b.op == opText:
		return "a number stands without quotes"
	case a.typ.kind == typeNumber && b.op == opDuration:
		return "a duration is compared with age(name)"
	}
	return ""
}
