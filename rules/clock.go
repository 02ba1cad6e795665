package rules

import (
	"time"

	"hogar/gateway/home"
)

// The engine lives by two clocks. Its own time, e.now, is the elapsed time of the
// events: it is never set, and everything that lasts is counted by it. The wall time is
// e.offset ahead of it; at, sun, cron and now.* follow that, while it is trusted.

const (
	// leastJump is by how much the wall time must move against the elapsed time to be a
	// gap. Less moves the times of the day along and is no news.
	leastJump = 2 * time.Second

	// standing is for how long nobody may have called Step before a time of the day that
	// came meanwhile counts as missed.
	standing = time.Minute

	// repeatLimit is by how much the clock may be set back without a time of the day that
	// has started its rule coming again; beyond it another day is another day. Vixie's
	// cron has the same three hours (cron(8), Debian).
	repeatLimit = 3 * time.Hour

	// lastYear is the last one of a wall time that is believed: later ones have no JSON form soon.
	lastYear = 9990
)

// wall is the wall time at the present moment, UTC.
func (e *Engine) wall() time.Time { return e.now.Add(e.offset) }

// setNow lets a moment of the elapsed clock be the present one.
func (e *Engine) setNow(t time.Time) {
	e.now, e.env.Age, e.env.Now = t, t, time.Time{}
	if e.trusted {
		e.env.Now = e.wall().In(e.loc)
	}
}

// Off says that the gateway was off until now, and that its event "started" is still to
// come, when all devices are there. Until then nothing happens by time alone.
func (e *Engine) Off() {
	e.off = true
	e.gapAll()
}

// pass lets time go on up to an event: what is due by then happens, each at its own
// moment. Behind a gap it happens now, once: when the gateway was off, when the clock
// was set, and when so much was due that it would take long.
func (e *Engine) pass(ev *home.Event) {
	first := e.now.IsZero()
	set, said := ev.ClockSet()
	started := ev.Kind == home.KindGateway && ev.Name == home.EventStarted
	if said && !started && e.now.Before(set.Start) && !first {
		e.Off() // the clock was set while it was off
	}
	offset, trusted := e.arrive(ev)
	switch {
	case first:
		e.off, e.offset, e.trusted, e.setAt = false, offset, trusted, e.upTo
		e.setNow(e.upTo)
		e.schedule()
	case started:
		e.off = false
		e.longer(set)
		e.afterGap(offset, trusted)
	case e.off:
		e.longer(set)
		e.turnClock(offset, trusted)
		return
	case ev.Kind == home.KindGateway && ev.Name == home.EventClockSet, offset != e.offset, trusted != e.trusted:
		e.longer(set)
		e.clockSet(offset, trusted)
	}
	e.catchUp()
}

// arrive sets e.upTo to the elapsed time of an event, and returns how the wall time
// stands to it. A time that has no written form is not believed.
func (e *Engine) arrive(ev *home.Event) (offset time.Duration, trusted bool) {
	at := ev.Elapsed
	if at.IsZero() {
		at = ev.At
	}
	at = at.Round(time.Microsecond).UTC()
	e.upTo = e.now
	if at.After(e.now) && at.Year() <= lastYear {
		e.upTo = at
	}
	offset, trusted = e.offset, ev.Flags&home.FlagUntrusted == 0
	if !ev.At.IsZero() {
		offset = ev.At.Round(time.Microsecond).Sub(at)
	}
	if y := e.upTo.Add(offset).Year(); y < 1 || y > lastYear {
		return e.offset, false
	}
	return offset, trusted
}

// longer takes in that the gateway was off for longer than was counted: what was so
// before this run is as much longer ago, and what was waited for then comes earlier.
func (e *Engine) longer(set home.ClockSet) {
	by := time.Duration(set.Off * float64(time.Second))
	if by <= 0 {
		return
	}
	shift := func(t *time.Time, since time.Duration) {
		if !t.IsZero() && t.Add(-since).Before(set.Start) {
			*t = t.Add(-by)
		}
	}
	shift(&e.setAt, 0)
	for i := range e.env.Slots {
		shift(&e.env.Slots[i].At, 0)
	}
	for _, t := range e.triggers {
		switch p, ok := t.schedule.(periodic); {
		case ok:
			shift(&t.state.Due, p.every)
		case t.schedule == nil:
			shift(&t.state.Due, t.hold)
		}
		shift(&t.state.Acted, 0)
	}
	for _, r := range e.rules {
		shift(&r.state.Paused, runawayPause)
		for i := range r.state.Recent {
			shift(&r.state.Recent[i], 0)
		}
	}
	for _, r := range e.runs {
		if in := r.step(); r.Waits == waitTime || r.Waits == waitUntil {
			shift(&r.Due, in.hold)
			shift(&r.Limit, in.limit)
			e.armRun(r)
		}
	}
}

