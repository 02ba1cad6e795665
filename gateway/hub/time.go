package hub

import (
	"encoding/json"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// stamp gives the event its times and the flags that follow from them. A source that knows
// when it measured gives that on the elapsed clock; one that repeats what a device says of
// its time gives that as it is.
func (h *Hub) stamp(ev *home.Event) {
	measured, said := ev.Elapsed, ev.Time
	now := h.look()
	h.mark(ev, now)
	if ev.Kind == home.KindGateway && ev.Name == home.EventStarted {
		ev.Detail = withClock(ev.Detail, clockSet(now))
	}
	switch {
	case !measured.IsZero():
		ev.Time = now.At.Add(-max(0, now.Elapsed.Sub(measured))).Truncate(time.Millisecond)
	case !said.IsZero() && now.Trusted: // else the two cannot be compared
		ev.Time = said.Truncate(time.Millisecond)
	}
	if now.At.Sub(ev.Time) > max(lateAfter, h.o.Clock.House(lateLeast)) {
		ev.Flags |= home.FlagLate
	}
}

// mark gives the event the time that the clock shows.
func (h *Hub) mark(ev *home.Event, now clock.Reading) {
	ev.At, ev.Elapsed, ev.Time = now.At, now.Elapsed, now.At
	ev.Flags |= h.o.Flags
	if !now.Trusted {
		ev.Flags |= home.FlagUntrusted
	}
	if ev.Kind <= home.KindCatalog || ev.Kind == home.KindPublish {
		ev.Flags |= home.FlagPublished
	}
}

// look returns what the clock shows. When it was set, or is trusted now, an event says so
// first: what is behind it in the journal has the times of the clock as it is set now.
func (h *Hub) look() clock.Reading {
	now, was := h.o.Clock.Read(), h.now
	h.now = now
	if now.Offset() == was.Offset() && now.Trusted == was.Trusted && now.Assumed == was.Assumed && now.Off == was.Off {
		return now
	}
	by, set := now.Offset()-was.Offset(), clockSet(now)
	set.By, set.Off = by.Seconds(), (now.Off - was.Off).Seconds()
	h.o.Log.Info("the clock was set", "by", by, "shows", now.At, "trusted", now.Trusted)
	ev := home.Event{Kind: home.KindGateway, Name: home.EventClockSet}
	ev.Detail, _ = json.Marshal(set) // times and numbers always encode
	stream := h.stream
	h.stream = nil // it belongs to none
	h.sample(&ev)
	h.mark(&ev, now)
	_ = h.record(&ev, nil) // append has logged why
	h.stream = stream
	return now
}

// clockSet says how the two clocks relate from now on.
func clockSet(now clock.Reading) home.ClockSet {
	return home.ClockSet{Elapsed: now.Elapsed, Trusted: now.Trusted, Assumed: now.Assumed, Start: now.Start}
}

// withClock adds to an event's facts how the two clocks relate.
func withClock(detail json.RawMessage, set home.ClockSet) json.RawMessage {
	facts, _ := json.Marshal(set) // times and numbers always encode
	if len(detail) < 3 {          // there are no others
		return facts
	}
	return append(append(detail[:len(detail)-1:len(detail)-1], ','), facts[1:]...)
}

// lateAfter is the age, by its own time, from which an event starts nothing.
const lateAfter = 10 * time.Second

// lateLeast is machine time: however fast the house lives, an event that was so
// long on its way to the hub is not late.
const lateLeast = 2 * time.Second

// passTime tells the devices that went stale, and the parts that time has passed.
func (h *Hub) passTime() {
	now := h.look()
	for _, ev := range h.state.stale(now.Elapsed) {
		h.handle(batch{events: []home.Event{ev}})
	}
	h.tick(now.Elapsed)
	for _, p := range h.parts {
		a, ok := p.Part.(Alarm)
		if !ok {
			continue
		}
		if at := a.Next(); !at.IsZero() && !at.After(now.Elapsed) {
			tick := home.Event{At: now.At, Elapsed: now.Elapsed}
			if !now.Trusted {
				tick.Flags = home.FlagUntrusted
			}
			p.Apply(&tick, true)
		}
	}
}

// wait is the machine time until something is due.
func (h *Hub) wait() time.Duration {
	now := h.o.Clock.Elapsed()
	wait := heartbeat
	due := func(at time.Time) {
		if !at.IsZero() {
			wait = min(wait, max(0, h.o.Clock.Machine(at.Sub(now))))
		}
	}
	due(h.state.nextStale())
	due(h.sieves.due.next())
	for _, p := range h.parts {
		if a, ok := p.Part.(Alarm); ok {
			due(a.Next())
		}
	}
	return wait
}

// setClock takes in how the two clocks relate from now on. What an earlier run measured
// is as much older as the gateway was off.
func (s *state) setClock(ev *home.Event, set home.ClockSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = ev.At.Sub(ev.Elapsed)
	if set.Off == 0 {
		return
	}
	earlier := func(t time.Time) time.Time {
		if t.IsZero() || !t.Before(set.Start) {
			return t
		}
		return t.Add(-time.Duration(set.Off * float64(time.Second)))
	}
	for name, d := range s.devices {
		d.Since, d.Measured = earlier(d.Since), earlier(d.Measured)
		for property, last := range d.Last {
			last.Time = earlier(last.Time)
			d.Last[property] = last
		}
		s.look(name, d)
	}
}

// shown is an elapsed time as a wall time. The lock is held.
func (s *state) shown(elapsed time.Time) time.Time {
	if elapsed.IsZero() {
		return elapsed
	}
	return elapsed.Add(s.offset)
}
