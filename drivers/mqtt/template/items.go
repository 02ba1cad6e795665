package template

import (
	"fmt"
	"time"
	"unicode/utf8"
)

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
	case time.Time, time.Duration:
		return attribute(of, key), nil
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
