package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// filterFormat is Jinja's format: Python's % with the arguments of the filter.
func filterFormat(a *args) (any, error) {
	s, ok := a.on.(string)
	if !ok {
		return nil, fmt.Errorf("a %s is no format", kindOf(a.on))
	}
	if len(a.words) == 0 {
		return percent(s, a.list)
	}
	if len(a.list) > 0 {
		return nil, errors.New("arguments with and without a name")
	}
	named := newDict()
	for name, v := range a.words {
		named.set(name, v)
	}
	return percent(s, []any{named})
}

// methodFormat is Python's str.format.
func methodFormat(a *args) (any, error) {
	s, err := a.self()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for next := 0; s != ""; {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		if i+1 < len(s) && s[i+1] == s[i] {
			b.WriteByte(s[i])
			s = s[i+2:]
			continue
		}
		end := strings.IndexByte(s[i:], '}')
		if s[i] == '}' || end < 0 {
			return nil, errors.New("a single brace in a format")
		}
		field, spec, _ := strings.Cut(s[i+1:i+end], ":")
		s = s[i+end+1:]
		v, err := a.field(field, &next)
		if err != nil {
			return nil, err
		}
		written, err := formatted(v, spec)
		if err != nil {
			return nil, err
		}
		if b.WriteString(written); b.Len() > longestResult {
			return nil, errTooLong
		}
	}
	return b.String(), nil
}

// field is the argument that {}, {0} or {name} stands for.
func (a *args) field(name string, next *int) (any, error) {
	if name == "" {
		name = strconv.Itoa(*next)
		*next++
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(a.list) {
		return a.list[i], nil
	}
	if v, ok := a.words[name]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("a format asks for {%s}", name)
}

// formatted writes a value by a format_spec (docs.python.org/3/library/string.html#formatspec):
// [[fill]align][sign][#][0][width][.precision][type].
func formatted(v any, spec string) (string, error) {
	s := spec
	if s == "" {
		return text(v), nil
	}
	fill, align, runes := ' ', byte(0), []rune(s)
	if len(runes) > 1 && strings.ContainsRune("<>^", runes[1]) {
		fill, align, s = runes[0], byte(runes[1]), string(runes[2:])
	} else if strings.ContainsRune("<>^", runes[0]) {
		align, s = s[0], s[1:]
	}
	c := conversion{precision: -1}
	s, err := c.sizes(c.flags(s))
	if err != nil {
		return "", err
	}
	_, _, isWhole, isNumber := number(v)
	switch {
	case s != "":
		c.verb, s = s[0], s[1:]
	case isNumber && isWhole:
		c.verb = 'd'
	case isNumber && c.precision >= 0:
		c.verb = 'g'
	default:
		c.verb = 's'
	}
	if s != "" {
		return "", fmt.Errorf("the format %q is not supported", spec)
	}
	if c.zero && align == 0 {
		return c.write(v)
	}
	width := c.width
	c.width, c.left = 0, false
	body, err := c.write(v)
	_, isText := v.(string)
	return padded(body, width, fill, align, isText), err
}

func padded(s string, width int, fill rune, align byte, isText bool) string {
	missing := width - len([]rune(s))
	if missing <= 0 {
		return s
	}
	left := missing
	switch {
	case align == '^':
		left = missing / 2
	case align == '<', align == 0 && isText:
		left = 0
	}
	return strings.Repeat(string(fill), left) + s + strings.Repeat(string(fill), missing-left)
}

// percent is Python's %: the values in their order, or those of one dict by their names.
func percent(s string, values []any) (any, error) {
	var b strings.Builder
	used := 0
	for {
		plain, rest, more := strings.Cut(s, "%")
		if b.WriteString(plain); !more {
			break
		}
		if s = rest; strings.HasPrefix(s, "%") {
			b.WriteByte('%')
			s = s[1:]
			continue
		}
		var v any
		var err error
		switch {
		case strings.HasPrefix(s, "("):
			if v, s, err = named(s, values); err != nil {
				return nil, err
			}
			used = len(values)
		case used >= len(values):
			return nil, errors.New("not enough values for the format")
		default:
			v = values[used]
			used++
		}
		c := conversion{precision: -1}
		if s, err = c.sizes(c.flags(s)); err != nil {
			return nil, err
		}
		if s == "" {
			return nil, errors.New("an unfinished format")
		}
		c.verb, s = s[0], s[1:]
		written, err := c.write(v)
		if err != nil {
			return nil, err
		}
		if b.WriteString(written); b.Len() > longestResult {
			return nil, errTooLong
		}
	}
	if used < len(values) {
		return nil, errors.New("more values than the format has")
	}
	return b.String(), nil
}

// named reads (name) and finds its value in the one dict.
func named(s string, values []any) (v any, rest string, err error) {
	name, rest, ok := strings.Cut(s[1:], ")")
	if !ok || len(values) != 1 {
		return nil, "", errors.New("a format with names needs a dict")
	}
	of, isDict := values[0].(*dict)
	if !isDict {
		return nil, "", errors.New("a format with names needs a dict")
	}
	if v, ok = of.find(name); !ok {
		return nil, "", fmt.Errorf("a format asks for %s", name)
	}
	return v, rest, nil
}

// percentOperator is a text % values. A list counts as Python's tuple, unless the text has room for
// one value only and the list is none or several.
func percentOperator(s string, right any) (any, error) {
	values, isList := right.([]any)
	if one := strings.Count(strings.ReplaceAll(s, "%%", ""), "%") == 1; !isList || one && len(values) != 1 {
		values = []any{right}
	}
	return percent(s, values)
}
