// Package homeassistant takes in the devices that announce themselves by Home
// Assistant's MQTT discovery: ESPHome, OpenMQTTGateway, rtl_433, zwave-js-ui and
// many more. A retained message for each entity, or for each device, says its
// topics, its templates and what it can do; entities that name the same device
// become its properties.
//
// A property is called as the entity is (Relay 0: relay_0), or by its class when
// it has no name; what an entity has beside that keeps Home Assistant's word:
// brightness, position, current_temperature. What cannot be taken is told with the
// reason, and harms no other entity.
package homeassistant

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// Limits of what is foreign input.
const (
	longest      = 1 << 20 // bytes of a message
	mostEntities = 10_000
	mostOfDevice = 1_000
)

// Options of a discovery.
type Options struct {
	Prefix      string           // of its topics; empty: homeassistant
	Own         string           // the node of this gateway's own announcements, which are not taken; may be empty
	Zigbee2MQTT []string         // base topics that are taken natively and not by discovery
	All         bool             // entities that Home Assistant would leave switched off, too
	Now         func() time.Time // what templates call now(); nil: the machine's time
}

// Discovery understands what devices announce, and what they say then. It is a
// [dialect.Dialect].
type Discovery struct {
	o Options

	mu       sync.Mutex
	entities map[string]*entity // by discovery topic, and the component's key below it
	aliases  map[string]string  // identifiers and connections of devices, to their ids
	devices  map[string]*device
	routes   *routes                      // nil: to be made anew
	heard    map[string][sha256.Size]byte // the last announcement on each topic
	words    map[string]string            // the last short message on each topic of an availability
}

// entity is one announced entity.
type entity struct {
	key, id   string // of the entity, of its device
	name      string // folded: empty for the main one
	label     string // its device's name, where the entity has it
	slots     []*slot
	available *availability
}

// device is the entities that name the same device.
type device struct {
	identity identity
	entities []*entity // by key
	status   string    // as told last
	slots    map[string][]*slot
}

// route is where a message goes.
type route struct {
	entity *entity
	slot   *slot // nil: the message is about its availability
}

type routes struct {
	exact map[string][]route
	wild  map[string][]route // by topic filter
}

var (
	_ dialect.Dialect   = (*Discovery)(nil)
	_ dialect.Announcer = (*Discovery)(nil)
)

// New makes a dialect that knows no device yet.
func New(o Options) *Discovery {
	if o.Prefix == "" {
		o.Prefix = "homeassistant"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Discovery{o: o, entities: make(map[string]*entity), aliases: make(map[string]string), devices: make(map[string]*device),
		heard: make(map[string][sha256.Size]byte), words: make(map[string]string)}
}

// Filters lists the topics of the discovery and of all entities.
func (d *Discovery) Filters() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.routed()
	filters := d.Announcements()
	filters = slices.AppendSeq(filters, maps.Keys(r.exact))
	filters = slices.AppendSeq(filters, maps.Keys(r.wild))
	slices.Sort(filters)
	return filters
}

// Announcements lists the topics of the discovery.
func (d *Discovery) Announcements() []string {
	return []string{d.o.Prefix + "/+/+/config", d.o.Prefix + "/+/+/+/config"}
}

// routed returns where messages go.
func (d *Discovery) routed() *routes {
	if d.routes != nil {
		return d.routes
	}
	r := &routes{make(map[string][]route), make(map[string][]route)}
	add := func(topic string, to route) {
		if strings.ContainsAny(topic, "+#") {
			r.wild[topic] = append(r.wild[topic], to)
		} else if topic != "" {
			r.exact[topic] = append(r.exact[topic], to)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.entities)) {
		e := d.entities[key]
		for _, s := range e.slots {
			add(s.topic, route{e, s})
		}
		for _, topic := range e.available.topics() {
			add(topic, route{entity: e})
		}
	}
	d.routes = r
	return r
}

// Read understands a message.
func (d *Discovery) Read(m dialect.Message) (dialect.Told, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if component, ok := d.announces(m.Topic); ok {
		return d.announced(component, m), true
	}
	r := d.routed()
	to := r.exact[m.Topic]
	for filter, more := range r.wild {
		if dialect.Matches(filter, m.Topic) {
			to = slices.Concat(to, more)
		}
	}
	if len(to) == 0 {
		return dialect.Told{}, false
	}
	var t dialect.Told
	for _, one := range to { // first: a message may say that its own values are none
		if one.slot == nil {
			d.reach(one.entity, m, &t)
		}
	}
	for _, one := range to {
		if one.slot != nil && !d.away(one.entity) {
			d.route(one, m, &t)
		}
	}
	return t, true
}

