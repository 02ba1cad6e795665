package clock

import "time"

// simulated is the time of a simulation, or of a test. It starts where it likes, runs as
// many times as fast as the machine's as it is told, and its wall time can be set.
type simulated struct {
	start   time.Time
	running *stretch
	goesOn  bool          // where an earlier run was, see [Clock.Resume]
	ahead   time.Duration // by which that was later
	set     time.Duration // by which [Clock.Set] has set the wall time alone
	level   Level
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

// New makes a clock of its own that shows start now and runs speed times as fast as the
// machine's. A zero start is now, or where an earlier
// run was, when that was later. Somebody vouches for its time unless [Clock.SetLevel] says otherwise.
func New(start time.Time, speed float64) *Clock {
	now, goesOn := time.Now(), start.IsZero()
	if goesOn {
		start = now
	}
	start = start.Round(0).UTC()
	return &Clock{src: &simulated{level: Vouched, start: start, goesOn: goesOn, running: &stretch{start: start, origin: now, speed: speed}}}
}

func (s *simulated) now() (time.Time, time.Duration) {
	passed := s.at(time.Now())
	return s.start.Add(passed + s.set), passed
}

func (s *simulated) at(machine time.Time) time.Duration {
	return s.running.at(machine).Sub(s.start) + s.ahead
}

func (s *simulated) slept() {}

func (s *simulated) trusts(time.Time, Trust, Level) Level { return s.level }

func (s *simulated) why(time.Time, Trust) string { return "the simulation doubts it" }

// own returns how a clock of its own runs, with the lock held; nil: it is the machine's.
func (c *Clock) own() *simulated {
	if c == nil {
		return nil
	}
	s, _ := c.src.(*simulated)
	return s
}

// change lets fn change how a clock of its own runs; the machine's is left alone.
func (c *Clock) change(fn func(s *simulated)) {
	s := c.own()
	if s == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	fn(s)
	c.look()
	c.tell()
}

// Set sets the wall time of a clock of its own, and nothing else.
func (c *Clock) Set(wall time.Time) {
	c.change(func(s *simulated) { s.set += wall.Sub(c.wall) })
}

// SetLevel says what the wall time of a clock of its own is worth.
func (c *Clock) SetLevel(l Level) { c.change(func(s *simulated) { s.level = l }) }

// SetSpeed lets a clock of its own run on speed times as fast as the machine's; 0 stops
// it. With a span that is not zero it stops when that has passed.
func (c *Clock) SetSpeed(speed float64, span time.Duration) {
	c.change(func(s *simulated) {
		last := *s.running
		last.before = nil // one is enough
		now := time.Now()
		next := &stretch{before: &last, start: last.at(now), origin: now, speed: speed}
		if span > 0 {
			next.until = next.start.Add(span)
		}
		s.running = next
	})
}

// Speed is how many times as fast as the machine's time it runs now; 0: it stands still.
func (c *Clock) Speed() float64 {
	s := c.own()
	if s == nil {
		return 1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := s.running
	if !r.until.IsZero() && !r.at(time.Now()).Before(r.until) {
		return 0
	}
	return r.speed
}

// standstill is how long a clock that stands still is waited for, before it is asked again.
const standstill = 24 * time.Hour

// Machine turns a span of house time into a span of machine time: how long to
// wait for it. While the clock stands still that is a day.
func (c *Clock) Machine(house time.Duration) time.Duration {
	if c.own() == nil {
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
