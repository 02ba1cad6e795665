package template

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
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
	"min":    func(a *args) (any, error) { return extreme(a.list, true) },
	"max":    func(a *args) (any, error) { return extreme(a.list, false) },
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
	"timestamp_custom": filterTimestampCustom,
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
	"get": methodGet, "keys": methodKeys, "values": methodValues,
	"lower": textMethod(strings.ToLower), "upper": textMethod(strings.ToUpper), "strip": textMethod(strings.TrimSpace),
	"title": textMethod(title), "capitalize": textMethod(capitalize),
	"split": methodSplit, "replace": methodReplace,
	"startswith": prefixMethod(strings.HasPrefix), "endswith": prefixMethod(strings.HasSuffix),
	"strftime": methodStrftime, "isoformat": methodIsoformat, "timestamp": methodTimestamp,
}

func textFilter(f func(string) string) function {
	return func(a *args) (any, error) { return f(text(a.on)), nil }
}

func title(s string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		first := !inside
		inside = unicode.IsLetter(r)
		if first {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToTitle(r)) + strings.ToLower(s[n:])
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

func filterTruncate(a *args) (any, error) {
	most, err := a.int(0, "length", 255)
	if err != nil {
		return nil, err
	}
	leeway, err := a.int(3, "leeway", 5)
	if err != nil {
		return nil, err
	}
	letters, end := []rune(text(a.on)), a.text(2, "end", "...")
	if int64(len(letters)) <= most+leeway {
		return string(letters), nil
	}
	keep := most - int64(utf8.RuneCountInString(end))
	if keep < 0 {
		return nil, errors.New("length is less than that of end")
	}
	cut := string(letters[:min(keep, int64(len(letters)))])
	if words, _ := a.get(1, "killwords"); !truth(words) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, nil
}

func filterReplace(a *args) (any, error) {
	return replaced(text(a.on), a.text(0, "old", ""), a.text(1, "new", ""))
}

func methodReplace(a *args) (any, error) {
	s, err := a.self()
	if err != nil {
		return nil, err
	}
	return replaced(s, a.text(0, "old", ""), a.text(1, "new", ""))
}

func replaced(s, old, new string) (any, error) {
	if len(s)+strings.Count(s, old)*max(0, len(new)-len(old)) > longestResult+longestInput || len(new) > len(old) &&
		len(s)+strings.Count(s, old)*(len(new)-len(old)) > longestResult {
		return nil, errTooLong
	}
	return strings.ReplaceAll(s, old, new), nil
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

// moment takes a datetime, or a text in ISO 8601.
func moment(v any, in *time.Location) (time.Time, error) {
	switch v := v.(type) {
	case time.Time:
		return v, nil
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02"} {
			if t, err := time.ParseInLocation(layout, v, in); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%s is no time", shorten(text(v)))
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

func filterAsTimestamp(a *args) (any, error) {
	t, err := moment(a.on, a.env.now.Location())
	if err != nil {
		return a.orDefault(0, err)
	}
	return seconds(t), nil
}

// at turns seconds since 1970 into a time.
func at(v any) (time.Time, error) {
	_, f, _, ok := number(v)
	if i, isInt := v.(int64); isInt {
		f = float64(i)
	}
	if !ok || math.IsNaN(f) || math.Abs(f) > 2e11 {
		return time.Time{}, fmt.Errorf("a %s is no time in seconds", kindOf(v))
	}
	return time.UnixMicro(int64(math.Round(f * 1e6))), nil
}

func filterTimestamp(local bool) function {
	return func(a *args) (any, error) {
		t, err := at(a.on)
		if err != nil {
			return a.orDefault(0, err)
		}
		if t = t.UTC(); local {
			t = t.In(a.env.now.Location())
		}
		return isoText(t, "T"), nil
	}
}

func filterTimestampCustom(a *args) (any, error) {
	t, err := at(a.on)
	if err != nil {
		return a.orDefault(2, err)
	}
	t = t.In(a.env.now.Location())
	if local, ok := a.get(1, "local"); ok && !truth(local) {
		t = t.UTC()
	}
	return strftime(t, a.text(0, "format_string", "%Y-%m-%d %H:%M:%S"))
}

func methodStrftime(a *args) (any, error) {
	t, ok := a.on.(time.Time)
	if !ok {
		return nil, fmt.Errorf("a %s has no strftime", kindOf(a.on))
	}
	return strftime(t, a.text(0, "format", ""))
}

func methodIsoformat(a *args) (any, error) {
	t, ok := a.on.(time.Time)
	if !ok {
		return nil, fmt.Errorf("a %s has no isoformat", kindOf(a.on))
	}
	return isoText(t, "T"), nil
}

func methodTimestamp(a *args) (any, error) {
	t, ok := a.on.(time.Time)
	if !ok {
		return nil, fmt.Errorf("a %s has no timestamp", kindOf(a.on))
	}
	return seconds(t), nil
}

// layouts are strftime's letters as Go writes them.
var layouts = map[byte]string{'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'b': "Jan",
	'B': "January", 'a': "Mon", 'A': "Monday", 'j': "002", 'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04",
	'D': "01/02/06", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05", 'e': "_2"}

func strftime(t time.Time, format string) (any, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		layout, ok := layouts[format[i]]
		switch {
		case ok:
			b.WriteString(t.Format(layout))
		case format[i] == '%':
			b.WriteByte('%')
		case format[i] == 'f':
			fmt.Fprintf(&b, "%06d", t.Nanosecond()/1000)
		case format[i] == 's':
			fmt.Fprint(&b, t.Unix())
		default:
			return nil, fmt.Errorf("%%%c is not supported", format[i])
		}
		if b.Len() > longestResult {
			return nil, errTooLong
		}
	}
	return b.String(), nil
}
