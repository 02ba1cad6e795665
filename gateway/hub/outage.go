package hub

import (
	"time"

	"hogar/gateway/home"
)

// calm is how long nothing must be refused before an outage is over: machine time. What is
// refused and taken in turn is one outage.
const calm = 5 * time.Second

// outage is a time in which events are refused, so that the log has a line at its beginning
// and one at its end. The zero outage is none.
type outage struct {
	n    uint64    // refused since it began; 0: there is none
	last time.Time // when the newest was, machine time
}

// refuse counts a refusal, and reports whether the outage begins with it.
func (o *outage) refuse() (first bool) {
	o.n++
	o.last = time.Now()
	return o.n == 1
}

// end returns how many were refused when the outage is over, once; else 0.
func (o *outage) end() (refused uint64) {
	if o.n == 0 || time.Since(o.last) < calm {
		return 0
	}
	refused, o.n = o.n, 0
	return refused
}

// report logs what the journal made of an event. One that it can never take says nothing
// about the others.
func (h *Hub) report(ev *home.Event, err error) {
	switch {
	case err == nil:
		if n := h.deaf.end(); n > 0 {
			h.o.Log.Info("journal takes events again", "refused", n)
		}
	case never(err):
		h.odd.end()
		if !h.odd.refuse() {
			return
		}
		h.o.Log.Error("an event cannot be recorded, the house goes on without", "kind", ev.Kind, "name", ev.FullName(), "error", err)
	case h.deaf.refuse():
		h.o.Log.Error("journal takes nothing, the house goes on unrecorded", "error", err)
	}
}
