package expr

import (
	"math"
	"strings"

	"hogar/gateway/home"
)

func buildCall(n *node) eval {
	slot := n.slot
	switch n.text {
	case "age":
		return func(e *Env) home.Value {
			if at := e.Slots[slot].At; !at.IsZero() {
				return home.NumberOf(e.Age.Sub(at).Seconds())
			}
			return home.Value{}
		}
	case "known":
		x := build(n.kids[0])
		return func(e *Env) home.Value { return home.BooleanOf(x(e).Known()) }
	case "online":
		return func(e *Env) home.Value { return home.BooleanOf(e.Online[slot]) }
	}
	values := buildValues(n)
	switch n.text {
	case "any":
		return fold(values, func(a, b eval) eval { return logic(a, b, true) })
	case "all":
		return fold(values, func(a, b eval) eval { return logic(a, b, false) })
	case "count":
		return count(values)
	case "mean":
		return mean(values)
	case "min":
		return reduce(values, func(a, b float64) float64 { return min(a, b) })
	case "max":
		return reduce(values, func(a, b float64) float64 { return max(a, b) })
	}
	return buildOne(n, values)
}

// buildValues makes the values of a call, the members of a group included.
func buildValues(n *node) []eval {
	var values []eval
	for _, slot := range n.slots {
		values = append(values, func(e *Env) home.Value { return e.Slots[slot].Value })
	}
	if n.slots == nil {
		for _, kid := range n.kids {
			values = append(values, build(kid))
		}
	}
	return values
}

func fold(values []eval, join func(a, b eval) eval) eval {
	all := values[0]
	for _, v := range values[1:] {
		all = join(all, v)
	}
	return all
}

// count tells how many hold; unknown when one of them is.
func count(values []eval) eval {
	return func(e *Env) home.Value {
		n := 0.0
		for _, value := range values {
			v := value(e)
			if v.Kind() != home.Boolean {
				return home.Value{}
			}
			if v.Boolean() {
				n++
			}
		}
		return home.NumberOf(n)
	}
}

func mean(values []eval) eval {
	sum := reduce(values, func(a, b float64) float64 { return a + b })
	return func(e *Env) home.Value {
		v := sum(e)
		if !v.Known() {
			return v
		}
		return home.NumberOf(v.Number() / float64(len(values)))
	}
}

func reduce(values []eval, f func(a, b float64) float64) eval {
	return func(e *Env) home.Value {
		var sum float64
		for i, value := range values {
			v := value(e)
			if v.Kind() != home.Number {
				return home.Value{}
			}
			if i == 0 {
				sum = v.Number()
				continue
			}
			sum = f(sum, v.Number())
		}
		return home.NumberOf(sum)
	}
}

func buildOne(n *node, values []eval) eval {
	x := values[0]
	switch n.text {
	case "text":
		return func(e *Env) home.Value {
			v := x(e)
			if !v.Known() {
				return v
			}
			return home.TextOf(v.String())
		}
	case "contains":
		part := values[1]
		return func(e *Env) home.Value {
			s, p := x(e), part(e)
			if s.Kind() != home.Text || p.Kind() != home.Text {
				return home.Value{}
			}
			return home.BooleanOf(strings.Contains(s.Text(), p.Text()))
		}
	case "abs":
		return number1(x, math.Abs)
	}
	if len(n.kids) == 1 {
		return number1(x, math.Round)
	}
	scale := math.Pow(10, n.kids[1].num)
	return number1(x, func(f float64) float64 { return math.Round(f*scale) / scale })
}

func number1(x eval, f func(float64) float64) eval {
	return func(e *Env) home.Value {
		if v := x(e); v.Kind() == home.Number {
			return home.NumberOf(f(v.Number()))
		}
		return home.Value{}
	}
}
