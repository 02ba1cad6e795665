package template

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// floatOf is Python's float().
func floatOf(v any) (float64, error) {
	if i, f, whole, ok := number(v); ok {
		if whole {
			f = float64(i)
		}
		return f, nil
	}
	switch v := v.(type) {
	case undefined:
		return 0, v.err()
	case string:
		s := strings.TrimSpace(v)
		if strings.ContainsAny(s, "xXpP") {
			break // hexadecimal, which Python does not read here
		}
		f, err := strconv.ParseFloat(s, 64)
		if err == nil || math.IsInf(f, 0) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%s is no number", shorten(text(v)))
}

// intOf is Home Assistant's int(): a text may be that of a float.
func intOf(v any, base int64) (int64, error) {
	if s, ok := v.(string); ok {
		s = strings.ToLower(strings.TrimSpace(s))
		if base < 2 || base > 36 {
			return 0, errors.New("base is not from 2 to 36")
		}
		if prefix, ok := map[int64]string{2: "0b", 8: "0o", 16: "0x"}[base]; ok {
			s = strings.TrimPrefix(s, prefix)
		}
		if i, err := strconv.ParseInt(s, int(base), 64); err == nil {
			return i, nil
		}
	}
	if i, ok := v.(int64); ok {
		return i, nil
	}
	f, err := floatOf(v)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return 0, fmt.Errorf("%s is no whole number", floatText(f))
	}
	return int64(f), nil
}

func filterFloat(a *args) (any, error) {
	f, err := floatOf(a.on)
	if err != nil {
		return a.orDefault(0, err)
	}
	return f, nil
}

func filterInt(a *args) (any, error) {
	base, err := a.int(1, "base", 10)
	if err != nil {
		return nil, err
	}
	i, err := intOf(a.on, base)
	if err != nil {
		return a.orDefault(0, err)
	}
	return i, nil
}

func filterBool(a *args) (any, error) {
	switch strings.ToLower(strings.TrimSpace(text(a.on))) {
	case "1", "1.0", "true", "yes", "on", "enable":
		return true, nil
	case "0", "0.0", "false", "no", "off", "disable":
		return false, nil
	}
	return a.orDefault(0, fmt.Errorf("%s is no boolean", shorten(text(a.on))))
}

func filterIsNumber(a *args) (any, error) {
	f, err := floatOf(a.on)
	return err == nil && !math.IsNaN(f) && !math.IsInf(f, 0), nil
}

func filterAbs(a *args) (any, error) {
	i, f, whole, ok := number(a.on)
	switch {
	case !ok:
		return nil, fmt.Errorf("a %s has no absolute value", kindOf(a.on))
	case whole:
		return max(i, -i), nil
	}
	return math.Abs(f), nil
}

// arithmeticFilter is multiply or add: a float, unless both are whole.
func arithmeticFilter(op string) function {
	return func(a *args) (any, error) {
		by, ok := a.get(0, "amount")
		if !ok {
			return nil, errors.New("an argument is missing")
		}
		f, err := floatOf(a.on)
		if err != nil {
			return a.orDefault(1, err)
		}
		return compute(op, f, by)
	}
}

// filterRound is Home Assistant's round: to no digits it makes a whole number.
func filterRound(a *args) (any, error) {
	digits, err := a.int(0, "precision", 0)
	if err != nil {
		return nil, err
	}
	f, err := floatOf(a.on)
	if err != nil {
		return a.orDefault(2, err)
	}
	digits = min(max(digits, -300), 300)
	power := math.Pow(10, float64(digits))
	switch a.text(1, "method", "common") {
	case "ceil":
		f = math.Ceil(f*power) / power
	case "floor":
		f = math.Floor(f*power) / power
	case "half":
		f = math.RoundToEven(f*2) / 2
	default:
		f = roundTo(f, int(digits))
	}
	if digits != 0 {
		return f, nil
	}
	if math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return nil, fmt.Errorf("%s is no whole number", floatText(f))
	}
	return int64(f), nil
}

// roundTo is Python's round(): right in decimal, halves to the even.
func roundTo(f float64, digits int) float64 {
	if digits < 0 {
		power := math.Pow(10, float64(-digits))
		return math.RoundToEven(f/power) * power
	}
	if rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', min(digits, 30), 64), 64); err == nil {
		return rounded
	}
	return f
}
