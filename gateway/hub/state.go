package hub

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"hogar/gateway/home"
)

// state is the house as the events tell it. The hub's goroutine changes it,
// anybody reads it.
type state struct {
	mu      sync.RWMutex
	offset  time.Duration // by which the wall time is ahead of the elapsed time now
	devices map[string]*device
	expect  map[string]time.Duration // stale after, of the devices of the configuration
	quiet   agenda[string]           // of those: not stale before; a device may have been heard of since
}

// device is a device's state as the checkpoint keeps it. Its times are on the elapsed
// clock, so that its ages stay what they are when the clock is set.
type device struct {
	Seq      uint64                      `json:"seq"`
	Status   string                      `json:"status,omitempty"`
	Reason   string                      `json:"reason,omitempty"`
	Since    time.Time                   `json:"since,omitzero"`
	Measured time.Time                   `json:"measured,omitzero"`
	Catalog  *home.Catalog               `json:"catalog,omitempty"`
	Last     map[string]home.LastReading `json:"last,omitempty"`

	toldStatus, toldCatalog bool // since the start of the gateway
}

func (s *state) init() {
	s.devices = make(map[string]*device)
	s.expect = make(map[string]time.Duration)
}

func (s *state) save() (json.RawMessage, error) { return json.Marshal(s.devices) }

func (s *state) restore(data json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := json.Unmarshal(data, &s.devices)
	s.lookAll()
	return err
}

// ready ends the reading of old events: nothing has been told since this start.
func (s *state) ready() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.devices {
		d.toldStatus, d.toldCatalog = false, false
	}
}

// invented reports whether the event is the receipt of a command to a device that
// never was: anybody can make up names, and they are not remembered. The lock is
// held.
func (s *state) invented(ev *home.Event) bool {
	return ev.Kind == home.KindOutcome && s.devices[ev.Device] == nil
}

// of returns the device's state, new when it is not known. The lock is held.
func (s *state) of(name string) *device {
	d := s.devices[name]
	if d == nil {
		d = &device{Last: make(map[string]home.LastReading)}
		s.devices[name] = d
	}
	if d.Last == nil {
		d.Last = make(map[string]home.LastReading)
	}
	return d
}

// follows returns what comes with an event: a device that is measured is online,
// and the readings of one that went offline are unknown from then on. keep is
// false for a status or a catalog that says nothing new.
func (s *state) follows(ev *home.Event) (first, then []home.Event, keep bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	d := s.devices[ev.Device]
	switch ev.Kind {
	case home.KindReading, home.KindEvent:
		if !ev.Late() && (ev.Kind == home.KindEvent || ev.Value.Known()) && !d.told(home.Online, "") {
			first = []home.Event{{Kind: home.KindStatus, Device: ev.Device, State: home.Online, Time: ev.Time, Elapsed: ev.Measured()}}
		}
	case home.KindStatus:
		if d.told(ev.State, ev.Reason) {
			return nil, nil, false
		}
		if d != nil && ev.State != home.Online {
			then = d.forget(ev)
		}
	case home.KindCatalog:
		return nil, nil, d == nil || !d.toldCatalog || !reflect.DeepEqual(d.Catalog, ev.Catalog)
	}
	return first, then, true
}

// told reports whether this gateway has told, since its start, that d is so.
func (d *device) told(status, reason string) bool {
	return d != nil && d.toldStatus && d.Status == status && d.Reason == reason
}

// forget makes the readings that say why d's values are unknown from now on.
func (d *device) forget(status *home.Event) []home.Event {
	why := status.State
	if status.Reason != "" {
		why += ": " + status.Reason
	}
	var readings []home.Event
	for _, property := range slices.Sorted(maps.Keys(d.Last)) {
		if last := d.Last[property]; last.Value.Known() {
			readings = append(readings, home.Event{Kind: home.KindReading, Device: status.Device, Property: property,
				Unit: last.Unit, Unknown: why, Time: status.Time, Elapsed: status.Measured()})
		}
	}
	return readings
}

