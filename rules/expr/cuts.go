package expr

import (
	"slices"
	"strings"

	"hogar/gateway/home"
)

// Cuts is where the truth of a condition can change as one name's value does: the
// values that it is compared with.
type Cuts struct {
	Values map[string][]home.Value // by full name
	// Exact tells that the condition is made of such comparisons and of switches
	// alone, joined by and, or and not: between the cuts it is constant.
	Exact bool
}

// CutsOf finds the cuts of a condition that compiles.
func CutsOf(src string, s *Scope) Cuts {
	c := Cuts{Values: make(map[string][]home.Value)}
	root, fault := parse(src)
	if fault != nil {
		return c
	}
	own := *s
	own.Slots = NewTable()
	check := &checker{scope: &own, prog: &Program{}}
	check.root(root, Want{})
	c.Exact = true
	c.walk(root)
	return c
}

func (c *Cuts) walk(n *node) {
	switch n.op {
	case opAnd, opOr, opNot:
		for _, kid := range n.kids {
			c.walk(kid)
		}
	case opBool:
	case opName:
		c.Exact = c.Exact && n.isSwitch()
	case opCall:
		c.Exact = c.Exact && (n.text == "any" || n.text == "all") && !slices.ContainsFunc(n.kids, func(k *node) bool { return k.op != opName })
		c.loose(n)
	case opEqual, opNotEqual, opLess, opLessEq, opMore, opMoreEq:
		a, b := n.kids[0], n.kids[1]
		if a.constant() {
			a, b = b, a
		}
		c.compare(n, a, b)
	case opIn, opNotIn:
		c.compare(n, n.kids[0], n.kids[1].kids...)
	default:
		c.Exact = false
		c.loose(n)
	}
}

// isSwitch reports whether n names something of the house that is on or off.
func (n *node) isSwitch() bool { return n.ofHouse() && n.typ.kind == typeBoolean }

func (n *node) ofHouse() bool {
	return n.op == opName && n.typ.prop != nil && strings.Contains(n.text, ".") && clockNames[n.text].eval == nil
}

func (c *Cuts) compare(n, name *node, with ...*node) {
	plain := name.ofHouse()
	for _, kid := range with {
		plain = plain && kid.constant()
	}
	if !plain {
		c.Exact = false
		c.loose(n)
		return
	}
	for _, kid := range with {
		c.Values[name.text] = append(c.Values[name.text], constant(kid))
	}
}

// loose takes every constant in n for a cut of every name in n: good to try, and
// no more.
func (c *Cuts) loose(n *node) {
	var names []string
	var values []home.Value
	var walk func(n *node)
	walk = func(n *node) {
		if n.ofHouse() {
			names = append(names, n.text)
		}
		if n.constant() && n.op != opBool {
			values = append(values, constant(n))
		}
		for _, kid := range n.kids {
			walk(kid)
		}
	}
	walk(n)
	for _, name := range names {
		c.Values[name] = append(c.Values[name], values...)
	}
}
