package rules

import "testing"

// The order of runs is that of their numbers, however far they are apart: 32 bits do
// not hold the difference.
func TestRunsInOrder(t *testing.T) {
	for _, c := range []struct {
		run, with uint64
		want      int
	}{{1, 1, 0}, {1, 2, -1}, {2, 1, 1}, {1, 1<<31 + 2, -1}, {1<<31 + 2, 1, 1}, {1, 1<<32 + 1, -1}, {1<<32 + 1, 1, 1}, {0, 1 << 63, -1}} {
		if got := bySeq(&run{Seq: c.run}, c.with); got != c.want {
			t.Errorf("%d with %d: %d, want %d", c.run, c.with, got, c.want)
		}
	}
}
