package zigbee2mqtt

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// entry is one device of bridge/devices.
type entry struct {
	Address    string `json:"ieee_address"`
	Type       string `json:"type"`
	Name       string `json:"friendly_name"`
	Disabled   bool   `json:"disabled"`
	Interview  string `json:"interview_state"`
	Definition *struct {
		Exposes []json.RawMessage `json:"exposes"`
	} `json:"definition"`
}

// group is one group of bridge/groups.
type group struct {
	ID      int    `json:"id"`
	Name    string `json:"friendly_name"`
	Members []struct {
		Address string `json:"ieee_address"`
	} `json:"members"`
}

// readDevices takes the list of all devices. Who is not in a list with an entry that is no
// device may be that one, and so stays.
func (b *Bridge) readDevices(m dialect.Message) dialect.Told {
	var entries []json.RawMessage
	if err := json.Unmarshal(m.Payload, &entries); err != nil || entries == nil {
		return ignored("", m.Topic, "no list of devices: "+cmp.Or(home.Misread(err), errNull).Error(), true)
	}
	var t dialect.Told
	before, devices := b.byID, b.devices
	b.devices, b.listed, b.damaged = nil, true, false
	seen := make(map[string]bool)
	for i, text := range entries {
		var e entry
		if err := json.Unmarshal(text, &e); err != nil || e.Address == "" {
			why := "no device: " + cmp.Or(home.Misread(err), errNoAddress).Error()
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: e.Address, What: m.Topic + " entry " + strconv.Itoa(i), Why: why, Fault: true})
			b.damaged = true
			continue
		}
		if why := e.unfit(b.base); why != "" || seen[e.Address] {
			if e.Type != "Coordinator" {
				t.Ignored = append(t.Ignored, dialect.Ignored{ID: e.Address, What: cmp.Or(e.Name, e.Address), Why: why})
			}
			continue
		}
		seen[e.Address] = true
		d := b.device(e, &t)
		if d == nil {
			continue
		}
		if old := before[d.id]; old != nil {
			d.reachable = old.reachable
		}
		b.devices = append(b.devices, d)
	}
	for _, d := range devices {
		if b.damaged && !seen[d.id] {
			b.devices = append(b.devices, d)
		}
	}
	b.rebuild(&t)
	return t
}

var (
	errNull      = errors.New("found null")
	errNoAddress = errors.New("it has no ieee_address")
)

// unfit says why the entry is no device of the house, or nothing.
func (e *entry) unfit(base string) string {
	noName := dialect.CheckTopic(base + e.Name)
	switch {
	case e.Type == "Coordinator":
		return "the coordinator itself"
	case e.Disabled:
		return "disabled in Zigbee2MQTT"
	case e.Name == "":
		return "it has no friendly_name"
	case noName != nil:
		return "its name makes no topic: " + noName.Error()
	case e.Definition == nil && e.Interview != "" && e.Interview != "SUCCESSFUL":
		return "its interview is not finished"
	case e.Definition == nil:
		return "Zigbee2MQTT does not support it"
	}
	return ""
}

// device makes a device of an entry; nil when nothing of it can be read or set.
func (b *Bridge) device(e entry, t *dialect.Told) *device {
	ignore := func(what, why string) {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: e.Address, What: what, Why: why})
	}
	all := merge(features(e.Definition.Exposes, 0, ignore), ignore)
	d := newDevice(e.Address, e.Name, b.base+e.Name, all)
	isQuality := func(f feature) bool { return f.key == quality }
	if others := slices.DeleteFunc(slices.Clone(all), isQuality); !b.o.LinkQuality && len(others) > 0 && len(others) < len(all) {
		d = newDevice(e.Address, e.Name, b.base+e.Name, others)
		d.keys[quality] = untold
		ignore(quality, "it changes with each message: off unless asked for")
	}
	if len(d.features) == 0 {
		ignore(e.Name, "it has nothing to read or set")
		return nil
	}
	d.common = common(e.Definition.Exposes)
	return d
}