// number gives the event the device's next number, when it is one to publish.
func (s *state) number(ev *home.Event) {
	if ev.Device == "" || ev.Flags&home.FlagPublished == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.invented(ev) {
		return
	}
	d := s.of(ev.Device)
	d.Seq++
	ev.DSeq = d.Seq
}

// unnumber takes back the number of an event that was not recorded: the next one has
// it, so that a number which is missing is a record that is gone.
func (s *state) unnumber(ev *home.Event) {
	if ev.DSeq == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(ev.Device).Seq--
	ev.DSeq = 0
}

func (s *state) apply(ev *home.Event, live bool) {
	if set, ok := ev.ClockSet(); ok {
		s.setClock(ev, set)
	}
	if ev.Device == "" || ev.Kind == home.KindCommand {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.invented(ev) {
		return
	}
	d := s.of(ev.Device)
	d.Seq = max(d.Seq, ev.DSeq)
	switch ev.Kind {
	case home.KindReading:
		d.read(ev)
	case home.KindStatus:
		if d.Status != ev.State {
			d.Since = ev.Elapsed
		}
		d.Status, d.Reason, d.toldStatus = ev.State, ev.Reason, live
	case home.KindCatalog:
		if d.Catalog == nil && d.Status == "" {
			d.Since = ev.Elapsed // not heard of since then
		}
		d.Catalog, d.toldCatalog = ev.Catalog, live
		if ev.Catalog.Removed {
			d.Status, d.Reason, d.Catalog = "", "", nil
			clear(d.Last)
		}
	}
	s.look(ev.Device, d)
}

// read keeps the reading, unless a newer one is known: one that comes late must
// not take the place of what was measured after it.
func (d *device) read(ev *home.Event) {
	last := d.Last[ev.Property]
	measured := ev.Measured()
	if ev.Late() && last.Time.After(measured) {
		return
	}
	name := last.Name
	if name == "" {
		name = home.Join(ev.Device, ev.Property)
	}
	r := home.LastReading{Name: name, Value: ev.Value, Unit: ev.Unit, Unknown: ev.Unknown, Time: measured}
	if !ev.Value.Known() {
		r.Time = last.Time // the age counts from the last measurement
	} else if measured.After(d.Measured) {
		d.Measured = measured
	}
	d.Last[ev.Property] = r
}

// staleAt is when d is stale if nothing comes; zero: never.
func (d *device) staleAt(after time.Duration) time.Time {
	last, unheard := d.Measured, d.Status == "" && d.Catalog != nil
	if unheard && d.Since.After(last) {
		last = d.Since
	}
	if after == 0 || last.IsZero() || d.Status != home.Online && !unheard {
		return time.Time{}
	}
	return last.Add(after)
}

// look notes when to look whether d is stale. The lock is held.
func (s *state) look(name string, d *device) {
	if after := s.expect[name]; after > 0 {
		s.quiet.sooner(name, d.staleAt(after))
	}
}

// lookAll is look for all devices, after what is expected has changed. The lock is held.
func (s *state) lookAll() {
	s.quiet = agenda[string]{}
	for name := range s.expect {
		if d := s.devices[name]; d != nil {
			s.look(name, d)
		}
	}
}

// nextStale is when to look for stale devices next, zero: never. A device that was heard
// of since is found to be stale later.
func (s *state) nextStale() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.quiet.next()
}

// stale returns the status of each device that is stale by now.
func (s *state) stale(now time.Time) []home.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var events []home.Event
	for _, name := range s.quiet.pop(now, strings.Compare) {
		d, after := s.devices[name], s.expect[name]
		at := d.staleAt(after)
		if at.IsZero() {
			continue
		}
		if at.After(now) {
			s.quiet.set(name, at)
			continue
		}
		events = append(events, home.Event{Kind: home.KindStatus, Device: name, State: home.Stale,
			Reason: "nothing measured for " + home.FormatDuration(after)})
	}
	return events
}
