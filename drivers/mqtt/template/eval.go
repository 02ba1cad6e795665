package template

import (
	"fmt"
	"strings"
	"time"
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
	return undefined(n), nil
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
