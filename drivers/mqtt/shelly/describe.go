package shelly

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// mostFeatures bounds the properties of one device.
const mostFeatures = 200

// labelOf is what a device without a name of its own is called: as its topics are, which
// people choose; else by its id.
func labelOf(id, topic string) string {
	if topic != "" {
		return topic
	}
	return id
}

// describe takes the whole state of a device, of which it makes its properties.
func (s *Shelly) describe(topic, id string, status json.RawMessage, t *dialect.Told) {
	var components map[string]json.RawMessage
	if json.Unmarshal(status, &components) != nil {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: id, What: topic, Why: "no state of a device", Fault: true})
		return
	}
	known := s.devices[id] != nil
	d := s.enter(id, topic)
	if d == nil {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: id, What: topic, Why: fmt.Sprintf("more than %d devices", mostDevices), Fault: true})
		return
	}
	if !known {
		d.label = labelOf(id, topic)
	}
	s.byTopic[topic], s.asked[topic] = d, true
	added := slices.DeleteFunc(slices.Clone(d.features), func(f feature) bool { return components[f.key] != nil || !dynamic[kindOf(f.key)] })
	d.features = nil
	for _, key := range slices.Sorted(maps.Keys(components)) {
		d.take(key, components[key], components, t)
	}
	d.features = append(d.features, added...)
	s.askComponents(d, components, t)
	if d.index(); len(d.features) == 0 {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: id, What: topic, Why: "it has nothing that is known here"})
		return
	}
	t.Devices = append(t.Devices, d.tell())
	t.Statuses = append(t.Statuses, d.reached(true))
	d.readStatus(status, t)
}

func kindOf(key string) string {
	kind, _, _ := strings.Cut(key, ":")
	return kind
}

// take makes the properties of one component, and names what of it is not taken.
func (d *device) take(key string, state json.RawMessage, all map[string]json.RawMessage, t *dialect.Told) {
	ignore := func(what, why string) {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: what, Why: why})
	}
	kind, number, _ := strings.Cut(key, ":")
	if _, err := strconv.ParseUint(number, 10, 32); err != nil { // it goes into commands
		if !services[kind] {
			ignore(key, "no component that is known here")
		}
		return
	}
	list, known := parts[kind]
	switch {
	case kind == "group":
		ignore(key, "a group of components, each of which is taken by itself")
		return
	case !known && !services[kind]:
		ignore(key, "no component that is known here")
		return
	}
	several := dynamic[kind] || max(count(all, kind), count(all, paired[kind])) > 1
	for _, p := range list {
		p, ok := p.suits(kind, state, d.settings[key])
		if !ok {
			continue
		}
		name := d.free(p.name, number, kind, several)
		if len(d.features) >= mostFeatures {
			ignore(key+" "+p.name, fmt.Sprintf("more than %d properties", mostFeatures))
			continue
		}
		d.features = append(d.features, p.feature(key, number, name, d.settings[key]))
	}
	d.leftOver(key, state, list, ignore)
}

func count(all map[string]json.RawMessage, kind string) int {
	n := 0
	for key := range all {
		if kindOf(key) == kind {
			n++
		}
	}
	return n
}

// free finds a name that the device does not have yet.
func (d *device) free(name, number, kind string, several bool) string {
	if !several && !has(d.features, name) {
		return name
	}
	for _, one := range []string{name + "_" + number, kind + "_" + name + "_" + number} {
		if one = dialect.Word(one); !has(d.features, one) {
			return one
		}
	}
	return dialect.Word(fmt.Sprintf("%s_%s_%d", name, number, len(d.features)))
}

// leftOver names the members of a component that no part takes.
func (d *device) leftOver(key string, state json.RawMessage, list []part, ignore func(what, why string)) {
	var members map[string]json.RawMessage
	if json.Unmarshal(state, &members) != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		taken := slices.ContainsFunc(list, func(p part) bool { return len(p.path) > 0 && p.path[0] == name })
		switch {
		case taken || noise[name] || services[kindOf(key)]:
		case strings.HasSuffix(name, "errors"):
			if len(members[name]) > len("[]") {
				ignore(key+"."+name, "the device reports "+string(members[name][:min(len(members[name]), 80)]))
			}
		default:
			ignore(key+"."+name, "nothing that is known here")
		}
	}
}

