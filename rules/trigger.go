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
	Due  time.Time `json:"due,omitzero"`  // end of the hold, or the next time of the schedule: wall time with at, sun and cron
	Last time.Time `json:"last,omitzero"` // up to when at, sun or cron have been served; wall time

	Acted time.Time `json:"acted,omitzero"` // when the schedule was served last; elapsed time
	New   bool      `json:"new,omitempty"`  // never looked at
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
	at := e.dueMoment(t)
	if t.state.Gap {
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
	if t.kind == whenTime {
		e.wakeTime(t)
		return
	}
	e.look(t, false)
}
