package rules

import (
	"time"

	"hogar/gateway/home"
)

// Recorded hands on events that are read from a journal, in their order, and says before
// which of them the gateway was off. Its event "started" comes when all devices are there:
// what they did before is held back until then. The zero Recorded is ready.
type Recorded struct {
	held []home.Event // from the first catalog on, with which a run of the gateway begins
}

// What is held back at most: a catalog may also come from a device that was discovered.
const (
	mostHeld    = 10_000
	longestHeld = time.Minute
)

// Take takes an event and calls step with those that are no longer held back; off says
// that the gateway was off until that event.
func (r *Recorded) Take(ev *home.Event, step func(ev *home.Event, off bool)) {
	if ev.Kind == home.KindGateway && ev.Name == home.EventStarted {
		set, said := ev.ClockSet()
		held, off := r.held, false
		r.held = nil
		for i := range held {
			begins := !off && (!said || !held[i].Elapsed.Before(set.Start))
			off = off || begins
			step(&held[i], begins)
		}
		step(ev, !off)
		return
	}
	if len(r.held) == 0 && ev.Kind != home.KindCatalog {
		step(ev, false)
		return
	}
	r.held = append(r.held, *ev)
	if len(r.held) >= mostHeld || ev.Elapsed.Sub(r.held[0].Elapsed) > longestHeld {
		r.Flush(step)
	}
}

// Flush calls step with all that is held back: nothing more is read.
func (r *Recorded) Flush(step func(ev *home.Event, off bool)) {
	held := r.held
	r.held = nil
	for i := range held {
		step(&held[i], false)
	}
}
