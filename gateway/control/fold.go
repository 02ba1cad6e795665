package control

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"hogar/gateway/home"
)

// fold is control's state: what the events say. All its times are on the elapsed clock.
type fold struct {
	ended memory
	open  map[string]*intent // recorded, no outcome yet
	order uint64             // intents counted
	shown map[name]*shown
	lost  time.Time // when the broker was lost; zero: it is not
}

// name is the full name of a property.
type name struct{ device, property string }

func (n name) String() string { return home.Join(n.device, n.property) }

// intent is a recorded command.
type intent struct {
	home.Command
	At    time.Time      `json:"at"`
	Began time.Time      `json:"began,omitzero"`  // the earliest time at which the device may have been driven; zero: At
	Until time.Time      `json:"until,omitzero"`  // its deadline; zero: Expires
	Order uint64         `json:"order"`           // in the order of the journal
	Parts []home.Outcome `json:"parts,omitempty"` // of a group or a scene: those that have ended
}

// shown is the state of one property.
type shown struct {
	Value    home.Value `json:"value"`            // as read last, or else as set
	Time     time.Time  `json:"time,omitzero"`    // when it was measured, or set
	On       time.Time  `json:"on,omitzero"`      // since when it may be on; zero: it is off
	Desired  home.Value `json:"desired"`          // what the last command that was obeyed made of it
	Heard    uint64     `json:"heard,omitempty"`  // order of the newest intent when it was read last
	Driven   uint64     `json:"driven,omitempty"` // order of the newest intent that reached the device
	DrivenAt time.Time  `json:"driven_at,omitzero"`
	Away     bool       `json:"away,omitempty"` // its device was offline, and has not told it since
}

func newFold() fold {
	return fold{ended: newMemory(), open: make(map[string]*intent), shown: make(map[name]*shown)}
}

// take takes an event into the state.
func (f *fold) take(ev *home.Event) {
	switch ev.Kind {
	case home.KindCommand:
		f.order++
		f.open[ev.Command.ID] = newIntent(ev, f.order)
	case home.KindOutcome:
		f.outcome(ev)
	case home.KindReading:
		f.reading(ev)
	case home.KindStatus:
		if ev.State == home.Offline {
			for n, s := range f.shown {
				s.Away = s.Away || n.device == ev.Device && s.Desired.Known()
			}
		}
	case home.KindCatalog:
		if ev.Catalog.Removed {
			maps.DeleteFunc(f.shown, func(n name, _ *shown) bool { return n.device == ev.Device })
		}
	case home.KindGateway:
		switch ev.Name {
		case home.EventBrokerLost:
			f.lost = ev.Measured()
		case home.EventBrokerBack:
			f.lost = time.Time{}
		case home.EventClockSetBack:
			f.setBack(ev)
		case home.EventClockSet:
			f.clockSet(ev)
		}
	}
}

func (f *fold) outcome(ev *home.Event) {
	o := ev.Outcome
	in := f.open[o.ID]
	if in == nil {
		return // it was refused before it could act: its id is free
	}
	f.ended.put(o, elapsed(ev))
	delete(f.open, o.ID)
	if whole := f.open[wholeOf(o.ID)]; whole != nil {
		whole.Parts = append(whole.Parts, *o)
	}
	if !touched(o.Result) {
		return
	}
	for _, s := range o.Set {
		p := f.property(name{o.Device, s.Property})
		p.Driven, p.DrivenAt = max(p.Driven, in.Order), elapsed(ev)
		if p.On.IsZero() && s.Value != home.BooleanOf(false) {
			p.On = in.began() // it failed, and may be on all the same
		}
		if v := p.made(s, o, p.Heard < in.Order); v.Known() && o.Result.OK() {
			p.Desired, p.Away = v, false
			if p.Heard < in.Order { // nothing has been read since: what was set is all that is known
				p.show(v, elapsed(ev), elapsed(ev))
			}
		}
	}
}

