package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// function is a function, a filter (on is what stands before it), or a method.
type function func(a *args) (any, error)

// args are what a function is called with.
type args struct {
	env   *env
	name  string
	on    any
	list  []any
	words map[string]any
}

// get returns the i-th argument, or the one of that name.
func (a *args) get(i int, word string) (any, bool) {
	if i < len(a.list) {
		return a.list[i], true
	}
	v, ok := a.words[word]
	return v, ok
}

// text returns an argument that is a text.
func (a *args) text(i int, word, byDefault string) string {
	if v, ok := a.get(i, word); ok {
		return text(v)
	}
	return byDefault
}

// int returns an argument that is a whole number.
func (a *args) int(i int, word string, byDefault int64) (int64, error) {
	v, ok := a.get(i, word)
	if !ok {
		return byDefault, nil
	}
	n, _, whole, ok := number(v)
	if !ok || !whole {
		return 0, fmt.Errorf("%s is a %s, expected a whole number", word, kindOf(v))
	}
	return n, nil
}

// orDefault returns the argument default, or why there is no value.
func (a *args) orDefault(i int, problem error) (any, error) {
	if v, ok := a.get(i, "default"); ok {
		return v, nil
	}
	return nil, problem
}

// shift makes a function of a filter: its first argument is what the filter is on.
func shift(f function) function {
	return func(a *args) (any, error) {
		b := *a
		if len(a.list) == 0 {
			return nil, errors.New("an argument is missing")
		}
		b.on, b.list = a.list[0], a.list[1:]
		return f(&b)
	}
}

// functions are called by name.
var functions = map[string]function{
	"float": shift(filterFloat), "int": shift(filterInt), "bool": shift(filterBool), "is_number": shift(filterIsNumber),
	"as_timestamp": shift(filterAsTimestamp), "iif": shift(filterIif),
	"min":   func(a *args) (any, error) { return extreme(a.list, true) },
	"max":   func(a *args) (any, error) { return extreme(a.list, false) },
	"range": functionRange, "average": func(a *args) (any, error) { return average(a.list) }, "log": shift(filterLog), "slugify": shift(filterSlugify),
	"as_datetime": shift(filterAsDatetime), "strptime": shift(filterStrptime), "timedelta": functionTimedelta, "as_local": shift(filterAsLocal),
	"bitwise_and": shift(filterBitwise("&")), "bitwise_or": shift(filterBitwise("|")), "bitwise_xor": shift(filterBitwise("^")),
	"base64_encode": shift(filterEncode), "base64_decode": shift(filterDecode),
	"now":    func(a *args) (any, error) { return a.env.now, nil },
	"utcnow": func(a *args) (any, error) { return a.env.now.UTC(), nil },
}

// filters stand after a |.
var filters = map[string]function{
	"float": filterFloat, "int": filterInt, "bool": filterBool, "round": filterRound, "is_number": filterIsNumber, "abs": filterAbs,
	"multiply": arithmeticFilter("*"), "add": arithmeticFilter("+"), "iif": filterIif,
	"default": filterDefault, "d": filterDefault, "is_defined": filterIsDefined,
	"lower": textFilter(strings.ToLower), "upper": textFilter(strings.ToUpper), "title": textFilter(title), "capitalize": textFilter(capitalize),
	"trim": textFilter(strings.TrimSpace), "string": textFilter(func(s string) string { return s }),
	"truncate": filterTruncate, "replace": filterReplace, "join": filterJoin,
	"length": filterLength, "count": filterLength, "first": filterEnd(0), "last": filterEnd(-1), "list": filterList, "sum": filterSum,
	"min":    func(a *args) (any, error) { return extreme([]any{a.on}, true) },
	"max":    func(a *args) (any, error) { return extreme([]any{a.on}, false) },
	"tojson": jsonFilter(pretty), "to_json": jsonFilter(compact), "from_json": func(a *args) (any, error) { return parseJSON([]byte(text(a.on))) },
	"as_timestamp": filterAsTimestamp, "timestamp_local": filterTimestamp(true), "timestamp_utc": filterTimestamp(false),
	"timestamp_custom": filterTimestampCustom, "as_datetime": filterAsDatetime, "as_local": filterAsLocal, "strptime": filterStrptime,
	"format": filterFormat, "average": func(a *args) (any, error) { return average([]any{a.on}) }, "log": filterLog, "slugify": filterSlugify,
	"bitwise_and": filterBitwise("&"), "bitwise_or": filterBitwise("|"), "bitwise_xor": filterBitwise("^"),
	"base64_encode": filterEncode, "base64_decode": filterDecode, "items": methodItems,
	"regex_match": filterRegexMatch, "regex_search": filterRegexSearch, "regex_replace": filterRegexReplace,
	"regex_findall": filterRegexAll, "regex_findall_index": filterRegexIndex,
}

// over are the filters that call others by their names. They are kept apart because of that.
func over(name string) (function, bool) {
	f, ok := map[string]function{"map": filterMap, "select": filterSelect(true), "reject": filterSelect(false),
		"selectattr": filterSelectAttr(true), "rejectattr": filterSelectAttr(false)}[name]
	return f, ok
}

