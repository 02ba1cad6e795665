package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// self is the text that a method is called on.
func (a *args) self() (string, error) {
	s, ok := a.on.(string)
	if !ok {
		if u, un := a.on.(undefined); un {
			return "", u.err()
		}
		return "", fmt.Errorf("a %s has no such method", kindOf(a.on))
	}
	return s, nil
}

func textMethod(f func(string) string) function {
	return func(a *args) (any, error) {
		s, err := a.self()
		return f(s), err
	}
}

func prefixMethod(f func(s, part string) bool) function {
	return func(a *args) (any, error) {
		s, err := a.self()
		return f(s, a.text(0, "prefix", "")), err
	}
}

func methodSplit(a *args) (any, error) {
	s, err := a.self()
	if err != nil {
		return nil, err
	}
	if len(s) > longestResult {
		return nil, errTooLong
	}
	parts := strings.Fields(s)
	if v, ok := a.get(0, "sep"); ok && v != nil {
		between := text(v)
		if between == "" {
			return nil, errors.New("an empty separator")
		}
		n, err := a.int(1, "maxsplit", -1)
		if err != nil {
			return nil, err
		}
		if n >= 0 && n < longestResult {
			n++
		} else {
			n = -1
		}
		parts = strings.SplitN(s, between, int(n))
	}
	list := make([]any, len(parts))
	for i, part := range parts {
		list[i] = part
	}
	return list, nil
}

func methodGet(a *args) (any, error) {
	d, ok := a.on.(*dict)
	if !ok {
		if u, un := a.on.(undefined); un {
			return nil, u.err()
		}
		return nil, fmt.Errorf("a %s has no get", kindOf(a.on))
	}
	key, _ := a.get(0, "key")
	if v, ok := d.find(key); ok {
		return v, nil
	}
	v, _ := a.get(1, "default")
	return v, nil
}

func methodKeys(a *args) (any, error) {
	d, ok := a.on.(*dict)
	if !ok {
		return nil, fmt.Errorf("a %s has no keys", kindOf(a.on))
	}
	return slices.Clone(d.keys), nil
}

func methodValues(a *args) (any, error) {
	d, ok := a.on.(*dict)
	if !ok {
		return nil, fmt.Errorf("a %s has no values", kindOf(a.on))
	}
	list := make([]any, len(d.keys))
	for i, k := range d.keys {
		list[i] = d.get(k)
	}
	return list, nil
}