// made returns what a setting that was obeyed has made of the property.
func (s *shown) made(set home.Setting, o *home.Outcome, unheard bool) home.Value {
	for _, r := range o.Reading {
		if r.Property == set.Property {
			return r.Value
		}
	}
	switch {
	case set.Value != home.Toggle:
		return set.Value
	case unheard && s.Value.Kind() == home.Boolean:
		return home.BooleanOf(!s.Value.Boolean())
	case unheard:
		return home.Value{}
	}
	return s.Value
}

// touched reports whether a command that ended so may have moved something.
func touched(r home.Result) bool {
	return r == home.Applied || r == home.Verified || r == home.Failed || r == home.Undecided
}

// show takes a value that was measured at a time and accepted at another.
func (s *shown) show(v home.Value, measured, accepted time.Time) {
	s.Value = v
	if v.Known() {
		s.Time = measured
	}
	switch {
	case v == home.BooleanOf(false):
		s.On = time.Time{}
	case s.On.IsZero() && measured.Before(accepted):
		s.On = measured
	case s.On.IsZero():
		s.On = accepted
	}
}

// newIntent is an intent that was recorded with ev.
func newIntent(ev *home.Event, order uint64) *intent {
	in := &intent{Command: *ev.Command, At: elapsed(ev), Order: order}
	in.Began = in.At
	if !in.Received.IsZero() {
		in.Began = in.At.Add(-max(0, ev.At.Sub(in.Received)))
	}
	if !in.Expires.IsZero() {
		in.Until = in.At.Add(in.Expires.Sub(ev.At))
	}
	return in
}

// began is the earliest time at which the device may have been driven.
func (in *intent) began() time.Time {
	if !in.Began.IsZero() {
		return in.Began
	}
	if !in.Received.IsZero() && in.Received.Before(in.At) { // a checkpoint of before
		return in.Received
	}
	return in.At
}

// until is the command's deadline.
func (in *intent) until() time.Time {
	switch {
	case !in.Until.IsZero():
		return in.Until
	case !in.Expires.IsZero(): // a checkpoint of before
		return in.Expires
	}
	return in.At.Add(lives)
}

// elapsed is when ev was accepted.
func elapsed(ev *home.Event) time.Time {
	if ev.Elapsed.IsZero() {
		return ev.At
	}
	return ev.Elapsed
}

// setBack reads how a version of before kept its spans as long as they were.
func (f *fold) setBack(ev *home.Event) {
	var by setBack
	if json.Unmarshal(ev.Detail, &by) == nil {
		f.longer(time.Duration(by.MS)*time.Millisecond, elapsed(ev).Add(time.Nanosecond))
	}
}

// clockSet makes the spans that ran at the start as much longer as the gateway was off.
func (f *fold) clockSet(ev *home.Event) {
	if set, ok := ev.ClockSet(); ok && set.Off > 0 {
		f.longer(time.Duration(set.Off*float64(time.Second)), set.Start)
	}
}

// longer puts what was before a time so much earlier.
func (f *fold) longer(by time.Duration, before time.Time) {
	earlier := func(t *time.Time) {
		if !t.IsZero() && t.Before(before) {
			*t = t.Add(-by)
		}
	}
	earlier(&f.lost)
	for _, s := range f.shown {
		earlier(&s.On)
		earlier(&s.Time)
		earlier(&s.DrivenAt)
	}
}

// property returns the state of a property, new when it is not known.
func (f *fold) property(n name) *shown {
	s := f.shown[n]
	if s == nil {
		s = &shown{}
		f.shown[n] = s
	}
	return s
}

// outdated reports whether a newer value than ev's is known.
func (s *shown) outdated(ev *home.Event) bool { return ev.Late() && s.Time.After(ev.Measured()) }

func (f *fold) reading(ev *home.Event) {
	s := f.property(name{ev.Device, ev.Property})
	if s.outdated(ev) {
		return
	}
	s.show(ev.Value, ev.Measured(), elapsed(ev))
	s.Heard = f.order
}

// inOrder returns the open intents in the order of the journal.
func (f *fold) inOrder() []*intent {
	return slices.SortedFunc(maps.Values(f.open), func(a, b *intent) int { return cmp.Compare(a.Order, b.Order) })
}

// wholeOf returns the id of the command to a group or a scene of which id is a part.
func wholeOf(id string) string { return id[:max(0, strings.LastIndexByte(id, '/'))] }
