package rules

import (
	"time"

	"hogar/gateway/home"
)

// condition is what was last seen of a trigger's condition.
type condition uint8

const (
	neverSeen condition = iota
	wasFalse
	wasTrue
)

// triggerState is what a trigger remembers.
type triggerState struct {
	Seen condition `json:"seen,omitempty"`
	Gap  bool      `json:"gap,omitempty"` // nothing was known since: it must be seen again
	Due  time.Time `json:"due,omitzero"`  // end of the hold, or the next time of the schedule
	New  bool      `json:"new,omitempty"` // never looked at
}

// truth evaluates a trigger's condition.
func (e *Engine) truth(t *trigger) home.Value {
	switch {
	case t.kind == whenOnline || t.kind == whenOffline:
		d := e.devices[t.device]
		if !d.seen {
			return home.Value{}
		}
		return home.BooleanOf(e.env.Online[d.index] == (t.kind == whenOnline))
	case t.state.Seen == wasTrue:
		return t.prog.Stay(&e.env)
	}
	return t.prog.Eval(&e.env)
}

// look evaluates a condition and starts the rule when it turned true and stayed
// so. A quiet look only notes what is seen.
func (e *Engine) look(t *trigger, quiet bool) {
	v, s := e.truth(t), &t.state
	switch {
	case v.Kind() != home.Boolean:
		e.gap(t)
	case !v.Boolean():
		s.Seen, s.Gap, s.Due = wasFalse, false, time.Time{}
	default:
		if e.turn(t, quiet) {
			e.start(t, cause{Event: e.seen(t)})
		}
	}
	e.arm(t)
}

// turn notes that the condition is true, and reports whether it starts the rule.
func (e *Engine) turn(t *trigger, quiet bool) bool {
	s := &t.state
	before := s.Seen
	s.Seen, s.Gap = wasTrue, false
	passed := !s.Due.IsZero() && !s.Due.After(e.now)
	switch {
	case before == wasTrue && passed && quiet:
		s.Gap = true // a late reading does not end the gap
	case before == wasTrue && passed:
		s.Due = time.Time{}
		return true
	case before == wasTrue || quiet:
	case before == neverSeen && t.rule.missed != "run":
	case t.hold == 0:
		return true
	default:
		s.Due = e.now.Add(t.hold)
	}
	return false
}

// gap notes that nothing is known of the condition any more.
func (e *Engine) gap(t *trigger) {
	if t.state.Seen == neverSeen {
		return
	}
	t.state.Gap = true
	if t.rule.missed == "skip" {
		t.state.Seen, t.state.Gap, t.state.Due = neverSeen, false, time.Time{}
	}
}

// arm sets the timers of a trigger as its state wants it. A hold that is in a
// gap is not waited for: it ends when the condition is seen true.
func (e *Engine) arm(t *trigger) {
	at := t.state.Due
	if t.state.Gap || t.kind == whenTime && !e.trusted {
		at = time.Time{}
	}
	e.due.set(&t.due, at)
	if t.prog == nil || t.prog.Ages == nil {
		return
	}
	var next time.Time
	for _, a := range t.prog.Ages {
		last := e.env.Slots[a.Slot].At
		if at := last.Add(a.After); !last.IsZero() && at.After(e.now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	e.due.set(&t.ages, next)
}

func (e *Engine) seen(t *trigger) string {
	if t.prog == nil {
		return t.shown
	}
	return t.prog.Describe(&e.env, e.table)
}

// wakeTrigger is called when a hold ends or a time has come.
func (e *Engine) wakeTrigger(t *trigger) {
	if t.kind != whenTime {
		e.look(t, false)
		return
	}
	late := e.now.Sub(t.state.Due)
	was := t.state.Due
	if late > 0 && t.rule.missed == "if_still_true" {
		// of all that were missed the latest counts
		if last := t.schedule.next(e.now.Add(-lateLimit)); !last.After(e.now) {
			was, late = last, e.now.Sub(last)
		}
	}
	t.state.Due = t.schedule.next(e.now)
	e.arm(t)
	switch {
	case late <= 0, t.rule.missed == "run", t.rule.missed == "if_still_true" && late < lateLimit:
		e.start(t, cause{Event: was.In(e.loc).Format("Mon 15:04:05")})
	default:
		t.rule.state.Why = t.shown + " was missed by " + home.FormatDuration(late)
	}
}

// schedule gives each time trigger its first moment, each new condition its
// first look, and the minute its timer.
func (e *Engine) schedule() {
	for _, t := range e.triggers {
		if t.schedule != nil && t.state.Due.IsZero() && e.trusted {
			t.state.Due = t.schedule.next(e.now)
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

// armMinute wants the next full minute while anybody reads the clock.
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
		e.due.set(&e.minute, e.now.Truncate(time.Minute).Add(time.Minute))
	}
}

func (e *Engine) wakeMinute() {
	e.resumeClock()
	for _, t := range e.clocked {
		e.look(t, false)
	}
	e.armMinute()
}

// afterGap is the start of the gateway: what was due while it was off is missed,
// conditions must be seen again, and what waited goes on now.
func (e *Engine) afterGap(now time.Time) {
	e.setNow(now)
	for i := range e.unsent {
		ev := e.unsent[i]
		ev.At = now
		e.out = append(e.out, Decision{Event: &ev})
	}
	e.due.clear(&e.minute)
	for _, t := range e.triggers {
		if t.kind != whenTime {
			e.gap(t)
		}
	}
	for _, r := range append([]*run(nil), e.runs...) {
		switch {
		case r.Waits == waitOutcome:
			e.again(r)
			r.Limit = now.Add(e.patience)
			e.armRun(r)
		case r.rule.missed == "skip":
			e.end(r, "missed", "the gateway was off")
		}
	}
	e.schedule()
}
