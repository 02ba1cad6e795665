package home

import (
	"sync/atomic"
	"time"
)

// Clock is house time: the time that stamps events, wakes rules and paces
// polls. The zero Clock is the machine's own time, as on a Pi; in a simulation
// it runs from a start of its own, Speed times as fast. Safe for concurrent use.
type Clock struct {
	start  time.Time // house time at origin
	origin time.Time // machine time, with its monotonic part
	speed  float64
	ahead  atomic.Int64 // ns that [Clock.NotBefore] has set it forward
}

// NewClock makes a clock that shows start now and runs speed times as fast as
// the machine's. A zero start is now.
func NewClock(start time.Time, speed float64) *Clock {
	now := time.Now()
	if start.IsZero() {
		start = now
	}
	return &Clock{start: start, origin: now, speed: speed}
}

// Now returns the house time.
func (c *Clock) Now() time.Time { return c.At(time.Now()) }

// At returns the house time at a machine time.
func (c *Clock) At(machine time.Time) time.Time {
	if c == nil || c.origin.IsZero() {
		return machine
	}
	passed := time.Duration(float64(machine.Sub(c.origin)) * c.speed)
	return c.start.Add(passed + time.Duration(c.ahead.Load()))
}

// NotBefore sets a clock of its own forward to t when it shows less. The
// machine's own time is left alone.
func (c *Clock) NotBefore(t time.Time) {
	if c == nil || c.origin.IsZero() {
		return
	}
	if behind := t.Sub(c.Now()); behind > 0 {
		c.ahead.Add(int64(behind))
	}
}

// Machine turns a span of house time into a span of machine time: how long to
// wait for it.
func (c *Clock) Machine(house time.Duration) time.Duration {
	if c == nil || c.speed == 0 {
		return house
	}
	return time.Duration(float64(house) / c.speed)
}

// House is the reverse of [Clock.Machine]: the span of house time that passes
// in a span of machine time.
func (c *Clock) House(machine time.Duration) time.Duration {
	if c == nil || c.speed == 0 {
		return machine
	}
	return time.Duration(float64(machine) * c.speed)
}
