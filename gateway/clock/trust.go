package clock

import "time"

// Trust says when the wall time is trusted: when it is set by hand ([Trust.Always]), when
// the system says that it is synchronised, when there is a clock chip, or when the machine
// has run for a while without either. Never while it shows a time before the program was
// built. Once trusted it stays trusted, but for that.
type Trust struct {
	Always bool
	After  time.Duration // since the start of the machine; 0: [TrustAfter]
}

// Level is what the wall time is worth.
type Level uint8

// The levels.
const (
	Doubted Level = iota
	Assumed       // it is trusted, since nobody has vouched for it for [Trust.After]
	Vouched       // somebody vouches for it
)

// TrustAfter is how long after its start a machine is waited for that neither has a clock
// chip nor is synchronised.
const TrustAfter = 10 * time.Minute

// built is a day before this version was made: no clock that is right shows less. It stands in
// the source, and is renewed with each release, so that the program's bytes do not
// depend on when it is built.
var built = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

// SetTrust says anew when the clock is trusted.
func (c *Clock) SetTrust(t Trust) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trust = t
}

// judge decides whether the time is trusted. The lock is held.
func (c *Clock) judge() {
	level := c.src.trusts(c.wall, c.trust, c.level)
	if level == c.level {
		return
	}
	c.level = level
	if level > Doubted && c.missing != nil {
		c.off = c.catchUp().Truncate(time.Millisecond)
	}
	c.tell()
}

// State is what is to be said about a clock.
type State struct {
	Trusted bool
	Why     string        // why it is not trusted
	SetAt   time.Time     // when it was set last in this run, as it is set now; zero: it was not
	SetBy   time.Duration // by how much; negative: back
}

// State returns what is to be said about the clock.
func (c *Clock) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	s := State{Trusted: c.level > Doubted, SetBy: c.setBy}
	if !c.setAt.IsZero() {
		s.SetAt = c.setAt.Add(c.offset)
	}
	if c.level == Doubted {
		s.Why = c.src.why(c.wall, c.trust)
	}
	return s
}

// Mark is a moment of an earlier run of the gateway, on both clocks.
type Mark struct {
	At      time.Time `json:"at"`
	Elapsed time.Time `json:"elapsed"`
}

// Resume lets the elapsed time go on where an earlier run of the gateway left it: newest
// is its newest moment, sure the newest one at which the wall time was trusted; zero:
// there was none. What has passed since is the difference of two trusted wall times. Until
// there are two nothing has, and [Reading.Off] is what was missing. A simulated clock that
// was not given a time to start at goes on at newest. Call it once, before anything else.
func (c *Clock) Resume(newest, sure Mark) {
	if newest.At.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	if s := c.own(); s != nil && s.goesOn {
		s.ahead += max(0, newest.At.Sub(c.wall))
		c.look()
	}
	c.elapsed, c.gap = newest.Elapsed, true
	if !sure.At.IsZero() {
		c.missing = &sure
	}
	if c.level > Doubted && c.missing != nil {
		c.elapsed = c.elapsed.Add(c.catchUp()) // nothing of this run stands before it
	}
	if c.gap {
		c.elapsed = c.elapsed.Add(time.Millisecond) // a little has passed in any case
	}
	c.settle(c.wall, c.passed)
	c.start = c.elapsed.Truncate(time.Millisecond)
}

// catchUp returns what passed while the gateway was off and was not counted at the start, now
// that the wall time is trusted. The lock is held.
func (c *Clock) catchUp() time.Duration {
	off := c.wall.Sub(c.missing.At) - c.elapsed.Sub(c.missing.Elapsed)
	c.gap = off < 0
	if c.level == Vouched {
		c.missing = nil
	}
	return max(0, off)
}

// Gap reports whether nobody knows how long the gateway was off before this run: no
// trusted time has said so, or it says that none has passed.
func (c *Clock) Gap() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	return c.gap
}
