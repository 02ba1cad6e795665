package clock

import (
	"context"
	"testing"
	"time"
)

func TestSystemTrust(t *testing.T) {
	now := built.Add(time.Hour)
	for _, c := range []struct {
		name string
		wall time.Time
		t    Trust
		was  Level
		want Level
	}{
		{"before it was built, whatever is said", built.Add(-time.Second), Trust{Always: true}, Vouched, Doubted},
		{"set by hand", now, Trust{Always: true}, Doubted, Vouched},
		{"once vouched for", now, Trust{After: 1e6 * time.Hour}, Vouched, Vouched},
	} {
		if got := (&system{origin: time.Now()}).trusts(c.wall, c.t, c.was); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	// What this machine is sure of, nobody knows here; it is on for longer than a nanosecond.
	if got := (&system{}).trusts(now, Trust{After: 1}, Doubted); sinceBoot() > 0 && got == Doubted {
		t.Errorf("after a nanosecond it is not trusted")
	}
	if c := System(Trust{Always: true}); c.Read().Elapsed.IsZero() || time.Since(c.Now()).Abs() > time.Second || time.Since(c.Elapsed()).Abs() > time.Second {
		t.Errorf("the machine's clock shows %v", c.Read())
	}
}

// TestWatchEnds waits for a setting of the clock, which a test cannot make.
func TestWatchEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { System(Trust{}).Watch(ctx); close(ended) }()
	cancel()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
}

// jumping is a source whose times are given.
type jumping struct {
	wall   time.Time
	passed time.Duration
	sleeps time.Duration // found out when it is asked for
	level  Level
}

func (j *jumping) now() (time.Time, time.Duration)      { return j.wall, j.passed }
func (j *jumping) at(time.Time) time.Duration           { return j.passed }
func (j *jumping) slept()                               { j.passed, j.sleeps = j.passed+j.sleeps, 0 }
func (j *jumping) trusts(time.Time, Trust, Level) Level { return j.level }
func (j *jumping) why(time.Time, Trust) string          { return "" }

// TestElapsed moves the wall time against what has passed.
func TestElapsed(t *testing.T) {
	start := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name          string
		wall, passed  time.Duration // in one step of ten
		sleeps        time.Duration
		elapsed, late time.Duration // after them, at least and at most
		sets          bool
	}{
		{"evenly", time.Second, time.Second, 0, 10 * time.Second, 10 * time.Second, false},
		{"a little fast", time.Second + 100*time.Millisecond, time.Second, 0, 11 * time.Second, 11 * time.Second, false},
		{"a little slow", time.Second - 100*time.Millisecond, time.Second, 0, 9 * time.Second, 9 * time.Second, false},
		{"steps back that are small, and many", -900 * time.Millisecond, time.Second, 0, 2 * time.Second, 10 * time.Second, true},
		{"steps forward that are small, and many", 2900 * time.Millisecond, time.Second, 0, 10 * time.Second, 20 * time.Second, true},
		{"leaps", 3 * time.Hour, time.Second, 0, 10 * time.Second, 10 * time.Second, true},
		{"leaps back", -3 * time.Hour, time.Second, 0, 10 * time.Second, 10 * time.Second, true},
		{"asleep", time.Hour, time.Second, time.Hour - time.Second, 10 * time.Hour, 10 * time.Hour, false},
	} {
		j := &jumping{wall: start, level: Vouched}
		k := &Clock{src: j}
		last := k.Read()
		for range 10 {
			j.wall, j.passed, j.sleeps = j.wall.Add(c.wall), j.passed+c.passed, c.sleeps
			now := k.Read()
			if now.Elapsed.Before(last.Elapsed) {
				t.Errorf("%s: elapsed time goes back", c.name)
			}
			if off := now.At.Sub(j.wall); off < 0 || off > Jump {
				t.Errorf("%s: it shows %v more than it is", c.name, off)
			}
			last = now
		}
		if got := last.Elapsed.Sub(start); got < c.elapsed || got > c.late {
			t.Errorf("%s: %v have passed, want %v to %v", c.name, got, c.elapsed, c.late)
		}
		if set := last.Offset() != 0; set != c.sets {
			t.Errorf("%s: the offset is %v", c.name, last.Offset())
		}
	}
}

func BenchmarkRead(b *testing.B) {
	c := System(Trust{Always: true})
	for b.Loop() {
		c.Read()
	}
}
