package mqtt

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"hogar/gateway/home"
)

// awayAfter is how long a broker may be away before its devices are offline. A
// restart of the broker or of a router is shorter, and hides nothing: the broker
// keeps what was said at QoS 1. After it, a device that broke would be believed
// for ever: its values are unknown until the broker is back.
const awayAfter = time.Minute

// reach is what is needed to tell whether the devices behind a broker can be
// reached. It is safe for concurrent use.
type reach struct {
	changed chan struct{}

	mu      sync.Mutex
	since   time.Time // the connection is down since then; zero: it stands
	reason  string
	devices map[string]*reached
}

// reached is one device.
type reached struct {
	last   map[string]*said // of each property
	status home.Event       // as the device's own source says it; Kind 0: it does not
	held   []held           // what came while it says that it is offline, the newest of each property
}

// held is what a device that says that it is offline said all the same: cached, retained, or
// just before it says that it is back.
type held struct {
	event home.Event
	came  time.Time
}

// heldFor is how long before a device says that it is back its readings may come and still
// count: some bridges publish the two in this order. What is older was a cache's.
const heldFor = 2 * time.Second

// maxHeld bounds what is held of one device.
const maxHeld = 256

// away reports whether the device itself says that it is offline. Until it says otherwise
// nothing else that comes of it is believed.
func (d *reached) away() bool { return d.status.Kind != 0 && d.status.State != home.Online }

func (d *reached) hold(ev *home.Event, now time.Time) {
	d.held = slices.DeleteFunc(d.held, func(h held) bool {
		same := h.event.Kind == home.KindReading && ev.Kind == home.KindReading && h.event.Property == ev.Property
		return same || now.Sub(h.came) > heldFor
	})
	if len(d.held) < maxHeld {
		d.held = append(d.held, held{*ev, now})
	}
}

// release returns what was held for a moment only.
func (d *reached) release(now time.Time) (events []home.Event) {
	for _, h := range d.held {
		if now.Sub(h.came) <= heldFor {
			events = append(events, h.event)
		}
	}
	d.held = nil
	return events
}

// said is the last reading of a property.
type said struct {
	value         home.Value
	unit, unknown string
	time          time.Time
	unsure        bool // the house may not have it
}

func newReach() *reach {
	return &reach{changed: make(chan struct{}, 1), since: time.Now(), reason: "not connected yet", devices: make(map[string]*reached)}
}

func (r *reach) add(device string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.devices[device] == nil {
		r.devices[device] = &reached{last: make(map[string]*said)}
	}
}

func (r *reach) remove(device string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.devices, device)
}

// note keeps what the events say, and returns those that the house is to have: without what
// comes of a device that says that it is offline, and with what such a device said just before it is
// back. The slice is used for the answer.
func (r *reach) note(events []home.Event) []home.Event {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var released []home.Event
	kept := events[:0]
	for i := range events {
		ev := &events[i]
		d := r.devices[ev.Device]
		switch {
		case d == nil:
		case ev.Kind == home.KindStatus:
			d.status = *ev
			if ev.State == home.Online {
				released = append(released, d.release(now)...)
			} else {
				clear(d.last)
			}
		case d.away() && (ev.Kind == home.KindReading || ev.Kind == home.KindEvent):
			d.hold(ev, now)
			continue
		default:
			d.keep(ev, now)
		}
		if len(kept) < i {
			kept = append(kept, *ev)
		} else {
			kept = events[:i+1]
		}
	}
	for i := range released {
		r.devices[released[i].Device].keep(&released[i], now)
	}
	return append(kept, released...)
}

// keep notes a reading.
func (d *reached) keep(ev *home.Event, now time.Time) {
	if ev.Kind != home.KindReading || ev.Flags&home.FlagRaw != 0 {
		return
	}
	last := d.last[ev.Property]
	if last == nil {
		last = new(said)
		d.last[ev.Property] = last
	}
	*last = said{value: ev.Value, unit: ev.Unit, unknown: ev.Unknown, time: ev.Time}
	if ev.Time.IsZero() {
		last.time = now
	}
}

// withdraw takes back what a device said of its own state: from now on what it sends counts.
func (r *reach) withdraw(device string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.devices[device]; d != nil {
		d.status, d.held = home.Event{}, nil
	}
}

// doubt notes that the house may not have these events: the broker sends their
// message again, and then they must not be taken for repetitions.
func (r *reach) doubt(events []home.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range events {
		if d := r.devices[events[i].Device]; d != nil && events[i].Kind == home.KindReading {
			if last := d.last[events[i].Property]; last != nil {
				last.unsure = true
			}
		}
	}
}

// lastOf returns what was said last of a property, if the house surely has it.
func (r *reach) lastOf(device, property string) (v home.Value, unknown string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.devices[device]; d != nil {
		if last := d.last[property]; last != nil && !last.unsure {
			return last.value, last.unknown, true
		}
	}
	return home.Value{}, "", false
}

// down notes that there is no connection; the first loss counts.
func (r *reach) down(reason string) {
	r.mu.Lock()
	if r.since.IsZero() {
		r.since = time.Now()
	}
	r.reason = reason
	r.mu.Unlock()
	r.wake()
}

// back notes that the connection stands and all that waited has come.
func (r *reach) back() {
	r.mu.Lock()
	r.since = time.Time{}
	r.mu.Unlock()
	r.wake()
}

func (r *reach) wake() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// watch tells when the broker is away too long, and when it is back.
func (c *Connection) watch(ctx context.Context) {
	timer := time.NewTimer(c.awayAfter)
	defer timer.Stop()
	away := false
	for {
		select {
		case <-timer.C:
		case <-c.reach.changed:
		case <-ctx.Done():
			return
		}
		since, reason := c.reach.state()
		switch {
		case since.IsZero() && away:
			away = false
			c.tell(c.reach.recovered())
		case !since.IsZero() && !away && time.Since(since) >= c.awayAfter:
			away = true
			c.tell(c.reach.lost("broker " + c.broker.String() + " is away: " + reason))
		case !since.IsZero() && !away:
			timer.Reset(c.awayAfter - time.Since(since))
		}
	}
}

func (c *Connection) tell(events []home.Event) {
	if len(events) > 0 {
		c.accept(events, func(error) {})
	}
}

func (r *reach) state() (time.Time, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.since, r.reason
}

// lost says that no device can be reached.
func (r *reach) lost(reason string) []home.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var events []home.Event
	for _, device := range slices.Sorted(maps.Keys(r.devices)) {
		events = append(events, home.Event{Kind: home.KindStatus, Device: device, State: home.Offline, Reason: reason})
	}
	return events
}

// recovered says again what is known of each device. Nothing at QoS 1 was missed,
// so what a device said last still holds; it is late and starts nothing.
func (r *reach) recovered() []home.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var events []home.Event
	for _, device := range slices.Sorted(maps.Keys(r.devices)) {
		d := r.devices[device]
		status := home.Event{Kind: home.KindStatus, Device: device, State: home.Online}
		switch {
		case d.status.Kind != 0:
			status = d.status
		case len(d.last) == 0:
			status.State, status.Reason = home.Offline, "nothing heard of it since the gateway started"
		}
		events = append(events, status)
		for _, property := range slices.Sorted(maps.Keys(d.last)) {
			last := d.last[property]
			events = append(events, home.Event{Kind: home.KindReading, Flags: home.FlagLate, Device: device, Property: property,
				Value: last.value, Unit: last.unit, Unknown: last.unknown, Time: last.time})
		}
	}
	return events
}
