package template

import (
	"fmt"
	"math"
	"strings"
	"time"
)

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
