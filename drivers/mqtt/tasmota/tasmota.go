// Package tasmota takes in devices that run Tasmota 9.2 or newer by Tasmota's own
// discovery, which needs no setting there: two retained messages for each device,
// with its topics, relays, lights and shutters in the one and a sample of what its
// sensors tell in the other.
//
// A device is known by the address of its network card. A relay is called state, of
// several state_1 and so on; what a sensor tells is called as everywhere (ENERGY.Power
// is power), with the sensor's name before it where two tell the same.
package tasmota

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// Limits of what is foreign input.
const (
	longest     = 64 << 10 // bytes of a message
	mostDevices = 1000
)

// Options of a discovery.
type Options struct {
	Base string // the topic below which devices announce themselves; empty: tasmota/discovery
}

// Discovery understands what Tasmota devices announce and say. It is a
// [dialect.Dialect] and a [dialect.Asker].
type Discovery struct {
	base string // with the slash

	mu      sync.Mutex
	devices map[string]*device   // by address
	byTopic map[string][]*device // by the beginnings of their topics, tele/plug/ and stat/plug/; of a topic of one's own there is one
}

var (
	_ dialect.Dialect = (*Discovery)(nil)
	_ dialect.Asker   = (*Discovery)(nil)
)

// New makes a dialect that knows no device yet.
func New(o Options) *Discovery {
	if o.Base == "" {
		o.Base = "tasmota/discovery"
	}
	return &Discovery{base: o.Base + "/", devices: make(map[string]*device), byTopic: make(map[string][]*device)}
}

// device is one device.
type device struct {
	id         string
	config     config            // zero before it came
	sample     []leaf            // of what its sensors tell
	units      map[string]string // as it told last
	states     map[string]bool   // the keys of its states
	motors     map[string]string // relays that are no switches, and why
	features   []feature         // all that is told to the house
	byName     map[string]*feature
	cmnd       string // beginnings of topics
	stat, tele string
}

// Filters lists the topics of the discovery and of each device.
func (d *Discovery) Filters() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	filters := d.Announcements()
	for _, one := range d.devices {
		if one.tele != "" {
			filters = append(filters, one.tele+"LWT", one.tele+"STATE", one.tele+"SENSOR", one.stat+"+")
		}
	}
	slices.Sort(filters)
	return slices.Compact(filters) // two may have one topic
}

// Announcements lists the topics of the discovery.
func (d *Discovery) Announcements() []string {
	return []string{d.base + "+/config", d.base + "+/sensors"}
}

// Read understands a message.
func (d *Discovery) Read(m dialect.Message) (dialect.Told, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	below, announces := strings.CutPrefix(m.Topic, d.base)
	these := d.byTopic[m.Topic[:strings.LastIndexByte(m.Topic, '/')+1]]
	switch {
	case !announces && len(these) == 0:
		return dialect.Told{}, false
	case len(m.Payload) > longest:
		return ignored("", m.Topic, fmt.Sprintf("a message of %d bytes, expected at most %d", len(m.Payload), longest)), true
	case announces:
		id, what, _ := strings.Cut(below, "/")
		return d.announced(id, what, m), true
	}
	if len(these) > 1 {
		return dialect.Told{Ignored: []dialect.Ignored{shared(these)}}, true
	}
	return these[0].read(m.Topic[strings.LastIndexByte(m.Topic, '/')+1:], m), true
}

func ignored(id, what, why string) dialect.Told {
	return dialect.Told{Ignored: []dialect.Ignored{{ID: id, What: what, Why: why, Fault: true}}}
}

