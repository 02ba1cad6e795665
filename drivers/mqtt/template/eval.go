package template

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// env is one evaluation.
type env struct {
	vars map[string]any // of the context; never changed
	sets map[string]any // by {% set %}
	now  time.Time
	out  strings.Builder
}

// node is a piece of a template: a statement, or an expression.
type node interface{ eval(e *env) (any, error) }

type (
	plain  string
	output struct{ n node }
	set    struct {
		name  string
		value node
	}
	choice struct {
		conditions []node
		bodies     [][]node
		otherwise  []node
	}
	constant   struct{ v any }
	variable   struct{ name string }
	list       struct{ items []node }
	dictionary struct{ keys, values []node }
	not        struct{ n node }
	sign       struct {
		minus bool
		n     node
	}
	arithmetic struct {
		op          string
		left, right node
	}
	comparison struct {
		ops      []string
		operands []node
	}
	inline struct{ yes, condition, no node }
	item   struct{ of, key node }
	slice  struct{ of, from, to node } // from and to may be nil
	call   struct {
		name string
		f    function
		on   node // of a filter or a method; else nil
		args arguments
	}
	test struct {
		f   func(v any) bool
		n   node
		not bool
	}
	// arguments are those by place and then those by name.
	arguments struct {
		list  []node
		words []string // the names of the last ones
	}
)

// run evaluates statements into the result.
func (e *env) run(body []node) error {
	for _, n := range body {
		if _, err := n.eval(e); err != nil {
			return err
		}
	}
	return nil
}

var errTooLong = fmt.Errorf("a text of more than %d bytes", longestResult)

func (e *env) write(s string) error {
	if e.out.Len()+len(s) > longestResult {
		return errTooLong
	}
	e.out.WriteString(s)
	return nil
}

func (p plain) eval(e *env) (any, error) { return nil, e.write(string(p)) }

func (p output) eval(e *env) (any, error) {
	v, err := p.n.eval(e)
	if err != nil {
		return nil, err
	}
	return nil, e.write(text(v))
}

func (s set) eval(e *env) (any, error) {
	v, err := s.value.eval(e)
	if e.sets == nil {
		e.sets = make(map[string]any)
	}
	e.sets[s.name] = v
	return nil, err
}

func (c choice) eval(e *env) (any, error) {
	for i, condition := range c.conditions {
		v, err := condition.eval(e)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			return nil, e.run(c.bodies[i])
		}
	}
	return nil, e.run(c.otherwise)
}

func (c constant) eval(*env) (any, error) { return c.v, nil }

func (n variable) eval(e *env) (any, error) {
	if v, ok := e.sets[n.name]; ok {
		return v, nil
	}
	if v, ok := e.vars[n.name]; ok {
		return v, nil
	}
	return undefined{n.name}, nil
}

