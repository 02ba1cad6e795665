package mqtt

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// Source is a dialect that is spoken at a broker.
type Source struct {
	Name    string // as the driver of its devices is called: zigbee2mqtt
	Base    string // the topic below which it is spoken
	Dialect dialect.Dialect
}

// Discover is told of each discovered device before the house is: when it is new
// or has changed, and when it is gone. It is called by the connection's goroutine
// and must not wait for the connection.
type Discover func(Discovered)

// Discovered is a discovered device as the gateway needs to know it. It is set by
// [Connection.Set] under its name.
type Discovered struct {
	Name       string
	Removed    bool
	Properties []home.Property
	Expire     map[string]time.Duration // by property: unknown when nothing was measured for so long
	OffDelay   map[string]time.Duration // by property: off so long after the last on
}

// Outsider is a discovered device that is not in the house.
type Outsider struct {
	ID, Label string
	Reason    string
}

// found is what was discovered at one broker. It is safe for concurrent use.
type found struct {
	broker   Broker
	sources  []Source
	names    *dialect.Names
	discover Discover
	labels   map[string]string
	sleeps   map[string]bool
	last     func(device, property string) home.Value

	mu     sync.Mutex
	byID   map[string]*device
	byName map[string]*device
	out    map[string]Outsider // by id
	told   map[string]bool     // what was ignored and logged
}

// device is a discovered device that is in the house.
type device struct {
	dialect.Device
	name   string
	source Source
	words  map[string]*home.Property // by name
}

func newFound(o Options) *found {
	f := &found{broker: o.Broker, sources: o.Sources, names: o.Names, discover: o.Discover, labels: o.Labels, sleeps: o.Sleeps, last: o.Last,
		byID: make(map[string]*device), byName: make(map[string]*device), out: make(map[string]Outsider), told: make(map[string]bool)}
	if f.discover == nil {
		f.discover = func(Discovered) {}
	}
	return f
}

// Outsiders lists the discovered devices that are not in the house.
func (c *Connection) Outsiders() []Outsider {
	f := c.found
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Outsider
	for _, id := range slices.Sorted(maps.Keys(f.out)) {
		list = append(list, f.out[id])
	}
	return list
}

func (f *found) named(name string) (device, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := f.byName[name]; d != nil {
		return *d, true
	}
	return device{}, false
}

func (f *found) via(s Source) string { return f.broker.Via(s) }

// understood turns what a source told into events, statuses and catalogs first.
func (c *Connection) understood(s Source, t dialect.Told, late bool) []home.Event {
	events := make([]home.Event, 0, len(t.Devices)+len(t.Statuses)+len(t.Readings))
	for _, id := range t.Gone { // first: another may have its name now
		events = append(events, c.leaves(s, id)...)
	}
	for _, d := range t.Devices {
		events = append(events, c.enter(s, d)...)
	}
	if t.Whole {
		for _, id := range c.found.missing(s, t.Devices) {
			events = append(events, c.leaves(s, id)...)
		}
	}
	for _, st := range t.Statuses {
		d := c.found.of(st.ID)
		if d != nil && (st.State == "" || st.State == home.Offline && c.found.sleeps[d.name]) {
			c.reach.withdraw(d.name)
		} else if d != nil {
			events = append(events, home.Event{Kind: home.KindStatus, Device: d.name, State: st.State, Reason: st.Reason})
		}
	}
	var d *device
	for i := range t.Readings {
		r := &t.Readings[i]
		if d == nil || d.ID != r.ID {
			d = c.found.of(r.ID)
		}
		if d == nil {
			continue
		}
		if ev, ok := c.said(d, r, late); ok {
			events = append(events, ev)
		}
	}
	events = c.reach.note(events)
	for _, i := range t.Ignored {
		c.ignored(i)
	}
	return events
}

func (f *found) of(id string) *device {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byID[id]
}

