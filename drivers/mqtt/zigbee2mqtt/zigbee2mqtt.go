// Package zigbee2mqtt speaks with the devices of a Zigbee2MQTT, of which the
// topics bridge/devices and bridge/groups tell everything: names, properties,
// their types, units, limits and options, and what can be set. No configuration is
// needed.
//
// A device is known by its IEEE address, so that it stays itself when it is given
// another name there. A group is a device, too, with what its members have in
// common with lights, switches, covers, locks, fans and climate. The link quality,
// which changes with each message, is left out unless it is asked for or the only
// thing that a device tells.
package zigbee2mqtt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// The most bytes of a message that are looked at.
const (
	longestState = 1 << 20
	longestList  = 32 << 20
)

// quality is the key of the link quality.
const quality = "linkquality"

// Options of a Zigbee2MQTT.
type Options struct {
	Base        string // its base_topic; empty: zigbee2mqtt
	LinkQuality bool   // tell the link quality, too
}

// Bridge understands what one Zigbee2MQTT says. It is a [dialect.Dialect] and a
// [dialect.Asker].
type Bridge struct {
	o    Options
	base string // with the slash

	mu      sync.Mutex
	devices []*device // of bridge/devices
	groups  []*device // of bridge/groups, which is kept as it came
	list    []group
	listed  bool // bridge/devices came
	damaged bool // it had an entry that is no device
	grouped bool // bridge/groups came
	byID    map[string]*device
	byTopic map[string]*device
	former  map[string]string // topics of devices under the names that they had, to their ids
	offline bool              // the bridge itself
}

// device is one device or group.
type device struct {
	id, label string
	topic     string
	features  []feature // those told to the house
	byName    map[string]*feature
	keys      map[string]int    // all that its messages may have: where in features, or untold
	reachable string            // online, offline, or empty: it does not tell
	common    []feature         // what a group takes over of it
	found     []json.RawMessage // of each feature, in the message that is read; reused
	told      []dialect.Reading // reused
}

// untold is a key that is known and not told to the house.
const untold = -1

var (
	_ dialect.Dialect = (*Bridge)(nil)
	_ dialect.Asker   = (*Bridge)(nil)

	_ dialect.Rememberer = (*Bridge)(nil)
)

// New makes a dialect that knows no device yet.
func New(o Options) *Bridge {
	if o.Base == "" {
		o.Base = "zigbee2mqtt"
	}
	return &Bridge{o: o, base: o.Base + "/", byID: make(map[string]*device), byTopic: make(map[string]*device), former: make(map[string]string)}
}

// Filters lists the topics of the bridge and of each device.
func (b *Bridge) Filters() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	filters := []string{b.base + "bridge/devices", b.base + "bridge/groups", b.base + "bridge/state"}
	for topic := range b.byTopic {
		filters = append(filters, topic, topic+"/availability")
	}
	slices.Sort(filters)
	return filters
}

// Read understands a message below the base topic.
func (b *Bridge) Read(m dialect.Message) (dialect.Told, bool) {
	below, ok := strings.CutPrefix(m.Topic, b.base)
	if !ok {
		return dialect.Told{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	most := longestState
	if below == "bridge/devices" {
		most = longestList
	}
	if len(m.Payload) > most {
		return ignored("", m.Topic, fmt.Sprintf("a message of %d bytes, expected at most %d", len(m.Payload), most), true), true
	}
	switch below {
	case "bridge/devices":
		return b.readDevices(m), true
	case "bridge/groups":
		return b.readGroups(m), true
	case "bridge/state":
		return b.readBridge(m.Payload), true
	}
	if d := b.byTopic[m.Topic]; d != nil {
		return d.read(m), true
	}
	if d := b.byID[b.former[m.Topic]]; d != nil { // it was said before the device was renamed, and waited in the broker
		return d.read(m), true
	}
	if topic, ok := strings.CutSuffix(m.Topic, "/availability"); ok && b.byTopic[topic] != nil {
		return b.byTopic[topic].readAvailability(m.Payload, b.offline), true
	}
	if d := b.ordered(m.Topic); d != nil {
		return ignored(d.id, m.Topic, "what somebody sends to the device; its answer counts", false), true
	}
	return ignored("", m.Topic, "no device of this name is in "+b.base+"bridge/devices", false), !strings.HasPrefix(below, "bridge/")
}

// ordered returns the device that a topic commands or asks: NAME/set, NAME/get/state.
func (b *Bridge) ordered(topic string) *device {
	for _, word := range []string{"/set", "/get"} {
		if i := strings.LastIndex(topic, word); i > 0 && (len(topic) == i+len(word) || topic[i+len(word)] == '/') && b.byTopic[topic[:i]] != nil {
			return b.byTopic[topic[:i]]
		}
	}
	return nil
}

// Remember takes the name that a device had in the run before.
func (b *Bridge) Remember(id, label string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remember(b.base+label, id)
}

// mostFormer bounds the names that are remembered.
const mostFormer = 10_000

func (b *Bridge) remember(topic, id string) {
	if len(b.former) < mostFormer {
		b.former[topic] = id
	}
}

func ignored(id, what, why string, fault bool) dialect.Told {
	return dialect.Told{Ignored: []dialect.Ignored{{ID: id, What: what, Why: why, Fault: fault}}}
}

// readBridge takes the state of the bridge: with it all its devices come and go.
func (b *Bridge) readBridge(payload []byte) dialect.Told {
	state := stateOf(payload)
	if state == "" {
		return ignored("", b.base+"bridge/state", neither(payload), len(payload) > 0)
	}
	b.offline = state == home.Offline
	var t dialect.Told
	for _, d := range slices.Concat(b.devices, b.groups) {
		st, _ := d.status(b.offline, b.o.Base)
		t.Statuses = append(t.Statuses, st)
	}
	return t
}

// readAvailability takes what Zigbee2MQTT thinks of one device.
func (d *device) readAvailability(payload []byte, bridgeOffline bool) dialect.Told {
	d.reachable = stateOf(payload)
	if d.reachable == "" && len(payload) > 0 {
		return ignored(d.id, d.topic+"/availability", neither(payload), true)
	}
	if bridgeOffline {
		return dialect.Told{}
	}
	st, _ := d.status(false, "")
	return dialect.Told{Statuses: []dialect.Status{st}}
}

// status is whether the device can be reached; ok is false, and the state empty, when nobody says.
func (d *device) status(bridgeOffline bool, base string) (st dialect.Status, ok bool) {
	switch {
	case bridgeOffline:
		return dialect.Status{ID: d.id, State: home.Offline, Reason: "Zigbee2MQTT (" + base + ") is offline"}, true
	case d.reachable == home.Offline:
		return dialect.Status{ID: d.id, State: home.Offline, Reason: "Zigbee2MQTT does not reach it"}, true
	case d.reachable == home.Online:
		return dialect.Status{ID: d.id, State: home.Online}, true
	}
	return dialect.Status{ID: d.id}, false
}

func neither(payload []byte) string {
	return "found " + excerpt(string(payload)) + ", expected online or offline"
}

// stateOf reads {"state":"online"}, or online as old versions write it.
func stateOf(payload []byte) string {
	var wrapped struct {
		State string `json:"state"`
	}
	text := string(bytes.TrimSpace(payload))
	if json.Unmarshal(payload, &wrapped) == nil {
		text = wrapped.State
	}
	if text == home.Online || text == home.Offline {
		return text
	}
	return ""
}
