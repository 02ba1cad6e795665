package ruletest

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"hogar/gateway/home"
	"hogar/rules"
)

// Action is one thing that a rule did: a command, a message, a variable.
type Action struct {
	At   time.Time `json:"at"`
	Rule string    `json:"rule"`
	Did  string    `json:"did"`
}

// Difference is one rule that acts otherwise.
type Difference struct {
	Rule   string   `json:"rule"`
	Gone   []Action `json:"gone,omitempty"`   // what the rules before did, and the others do not
	New    []Action `json:"new,omitempty"`    // the other way round
	Shared int      `json:"shared,omitempty"` // actions that both did at the same time
}

// Replayed is what came of a replay.
type Replayed struct {
	Rules  []Difference `json:"rules"`  // those that act otherwise, by name
	Same   int          `json:"same"`   // rules that acted the same
	Events int          `json:"events"` // that were recorded since
	First  time.Time    `json:"first,omitzero"`
	Last   time.Time    `json:"last,omitzero"`
}

// Replay runs recorded events over two sets of rules and compares what they do
// from since on, a moment of the elapsed clock; what was recorded earlier only brings
// them up to date. Events without an elapsed time get it from those that say how the
// clock was set. Nothing is actuated: each command counts as obeyed at once, and what
// actuators reported is what was recorded.
func Replay(events iter.Seq2[home.Event, error], since time.Time, before, after *rules.Engine) (Replayed, error) {
	sides := [2]*side{{engine: before, since: since}, {engine: after, since: since}}
	var out Replayed
	var line home.Timeline
	var past rules.Recorded
	step := func(ev *home.Event, off bool) {
		for _, ev := range replayed(*ev) {
			for _, s := range sides {
				s.take(ev, off)
			}
			off = false
		}
	}
	for ev, err := range events {
		if err != nil {
			return out, fmt.Errorf("replay: %w", err)
		}
		if ev.Elapsed.IsZero() {
			line.Place(&ev)
		}
		line.Offset = ev.At.Sub(ev.Elapsed)
		if !ev.Elapsed.Before(since) {
			out.Events++
			out.Last = ev.At
			if out.First.IsZero() {
				out.First = ev.At
			}
		}
		past.Take(&ev, step)
	}
	past.Flush(step)
	out.compare(before, after, sides)
	return out, nil
}

// replayed is what the rules are told of a recorded event. Where only what was
// published is known, the receipt of a command tells that a variable was set.
func replayed(ev home.Event) []home.Event {
	if replays(&ev) {
		return []home.Event{ev}
	}
	list := []home.Event{{At: ev.At, Elapsed: ev.Elapsed, Flags: ev.Flags}} // time has passed
	if o := ev.Outcome; o != nil && o.Device == home.Vars && o.Result.OK() {
		for _, s := range o.Reading {
			list = append(list, home.Event{At: ev.At, Elapsed: ev.Elapsed, Flags: ev.Flags, Kind: home.KindVariable, Name: s.Property, Value: s.Value})
		}
	}
	return list
}

// replays reports whether an event came from outside of the rules.
func replays(ev *home.Event) bool {
	switch ev.Kind {
	case home.KindReading, home.KindEvent, home.KindStatus, home.KindMessage, home.KindGateway:
		return true
	case home.KindVariable:
		return !strings.HasPrefix(ev.Reason, "rule:")
	}
	return false
}

// side is one of the two sets of rules.
type side struct {
	engine  *rules.Engine
	since   time.Time
	actions []Action
	last    home.Event // that was stepped
}

// asleep is for how long a gateway that runs records nothing at most: behind more than
// that nothing is done that would have been due meanwhile.
const asleep = 24 * time.Hour

// take steps what is due, moment by moment, and then the event. While the gateway was off,
// or slept, there were no such moments.
func (s *side) take(ev home.Event, off bool) {
	if off {
		s.engine.Off()
	}
	set, _ := ev.ClockSet() // one that was set while the gateway was off is recorded before its start
	for ev.Elapsed.Sub(s.last.Elapsed) <= asleep && !s.last.Elapsed.Before(set.Start) {
		at := s.engine.Next()
		if at.IsZero() || !at.Before(ev.Elapsed) {
			break
		}
		wall := at.Add(s.last.At.Sub(s.last.Elapsed)) // the clock is set by an event
		s.step(home.Event{At: wall, Elapsed: at, Flags: s.last.Flags & home.FlagUntrusted})
	}
	s.last = ev
	s.step(ev)
}

