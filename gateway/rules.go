package gateway

import (
	"encoding/json"
	"time"

	"hogar/gateway/control"
	"hogar/gateway/home"
	"hogar/gateway/hub"
	"hogar/rules"
)

// ruleset makes the rules a part of the hub: each event is stepped through them,
// and what they decide goes the way of everything else, commands to the one door
// and events to the hub.
type ruleset struct {
	engine  *rules.Engine
	hub     *hub.Hub
	control *control.Control
	past    rules.Recorded // of the start, until the first new event
	awake   bool           // that has come
}

// Apply steps the rules.
func (r *ruleset) Apply(ev *home.Event, live bool) {
	if !live {
		r.past.Take(ev, r.again)
		return
	}
	if !r.awake {
		r.awake = true
		r.past.Flush(r.again)
		r.engine.Off()
	}
	for _, d := range r.engine.Step(*ev) {
		switch {
		case d.Command != nil:
			r.control.Submit(*d.Command, nil)
		case d.Event != nil:
			d.Event.Class = home.ClassRule
			r.hub.Accept([]home.Event{*d.Event}, nil)
		}
	}
	if ev.Kind == home.KindVariable {
		if reading, news := r.told(ev.Name); news {
			r.hub.Accept([]home.Event{reading}, nil)
		}
	}
}

// again steps an event that is read again. What the rules decide was done, or recorded, when
// it was new.
func (r *ruleset) again(ev *home.Event, off bool) {
	if off {
		r.engine.Off()
	}
	r.engine.Step(*ev)
}

// Measured renews the age of what the rules know: what was told before holds still.
func (r *ruleset) Measured(ev *home.Event) {
	known := r.hub.Last(ev.Device, ev.Property)
	if !known.Known() || !ev.Value.Known() {
		return
	}
	again := *ev
	again.Value, again.Flags = known, again.Flags&^home.FlagRaw
	r.Apply(&again, true)
}

// Next is when the rules want to be called again, on the elapsed clock.
func (r *ruleset) Next() time.Time { return r.engine.Next() }

// Save returns the timers, runs and variables.
func (r *ruleset) Save() (json.RawMessage, error) { return r.engine.Save() }

// Restore takes back what Save returned.
func (r *ruleset) Restore(data json.RawMessage) error { return r.engine.Restore(data) }
