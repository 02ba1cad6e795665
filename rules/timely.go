package rules

import (
	"time"

	"hogar/gateway/home"
)

// schedule returns the next moment after a moment, both of the wall clock; zero: never.
type schedule interface {
	next(after time.Time) time.Time
}

// lasts reports whether a trigger's schedule is a duration: its moments are those of the
// elapsed clock, and go on whatever the wall time shows.
func (t *trigger) lasts() bool {
	_, ok := t.schedule.(periodic)
	return ok
}

// again reports whether a trigger's schedule is a line that comes so often that it
// follows the clock wherever it is set.
func (t *trigger) again() bool {
	c, ok := t.schedule.(cron)
	return ok && c.often
}

// dueWall is the wall time at which a trigger's schedule comes next.
func (e *Engine) dueWall(t *trigger) time.Time {
	if t.lasts() {
		return t.state.Due.Add(e.offset)
	}
	return t.state.Due
}

// setDue notes that a schedule comes next at a wall time; zero: never.
func (e *Engine) setDue(t *trigger, wall time.Time) {
	if t.lasts() && !wall.IsZero() {
		wall = wall.Add(-e.offset)
	}
	t.state.Due = wall
}

// served notes that a trigger's schedule needs nothing more up to a wall time.
func (e *Engine) served(t *trigger, wall time.Time) {
	if !t.lasts() {
		t.state.Last = wall
	}
	t.state.Acted = e.now
}

// dueMoment is when a trigger's timer is to wake it, on the elapsed clock.
func (e *Engine) dueMoment(t *trigger) time.Time {
	switch {
	case t.schedule != nil && e.timeless:
		return time.Time{}
	case t.schedule == nil || t.lasts() || t.state.Due.IsZero():
		return t.state.Due
	case !e.trusted:
		return time.Time{}
	}
	return t.state.Due.Add(-e.offset)
}

// retime moves a schedule to where the clock has been set. since is for how long it had
// stood as it did: the times of the day of that span by the new clock are missed, unless
// they have started the rule already.
func (e *Engine) retime(t *trigger, since time.Duration) {
	s, wall := &t.state, e.wall()
	if p, ok := t.schedule.(periodic); ok {
		if s.Due.After(e.now) { // else it is missed
			s.Due = later(p.near(s.Acted.Add(p.every), e.offset), e.now)
		}
		return
	}
	if !e.trusted {
		return
	}
	from := later(wall.Add(-since), s.Acted.Add(e.offset)) // of another day it was started just now
	switch {
	case t.again():
		from = wall
	case s.Last.After(from) && s.Last.Sub(wall) <= repeatLimit:
		from = s.Last
	}
	if next := t.schedule.next(from); !next.IsZero() && (next.Before(s.Due) || s.Due.IsZero()) {
		s.Due = next
	}
}

// near returns the moment of the grid that is nearest to a moment, both of the elapsed clock.
func (s periodic) near(moment time.Time, offset time.Duration) time.Time {
	return s.next(moment.Add(offset - s.every/2)).Add(-offset)
}

// wakeTime is called when the moment of a schedule has come, or has passed. Of several
// that have passed the last one counts.
func (e *Engine) wakeTime(t *trigger) {
	due, upTo := e.dueWall(t), e.upTo.Add(e.offset)
	last, grace := due, standing
	if e.now.After(e.dueMoment(t)) { // a gap
		grace = leastJump
	}
	if !t.schedule.next(due).After(upTo) {
		last = latest(t.schedule, upTo)
		if last.After(due) && e.now.Before(e.upTo) {
			e.setDue(t, last) // it comes at its own moment
			e.arm(t)
			return
		}
	}
	missed := upTo.Sub(due)
	late := missed
	if last.IsZero() {
		last = due
	} else {
		late = upTo.Sub(last)
	}
	e.setDue(t, t.schedule.next(upTo))
	start := late <= grace || t.rule.missed == "run" || t.rule.missed == "if_still_true" && late < lateLimit
	if start || t.lasts() {
		e.served(t, later(last, e.wall()))
	}
	e.arm(t)
	if !start {
		t.rule.state.Why = t.shown + " was missed by " + home.FormatDuration(missed)
		return
	}
	e.start(t, cause{Event: last.In(e.loc).Format("Mon 15:04:05")})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// latest is the last moment of a schedule that is not after a moment, as far as it is
// less than lateLimit ago; zero: there is none.
func latest(s schedule, upTo time.Time) time.Time {
	for back := time.Second; ; back = min(2*back, lateLimit) {
		t := s.next(upTo.Add(-back))
		if t.IsZero() || t.After(upTo) {
			if back == lateLimit {
				return time.Time{}
			}
			continue
		}
		for n := s.next(t); !n.IsZero() && !n.After(upTo); n = s.next(t) {
			t = n
		}
		return t
	}
}