// announced takes a message of the discovery.
func (d *Discovery) announced(id, what string, m dialect.Message) dialect.Told {
	one := d.devices[id]
	switch {
	case what != "config" && what != "sensors":
		return ignored(id, m.Topic, "neither config nor sensors")
	case len(m.Payload) == 0 && what == "config":
		return d.remove(id)
	case len(m.Payload) == 0:
		return dialect.Told{}
	case one == nil && len(d.devices) >= mostDevices:
		return ignored(id, m.Topic, fmt.Sprintf("more than %d devices", mostDevices))
	case one == nil:
		one = &device{id: id, units: make(map[string]string)}
		d.devices[id] = one
	}
	before := one.config
	var left []dialect.Status
	if what == "sensors" {
		var all struct {
			Sensors json.RawMessage `json:"sn"`
		}
		if err := json.Unmarshal(m.Payload, &all); err != nil {
			return ignored(id, m.Topic, "no JSON object: "+home.Misread(err).Error())
		}
		one.sample = leaves(all.Sensors, nil, nil)
		maps.Copy(one.units, unitsOf(one.sample))
	} else {
		c, err := parseConfig(m.Payload)
		if err != nil {
			return ignored(id, m.Topic, err.Error())
		}
		left = d.forget(one)
		one.config = c
		one.cmnd, one.stat, one.tele = c.topic(0), c.topic(1), c.topic(2)
		d.byTopic[one.stat] = append(d.byTopic[one.stat], one)
		if one.tele != one.stat {
			d.byTopic[one.tele] = append(d.byTopic[one.tele], one)
		}
	}
	if one.config.Topic == "" {
		return dialect.Told{} // its sensors came first
	}
	one.build()
	if len(one.features) == 0 {
		return dialect.Told{Statuses: left, Ignored: []dialect.Ignored{{ID: id, What: one.config.label(), Why: "it has nothing to read or set yet"}}}
	}
	t := dialect.Told{Devices: []dialect.Device{{ID: id, Label: one.config.label(), Properties: one.properties()}}, Statuses: left}
	if these := d.byTopic[one.stat]; len(these) > 1 {
		t.Ignored = append(t.Ignored, shared(these))
		for _, other := range these {
			t.Statuses = append(t.Statuses, dialect.Status{ID: other.id, State: home.Offline, Reason: shared(these).Why})
		}
		return t
	}
	if before.Topic == "" { // it is new: ask how it is
		t.Send = []dialect.Message{{Topic: one.cmnd + "STATE"}, {Topic: one.cmnd + "STATUS", Payload: []byte("10")}}
	}
	return t
}

func (d *Discovery) remove(id string) dialect.Told {
	one := d.devices[id]
	if one == nil {
		return dialect.Told{}
	}
	left := d.forget(one)
	delete(d.devices, id)
	return dialect.Told{Gone: []string{id}, Statuses: left}
}

// build makes one list of all that the device can tell and be set to.
func (one *device) build() {
	shutters := 0
	for _, l := range one.sample {
		if n, ok := isShutter(l.path[0]); ok {
			shutters = max(shutters, n)
		}
	}
	one.features, one.motors = one.config.features(shutters), one.config.motors(shutters)
	one.states = make(map[string]bool)
	for _, f := range one.features {
		for _, key := range f.keys {
			one.states[key] = true
		}
	}
	one.features = append(one.features, sensors(one.sample, one.units, one.states)...)
	one.byName = make(map[string]*feature)
	for i := range one.features {
		f := &one.features[i]
		word := f.Name
		for n := 2; one.byName[f.Name] != nil; n++ {
			tail := fmt.Sprintf("_%d", n)
			f.Name = word[:min(len(word), home.MaxWord-len(tail))] + tail
		}
		one.byName[f.Name] = f
	}
}

func (one *device) properties() []home.Property {
	list := make([]home.Property, len(one.features))
	for i, f := range one.features {
		list[i] = f.Property
	}
	return list
}

// Command says what to send so that the device sets the property.
func (d *Discovery) Command(id, property string, v home.Value) (dialect.Order, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one, f, err := d.find(id, property)
	if err != nil {
		return dialect.Order{}, err
	}
	if f.command == "" {
		return dialect.Order{}, fmt.Errorf("%s cannot be set", property)
	}
	if these := d.byTopic[one.stat]; len(these) > 1 {
		return dialect.Order{}, errors.New(shared(these).Why)
	}
	topic, payload := one.cmnd+f.command, v.String()
	switch {
	case f.inverted && v.Kind() == home.Number:
		payload = home.NumberOf(100 - v.Number()).String()
	case f.Type == home.TypeBoolean && v.Kind() != home.Boolean:
		return dialect.Order{}, fmt.Errorf("%s is no boolean", v)
	case f.Type == home.TypeBoolean:
		payload = map[bool]string{true: "ON", false: "OFF"}[v.Boolean()]
	case f.words != nil:
		topic, payload = one.cmnd+f.words[v.Text()], ""
	}
	return dialect.Order{Message: dialect.Message{Topic: topic, Payload: []byte(payload)}, Confirmed: f.words == nil, Want: v}, nil
}

// Ask says what to send so that the device tells the property.
func (d *Discovery) Ask(id, property string) (dialect.Message, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one, f, err := d.find(id, property)
	switch {
	case err != nil:
		return dialect.Message{}, err
	case f.Type == home.TypeEvent || f.words != nil:
		return dialect.Message{}, fmt.Errorf("%s tells by itself and cannot be asked for", property)
	case f.path != nil || f.member != "":
		return dialect.Message{Topic: one.cmnd + "STATUS", Payload: []byte("10")}, nil
	}
	return dialect.Message{Topic: one.cmnd + "STATE"}, nil
}

func (d *Discovery) find(id, property string) (*device, *feature, error) {
	one := d.devices[id]
	if one == nil {
		return nil, nil, fmt.Errorf("%s does not announce itself any more", id)
	}
	f := one.byName[property]
	if f == nil {
		return nil, nil, fmt.Errorf("%s has no property %s", one.config.label(), property)
	}
	return one, f, nil
}
