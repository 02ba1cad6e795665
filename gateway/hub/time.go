package hub

import (
	"time"

	"hogar/gateway/home"
)

// stamp gives the event its times and the flags that follow from them.
func (h *Hub) stamp(ev *home.Event) {
	now := h.o.Clock.Now().Truncate(time.Millisecond) // as it is written
	if now.Before(h.last) {
		now = h.last // the machine's clock was set back: order does not go back
	}
	h.last = now
	ev.At = now
	ev.Flags |= h.o.Flags
	if ev.Kind <= home.KindCatalog {
		ev.Flags |= home.FlagPublished
	}
	if ev.Kind == home.KindPublish {
		ev.Flags |= home.FlagPublished
	}
	if ev.Time.IsZero() {
		ev.Time = now
		return
	}
	ev.Time = ev.Time.Truncate(time.Millisecond)
	if now.Sub(ev.Time) > max(lateAfter, h.o.Clock.House(lateLeast)) {
		ev.Flags |= home.FlagLate
	}
}

// lateAfter is the age, by its own time, from which an event starts nothing.
const lateAfter = 10 * time.Second

// lateLeast is machine time: however fast the house lives, an event that was so
// long on its way to the hub is not late.
const lateLeast = 2 * time.Second

// passTime tells the devices that went stale, and the parts that time has passed.
func (h *Hub) passTime() {
	now := h.o.Clock.Now()
	for _, ev := range h.state.stale(now) {
		h.handle(batch{events: []home.Event{ev}})
	}
	h.tick(now)
	for _, p := range h.parts {
		a, ok := p.Part.(Alarm)
		if !ok {
			continue
		}
		if at := a.Next(); !at.IsZero() && !at.After(now) {
			p.Apply(&home.Event{At: now}, true)
		}
	}
}

// wait is the machine time until something is due.
func (h *Hub) wait() time.Duration {
	now := h.o.Clock.Now()
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