// componentPage is an answer to Shelly.GetComponents, which comes in pages.
type componentPage struct {
	Components []struct {
		Key    string          `json:"key"`
		Status json.RawMessage `json:"status"`
		Config settings        `json:"config"`
	} `json:"components"`
	Offset int `json:"offset"`
	Total  int `json:"total"`
}

// askComponents asks a device, once, for the components that people have added: the
// state of a device does not have them all, nor what they are.
func (s *Shelly) askComponents(d *device, components map[string]json.RawMessage, t *dialect.Told) {
	added := func(key string) bool { return dynamic[kindOf(key)] }
	if d.paged || !slices.ContainsFunc(slices.Collect(maps.Keys(components)), added) || len(s.calls) >= 4*mostDevices {
		return
	}
	d.paged = true
	s.calls = append(s.calls, d.topic)
	t.Send = append(t.Send, s.call(len(s.calls), "Shelly.GetComponents", componentsFrom(0))...)
}

func componentsFrom(offset int) string {
	return fmt.Sprintf(`{"dynamic_only":true,"include":["status","config"],"offset":%d}`, offset)
}

// readComponents takes a page of the components that people have added.
func (s *Shelly) readComponents(f frame, page componentPage, t *dialect.Told) {
	d := s.devices[f.Src]
	if d == nil {
		return
	}
	all := make(map[string]json.RawMessage)
	for _, c := range page.Components {
		if !dynamic[kindOf(c.Key)] || len(d.settings) >= mostFeatures {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: f.Src, What: c.Key, Why: "no component that people add, or too many of them"})
			continue
		}
		all[c.Key], d.settings[c.Key] = c.Status, c.Config
		d.features = slices.DeleteFunc(d.features, func(o feature) bool { return o.key == c.Key })
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		d.take(key, all[key], all, t)
	}
	d.index()
	if len(d.features) > 0 {
		t.Devices = append(t.Devices, d.tell())
		status, _ := json.Marshal(all)
		d.readStatus(status, t)
	}
	if next := page.Offset + len(page.Components); next < page.Total && len(page.Components) > 0 && f.ID > 0 && f.ID <= len(s.calls) {
		t.Send = s.call(f.ID, "Shelly.GetComponents", componentsFrom(next))
	}
}

// lookAgain asks for the whole state when the device tells of a component that it did not have: somebody
// has added it. Each is asked for once.
func (s *Shelly) lookAgain(d *device, status json.RawMessage, t *dialect.Told) {
	var components map[string]json.RawMessage
	if json.Unmarshal(status, &components) != nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(components)) {
		kind := kindOf(key)
		if services[kind] || kind == "group" || len(d.byKey[key]) > 0 {
			continue
		}
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: key, Why: "the device did not have it when it told what it has"})
		if parts[kind] != nil && !d.missed[key] && len(d.missed) < mostFeatures && len(s.calls) < 4*mostDevices {
			d.missed[key], d.paged = true, false
			s.calls = append(s.calls, d.topic)
			t.Send = append(t.Send, s.call(len(s.calls), "Shelly.GetStatus", "")...)
			s.askComponents(d, components, t)
		}
	}
}

// gains gives a device on Bluetooth its button when the button is first pushed.
func (d *device) gains(key, event string, t *dialect.Told) {
	kind, number, _ := strings.Cut(key, ":")
	has := func(f *feature) bool { return f.Type == home.TypeEvent }
	if kind != "bthomedevice" && kind != "bthomesensor" || !slices.Contains(gestures, event) || slices.ContainsFunc(d.byKey[key], has) || len(d.features) >= mostFeatures {
		return
	}
	if _, err := strconv.ParseUint(number, 10, 32); err != nil {
		return
	}
	p := part{name: "action", kind: home.TypeEvent, options: gestures}
	d.features = append(d.features, p.feature(key, number, d.free(p.name, number, kind, true), settings{}))
	d.index()
	t.Devices = append(t.Devices, d.tell())
}