func newDevice(id, label, topic string, list []feature) *device {
	d := &device{id: id, label: label, topic: topic, features: list, byName: make(map[string]*feature), keys: make(map[string]int)}
	for i := range list {
		d.byName[list[i].Name], d.keys[list[i].key] = &list[i], i
	}
	return d
}

// common lists what a group can set of a device: the features of its light,
// switch, cover, lock, fan or climate that belong to no endpoint.
func common(exposes []json.RawMessage) []feature {
	var list []feature
	for _, text := range exposes {
		var e struct {
			Type     string            `json:"type"`
			Property string            `json:"property"`
			Endpoint string            `json:"endpoint"`
			Features []json.RawMessage `json:"features"`
		}
		if json.Unmarshal(text, &e) == nil && e.Property == "" && e.Endpoint == "" {
			list = append(list, features(e.Features, 1, func(string, string) {})...)
		}
	}
	return list
}

// readGroups takes the list of all groups.
func (b *Bridge) readGroups(m dialect.Message) dialect.Told {
	var list []group
	if err := json.Unmarshal(m.Payload, &list); err != nil || list == nil {
		return ignored("", m.Topic, "no list of groups: "+cmp.Or(home.Misread(err), errNull).Error(), true)
	}
	if slices.ContainsFunc(list, func(g group) bool { return g.Name == "" }) {
		return ignored("", m.Topic, "no list of groups: one has no friendly_name", true)
	}
	b.list, b.grouped = list, true
	var t dialect.Told
	b.rebuild(&t)
	return t
}

// rebuild makes the groups of the devices there are, and tells all of both.
func (b *Bridge) rebuild(t *dialect.Told) {
	if !b.listed {
		return // the members are not known yet
	}
	before := b.byID
	b.byID, b.byTopic, b.groups = make(map[string]*device), make(map[string]*device), nil
	for _, d := range b.devices {
		b.byID[d.id], b.byTopic[d.topic] = d, d
		if old := before[d.id]; old != nil && old.topic != d.topic {
			b.remember(old.topic, d.id)
		}
	}
	for _, g := range b.list {
		if d := b.group(g, t); d != nil {
			if old := before[d.id]; old != nil {
				d.reachable = old.reachable
			}
			b.groups = append(b.groups, d)
			b.byID[d.id], b.byTopic[d.topic] = d, d
		}
	}
	t.Whole = b.grouped && !b.damaged
	for _, d := range slices.Concat(b.devices, b.groups) {
		t.Devices = append(t.Devices, dialect.Device{ID: d.id, Label: d.label, Properties: d.properties()})
		if _, known := before[d.id]; !known && b.offline {
			st, _ := d.status(true, b.o.Base)
			t.Statuses = append(t.Statuses, st)
		}
	}
}

// group makes a device of a group; nil when it has nothing to set.
func (b *Bridge) group(g group, t *dialect.Told) *device {
	id := fmt.Sprintf("%sgroup/%d", b.base, g.ID)
	var list []feature
	for _, m := range g.Members {
		if d := b.byID[m.Address]; d != nil {
			list = append(list, d.common...)
		}
	}
	list = merge(list, func(string, string) {})
	why := ""
	switch topic := b.base + g.Name; {
	case dialect.CheckTopic(topic) != nil:
		why = "its name makes no topic: " + dialect.CheckTopic(topic).Error()
	case b.byTopic[topic] != nil:
		why = "a device has the same name"
	case len(list) == 0:
		why = "a group of nothing that can be set"
	default:
		return newDevice(id, g.Name, topic, list)
	}
	t.Ignored = append(t.Ignored, dialect.Ignored{ID: id, What: g.Name, Why: why})
	return nil
}

func (d *device) properties() []home.Property {
	list := make([]home.Property, len(d.features))
	for i, f := range d.features {
		list[i] = f.Property
	}
	return list
}
