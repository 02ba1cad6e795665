package home

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// units of durations, the largest first.
var units = []struct {
	word string
	is   time.Duration
}{
	{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second},
	{"ms", time.Millisecond},
}

// ParseDuration reads 200ms, 10s, 5m, 1h30m, 2d, 1w: whole numbers, each with its
// unit, the largest first. A bare number is no duration.
func ParseDuration(s string) (time.Duration, error) {
	var total time.Duration
	rest, next := s, 0
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits > 9 {
			return 0, fmt.Errorf("%q is not a duration", s)
		}
		var n int64
		for _, c := range rest[:digits] {
			n = n*10 + int64(c-'0')
		}
		rest = rest[digits:]
		word := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))]
		i := next
		for i < len(units) && units[i].word != word {
			i++
		}
		if i == len(units) || n > (math.MaxInt64-int64(total))/int64(units[i].is) {
			return 0, fmt.Errorf("%q is not a duration", s)
		}
		total += time.Duration(n) * units[i].is
		rest, next = rest[len(word):], i+1
	}
	if s == "" {
		return 0, fmt.Errorf("%q is not a duration", s)
	}
	return total, nil
}

// FormatDuration is the reverse of [ParseDuration]; less than a millisecond is
// cut off.
func FormatDuration(d time.Duration) string {
	if d < time.Millisecond {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units {
		if n := d / u.is; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.word)
			d -= n * u.is
		}
	}
	return b.String()
}