func (l list) eval(e *env) (any, error) {
	items := make([]any, len(l.items))
	for i, n := range l.items {
		v, err := n.eval(e)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return items, weigh(items)
}

// weigh refuses what would be too long if it were written out: lists may hold
// lists twice, and those again.
func weigh(v any) error {
	if left := weight(v, longestResult); left < 0 {
		return errTooLong
	}
	return nil
}

// weight takes what v weighs from left, and stops below zero.
func weight(v any, left int) int {
	left--
	switch v := v.(type) {
	case string:
		left -= len(v)
	case []any:
		for i := 0; i < len(v) && left >= 0; i++ {
			left = weight(v[i], left)
		}
	case *dict:
		for i := 0; i < len(v.keys) && left >= 0; i++ {
			left = weight(v.get(v.keys[i]), weight(v.keys[i], left))
		}
	}
	return left
}

func (d dictionary) eval(e *env) (any, error) {
	out := newDict()
	for i := range d.keys {
		k, err := d.keys[i].eval(e)
		if err != nil {
			return nil, err
		}
		v, err := d.values[i].eval(e)
		if err != nil {
			return nil, err
		}
		switch k.(type) {
		case nil, bool, int64, float64, string:
			out.set(k, v)
		default:
			return nil, fmt.Errorf("a %s is no key", kindOf(k))
		}
	}
	return out, weigh(out)
}

func (n not) eval(e *env) (any, error) {
	v, err := n.n.eval(e)
	return !truth(v), err
}

func (s sign) eval(e *env) (any, error) {
	v, err := s.n.eval(e)
	if err != nil {
		return nil, err
	}
	i, f, whole, ok := number(v)
	switch {
	case !ok:
		return nil, fmt.Errorf("a %s has no sign", kindOf(v))
	case whole && s.minus:
		return -i, nil
	case whole:
		return i, nil
	case s.minus:
		return -f, nil
	}
	return f, nil
}

func (a arithmetic) eval(e *env) (any, error) {
	left, err := a.left.eval(e)
	if err != nil {
		return nil, err
	}
	if a.op == "or" && truth(left) || a.op == "and" && !truth(left) {
		return left, nil
	}
	right, err := a.right.eval(e)
	if err != nil || a.op == "or" || a.op == "and" {
		return right, err
	}
	if a.op == "~" {
		return joined(text(left), text(right))
	}
	for _, v := range []any{left, right} {
		if u, ok := v.(undefined); ok {
			return nil, u.err()
		}
	}
	return compute(a.op, left, right)
}

func joined(a, b string) (any, error) {
	if len(a)+len(b) > longestResult {
		return nil, errTooLong
	}
	return a + b, nil
}

// compute is Python's arithmetic.
func compute(op string, left, right any) (any, error) {
	i, f, whole, ok := number(left)
	j, g, also, isNumber := number(right)
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

func (c comparison) eval(e *env) (any, error) {
	left, err := c.operands[0].eval(e)
	for i, op := range c.ops {
		if err != nil {
			return nil, err
		}
		var right any
		if right, err = c.operands[i+1].eval(e); err != nil {
			return nil, err
		}
		holds, errCompare := compare(op, left, right)
		if errCompare != nil || !holds {
			return false, errCompare
		}
		left = right
	}
	return true, err
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

func (c inline) eval(e *env) (any, error) {
	v, err := c.condition.eval(e)
	if err != nil {
		return nil, err
	}
	if truth(v) {
		return c.yes.eval(e)
	}
	return c.no.eval(e)
}

func (n item) eval(e *env) (any, error) {
	of, err := n.of.eval(e)
	if err != nil {
		return nil, err
	}
	key, err := n.key.eval(e)
	if err != nil {
		return nil, err
	}
	switch of := of.(type) {
	case undefined:
		return nil, of.err()
	case *dict:
		if v, ok := of.find(key); ok {
			return v, nil
		}
	case []any:
		if i, ok := place(key, len(of)); ok {
			return of[i], nil
		}
	case string:
		letters := []rune(of)
		if i, ok := place(key, len(letters)); ok {
			return string(letters[i]), nil
		}
	}
	return undefined{fmt.Sprintf("%s[%s]", kindOf(of), shorten(text(key)))}, nil
}

func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// place is the index of an item; one below zero counts from the end.
func place(key any, n int) (int, bool) {
	i, ok := key.(int64)
	if !ok {
		return 0, false
	}
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

func (s slice) eval(e *env) (any, error) {
	of, err := s.of.eval(e)
	if err != nil {
		return nil, err
	}
	n := 0
	switch of := of.(type) {
	case string:
		n = utf8.RuneCountInString(of)
	case []any:
		n = len(of)
	case undefined:
		return nil, of.err()
	default:
		return nil, fmt.Errorf("a %s has no slices", kindOf(of))
	}
	from, to := 0, n
	for i, end := range []node{s.from, s.to} {
		if end == nil {
			continue
		}
		v, err := end.eval(e)
		if err != nil {
			return nil, err
		}
		at, ok := v.(int64)
		if !ok && v != nil {
			return nil, fmt.Errorf("a slice ends at a %s", kindOf(v))
		}
		if !ok {
			continue
		}
		if at < 0 {
			at += int64(n)
		}
		ends := []*int{&from, &to}
		*ends[i] = int(min(max(at, 0), int64(n)))
	}
	to = max(from, to)
	if list, ok := of.([]any); ok {
		return list[from:to:to], nil
	}
	return string([]rune(of.(string))[from:to]), nil
}

func (t test) eval(e *env) (any, error) {
	v, err := t.n.eval(e)
	return t.f(v) != t.not, err
}

func (c call) eval(e *env) (any, error) {
	a := args{env: e, name: c.name}
	var err error
	if c.on != nil {
		if a.on, err = c.on.eval(e); err != nil {
			return nil, err
		}
	}
	for i, n := range c.args.list {
		v, err := n.eval(e)
		if err != nil {
			return nil, err
		}
		if by := len(c.args.list) - len(c.args.words); i >= by {
			if a.words == nil {
				a.words = make(map[string]any)
			}
			a.words[c.args.words[i-by]] = v
		} else {
			a.list = append(a.list, v)
		}
	}
	v, err := c.f(&a)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	if s, ok := v.(string); ok && len(s) > longestResult && c.name != "string" {
		return nil, errTooLong
	}
	return v, nil
}
