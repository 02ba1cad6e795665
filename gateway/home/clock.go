package home

import (
	"sync"
	"sync/atomic"
	"time"
)

// Clock is house time: the time that stamps events, wakes rules and paces
// polls. The zero Clock is the machine's own time, as on a Pi; in a simulation
// it runs from a start of its own, as many times as fast as it is told. Safe for
// concurrent use.
type Clock struct {
	ahead   atomic.Int64 // ns that [Clock.NotBefore] has set it forward
	running atomic.Pointer[stretch]

	mu      sync.Mutex    // of those who change it
	changed chan struct{} // closed with each change
}

// stretch is a time in which the clock runs evenly.
type stretch struct {
	before *stretch  // the one before, for what happened just before the change; nil: none
	start  time.Time // house time at origin
	origin time.Time // machine time, with its monotonic part
	speed  float64   // 0: it stands still
	until  time.Time // house time at which it stops; zero: never
}

// at is the house time at a machine time.
func (s *stretch) at(machine time.Time) time.Time {
	passed := machine.Sub(s.origin)
	if passed < 0 && s.before != nil {
		return s.before.at(machine)
	}
	t := s.start.Add(time.Duration(float64(passed) * s.speed))
	if !s.until.IsZero() && t.After(s.until) {
		return s.until
	}
	return t
}

// NewClock makes a clock that shows start now and runs speed times as fast as
// the machine's. A zero start is now.
func NewClock(start time.Time, speed float64) *Clock {
	now := time.Now()
	if start.IsZero() {
		start = now
	}
	c := &Clock{changed: make(chan struct{})}
	c.running.Store(&stretch{start: start, origin: now, speed: speed})
	return c
}

// own returns how a clock of its own runs; nil: it is the machine's.
func (c *Clock) own() *stretch {
	if c == nil {
		return nil
	}
	return c.running.Load()
}

// Now returns the house time.
func (c *Clock) Now() time.Time { return c.At(time.Now()) }

// At returns the house time at a machine time.
func (c *Clock) At(machine time.Time) time.Time {
	s := c.own()
	if s == nil {
		return machine
	}
	return s.at(machine).Add(time.Duration(c.ahead.Load()))
}

// NotBefore sets a clock of its own forward to t when it shows less. The
// machine's own time is left alone.
func (c *Clock) NotBefore(t time.Time) {
	if c.own() == nil {
		return
	}
	if behind := t.Sub(c.Now()); behind > 0 {
		c.ahead.Add(int64(behind))
	}
}

// SetSpeed lets a clock of its own run on speed times as fast as the machine's; 0 stops
// it. With an until that is not zero it stops when it shows that. The machine's own time is
// left alone.
func (c *Clock) SetSpeed(speed float64, until time.Time) {
	if c.own() == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, old := time.Now(), c.own()
	last := *old
	last.before = nil // one is enough
	next := &stretch{before: &last, start: old.at(now), origin: now, speed: speed}
	if !until.IsZero() {
		next.until = until.Add(-time.Duration(c.ahead.Load()))
	}
	c.running.Store(next)
	close(c.changed)
	c.changed = make(chan struct{})
}

// Changed returns a channel that is closed when the clock next runs otherwise, and with it
// what [Clock.Machine] says; nil of the machine's own time, which never does.
func (c *Clock) Changed() <-chan struct{} {
	if c.own() == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// Speed is how many times as fast as the machine's time it runs now; 0: it stands still.
func (c *Clock) Speed() float64 {
	s := c.own()
	switch {
	case s == nil:
		return 1
	case !s.until.IsZero() && !s.at(time.Now()).Before(s.until):
		return 0
	}
	return s.speed
}

// standstill is how long a clock that stands still is waited for, before it is asked again.
const standstill = 24 * time.Hour

// Machine turns a span of house time into a span of machine time: how long to
// wait for it. While the clock stands still that is a day.
func (c *Clock) Machine(house time.Duration) time.Duration {
	s := c.own()
	if s == nil {
		return house
	}
	speed := c.Speed()
	if speed == 0 {
		return standstill
	}
	return time.Duration(float64(house) / speed)
}

// House is the reverse of [Clock.Machine]: the span of house time that passes
// in a span of machine time.
func (c *Clock) House(machine time.Duration) time.Duration {
	if c.own() == nil {
		return machine
	}
	return time.Duration(float64(machine) * c.Speed())
}
