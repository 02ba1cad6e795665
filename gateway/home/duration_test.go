package home

import (
	"testing"
	"time"
)

// FuzzDuration: what is accepted is what its units say, and is read again as it is shown.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{"200ms", "1h30m", "2d", "1w", "0s", "999999999ms", "7625w53375d1281023h76861433m", "7625w53375d1281023h76861433m999999999s", "15250w", "15251w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := ParseDuration(FormatDuration(d)); err != nil || again != d {
			t.Errorf("%q is %v, shown as %q, and read again %v, %v", s, d, FormatDuration(d), again, err)
		}
		sum, number := 0.0, 0.0
		for i, r := range s {
			switch unit := map[rune]float64{'w': 604800, 'd': 86400, 'h': 3600, 's': 1, 'm': 60}[r]; {
			case r >= '0' && r <= '9':
				number = 10*number + float64(r-'0')
				continue
			case r == 'm' && i+1 < len(s) && s[i+1] == 's':
				sum += number / 1000
			case r == 's' && s[i-1] == 'm':
			default:
				sum += number * unit
			}
			number = 0
		}
		if got := d.Seconds(); got-sum > 1e-6*sum || sum-got > 1e-6*sum {
			t.Errorf("%q is %v, expected %v s, at most %v", s, d, sum, time.Duration(1<<63-1))
		}
	})
}
