package template

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// A timedelta is a time.Duration, and so has at most 292 years.

// functionTimedelta is timedelta(days=1, hours=2, …).
func functionTimedelta(a *args) (any, error) {
	var sum float64
	for i, unit := range []struct {
		word string
		span time.Duration
	}{{"days", 24 * time.Hour}, {"seconds", time.Second}, {"microseconds", time.Microsecond}, {"milliseconds", time.Millisecond},
		{"minutes", time.Minute}, {"hours", time.Hour}, {"weeks", 7 * 24 * time.Hour}} {
		v, ok := a.get(i, unit.word)
		if !ok {
			continue
		}
		_, f, _, isNumber := number(v)
		if !isNumber {
			return nil, fmt.Errorf("%s is a %s, expected a number", unit.word, kindOf(v))
		}
		sum += f * float64(unit.span)
	}
	return spanOf(sum)
}

func spanOf(ns float64) (any, error) {
	if !(math.Abs(ns) < 1<<63) {
		return nil, errors.New("a span of more than 292 years")
	}
	return time.Duration(math.Round(ns)), nil
}

// computeTime computes with datetimes and timedeltas; is is false for other values.
func computeTime(op string, left, right any) (v any, err error, is bool) {
	t, isTime := left.(time.Time)
	u, both := right.(time.Time)
	d, isSpan := left.(time.Duration)
	e, also := right.(time.Duration)
	_, f, _, isNumber := number(right)
	_, g, _, numberFirst := number(left)
	switch {
	case op == "-" && isTime && both:
		return t.Sub(u), nil, true
	case op == "+" && isTime && also:
		return t.Add(e), nil, true
	case op == "-" && isTime && also:
		return t.Add(-e), nil, true
	case op == "+" && isSpan && both:
		return u.Add(d), nil, true
	case op == "+" && isSpan && also:
		v, err = spanOf(float64(d) + float64(e))
		return v, err, true
	case op == "-" && isSpan && also:
		v, err = spanOf(float64(d) - float64(e))
		return v, err, true
	case op == "/" && isSpan && also && e != 0:
		return float64(d) / float64(e), nil, true
	case op == "*" && isSpan && isNumber:
		v, err = spanOf(float64(d) * f)
		return v, err, true
	case op == "*" && also && numberFirst:
		v, err = spanOf(float64(e) * g)
		return v, err, true
	case op == "/" && isSpan && isNumber && f != 0:
		v, err = spanOf(float64(d) / f)
		return v, err, true
	}
	return nil, nil, false
}

// spanText is timedelta's str(): 1 day, 2:03:04.500000.
func spanText(d time.Duration) string {
	days := d / (24 * time.Hour)
	if d < 0 && d%(24*time.Hour) != 0 {
		days--
	}
	rest := d - days*24*time.Hour
	var b strings.Builder
	if days != 0 {
		fmt.Fprintf(&b, "%d day", int64(days))
		if days != 1 && days != -1 {
			b.WriteByte('s')
		}
		b.WriteString(", ")
	}
	fmt.Fprintf(&b, "%d:%02d:%02d", int64(rest.Hours()), int64(rest.Minutes())%60, int64(rest.Seconds())%60)
	if us := (rest % time.Second).Microseconds(); us != 0 {
		fmt.Fprintf(&b, ".%06d", us)
	}
	return b.String()
}

func methodTotalSeconds(a *args) (any, error) {
	d, ok := a.on.(time.Duration)
	if !ok {
		return nil, fmt.Errorf("a %s has no total_seconds", kindOf(a.on))
	}
	return d.Seconds(), nil
}

// pieceOf is an attribute of a datetime or a timedelta.
func pieceOf(v any, name string) (any, bool) {
	switch v := v.(type) {
	case time.Time:
		n, ok := map[string]int{"year": v.Year(), "month": int(v.Month()), "day": v.Day(), "hour": v.Hour(), "minute": v.Minute(),
			"second": v.Second(), "microsecond": v.Nanosecond() / 1000}[name]
		return int64(n), ok
	case time.Duration:
		days := math.Floor(v.Hours() / 24)
		rest := v - time.Duration(days)*24*time.Hour
		n, ok := map[string]int64{"days": int64(days), "seconds": int64(rest / time.Second), "microseconds": int64(rest % time.Second / time.Microsecond)}[name]
		return n, ok
	}
	return nil, false
}

// filterAsDatetime is a text in ISO 8601, or seconds since 1970, as a datetime.
func filterAsDatetime(a *args) (any, error) {
	v := a.on
	if s, ok := v.(string); ok {
		if f, err := floatOf(s); err == nil {
			v = f
		}
	}
	if t, err := at(v); err == nil {
		return t.UTC(), nil
	}
	t, err := moment(v, time.UTC)
	if err != nil {
		return a.orDefault(0, err)
	}
	return t, nil
}

func filterAsLocal(a *args) (any, error) {
	t, ok := a.on.(time.Time)
	if !ok {
		return nil, fmt.Errorf("a %s is no datetime", kindOf(a.on))
	}
	return t.In(a.env.now.Location()), nil
}

// filterStrptime reads a time by a format of strftime.
func filterStrptime(a *args) (any, error) {
	layout, format := "", a.text(0, "fmt", "")
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			layout += format[i : i+1]
			continue
		}
		i++
		letters, ok := layouts[format[i]]
		switch {
		case format[i] == 'f':
			letters = "000000"
		case format[i] == '%':
			letters = "%"
		case !ok:
			return nil, fmt.Errorf("%%%c is not supported", format[i])
		}
		layout += letters
	}
	t, err := time.ParseInLocation(layout, text(a.on), time.UTC)
	if err != nil {
		return a.orDefault(1, fmt.Errorf("%s is no time like %s", shorten(text(a.on)), shorten(format)))
	}
	return t, nil
}