// enter takes a device into the house, or says what has changed of it.
func (c *Connection) enter(s Source, d dialect.Device) []home.Event {
	f := c.found
	before := f.of(d.ID)
	if before != nil && f.names.Of(d.ID).Via == f.via(s) && reflect.DeepEqual(before.Device, d) {
		return nil
	}
	name, err := f.names.Claim(d, f.via(s))
	if err != nil {
		f.mu.Lock()
		known := f.out[d.ID].Reason == err.Error()
		f.out[d.ID] = Outsider{d.ID, d.Label, err.Error()}
		f.mu.Unlock()
		if !known {
			c.log.Warn("discovered device stays out", "device", d.Label, "id", d.ID, "error", err)
		}
		return nil
	}
	var events []home.Event
	if before != nil && before.name != name { // it says its name only now
		c.Forget(before.name)
		f.discover(Discovered{Name: before.name, Removed: true})
		events = append(events, home.Event{Kind: home.KindCatalog, Device: before.name, Catalog: &home.Catalog{ID: d.ID, Removed: true}})
	}
	one := &device{Device: d, name: name, source: s, words: make(map[string]*home.Property)}
	for i := range d.Properties {
		one.words[d.Properties[i].Name] = &d.Properties[i]
	}
	f.mu.Lock()
	delete(f.out, d.ID)
	f.byID[d.ID], f.byName[name] = one, one
	f.mu.Unlock()
	c.reach.add(name)
	f.discover(Discovered{Name: name, Properties: d.Properties, Expire: d.Expire, OffDelay: d.OffDelay})
	return append(events, one.catalog(f))
}

// catalog is what the house is told of a device.
func (d *device) catalog(f *found) home.Event {
	return home.Event{Kind: home.KindCatalog, Device: d.name, Catalog: &home.Catalog{ID: d.ID, Via: f.via(d.source),
		Label: cmp.Or(f.labels[d.name], d.Label), Driver: d.source.Name, Properties: d.Properties}}
}

// tooOld is how long ago a device may have said, by its own word, what happened: some bridges
// repeat the last press when they start, as a message that is not retained.
const tooOld = 10 * time.Second

// said makes an event of a device's reading: a raw one of what is known already. ok is
// false for what says nothing at all.
func (c *Connection) said(d *device, r *dialect.Reading, late bool) (ev home.Event, ok bool) {
	ev = home.Event{Kind: home.KindReading, Device: d.name, Property: r.Property, Value: r.Value, Unknown: r.Unknown, Time: r.Time}
	if p := d.words[r.Property]; p != nil {
		ev.Unit = p.Unit
		if !c.broker.wide && p.Beyond(r.Value) {
			ev.Unknown = fmt.Sprintf("found %s, expected a number %s", r.Value, p.Range())
			ev.Value, r.Value, r.Unknown = home.Value{}, home.Value{}, ev.Unknown
			c.ignored(dialect.Ignored{ID: d.ID, What: r.Property, Why: ev.Unknown, Fault: true})
		}
	}
	if late {
		ev.Flags = home.FlagLate
	}
	switch {
	case r.Momentary:
		ev.Kind = home.KindEvent
		if r.Late || !r.Time.IsZero() && time.Since(r.Time) > tooOld {
			ev.Flags = home.FlagLate
		} else if !late {
			ev.Time = time.Time{} // the device's clock is not the house's
		}
	case r.Repeats && c.repeated(d.name, r):
		ev.Flags |= home.FlagRaw
		return ev, !late && ev.Value.Known() // nobody knows when it was measured
	}
	return ev, true
}

// repeated reports whether r says what the house knows already. The house may
// think that it is unknown by now: because of a filter, say, or its age.
func (c *Connection) repeated(device string, r *dialect.Reading) bool {
	before, unknown, told := c.reach.lastOf(device, r.Property)
	if told && (before != r.Value || unknown != r.Unknown) {
		return false
	}
	known := told && before.Known()
	if c.found.last != nil {
		known = c.found.last(device, r.Property).Known()
	}
	return known == r.Value.Known() && (told || !known && r.Unknown == dialect.SentNull) // not told, and null: never measured, and still not
}

// ignored counts what is not taken, and logs each fault once.
func (c *Connection) ignored(i dialect.Ignored) {
	if !i.Fault {
		return
	}
	c.unreadable.Add(1)
	f, key := c.found, fmt.Sprint(i.ID, "|", i.What)
	f.mu.Lock()
	known := f.told[key] || len(f.told) >= maxTold
	f.told[key] = true
	f.mu.Unlock()
	if !known {
		c.log.Warn("mqtt message not understood; more of the kind are counted, not told", "id", i.ID, "key", i.What, "error", i.Why)
	}
}

// maxTold bounds what is remembered of messages that are not understood.
const maxTold = 1000
