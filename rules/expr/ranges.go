package expr

import (
	"fmt"
	"math"
	"time"

	"hogar/gateway/home"
)

// ages notes when a comparison of age(name) with a constant will change.
func (c *checker) ages(call, d *node, o op) {
	if call.op != opCall || call.text != "age" || d.op != opDuration || call.typ.kind != typeDuration {
		return
	}
	after := time.Duration(math.Round(d.num*1000)) * time.Millisecond
	if o == opMore || o == opLessEq {
		after += time.Microsecond // house time counts microseconds
	}
	c.prog.Ages = append(c.prog.Ages, Age{Slot: call.slot, After: after})
}

// in checks x in 18..22 and x in ["a", "b"].
func (c *checker) in(n *node) typ {
	x, set := n.kids[0], n.kids[1]
	result := typ{kind: typeBoolean}
	c.check(x)
	if set.op == opRange {
		c.span(x, set)
		return result
	}
	if len(set.kids) == 0 {
		c.fault(set, "", "an empty list")
	}
	for _, kid := range set.kids {
		if c.bare(kid, x) {
			continue
		}
		c.check(kid)
		c.options(x, kid)
		if kid.typ.kind != typeBad && !kid.constant() {
			c.fault(kid, "write == and or", "%s is no constant, as a list has", shown(kid))
			continue
		}
		c.comparable(n, x, kid, false)
	}
	return result
}

func (n *node) constant() bool { return n.op <= opBool }

func (c *checker) span(x, set *node) {
	a, b := set.kids[0], set.kids[1]
	c.check(a)
	c.check(b)
	t := x.typ
	if t.loose() {
		t = a.typ
	}
	if t.kind != typeNumber && t.kind != typeTime && t.kind != typeDuration && !t.loose() {
		c.fault(x, "write == or a list", "%s is %s, and has no range", shown(x), t)
		return
	}
	for _, end := range []*node{a, b} {
		if !end.typ.loose() && !t.loose() && end.typ.kind != t.kind {
			c.fault(end, mixedHint(x, end), "%s is %s and %s is %s", shown(x), t, shown(end), end.typ)
		}
	}
	if a.op == opNumber && b.op == opNumber && a.num > b.num {
		c.fault(set, "the smaller one first: "+b.text+".."+a.text, "an empty range")
	}
	if a.op == opTime && b.op == opTime && a.num == b.num {
		c.fault(set, "", "an empty range")
	}
}

func (c *checker) arithmetic(n *node) typ {
	for _, kid := range n.kids {
		c.check(kid)
	}
	a := n.kids[0].typ
	if n.op == opNeg {
		if a.kind == typeNumber || a.kind == typeDuration || a.loose() {
			return typ{kind: a.kind}
		}
		return c.fault(n.kids[0], "", "%s is %s, where a number is expected", shown(n.kids[0]), a)
	}
	b := n.kids[1].typ
	if a.kind == typeBad || b.kind == typeBad {
		return typ{}
	}
	if a.kind == typeAny {
		a = b
	}
	if b.kind == typeAny {
		b = a
	}
	if t, ok := combined(n.op, a.kind, b.kind); ok {
		return typ{kind: t}
	}
	return c.arithmeticFault(n, a, b)
}

// combined is the type of a sum, a product and the like.
func combined(o op, a, b typeKind) (typeKind, bool) {
	sum := o == opAdd || o == opSub
	switch {
	case a == typeNumber && b == typeNumber, a == typeAny && b == typeAny:
		return typeNumber, true
	case a == typeDuration && b == typeDuration:
		if o == opDiv {
			return typeNumber, true
		}
		return typeDuration, sum || o == opMod
	case a == typeDuration && b == typeNumber:
		return typeDuration, o == opMul || o == opDiv
	case a == typeNumber && b == typeDuration:
		return typeDuration, o == opMul
	}
	return typeBad, false
}

func (c *checker) arithmeticFault(n *node, a, b typ) typ {
	wrong, t := n.kids[0], a
	if a.kind == typeNumber {
		wrong, t = n.kids[1], b
	}
	hint := ""
	switch {
	case t.isText():
		hint = "texts are not joined"
	case t.kind == typeTime:
		hint = "write the time itself, such as 06:45"
	case t.kind == typeDuration:
		hint = "a duration goes with a duration: 10m + 30s"
	}
	return c.fault(wrong, hint, "%s is %s, where a number is expected", shown(wrong), t)
}

// limits warns of comparisons that a property's range decides already.
func (c *checker) limits(n, name, number *node, o op) {
	p := name.typ.prop
	if name.op != opName || p == nil || p.Type != home.TypeNumber || number.op != opNumber {
		return
	}
	x := number.num
	low, high := p.Min != nil && x <= *p.Min, p.Max != nil && x >= *p.Max
	below, above := p.Min != nil && x < *p.Min, p.Max != nil && x > *p.Max
	never := o == opLess && low || o == opLessEq && below || o == opMore && high || o == opMoreEq && above ||
		o == opEqual && (below || above)
	always := o == opLess && above || o == opLessEq && high || o == opMore && below || o == opMoreEq && low ||
		o == opNotEqual && (below || above)
	switch {
	case never:
		c.warn(n, "", "never true: %s is %s", name.text, p.Range())
	case always:
		c.warn(n, "", "always true: %s is %s", name.text, p.Range())
	case (o == opEqual || o == opNotEqual) && !p.Settable && p.Unit != "":
		c.warn(n, fmt.Sprintf("write a range: %s in %v..%v", name.text, x, x+1), "a measured number is hardly ever exactly %v", x)
	}
}