// route gives a message to a property of an entity.
func (d *Discovery) route(to route, m dialect.Message, t *dialect.Told) {
	if len(m.Payload) == 0 && m.Retained {
		return
	}
	reading, ok, err := to.slot.read(m.Payload, d.o.Now())
	reading.ID = to.entity.id
	switch {
	case err != nil:
		refuse(t, m.Topic, to.entity.id, to.slot.Name, err)
	case ok:
		t.Readings = append(t.Readings, reading)
		if strings.HasPrefix(reading.Unknown, "found ") {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: to.entity.id, What: to.slot.Name, Why: reading.Unknown, Fault: true})
		}
	case reading.Property != "" && to.slot.template != nil && to.slot.then == nil && !to.slot.silent && to.slot.Type != home.TypeEvent:
		to.slot.silent = true // said once
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: to.entity.id, What: to.slot.Name, Why: "its template makes nothing of a message on " + m.Topic})
	}
}

// refuse notes why a message says nothing of a property: once for all, when it is no JSON.
func refuse(t *dialect.Told, topic, id, property string, err error) {
	one := dialect.Ignored{ID: id, What: property, Why: err.Error(), Fault: true}
	if _, broken := errors.AsType[*template.NoJSONError](err); broken {
		one.ID, one.What = "", topic
	}
	if !slices.Contains(t.Ignored, one) {
		t.Ignored = append(t.Ignored, one)
	}
}

// tell tells the devices that have changed.
func (d *Discovery) tell(changed map[string]bool, t *dialect.Told) {
	for _, id := range slices.Sorted(maps.Keys(changed)) {
		one := d.devices[id]
		if one == nil {
			t.Gone = append(t.Gone, id)
			continue
		}
		if len(one.entities) == 0 {
			delete(d.devices, id)
			maps.DeleteFunc(d.aliases, func(_, of string) bool { return of == id })
			t.Gone = append(t.Gone, id)
			continue
		}
		t.Devices = append(t.Devices, one.describe(id))
		d.tellStatus(id, t)
	}
}

// describe names the properties of a device, in the order of its entities' topics.
func (one *device) describe(id string) dialect.Device {
	out := dialect.Device{ID: id, Label: id, Unnamed: true}
	for _, e := range one.entities {
		if e.label != "" && out.Unnamed {
			out.Label, out.Unnamed = e.label, false
		}
	}
	one.slots = make(map[string][]*slot)
	numbers := make(map[string]int) // the last that was given behind a word
	for _, e := range one.entities {
		for _, s := range e.slots {
			s.Name = s.key
			switch {
			case e.name != "" && (len(e.slots) == 1 && s.match == nil || s.key == ""):
				s.Name = e.name
			case e.name != "" && s.match == nil:
				s.Name = dialect.Word(e.name[:min(len(e.name), home.MaxWord-1-len(s.key))] + "_" + s.key)
			}
			word := s.Name
			for one.slots[s.Name] != nil && s.match == nil {
				numbers[word]++
				tail := fmt.Sprintf("_%d", numbers[word]+1)
				s.Name = word[:min(len(word), home.MaxWord-len(tail))] + tail
			}
			one.slots[s.Name] = append(one.slots[s.Name], s)
			if len(one.slots[s.Name]) > 1 { // another trigger
				i := slices.IndexFunc(out.Properties, func(p home.Property) bool { return p.Name == s.Name })
				if !slices.Contains(out.Properties[i].Options, s.Options[0]) {
					out.Properties[i].Options = append(slices.Clone(out.Properties[i].Options), s.Options[0])
				}
				continue
			}
			out.Properties = append(out.Properties, s.Property)
			out.Expire = after(out.Expire, s.Name, s.expire)
			out.OffDelay = after(out.OffDelay, s.Name, s.offAfter)
		}
	}
	return out
}

// after adds a span that is one.
func after(spans map[string]time.Duration, name string, span time.Duration) map[string]time.Duration {
	if span > 0 && spans == nil {
		spans = make(map[string]time.Duration)
	}
	if span > 0 {
		spans[name] = span
	}
	return spans
}

// Command says what to send so that the device sets the property.
func (d *Discovery) Command(id, property string, v home.Value) (dialect.Order, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.devices[id]
	if one == nil || one.slots[property] == nil {
		return dialect.Order{}, fmt.Errorf("there is no %s any more", property)
	}
	return one.slots[property][0].command(v, d.o.Now())
}
