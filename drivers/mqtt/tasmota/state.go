package tasmota

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// read takes a message of a device; what is the last word of its topic.
func (one *device) read(what string, m dialect.Message) dialect.Told {
	switch {
	case len(m.Payload) == 0:
		return dialect.Told{}
	case what == "LWT":
		return one.readWill(string(m.Payload))
	case strings.HasPrefix(what, "POWER"):
		var t dialect.Told
		one.state(what, json.RawMessage(home.TextOf(string(m.Payload)).AppendJSON(nil)), &t)
		return t
	case what == "STATE", what == "RESULT":
		return one.readStates(m)
	case what == "SENSOR":
		return one.readSensors(m.Topic, m.Payload)
	case what == "STATUS10":
		var status struct {
			Sensors json.RawMessage `json:"StatusSNS"`
		}
		if err := json.Unmarshal(m.Payload, &status); err != nil {
			return ignored(one.id, m.Topic, "no JSON object: "+home.Misread(err).Error())
		}
		return one.readSensors(m.Topic, status.Sensors)
	}
	return dialect.Told{Ignored: []dialect.Ignored{{ID: one.id, What: m.Topic, Why: "an answer that tells no state"}}}
}

// readWill takes whether the device is there.
func (one *device) readWill(text string) dialect.Told {
	st := dialect.Status{ID: one.id, State: home.Online}
	switch text {
	case one.config.Online:
	case one.config.Offline:
		st.State, st.Reason = home.Offline, "the device is not connected to the broker"
	default:
		return ignored(one.id, one.tele+"LWT", "found "+strconv.Quote(text)+", expected "+one.config.Online+" or "+one.config.Offline)
	}
	return dialect.Told{Statuses: []dialect.Status{st}}
}

// readStates takes the states of relays, lights, shutters and buttons.
func (one *device) readStates(m dialect.Message) dialect.Told {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(m.Payload, &members); err != nil {
		return ignored(one.id, m.Topic, "no JSON object: "+home.Misread(err).Error())
	}
	var t dialect.Told
	for _, f := range one.features {
		for _, key := range f.keys {
			if raw, ok := members[key]; ok {
				one.state(key, raw, &t)
				break
			}
		}
	}
	return t
}

// state takes one state by its key.
func (one *device) state(key string, raw json.RawMessage, t *dialect.Told) {
	i := slices.IndexFunc(one.features, func(f feature) bool { return slices.Contains(f.keys, key) })
	if i < 0 {
		return
	}
	f := &one.features[i]
	r := dialect.Reading{ID: one.id, Property: f.Name, Repeats: true}
	var inner struct {
		Position *json.RawMessage
		Action   string
	}
	switch {
	case f.Type == home.TypeEvent:
		if json.Unmarshal(raw, &inner) != nil || inner.Action == "" {
			return
		}
		r.Momentary, r.Value = true, home.TextOf(strings.ToLower(inner.Action))
	case strings.HasPrefix(key, "Shutter"):
		if json.Unmarshal(raw, &inner) != nil || inner.Position == nil {
			return
		}
		raw = *inner.Position
		fallthrough
	default:
		r.Value, r.Unknown = f.value(raw, one.config.States)
	}
	t.Readings = append(t.Readings, r)
	if r.Unknown != "" && string(raw) != "null" {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: key, Why: r.Unknown, Fault: true})
	}
}

// value reads one member; why says why it is unknown.
func (f *feature) value(raw json.RawMessage, states []string) (v home.Value, why string) {
	v, err := home.ParseValue(raw)
	if err == nil && !v.Known() {
		return v, dialect.SentNull
	}
	ok := err == nil
	switch f.Type {
	case home.TypeBoolean:
		switch {
		case v.Kind() == home.Boolean:
		case len(states) > 1 && v.Text() == states[1] || v.String() == "ON" || v.String() == "1":
			v = home.BooleanOf(true)
		case len(states) > 1 && v.Text() == states[0] || v.String() == "OFF" || v.String() == "0":
			v = home.BooleanOf(false)
		default:
			ok = false
		}
	case home.TypeNumber:
		if v.Kind() == home.Text {
			n, err := strconv.ParseFloat(strings.TrimSpace(v.Text()), 64)
			v, ok = home.NumberOf(n), err == nil && home.NumberOf(n).Known()
		}
		ok = ok && v.Kind() == home.Number
	default:
		v = home.TextOf(v.String())
	}
	if !ok {
		return home.Value{}, "found " + string(raw[:min(len(raw), 40)]) + ", expected a " + string(f.Type)
	}
	return v, ""
}

// readSensors takes what the sensors tell, which is measured anew each time.
func (one *device) readSensors(topic string, text []byte) dialect.Told {
	if !json.Valid(text) {
		return ignored(one.id, topic, "no JSON object")
	}
	var t dialect.Told
	for _, l := range leaves(text, nil, nil) {
		i := slices.IndexFunc(one.features, func(f feature) bool { return f.path != nil && slices.Equal(f.path, l.path) })
		if i < 0 {
			if !quiet[l.path[len(l.path)-1]] {
				t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: strings.Join(l.path, "."), Why: "not among the sensors that the device announced"})
			}
			continue
		}
		f := &one.features[i]
		v, why := f.value(l.raw, nil)
		t.Readings = append(t.Readings, dialect.Reading{ID: one.id, Property: f.Name, Value: v, Unknown: why})
		if why != "" && string(l.raw) != "null" {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: strings.Join(l.path, "."), Why: why, Fault: true})
		}
	}
	return t
}
