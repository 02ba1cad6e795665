package rules

import (
	"slices"
	"time"

	"hogar/gateway/home"
)

// wait lets a run wait; its timer is set from what it waits for.
func (e *Engine) wait(r *run, for_ waiting, due, limit time.Time) {
	r.Waits, r.Due, r.Limit, r.Held = for_, due, limit, false
	e.armRun(r)
	if for_ == waitUntil {
		e.armMinute()
	}
}

// armRun sets the run's timer to the next moment that concerns it.
func (e *Engine) armRun(r *run) {
	at := r.Limit
	if !r.Due.IsZero() && !r.Held && (at.IsZero() || r.Due.Before(at)) {
		at = r.Due
	}
	if r.Waits == waitUntil {
		for _, a := range r.step().prog.Ages {
			last := e.env.Slots[a.Slot].At
			if t := last.Add(a.After); !last.IsZero() && t.After(e.now) && (at.IsZero() || t.Before(at)) {
				at = t
			}
		}
	}
	e.due.set(&r.timer, at)
}

// wakeRun is called when a run's time has come.
func (e *Engine) wakeRun(r *run) {
	switch r.Waits {
	case waitTime:
		r.Waits = waitNothing
		r.PC++
	case waitOutcome:
		for _, c := range r.Await {
			delete(e.awaited, c.ID)
		}
		r.Await = nil
		e.wrong(r, r.step(), "no outcome within "+home.FormatDuration(e.patience))
	case waitUntil:
		e.lookRun(r)
	}
	e.exec(r)
}

// lookRun evaluates the condition that a run waits for.
func (e *Engine) lookRun(r *run) {
	in := r.step()
	e.context(&r.Cause, r.message)
	v := in.prog.Eval(&e.env)
	switch {
	case v.Kind() != home.Boolean:
		r.Held = true
	case !v.Boolean():
		r.Due, r.Held = time.Time{}, false
	default:
		r.Held = false
		if r.Due.IsZero() {
			r.Due = e.now.Add(in.hold)
		}
		if !r.Due.After(e.now) {
			e.goOn(r, in.shown+": true ("+in.prog.Describe(&e.env, e.table)+")")
			return
		}
	}
	if !r.Limit.IsZero() && !r.Limit.After(e.now) {
		if in.stop {
			e.end(r, "stopped", in.shown+": not within "+home.FormatDuration(in.limit))
			return
		}
		e.goOn(r, in.shown+": not within "+home.FormatDuration(in.limit)+", goes on")
		return
	}
	e.armRun(r)
}

func (e *Engine) goOn(r *run, note string) {
	r.note(e.wall(), note)
	r.Waits, r.Due, r.Limit = waitNothing, time.Time{}, time.Time{}
	e.due.clear(&r.timer)
	r.PC++
}

// resume lets the waiting runs look that read a name, oldest first.
func (e *Engine) resume(slot int) {
	e.resumeIf(func(r *run) bool { return slices.Contains(r.step().prog.Names, slot) })
}

func (e *Engine) resumeDevice(d *deviceWatch) {
	e.resumeIf(func(r *run) bool {
		p := r.step().prog
		return slices.Contains(p.Online, d.index) ||
			slices.ContainsFunc(p.Names, func(slot int) bool { return slices.Contains(d.slots, slot) })
	})
}

func (e *Engine) resumeClock() {
	e.resumeIf(func(r *run) bool { return r.step().prog.Clock })
}

func (e *Engine) resumeIf(concerned func(*run) bool) {
	var list []*run
	for _, r := range e.runs {
		if r.Waits == waitUntil && concerned(r) {
			list = append(list, r)
		}
	}
	for _, r := range list {
		if !r.ended && r.Waits == waitUntil {
			e.lookRun(r)
			e.exec(r)
		}
	}
}
