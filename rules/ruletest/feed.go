package ruletest

import (
	"slices"

	"hogar/gateway/home"
)

// input brings something into the house.
func (r *runner) input(in input) {
	r.feed(in.event)
	if in.every == 0 {
		return
	}
	from := in.event.Value.Number()
	for after := in.every; ; after += in.every {
		after = min(after, in.over)
		ev := in.event
		ev.Value = home.NumberOf(from + (in.to-from)*float64(after)/float64(in.over))
		r.coming = append(r.coming, coming{r.now.Add(after), ev})
		if after == in.over {
			break
		}
	}
	slices.SortStableFunc(r.coming, func(a, b coming) int { return a.at.Compare(b.at) })
}

// sense reads the simulated world.
func (r *runner) sense() {
	for _, ev := range r.house.sense(r.now) {
		r.feed(ev)
	}
	r.house.next = r.now.Add(r.test.world.every)
}

// feed steps an event and all that follows from it at the same moment.
func (r *runner) feed(ev home.Event) {
	r.queue = append(r.queue, ev)
	for n := 0; n < len(r.queue); n++ {
		if n > mostEvents {
			r.fail(r.path, r.when(r.now)+": the rules do not come to rest")
			break
		}
		ev := r.queue[n]
		ev.At, ev.Elapsed = r.wall(r.now), r.elapsed(r.now)
		if r.stands.doubted {
			ev.Flags |= home.FlagUntrusted
		}
		r.note(&ev, n == 0)
		if r.heard != nil {
			r.heard(&ev)
		}
		for _, d := range r.engine.Step(ev) {
			r.decided(d)
		}
	}
	r.queue = r.queue[:0]
}

// note keeps what a reading says. What an actuator reports stands in the trace of
// the run that set it.
func (r *runner) note(ev *home.Event, first bool) {
	switch ev.Kind {
	case home.KindReading:
		r.values[ev.FullName()] = ev.Value
		if r.house == nil && first {
			r.log.add(r.wall(r.now), ev.FullName()+": "+ev.Value.String())
		}
	case home.KindEvent:
		r.log.add(r.wall(r.now), ev.FullName()+": "+ev.Value.String())
	case home.KindStatus:
		if r.now.After(r.test.start) {
			r.log.add(r.wall(r.now), ev.Device+" is "+ev.State)
		}
	case home.KindMessage:
		r.log.add(r.wall(r.now), "message "+ev.Message.Exchange+" "+ev.Message.Key)
	case home.KindVariable:
		r.log.add(r.wall(r.now), "vars."+ev.Name+": "+ev.Value.String())
	case home.KindGateway:
		r.log.add(r.wall(r.now), map[string]string{home.EventStarted: "the gateway has started", home.EventClockSet: "the clock was set"}[ev.Name])
	}
}
