package expr

import (
	"math"
	"slices"
	"strings"

	"hogar/gateway/home"
)

// build makes the closure of a checked node.
func build(n *node) eval {
	switch n.op {
	case opNumber, opDuration, opTime, opText, opBool:
		v := constant(n)
		return func(*Env) home.Value { return v }
	case opName:
		return buildName(n)
	case opCall:
		return buildCall(n)
	case opNot:
		x := build(n.kids[0])
		return func(e *Env) home.Value {
			v := x(e)
			if v.Kind() != home.Boolean {
				return home.Value{}
			}
			return home.BooleanOf(!v.Boolean())
		}
	case opAnd, opOr:
		return logic(build(n.kids[0]), build(n.kids[1]), n.op == opOr)
	case opIn, opNotIn:
		return buildIn(n)
	case opNeg, opAdd, opSub, opMul, opDiv, opMod:
		return buildArithmetic(n)
	case opElse:
		x, other := build(n.kids[0]), build(n.kids[1])
		return func(e *Env) home.Value {
			if v := x(e); v.Known() {
				return v
			}
			return other(e)
		}
	case opIf:
		cond, yes, no := build(n.kids[0]), build(n.kids[1]), build(n.kids[2])
		return func(e *Env) home.Value {
			switch v := cond(e); {
			case v.Kind() != home.Boolean:
				return home.Value{}
			case v.Boolean():
				return yes(e)
			}
			return no(e)
		}
	}
	return buildCompare(n)
}

// logic is and, or with decisive: the value that settles it alone.
func logic(a, b eval, decisive bool) eval {
	return func(e *Env) home.Value {
		x := a(e)
		if x.Kind() == home.Boolean && x.Boolean() == decisive {
			return x
		}
		y := b(e)
		if y.Kind() == home.Boolean && y.Boolean() == decisive {
			return y
		}
		if x.Kind() != home.Boolean || y.Kind() != home.Boolean {
			return home.Value{}
		}
		return home.BooleanOf(!decisive)
	}
}

func buildName(n *node) eval {
	switch n.text {
	case "trigger":
		return func(e *Env) home.Value { return e.Trigger }
	case "value":
		return func(e *Env) home.Value { return e.Value }
	case "previous":
		return func(e *Env) home.Value { return e.Previous }
	}
	if known, ok := clockNames[n.text]; ok {
		return known.eval
	}
	if path, ok := strings.CutPrefix(n.text, "message."); ok {
		words := strings.Split(path, ".")
		return func(e *Env) home.Value { return e.field(words) }
	}
	slot := n.slot
	return func(e *Env) home.Value { return e.Slots[slot].Value }
}

func buildCompare(n *node) eval {
	a, b := build(n.kids[0]), build(n.kids[1])
	if n.op == opEqual || n.op == opNotEqual {
		same := n.op == opEqual
		return func(e *Env) home.Value {
			x, y := a(e), b(e)
			if x.Kind() != y.Kind() || !x.Known() {
				return home.Value{}
			}
			return home.BooleanOf((x == y) == same)
		}
	}
	holds := order(n.op)
	if left, right := n.kids[0], n.kids[1]; left.op == opName && left.typ.prop != nil && right.op == opNumber &&
		strings.Contains(left.text, ".") && clockNames[left.text].eval == nil {
		slot, limit := left.slot, right.num
		return func(e *Env) home.Value {
			if v := &e.Slots[slot].Value; v.Kind() == home.Number {
				return home.BooleanOf(holds(v.Number(), limit))
			}
			return home.Value{}
		}
	}
	return func(e *Env) home.Value {
		x, y := a(e), b(e)
		if x.Kind() != home.Number || y.Kind() != home.Number {
			return home.Value{}
		}
		return home.BooleanOf(holds(x.Number(), y.Number()))
	}
}

func order(o op) func(a, b float64) bool {
	switch o {
	case opLess:
		return func(a, b float64) bool { return a < b }
	case opLessEq:
		return func(a, b float64) bool { return a <= b }
	case opMore:
		return func(a, b float64) bool { return a > b }
	}
	return func(a, b float64) bool { return a >= b }
}

func buildIn(n *node) eval {
	x, set, inside := build(n.kids[0]), n.kids[1], n.op == opIn
	if set.op == opList {
		list := make([]home.Value, len(set.kids))
		for i, kid := range set.kids {
			list[i] = constant(kid)
		}
		return func(e *Env) home.Value {
			v := x(e)
			if v.Kind() != list[0].Kind() {
				return home.Value{}
			}
			if slices.Contains(list, v) {
				return home.BooleanOf(inside)
			}
			return home.BooleanOf(!inside)
		}
	}
	a, b := build(set.kids[0]), build(set.kids[1])
	daily := n.kids[0].typ.kind == typeTime || set.kids[0].typ.kind == typeTime
	return func(e *Env) home.Value {
		v, from, to := x(e), a(e), b(e)
		if v.Kind() != home.Number || from.Kind() != home.Number || to.Kind() != home.Number {
			return home.Value{}
		}
		return home.BooleanOf(within(v.Number(), from.Number(), to.Number(), daily) == inside)
	}
}

// within tells if x is in a range: of numbers with both ends, of the day from
// the begin up to before the end, over midnight when the end is the smaller.
func within(x, from, to float64, daily bool) bool {
	switch {
	case !daily:
		return from <= x && x <= to
	case from <= to:
		return from <= x && x < to
	}
	return x >= from || x < to
}

func buildArithmetic(n *node) eval {
	a := build(n.kids[0])
	if n.op == opNeg {
		return func(e *Env) home.Value {
			if v := a(e); v.Kind() == home.Number {
				return home.NumberOf(-v.Number())
			}
			return home.Value{}
		}
	}
	b, f := build(n.kids[1]), arithmetic(n.op)
	return func(e *Env) home.Value {
		x, y := a(e), b(e)
		if x.Kind() != home.Number || y.Kind() != home.Number {
			return home.Value{}
		}
		return home.NumberOf(f(x.Number(), y.Number())) // infinite or NaN: unknown
	}
}

func arithmetic(o op) func(a, b float64) float64 {
	switch o {
	case opAdd:
		return func(a, b float64) float64 { return a + b }
	case opSub:
		return func(a, b float64) float64 { return a - b }
	case opMul:
		return func(a, b float64) float64 { return a * b }
	case opDiv:
		return func(a, b float64) float64 { return a / b }
	}
	return math.Mod
}