// catchUp wakes all timers that are due up to e.upTo. Each acts at its own moment, as
// if Step had been called then, until the budget is used up; the rest acts at e.upTo.
func (e *Engine) catchUp() {
	for len(e.due) > 0 && !e.due[0].at.After(e.upTo) {
		t := e.due[0]
		if t.at.After(e.now) {
			e.setNow(t.at)
		}
		if !e.now.Before(e.upTo) {
			e.budget = stepBudget
		} else {
			e.spend()
		}
		e.due.clear(t)
		e.moment++
		t.wake(e)
		e.settle()
	}
}

// spend takes one step off the budget and reports whether there was one. While the
// engine catches up there always is: when the budget is used up it is now.
func (e *Engine) spend() bool {
	if e.budget--; e.budget < 0 && e.now.Before(e.upTo) {
		e.setNow(e.upTo)
		e.budget = stepBudget - 1
	}
	return e.budget >= 0
}

// turnClock takes in how the wall time stands to the elapsed time from e.upTo on. It reports
// whether that is another time of the day, or one that is trusted or no longer so.
func (e *Engine) turnClock(offset time.Duration, trusted bool) bool {
	jumped := (offset-e.offset).Abs() > leastJump || trusted != e.trusted
	since := e.upTo.Sub(e.setAt) // the clock stood so for this long
	e.offset, e.trusted = offset, trusted
	e.setNow(e.upTo)
	if !jumped {
		return false
	}
	e.setAt = e.upTo
	for _, t := range e.triggers {
		if t.schedule != nil && !t.state.Due.IsZero() {
			e.retime(t, since)
		}
	}
	return true
}

// clockSet is a gap for what reads the wall time, and for nothing else: conditions on it
// must be seen again, and the times of the day that were jumped over are missed.
func (e *Engine) clockSet(offset time.Duration, trusted bool) {
	jumped := e.turnClock(offset, trusted)
	e.due.clear(&e.minute)
	e.schedule()
	if !jumped {
		return
	}
	for _, t := range e.clocked {
		if t.prog.Wall {
			e.gap(t)
		}
	}
	e.moment++
	e.wakeMinute()
	e.settle()
}

// afterGap is the start of the gateway: what was due while it was off is missed,
// conditions must be seen again, and what waited goes on now.
func (e *Engine) afterGap(offset time.Duration, trusted bool) {
	e.turnClock(offset, trusted)
	for i := range e.unsent {
		ev := e.unsent[i]
		ev.At = e.wall()
		e.out = append(e.out, Decision{Event: &ev})
	}
	e.due.clear(&e.minute)
	e.gapAll()
	for _, r := range append([]*run(nil), e.runs...) {
		switch {
		case r.Waits == waitOutcome:
			e.again(r)
			r.Limit = e.now.Add(e.patience)
			e.armRun(r)
		case r.rule.missed == "skip":
			e.end(r, "missed", "the gateway was off")
		}
	}
	e.schedule()
}

// gapAll puts all conditions into a gap.
func (e *Engine) gapAll() {
	for _, t := range e.triggers {
		if t.kind != whenTime {
			e.gap(t)
		}
	}
}

// schedule gives each time trigger its first moment, each new condition its
// first look, and the minute its timer.
func (e *Engine) schedule() {
	for _, t := range e.triggers {
		if t.schedule != nil && t.state.Due.IsZero() && (e.trusted || t.lasts()) {
			e.served(t, e.wall())
			e.setDue(t, t.schedule.next(e.wall()))
		}
		if t.state.New && t.kind == whenIs {
			e.moment++
			e.look(t, false)
		}
		t.state.New = false
		e.arm(t)
	}
	e.armMinute()
}

// armMinute wants the next full minute while anybody reads a clock.
func (e *Engine) armMinute() {
	needed := len(e.clocked) > 0
	for _, r := range e.runs {
		needed = needed || r.Waits == waitUntil && r.step().prog.Clock
	}
	if !needed {
		e.due.clear(&e.minute)
		return
	}
	if e.minute.index == 0 {
		e.due.set(&e.minute, e.wall().Truncate(time.Minute).Add(time.Minute-e.offset))
	}
}

func (e *Engine) wakeMinute() {
	e.resumeClock()
	for _, t := range e.clocked {
		e.look(t, false)
	}
	e.armMinute()
}