// testsWith are tests with arguments.
var testsWith = map[string]function{
	"search": filterRegexSearch, "match": filterRegexMatch, "in": testIn, "contains": testContains,
	"eq": testCompare("=="), "equalto": testCompare("=="), "ne": testCompare("!="), "lt": testCompare("<"), "lessthan": testCompare("<"),
	"le": testCompare("<="), "gt": testCompare(">"), "greaterthan": testCompare(">"), "ge": testCompare(">="),
}

// tests stand after is.
var tests = map[string]func(v any) bool{
	"defined":   func(v any) bool { _, un := v.(undefined); return !un },
	"undefined": func(v any) bool { _, un := v.(undefined); return un },
	"none":      func(v any) bool { return v == nil },
	"true":      func(v any) bool { return v == true },
	"false":     func(v any) bool { return v == false },
	"boolean":   func(v any) bool { _, ok := v.(bool); return ok },
	"integer":   func(v any) bool { _, ok := v.(int64); return ok },
	"float":     func(v any) bool { _, ok := v.(float64); return ok },
	"number":    func(v any) bool { _, _, _, ok := number(v); return ok },
	"string":    func(v any) bool { _, ok := v.(string); return ok },
	"mapping":   func(v any) bool { _, ok := v.(*dict); return ok },
	"iterable":  isSequence,
	"sequence":  isSequence,
}

func isSequence(v any) bool {
	switch v.(type) {
	case string, []any, *dict:
		return true
	}
	return false
}

// methods stand after a point.
var methods = map[string]function{
	"get": methodGet, "keys": methodKeys, "values": methodValues, "items": methodItems, "format": methodFormat, "total_seconds": methodTotalSeconds,
	"lower": textMethod(strings.ToLower), "upper": textMethod(strings.ToUpper), "strip": textMethod(strings.TrimSpace),
	"title": textMethod(title), "capitalize": textMethod(capitalize),
	"split": methodSplit, "replace": methodReplace,
	"startswith": prefixMethod(strings.HasPrefix), "endswith": prefixMethod(strings.HasSuffix),
	"strftime": methodStrftime, "isoformat": methodIsoformat, "timestamp": methodTimestamp,
}

func filterDefault(a *args) (any, error) {
	_, un := a.on.(undefined)
	empty, _ := a.get(1, "boolean")
	if un || truth(empty) && !truth(a.on) {
		v, ok := a.get(0, "default_value")
		if !ok {
			v = ""
		}
		return v, nil
	}
	return a.on, nil
}

func filterIsDefined(a *args) (any, error) {
	if u, un := a.on.(undefined); un {
		return nil, fmt.Errorf("%s: %w", u.name, ErrIgnore)
	}
	return a.on, nil
}

func filterIif(a *args) (any, error) {
	none, given := a.get(2, "if_none")
	switch {
	case a.on == nil && given:
		return none, nil
	case truth(a.on):
		if v, ok := a.get(0, "if_true"); ok {
			return v, nil
		}
		return true, nil
	}
	if v, ok := a.get(1, "if_false"); ok {
		return v, nil
	}
	return false, nil
}

func filterJoin(a *args) (any, error) {
	items, err := itemsOf(a.on)
	if err != nil {
		return nil, err
	}
	between, size := a.text(0, "d", ""), 0
	parts := make([]string, len(items))
	for i, v := range items {
		parts[i] = text(v)
		if size += len(parts[i]) + len(between); size > longestResult {
			return nil, errTooLong
		}
	}
	return strings.Join(parts, between), nil
}

// itemsOf lists what a list, a dict (its keys) or a text (its letters) has.
func itemsOf(v any) ([]any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case *dict:
		return v.keys, nil
	case undefined:
		return nil, nil
	case string:
		if len(v) > longestResult {
			return nil, errTooLong
		}
		var letters []any
		for _, r := range v {
			letters = append(letters, string(r))
		}
		return letters, nil
	}
	return nil, fmt.Errorf("a %s has no items", kindOf(v))
}

func filterList(a *args) (any, error) {
	items, err := itemsOf(a.on)
	return slices.Clone(items), err
}

func filterLength(a *args) (any, error) {
	n, err := length(a.on)
	return int64(n), err
}

func filterEnd(which int) function {
	return func(a *args) (any, error) {
		items, err := itemsOf(a.on)
		if err != nil || len(items) == 0 {
			return undefined{"an item of nothing"}, err
		}
		return items[(len(items)+which)%len(items)], nil
	}
}

func filterSum(a *args) (any, error) {
	items, err := itemsOf(a.on)
	var sum any = int64(0)
	for _, v := range items {
		if err != nil {
			break
		}
		sum, err = compute("+", sum, v)
	}
	return sum, err
}

// extreme is the least or the greatest of the arguments, or of a single list.
func extreme(list []any, least bool) (any, error) {
	if len(list) == 1 {
		items, err := itemsOf(list[0])
		if err != nil {
			return nil, err
		}
		list = items
	}
	if len(list) == 0 {
		return undefined{"the extreme of nothing"}, nil
	}
	best := list[0]
	for _, v := range list[1:] {
		below, ok := less(v, best)
		above, also := less(best, v)
		if !ok || !also {
			return nil, fmt.Errorf("%s and %s cannot be compared", kindOf(v), kindOf(best))
		}
		if least && below || !least && above {
			best = v
		}
	}
	return best, nil
}

func jsonFilter(style jsonStyle) function {
	return func(a *args) (any, error) {
		var b strings.Builder
		err := style.write(&b, a.on)
		return b.String(), err
	}
}
