// Package clock is where the house asks what time it is. It knows three things:
//
//   - the wall time, which people and other programs read. On a Pi without a clock chip
//     it is wrong after a start, and jumps when NTP answers, by seconds or by years.
//   - the elapsed time, which is never set: between two looks it grows by what has
//     passed, a sleep of the machine included. All durations are counted by it. It is
//     a [time.Time] that equals the wall time in a house whose clock never jumped.
//   - whether the wall time is trusted, see [Trust].
//
// The wall time less the elapsed time is the offset. It changes only when the clock is
// set: when the wall time moves by more than [Jump] against what has passed. Smaller
// steps move the elapsed time, too, which stands still where it would go back.
//
// The machine's own time is that of [System]; a simulation and the tests have one that
// starts, runs and jumps as they like ([New]).
package clock

import (
	"sync"
	"time"
)

// Jump is how far the wall time may move against what has passed before that counts as a
// setting of the clock.
const Jump = 2 * time.Second

// Clock is the clock of one house. Make it with [System] or [New]. A nil Clock is the
// machine's, of which nobody asks more than the wall time. Safe for concurrent use.
type Clock struct {
	src source

	mu      sync.Mutex
	begun   bool
	wall    time.Time     // as it was at the last look
	passed  time.Duration // what had passed then
	anchor  time.Time     // wall less passed, at the start and after the last jump
	elapsed time.Time     // at the last look; never goes back
	offset  time.Duration // in whole milliseconds, as times are written
	trust   Trust
	level   Level
	missing *Mark     // the newest trusted time of an earlier run, until somebody vouches for this run's; nil: nothing is missing
	start   time.Time // elapsed time at the start of this run
	gap     bool      // nobody knows how long the gateway was off before start
	off     time.Duration
	setAt   time.Time     // elapsed time of the last jump; zero: there was none
	setBy   time.Duration // its size
	changed chan struct{} // closed with each change
}

// source is where a clock has its time from. Its methods are called with the lock held.
type source interface {
	// now returns the wall time, and what has passed since the source was made.
	now() (wall time.Time, passed time.Duration)
	// at is what had passed at a machine time.
	at(machine time.Time) time.Duration
	// slept takes in for how long the machine slept, after a jump was seen.
	slept()
	// trusts says what the wall time is worth; was is what it was worth so far.
	trusts(wall time.Time, t Trust, was Level) Level
	// why says why the wall time is not trusted.
	why(wall time.Time, t Trust) string
}

// Reading is what a clock shows at one moment.
type Reading struct {
	At      time.Time // wall time, in whole milliseconds
	Elapsed time.Time // the same moment on the elapsed clock
	Trusted bool      // whether At is trusted
	Assumed bool      // it is, and only because nobody vouched for it for long

	// Off is what passed before Start, the elapsed time at the start of this run, and was not
	// counted, since no trusted time said so. It is known when the clock becomes trusted, and
	// stays: what was at an elapsed time before Start is as much longer ago.
	Off   time.Duration
	Start time.Time
}

// Offset is by how much the wall time is ahead of the elapsed time.
func (r Reading) Offset() time.Duration { return r.At.Sub(r.Elapsed) }

// Read returns what the clock shows now.
func (c *Clock) Read() Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	elapsed := c.elapsed.Truncate(time.Millisecond)
	return Reading{At: elapsed.Add(c.offset), Elapsed: elapsed, Trusted: c.level > Doubted, Assumed: c.level == Assumed,
		Off: c.off, Start: c.start}
}

// Now returns the wall time. It goes back by less than [Jump] never.
func (c *Clock) Now() time.Time {
	if c == nil {
		return time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	return c.elapsed.Add(c.offset)
}

// Elapsed returns the time on the elapsed clock.
func (c *Clock) Elapsed() time.Time {
	if c == nil {
		return time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	return c.elapsed
}

// At returns what the clock, as it is set now, shows for a machine time: the wall time.
func (c *Clock) At(machine time.Time) time.Time {
	if c == nil {
		return machine
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsedAt(machine).Add(c.offset)
}

// ElapsedAt returns the time on the elapsed clock at a machine time.
func (c *Clock) ElapsedAt(machine time.Time) time.Time {
	if c == nil {
		return machine
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsedAt(machine)
}

// elapsedAt is ElapsedAt with the lock held.
func (c *Clock) elapsedAt(machine time.Time) time.Time {
	c.look()
	return c.elapsed.Add(c.src.at(machine) - c.passed)
}

// Trusted reports whether the wall time is trusted; that of a nil Clock is.
func (c *Clock) Trusted() bool { return c == nil || c.Read().Trusted }

// Wall returns the machine's own wall time at a machine time: what other programs of this
// machine and of others go by, also while the house is simulated.
func Wall(machine time.Time) time.Time { return machine.Round(0) }

// look takes in what has happened since the last look. The lock is held.
func (c *Clock) look() {
	wall, passed := c.src.now()
	if !c.begun {
		c.begun, c.elapsed, c.start = true, wall, wall
		c.settle(wall, passed)
	} else {
		drift := func() time.Duration { return wall.Sub(c.anchor) - passed }
		if d := drift(); d > Jump || d < -Jump {
			c.src.slept()
			wall, passed = c.src.now()
		}
		if d := drift(); d > Jump || d < -Jump {
			was := c.offset
			c.elapsed = c.elapsed.Add(passed - c.passed)
			c.settle(wall, passed)
			c.setAt, c.setBy = c.elapsed, c.offset-was
			c.tell()
		} else if elapsed := wall.Add(-c.offset); elapsed.After(c.elapsed) {
			c.elapsed = elapsed
		}
	}
	c.wall, c.passed = wall, passed
	c.judge()
}

// settle sets the offset anew: the wall time was set. The lock is held.
func (c *Clock) settle(wall time.Time, passed time.Duration) {
	c.offset = wall.Sub(c.elapsed).Truncate(time.Millisecond)
	c.elapsed = later(c.elapsed, wall.Add(-c.offset))
	c.anchor = wall.Add(-passed)
}

// tell lets those know who wait for [Clock.Changed]. The lock is held.
func (c *Clock) tell() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// Changed returns a channel that is closed when the clock is set, when its time is
// trusted, or when a clock of its own begins to run otherwise; of the machine's own time
// only when somebody looks, see [Clock.Watch]. Nil of a nil Clock.
func (c *Clock) Changed() <-chan struct{} {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.changed
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