// step also answers commands; that a rule answers its own commands for ever is
// stopped by the engine.
func (s *side) step(ev home.Event) {
	queue := []home.Event{ev}
	for len(queue) > 0 && len(queue) <= mostEvents {
		ev := queue[0]
		queue = queue[1:]
		for _, d := range s.engine.Step(ev) {
			if answer, ok := s.decided(&ev, d); ok {
				answer.At, answer.Elapsed, answer.Flags = ev.At, ev.Elapsed, ev.Flags&home.FlagUntrusted
				queue = append(queue, answer)
			}
		}
	}
}

// decided notes an action, and returns what the house answers: the outcome of a
// command, a message that has been recorded.
func (s *side) decided(by *home.Event, d rules.Decision) (answer home.Event, ok bool) {
	note := func(source, did string) {
		if !by.Elapsed.Before(s.since) {
			s.actions = append(s.actions, Action{by.At, strings.TrimPrefix(source, "rule:"), did})
		}
	}
	if c := d.Command; c != nil {
		note(c.Source, "set "+c.Device+" "+c.Set.String())
		o := &home.Outcome{ID: c.ID, Device: c.Device, Set: c.Set, Result: home.Applied}
		return home.Event{Kind: home.KindOutcome, Device: c.Device, Outcome: o}, true
	}
	switch ev := d.Event; ev.Kind {
	case home.KindPublish:
		note(ev.Name, "publish "+ev.Message.Exchange+" "+ev.Message.Key+" "+string(ev.Message.Body))
		return *ev, true
	case home.KindVariable:
		note(ev.Reason, "set "+home.Join(home.Vars, ev.Name)+" "+ev.Value.String())
	}
	return home.Event{}, false
}

// compare finds, rule by rule, what only one side did.
func (out *Replayed) compare(before, after *rules.Engine, sides [2]*side) {
	names := make(map[string]*Difference)
	for _, e := range []*rules.Engine{before, after} {
		for _, s := range e.Rules() {
			names[s.Name] = &Difference{Rule: s.Name}
		}
	}
	left := make(map[Action]int)
	for _, a := range sides[0].actions {
		left[a]++
	}
	for _, a := range sides[1].actions {
		d := names[a.Rule]
		if left[a] > 0 {
			left[a]--
			d.Shared++
			continue
		}
		d.New = append(d.New, a)
	}
	for _, a := range slices.Backward(sides[0].actions) { // the last of equal ones are those that are left
		if left[a] > 0 {
			left[a]--
			d := names[a.Rule]
			d.Gone = append(d.Gone, a)
		}
	}
	for _, d := range names {
		slices.Reverse(d.Gone)
		if len(d.Gone)+len(d.New) == 0 {
			out.Same++
			continue
		}
		out.Rules = append(out.Rules, *d)
	}
	slices.SortFunc(out.Rules, func(a, b Difference) int { return cmp.Compare(a.Rule, b.Rule) })
}

// Print writes the differences: - what is not done any more, + what is new, each
// with its local time.
func (out *Replayed) Print(w io.Writer, zone *time.Location) error {
	var b strings.Builder
	for _, d := range out.Rules {
		fmt.Fprintln(&b, d.Rule)
		type line struct {
			sign string
			Action
		}
		var lines []line
		for _, a := range d.Gone {
			lines = append(lines, line{"-", a})
		}
		for _, a := range d.New {
			lines = append(lines, line{"+", a})
		}
		slices.SortStableFunc(lines, func(a, b line) int { return a.At.Compare(b.At) })
		for _, l := range lines {
			fmt.Fprintf(&b, "  %s %s  %s\n", l.sign, l.At.In(zone).Format(time.DateTime), l.Did)
		}
	}
	if out.Events == 0 {
		fmt.Fprintln(&b, "nothing was recorded in this time")
	} else {
		fmt.Fprintf(&b, "%d rules act otherwise, %d the same; %d events from %s to %s\n", len(out.Rules), out.Same, out.Events,
			out.First.In(zone).Format(time.DateTime), out.Last.In(zone).Format(time.DateTime))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
