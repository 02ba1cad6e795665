package template

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// number takes a value for arithmetic: a bool counts as 0 or 1.
func number(v any) (i int64, f float64, whole, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

// equal is Python's ==.
func equal(a, b any) bool {
	if i, f, whole, ok := number(a); ok {
		j, g, also, isNumber := number(b)
		return isNumber && (whole && also && i == j || !(whole && also) && f == g)
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		s, ok := b.(string)
		return ok && a == s
	case undefined:
		_, ok := b.(undefined)
		return ok
	case time.Time:
		t, ok := b.(time.Time)
		return ok && a.Equal(t)
	case time.Duration:
		return a == b
	case []any:
		l, ok := b.([]any)
		if !ok || len(l) != len(a) {
			return false
		}
		for i := range a {
			if !equal(a[i], l[i]) {
				return false
			}
		}
		return true
	case *dict:
		d, ok := b.(*dict)
		if !ok || len(d.keys) != len(a.keys) {
			return false
		}
		for _, k := range a.keys {
			if v, has := d.find(k); !has || !equal(a.get(k), v) {
				return false
			}
		}
		return true
	}
	return false
}

// less is Python's <; ok is false for what it does not compare.
func less(a, b any) (is, ok bool) {
	if i, f, whole, isNumber := number(a); isNumber {
		j, g, also, ok := number(b)
		if whole && also {
			return i < j, ok
		}
		return f < g, ok
	}
	switch a := a.(type) {
	case string:
		s, ok := b.(string)
		return a < s, ok
	case time.Time:
		t, ok := b.(time.Time)
		return a.Before(t), ok
	case time.Duration:
		d, ok := b.(time.Duration)
		return a < d, ok
	}
	return false, false
}

// kindOf names a value's type as Python does.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []any:
		return "list"
	case *dict:
		return "dict"
	case time.Time:
		return "datetime"
	case time.Duration:
		return "timedelta"
	}
	return "undefined"
}

// length is Python's len().
func length(v any) (int, error) {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v), nil
	case []any:
		return len(v), nil
	case *dict:
		return len(v.keys), nil
	case undefined:
		return 0, nil
	}
	return 0, fmt.Errorf("a %s has no length", kindOf(v))
}
