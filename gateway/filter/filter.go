// Package filter makes fewer and better readings of many measurements: it
// corrects, smooths and thins out what one property says.
//
// A [Chain] is the filters of one property, in the order in which they are
// written. It is told each measurement and the house time, and knows no clock: what
// is due later it says by [Chain.Next]. What is unknown passes at once and makes
// the chain begin anew, and the first value after it always passes: no filter hides
// that a sensor is back. Windows are lost at a restart; nothing else is remembered.
package filter

import (
	"slices"
	"strconv"
	"time"

	"hogar/gateway/home"
)

// Sample is a value on its way through the filters.
type Sample struct {
	Value   home.Value
	Unknown string    // why the value is unknown
	Time    time.Time // house time at which it was measured
}

// Chain is the filters of one property. It is not for concurrent use.
type Chain struct {
	steps []step
	last  Sample    // the last measurement
	heard time.Time // house time at which it came; zero: nothing known has come since the last unknown
}

// step is one filter. What it is given is known.
type step interface {
	// take returns what becomes of s, and whether it goes on. The first one after
	// reset goes on.
	take(s Sample, now time.Time) (Sample, bool)
	reset()
}

// waiter is a filter that says something by itself.
type waiter interface {
	// due is when; zero: never.
	due(heard time.Time) time.Time
	// tick says it; c is the chain's last measurement. What is unknown ends all.
	tick(last Sample, now time.Time) (Sample, bool)
}

// Expire adds to c, which may be nil, that the property is unknown when nothing was
// measured for so long.
func Expire(c *Chain, after time.Duration) *Chain {
	if c == nil {
		c = &Chain{}
	}
	c.steps = append(c.steps, timeout{span: after})
	return c
}

// Off adds to c, which may be nil, that a boolean is off so long after it was last on. It comes before
// the filters that c has.
func Off(c *Chain, after time.Duration) *Chain {
	if c == nil {
		c = &Chain{}
	}
	c.steps = slices.Insert(c.steps, 0, step(&offAfter{span: after}))
	return c
}

// Take takes a measurement that came at now, which never goes back. ok is false
// when it is not told.
func (c *Chain) Take(s Sample, now time.Time) (out Sample, ok bool) {
	if !s.Value.Known() {
		c.reset()
		return s, true
	}
	c.last, c.heard = s, now
	return c.run(0, s, now)
}

// run sends s through the steps from the i-th.
func (c *Chain) run(i int, s Sample, now time.Time) (Sample, bool) {
	for _, st := range c.steps[i:] {
		var ok bool
		if s, ok = st.take(s, now); !ok {
			return Sample{}, false
		}
		if !s.Value.Known() { // a correction that leads beyond all numbers
			c.reset()
			return s, true
		}
	}
	return s, true
}

func (c *Chain) reset() {
	c.heard = time.Time{}
	for _, st := range c.steps {
		st.reset()
	}
}

// Next is the house time at which [Chain.Tick] has something to say; zero: never.
func (c *Chain) Next() time.Time {
	_, at := c.next()
	return at
}

func (c *Chain) next() (which int, at time.Time) {
	for i, st := range c.steps {
		w, ok := st.(waiter)
		if !ok || c.heard.IsZero() {
			continue
		}
		if due := w.due(c.heard); !due.IsZero() && (at.IsZero() || due.Before(at)) {
			which, at = i, due
		}
	}
	return which, at
}

// Tick returns what is due by now, in order. A chain that was not ticked for long
// says no more than one sample of each filter.
func (c *Chain) Tick(now time.Time) []Sample {
	var out []Sample
	for range len(c.steps) {
		i, at := c.next()
		if at.IsZero() || at.After(now) {
			break
		}
		s, ok := c.steps[i].(waiter).tick(c.last, now)
		if ok && !s.Value.Known() {
			c.reset()
		} else if ok {
			s, ok = c.run(i+1, s, now)
		}
		if ok {
			out = append(out, s)
		}
	}
	return out
}

// round takes the noise of binary arithmetic off a number: 0.1 + 0.2 is 0.3.
func round(f float64) home.Value {
	if short, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 12, 64), 64); err == nil {
		f = short
	}
	return home.NumberOf(f)
}

// with replaces the number of s.
func (s Sample) with(f float64) Sample {
	s.Value = round(f)
	if !s.Value.Known() {
		s.Unknown = "the filters made no number of it"
	}
	return s
}
