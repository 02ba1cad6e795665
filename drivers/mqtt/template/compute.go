package template

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// compute is Python's arithmetic.
func compute(op string, left, right any) (any, error) {
	i, f, whole, ok := number(left)
	j, g, also, isNumber := number(right)
	if s, isText := left.(string); isText && op == "%" {
		return percentOperator(s, right)
	}
	if v, err, is := computeTime(op, left, right); is {
		return v, err
	}
	if !ok || !isNumber {
		a, isText := left.(string)
		b, texts := right.(string)
		if op == "+" && isText && texts {
			return joined(a, b)
		}
		x, isList := left.([]any)
		y, lists := right.([]any)
		if op == "+" && isList && lists {
			both := slices.Concat(x, y)
			return both, weigh(both)
		}
		return nil, fmt.Errorf("%s %s %s cannot be computed", kindOf(left), op, kindOf(right))
	}
	if (op == "/" || op == "//" || op == "%") && g == 0 {
		return nil, errors.New("division by zero")
	}
	if whole && also {
		if v, ok := computeInt(op, i, j); ok {
			return v, nil
		}
	}
	switch op {
	case "+":
		return f + g, nil
	case "-":
		return f - g, nil
	case "*":
		return f * g, nil
	case "/":
		return f / g, nil
	case "//":
		return math.Floor(f / g), nil
	case "%":
		return f - g*math.Floor(f/g), nil
	}
	return math.Pow(f, g), nil
}

// computeInt computes with whole numbers; ok is false when the result is none, or
// too big to be kept as one.
func computeInt(op string, i, j int64) (v int64, ok bool) {
	const most = 1 << 31 // of a factor: the product has room
	switch op {
	case "+":
		v = i + j
		return v, (v > i) == (j > 0)
	case "-":
		v = i - j
		return v, (v < i) == (j > 0)
	case "*":
		return i * j, max(i, -i, j, -j) < most
	case "//":
		v = i / j
		if i%j != 0 && (i < 0) != (j < 0) {
			v--
		}
		return v, true
	case "%":
		v = i % j
		if v != 0 && (v < 0) != (j < 0) {
			v += j
		}
		return v, true
	case "**":
		f := math.Pow(float64(i), float64(j))
		return int64(f), j >= 0 && math.Abs(f) < 1<<53
	}
	return 0, false
}

func compare(op string, a, b any) (bool, error) {
	switch op {
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "in", "not in":
		is, err := contains(b, a)
		return is == (op == "in"), err
	}
	for _, v := range []any{a, b} {
		if u, ok := v.(undefined); ok {
			return false, u.err()
		}
	}
	below, ok := less(a, b)
	above, also := less(b, a)
	if !ok || !also {
		return false, fmt.Errorf("%s %s %s cannot be compared", kindOf(a), op, kindOf(b))
	}
	switch op {
	case "<":
		return below, nil
	case ">":
		return above, nil
	case "<=":
		return below || equal(a, b), nil
	}
	return above || equal(a, b), nil
}

// contains is Python's in.
func contains(all, one any) (bool, error) {
	switch all := all.(type) {
	case string:
		s, ok := one.(string)
		if !ok {
			return false, fmt.Errorf("a %s is not looked for in a text", kindOf(one))
		}
		return strings.Contains(all, s), nil
	case []any:
		return slices.ContainsFunc(all, func(v any) bool { return equal(v, one) }), nil
	case *dict:
		_, ok := all.find(one)
		return ok, nil
	case undefined:
		return false, nil
	}
	return false, fmt.Errorf("nothing is in a %s", kindOf(all))
}
