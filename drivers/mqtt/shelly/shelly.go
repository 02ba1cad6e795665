// Package shelly takes in Shelly devices. Those of the second generation and later
// (Plus, Pro, Gen3, Gen4) speak RPC over MQTT: one that says <name>/online or tells an
// event is asked what it is and how it is. Those of the first generation speak below
// shellies/, each value on a topic of its own, and become known by what they say.
//
// A device is known by its id, which has the address of its network card. Values are
// called as everywhere; of several outputs each has Shelly's number: state_0, power_0.
package shelly

import (
	"encoding/json"
	"fmt"
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

// Options of the dialect.
type Options struct {
	Base   string // of the first generation; empty: shellies
	Source string // the topic to which devices answer, one for each gateway: hogar-casa
}

// Shelly understands what Shelly devices say. It is a [dialect.Dialect] and a
// [dialect.Asker].
type Shelly struct {
	base, source string // with the slash; without

	mu      sync.Mutex
	devices map[string]*device // by id
	byTopic map[string]*device // second generation: by topic prefix
	asked   map[string]bool    // topic prefixes
	calls   []string           // whom a call asked, by its number less one
	online  map[string]bool    // by topic prefix: what it says of itself
}

var (
	_ dialect.Dialect = (*Shelly)(nil)
	_ dialect.Asker   = (*Shelly)(nil)
)

// device is one device.
type device struct {
	id, label string
	topic     string // without a slash at its end
	first     bool   // of the first generation
	status    string // online or offline, as told last
	features  []feature
	byName    map[string]*feature
	byKey     map[string][]*feature // by component, or by topic below the device's
	presses   map[string]int        // first generation: by topic, the count of the last press
	settings  map[string]settings   // of components that people have added
	paged     bool                  // those were asked for
	missed    map[string]bool       // components for which the device was asked once more
}

// New makes a dialect that knows no device yet.
func New(o Options) *Shelly {
	if o.Base == "" {
		o.Base = "shellies"
	}
	if o.Source == "" {
		o.Source = "hogar-shelly"
	}
	return &Shelly{base: o.Base + "/", source: o.Source, devices: make(map[string]*device), byTopic: make(map[string]*device), asked: make(map[string]bool), online: make(map[string]bool)}
}

// Filters lists the topics of all devices.
func (s *Shelly) Filters() []string {
	return []string{"+/events/rpc", "+/online", s.base + "#", s.source + "/rpc"}
}

// Read understands a message.
func (s *Shelly) Read(m dialect.Message) (dialect.Told, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	below, first := strings.CutPrefix(m.Topic, s.base)
	topic, online := strings.CutSuffix(m.Topic, "/online")
	from, event := strings.CutSuffix(m.Topic, "/events/rpc")
	answer := m.Topic == s.source+"/rpc"
	switch {
	case !first && !online && !event && !answer:
		return dialect.Told{}, false
	case len(m.Payload) > longest:
		return ignored("", m.Topic, fmt.Sprintf("a message of %d bytes, expected at most %d", len(m.Payload), longest)), true
	case len(m.Payload) == 0:
		return dialect.Told{}, true
	case first && !event:
		return s.readFirst(below, m), true
	case online:
		return s.readOnline(topic, string(m.Payload))
	}
	return s.readRPC(from, m), true
}

func ignored(id, what, why string) dialect.Told {
	return dialect.Told{Ignored: []dialect.Ignored{{ID: id, What: what, Why: why, Fault: true}}}
}

// readOnline takes whether a device is there. Many others have such a topic, too.
func (s *Shelly) readOnline(topic, text string) (dialect.Told, bool) {
	if text != "true" && text != "false" {
		return dialect.Told{}, false
	}
	var t dialect.Told
	if d := s.byTopic[topic]; d != nil {
		t.Statuses = append(t.Statuses, d.reached(text == "true"))
	}
	if text == "true" && !s.asked[topic] && len(s.asked) < mostDevices {
		t.Send = s.ask(topic)
	}
	return t, true
}

// reached is whether the device can be.
func (d *device) reached(online bool) dialect.Status {
	st := dialect.Status{ID: d.id, State: home.Online}
	if !online {
		st.State, st.Reason = home.Offline, "the device is not connected to the broker"
	}
	d.status = st.State
	return st
}

// enter returns the device of that id, new when it is not known; nil when there are
// too many.
func (s *Shelly) enter(id, topic string) *device {
	d := s.devices[id]
	if d == nil {
		if len(s.devices) >= mostDevices {
			return nil
		}
		d = &device{id: id, label: id, byName: make(map[string]*feature), byKey: make(map[string][]*feature),
			presses: make(map[string]int), settings: make(map[string]settings), missed: make(map[string]bool)}
		s.devices[id] = d
	}
	d.topic = topic
	return d
}

// tell describes the device.
func (d *device) tell() dialect.Device {
	list := make([]home.Property, len(d.features))
	for i, f := range d.features {
		list[i] = f.Property
	}
	return dialect.Device{ID: d.id, Label: d.label, Properties: list}
}

// index makes the device's maps of its features anew.
func (d *device) index() {
	clear(d.byName)
	clear(d.byKey)
	for i := range d.features {
		f := &d.features[i]
		d.byName[f.Name] = f
		d.byKey[f.key] = append(d.byKey[f.key], f)
	}
}

// Command says what to send so that the device sets the property.
func (s *Shelly) Command(id, property string, v home.Value) (dialect.Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, f, err := s.find(id, property)
	if err != nil {
		return dialect.Order{}, err
	}
	if f.set == nil {
		return dialect.Order{}, fmt.Errorf("%s cannot be set", property)
	}
	topic, payload := f.set(v)
	if !d.first {
		payload = s.request(0, topic, payload)
		topic = "rpc"
	}
	return dialect.Order{Message: dialect.Message{Topic: d.topic + "/" + topic, Payload: []byte(payload)}, Confirmed: !f.blind, Want: v}, nil
}

// request is a call by RPC. The answer has its number.
func (s *Shelly) request(number int, method, params string) string {
	src, _ := json.Marshal(s.source) // a text always encodes
	if params == "" {
		params = "{}"
	}
	return fmt.Sprintf(`{"id":%d,"src":%s,"method":%q,"params":%s}`, number, src, method, params)
}

// Ask says what to send so that the device tells the property.
func (s *Shelly) Ask(id, property string) (dialect.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, f, err := s.find(id, property)
	switch {
	case err != nil:
		return dialect.Message{}, err
	case f.Type == home.TypeEvent || f.silent:
		return dialect.Message{}, fmt.Errorf("%s tells by itself and cannot be asked for", property)
	case d.first:
		return dialect.Message{Topic: d.topic + "/command", Payload: []byte("update")}, nil
	}
	return dialect.Message{Topic: d.topic + "/rpc", Payload: []byte(s.request(0, "Shelly.GetStatus", ""))}, nil
}

func (s *Shelly) find(id, property string) (*device, *feature, error) {
	d := s.devices[id]
	if d == nil {
		return nil, nil, fmt.Errorf("%s has not been heard of yet", id)
	}
	f := d.byName[property]
	if f == nil {
		return nil, nil, fmt.Errorf("%s has no property %s yet", d.label, property)
	}
	return d, f, nil
}

// has reports whether the list has a feature of that name.
func has(list []feature, name string) bool {
	return slices.ContainsFunc(list, func(f feature) bool { return f.Name == name })
}
