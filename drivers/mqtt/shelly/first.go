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

// readFirst takes a message of the first generation.
func (s *Shelly) readFirst(below string, m dialect.Message) dialect.Told {
	id, what, more := strings.Cut(below, "/")
	if below == "announce" {
		var a struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(m.Payload, &a) == nil && a.ID != "" && s.devices[a.ID] == nil {
			return dialect.Told{Send: []dialect.Message{{Topic: s.base + a.ID + "/command", Payload: []byte("update")}}}
		}
		return dialect.Told{}
	}
	if !more || strings.HasSuffix(what, "command") || strings.HasSuffix(what, "/set") || strings.Contains(what, "command/") {
		return dialect.Told{}
	}
	if what == "online" {
		return s.firstOnline(id, string(m.Payload) == "true")
	}
	pattern, number := numbered(what)
	list, ok := olds[pattern]
	if !ok {
		why := oldNoise[pattern]
		if why == "" {
			why = "nothing that is known here"
		}
		return dialect.Told{Ignored: []dialect.Ignored{{ID: id, What: m.Topic, Why: why}}}
	}
	before := s.devices[id]
	d := s.enter(id, s.base+id)
	if d == nil {
		return ignored(id, m.Topic, fmt.Sprintf("more than %d devices", mostDevices))
	}
	d.first = true
	var t dialect.Told
	if d.extend(list, what, number, m.Payload) {
		t.Devices = append(t.Devices, d.tell())
	}
	if online, said := s.online[d.topic]; before == nil && said && len(d.features) > 0 {
		t.Statuses = append(t.Statuses, d.reached(online))
	}
	d.readOld(what, m, &t)
	d.unknownMembers(list, what, m.Payload, &t)
	return t
}

// firstOnline takes whether a device is there, which may be said before the device is known.
func (s *Shelly) firstOnline(id string, online bool) dialect.Told {
	if topic := s.base + id; len(s.online) < mostDevices {
		s.online[topic] = online
	}
	if d := s.devices[id]; d != nil && d.first {
		return dialect.Told{Statuses: []dialect.Status{d.reached(online)}}
	}
	if d := s.byTopic[s.base+id]; d != nil { // one of the second generation whose topics are put there
		return dialect.Told{Statuses: []dialect.Status{d.reached(online)}}
	}
	return dialect.Told{}
}

// numbered turns relay/0/power into relay/#/power and 0.
func numbered(topic string) (pattern, number string) {
	words := strings.Split(topic, "/")
	if len(words) > 1 && len(words[1]) == 1 && words[1][0] >= '0' && words[1][0] <= '9' {
		number, words[1] = words[1], "#"
	}
	return strings.Join(words, "/"), number
}

// extend gives the device what a message has for the first time, and reports whether there was any.
func (d *device) extend(list []old, topic, number string, payload []byte) bool {
	var more []feature
	for i := range list {
		o := &list[i]
		known := func(f feature) bool { return f.key == topic && f.base == o.name }
		if slices.ContainsFunc(d.features, known) || o.path != nil && find(payload, o.path) == nil {
			continue
		}
		if o.path != nil && d.elsewhere(o, topic) {
			continue
		}
		more = append(more, o.feature(topic, number, slices.Concat(d.features, more)))
	}
	if len(more) == 0 {
		return false
	}
	d.features = append(d.features, more...)
	slices.SortStableFunc(d.features, func(a, b feature) int { return strings.Compare(a.key, b.key) })
	d.index()
	return true
}

// elsewhere reports whether a topic of its own has what a status has, too.
func (d *device) elsewhere(o *old, topic string) bool {
	output, _ := strings.CutSuffix(topic, "/status")
	return slices.ContainsFunc(d.features, func(f feature) bool { return f.base == o.name && f.key == output+"/"+o.name })
}

// feature makes the property of a topic; the first of a name has it without a number.
func (o *old) feature(topic, number string, others []feature) feature {
	name := o.name
	if number != "" && number != "0" || has(others, name) {
		name = dialect.Word(name + "_" + number)
	}
	for n := 2; has(others, name); n++ {
		name = dialect.Word(fmt.Sprintf("%s_%s_%d", o.name, number, n))
	}
	f := feature{Property: home.Property{Name: name, Type: o.kind, Unit: o.unit, Options: o.options, Settable: o.command != ""},
		base: o.name, key: topic, path: o.path, valid: o.valid, words: o.words, blind: o.blind, silent: o.blind}
	if o.max > o.min {
		f.Min, f.Max = new(o.min), new(o.max)
	}
	if o.command == "" {
		return f
	}
	command := strings.Replace(o.command, "#", number, 1)
	f.set = func(v home.Value) (string, string) {
		switch {
		case o.member != "":
			return command, fmt.Sprintf("{%q:%s}", o.member, v.AppendJSON(nil))
		case v.Kind() == home.Boolean:
			return command, map[bool]string{true: "on", false: "off"}[v.Boolean()]
		}
		return command, v.String()
	}
	return f
}

// readOld takes what a message of the first generation says.
func (d *device) readOld(topic string, m dialect.Message, t *dialect.Told) {
	for _, f := range d.byKey[topic] {
		switch {
		case f.silent:
			continue
		case f.Type == home.TypeEvent:
			d.readPress(f, m.Payload, t)
			continue
		}
		raw := json.RawMessage(m.Payload)
		if f.path != nil {
			if raw = find(m.Payload, f.path); raw == nil {
				continue
			}
		} else if !json.Valid(m.Payload) {
			raw = home.TextOf(string(m.Payload)).AppendJSON(nil)
		}
		v, why, fault := f.measured(raw)
		if f.valid != nil && string(find(m.Payload, f.valid)) == "false" {
			v, why, fault = home.Value{}, "the device says that it has no valid value", false
		}
		t.Readings = append(t.Readings, dialect.Reading{ID: d.id, Property: f.Name, Value: v, Unknown: why, Repeats: true})
		if fault {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: f.key, Why: why, Fault: true})
		}
	}
}

// readPress takes a press of a button. Devices repeat their last one with its count, each half minute
// say, and when they connect: the same count is no other press.
func (d *device) readPress(f *feature, payload []byte, t *dialect.Told) {
	var e struct {
		Event string
		Count *int `json:"event_cnt"`
	}
	if json.Unmarshal(payload, &e) != nil || clicks[e.Event] == "" {
		if e.Event != "" {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: f.key, Why: "the event " + strconv.Quote(e.Event) + " is not known here"})
		}
		return
	}
	before, counted := d.presses[f.key]
	if e.Count != nil {
		d.presses[f.key] = *e.Count
		if counted && before == *e.Count {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: f.key, Why: "a repetition of the last press"})
			return
		}
	}
	t.Readings = append(t.Readings, dialect.Reading{ID: d.id, Property: f.Name, Momentary: true, Value: home.TextOf(clicks[e.Event])})
}

// unknownMembers names what a status has and nobody takes.
func (d *device) unknownMembers(list []old, topic string, payload []byte, t *dialect.Told) {
	if !slices.ContainsFunc(list, func(o old) bool { return o.path != nil }) {
		return
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: topic, Why: "no JSON object: " + home.Misread(err).Error(), Fault: true})
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !statusNoise[name] && !slices.ContainsFunc(list, func(o old) bool { return o.path[0] == name }) {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: topic + "." + name, Why: "nothing that is known here"})
		}
	}
}
