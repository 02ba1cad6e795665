package template

import (
	"errors"
	"fmt"
)

// longestRange is how many items range() makes.
const longestRange = 1000

func functionRange(a *args) (any, error) {
	var ends [3]int64
	for i := range ends {
		n, err := a.int(i, "range", 1)
		if err != nil {
			return nil, err
		}
		ends[i] = n
	}
	from, to, step := ends[0], ends[1], ends[2]
	switch len(a.list) {
	case 0:
		return nil, errors.New("an argument is missing")
	case 1:
		from, to = 0, ends[0]
	}
	if step == 0 {
		return nil, errors.New("a step of 0")
	}
	list := []any{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		if len(list) == longestRange {
			return nil, fmt.Errorf("more than %d items", longestRange)
		}
		list = append(list, i)
	}
	return list, nil
}

// average is of the arguments, or of a single list.
func average(list []any) (any, error) {
	if len(list) == 1 {
		items, err := itemsOf(list[0])
		if err != nil {
			return nil, err
		}
		list = items
	}
	if len(list) == 0 {
		return nil, errors.New("the average of nothing")
	}
	var sum float64
	for _, v := range list {
		f, err := floatOf(v)
		if err != nil {
			return nil, err
		}
		sum += f
	}
	return sum / float64(len(list)), nil
}

func methodItems(a *args) (any, error) {
	d, ok := a.on.(*dict)
	if !ok {
		return nil, fmt.Errorf("a %s has no items", kindOf(a.on))
	}
	list := make([]any, len(d.keys))
	for i, k := range d.keys {
		list[i] = []any{k, d.get(k)}
	}
	return list, nil
}

// each calls f for each item of what a filter is on.
func (a *args) each(f func(v any) error) error {
	items, err := itemsOf(a.on)
	for i := 0; i < len(items) && err == nil; i++ {
		err = f(items[i])
	}
	return err
}

// filterMap takes an attribute of each item, or gives each to another filter.
func filterMap(a *args) (any, error) {
	out := []any{}
	if name, ok := a.words["attribute"]; ok {
		err := a.each(func(v any) error {
			got := attribute(v, name)
			if byDefault, ok := a.words["default"]; ok {
				if _, un := got.(undefined); un {
					got = byDefault
				}
			}
			out = append(out, got)
			return nil
		})
		return out, err
	}
	if len(a.list) == 0 {
		return nil, errors.New("an argument is missing")
	}
	f, ok := filters[text(a.list[0])]
	if !ok {
		return nil, fmt.Errorf("the filter %s is not supported", shorten(text(a.list[0])))
	}
	room := longestResult
	err := a.each(func(v any) error {
		one := args{env: a.env, name: a.name, on: v, list: a.list[1:], words: a.words}
		made, err := f(&one)
		if room = weight(made, room); err == nil && room < 0 {
			err = errTooLong
		}
		out = append(out, made)
		return err
	})
	return out, err
}

// attribute is a member of a dict, an item of a list, or a piece of a time.
func attribute(v, name any) any {
	switch v := v.(type) {
	case *dict:
		if found, ok := v.find(name); ok {
			return found
		}
	case []any:
		if i, ok := place(name, len(v)); ok {
			return v[i]
		}
	}
	if s, ok := name.(string); ok {
		if piece, ok := pieceOf(v, s); ok {
			return piece
		}
	}
	return undefined{fmt.Sprintf("%s[%s]", kindOf(v), shorten(text(name)))}
}

// passes reports whether a value passes the test that is named by the first of the words; without
// one, whether it is true.
func (a *args) passes(v any, words []any) (bool, error) {
	if len(words) == 0 {
		return truth(v), nil
	}
	name := text(words[0])
	if f, ok := tests[name]; ok {
		return f(v), nil
	}
	if operator, ok := map[string]string{"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}[name]; ok {
		name = operator
	}
	f, ok := testsWith[name]
	if !ok {
		return false, fmt.Errorf("the test %s is not supported", shorten(name))
	}
	is, err := f(&args{env: a.env, name: name, on: v, list: words[1:], words: a.words})
	return truth(is), err
}

func filterSelect(want bool) function {
	return func(a *args) (any, error) {
		out := []any{}
		err := a.each(func(v any) error {
			is, err := a.passes(v, a.list)
			if is == want {
				out = append(out, v)
			}
			return err
		})
		return out, err
	}
}

func filterSelectAttr(want bool) function {
	return func(a *args) (any, error) {
		out := []any{}
		if len(a.list) == 0 {
			return nil, errors.New("an argument is missing")
		}
		err := a.each(func(v any) error {
			is, err := a.passes(attribute(v, a.list[0]), a.list[1:])
			if is == want {
				out = append(out, v)
			}
			return err
		})
		return out, err
	}
}

func testCompare(op string) function {
	return func(a *args) (any, error) {
		other, ok := a.get(0, "other")
		if !ok {
			return nil, errors.New("an argument is missing")
		}
		return compare(op, a.on, other)
	}
}

func testIn(a *args) (any, error) {
	all, ok := a.get(0, "seq")
	if !ok {
		return nil, errors.New("an argument is missing")
	}
	return contains(all, a.on)
}

func testContains(a *args) (any, error) {
	one, ok := a.get(0, "value")
	if !ok {
		return nil, errors.New("an argument is missing")
	}
	return contains(a.on, one)
}
