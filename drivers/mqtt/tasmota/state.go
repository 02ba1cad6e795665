package tasmota

import (
	"encoding/json"
	"maps"
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
	case strings.HasPrefix(what, "POWER"), strings.HasPrefix(what, "SHUTTER") && json.Valid(m.Payload) && m.Payload[0] != '{':
		var t dialect.Told
		if !one.state(what, json.RawMessage(home.TextOf(string(m.Payload)).AppendJSON(nil)), &t) {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: what, Why: one.why(what)})
		}
		return t
	case what == "STATE", what == "RESULT":
		return one.readStates(m.Topic, m.Payload)
	case what == "SENSOR":
		return one.readSensors(m.Topic, m.Payload)
	case what == "STATUS8", what == "STATUS10", what == "STATUS11":
		var status struct {
			Sensors json.RawMessage `json:"StatusSNS"`
			States  json.RawMessage `json:"StatusSTS"`
		}
		if err := json.Unmarshal(m.Payload, &status); err != nil {
			return ignored(one.id, m.Topic, "no JSON object: "+home.Misread(err).Error())
		}
		if status.States != nil {
			return one.readStates(m.Topic, status.States)
		}
		return one.readSensors(m.Topic, status.Sensors)
	}
	// with SetOption4 an answer comes below the name of its command
	if t := one.readStates(m.Topic, m.Payload); len(t.Readings) > 0 {
		return t
	}
	return dialect.Told{Ignored: []dialect.Ignored{{ID: one.id, What: m.Topic, Why: "an answer that tells no state"}}}
}

// asleep is the word of a device that goes to sleep.
const asleep = "DeepSleep"

// readWill takes whether the device is there. One that sleeps is not away: what it said holds.
func (one *device) readWill(text string) dialect.Told {
	st := dialect.Status{ID: one.id, State: home.Online}
	switch {
	case text == one.config.Online, text == asleep:
	case text == one.config.Offline && one.config.Sleeps == 1:
		st.State = ""
	case text == one.config.Offline:
		st.State, st.Reason = home.Offline, "the device is not connected to the broker"
	default:
		return ignored(one.id, one.tele+"LWT", "found "+strconv.Quote(text)+", expected "+one.config.Online+" or "+one.config.Offline)
	}
	return dialect.Told{Statuses: []dialect.Status{st}}
}

// stateless are members of STATE and RESULT that are about the device itself.
var stateless = map[string]bool{"Time": true, "Uptime": true, "UptimeSec": true, "Heap": true, "SleepMode": true, "Sleep": true, "LoadAvg": true, "MqttCount": true,
	"Berry": true, "Wifi": true, "Ethernet": true, "Hostname": true, "IPAddress": true, "TempUnit": true, "PressureUnit": true, "SpeedUnit": true}

// why says why a member of a state is not taken.
func (one *device) why(key string) string {
	if why := one.motors[key]; why != "" {
		return why
	}
	switch key {
	case "Color", "White", "Channel":
		return "color_hsb, color_temp and brightness have it"
	case "Fade", "Speed", "Scheme", "LedTable":
		return "how a lamp changes, and no state of it"
	}
	return "no state that is known here"
}

// readStates takes the states of relays, lights, shutters and buttons.
func (one *device) readStates(topic string, text []byte) dialect.Told {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return ignored(one.id, topic, "no JSON object: "+home.Misread(err).Error())
	}
	var t dialect.Told
	for _, f := range one.features { // in the order of the properties
		for _, key := range f.keys {
			if raw, ok := members[key]; ok {
				one.take(&f, key, raw, &t)
				break
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if !stateless[key] && !one.states[key] {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: key, Why: one.why(key)})
		}
	}
	return t
}

// state takes one state by its key, and reports whether it is one of the device's.
func (one *device) state(key string, raw json.RawMessage, t *dialect.Told) bool {
	for i := range one.features {
		if f := &one.features[i]; slices.Contains(f.keys, key) {
			one.take(f, key, raw, t)
		}
	}
	return one.states[key]
}

// take takes the state of one property.
func (one *device) take(f *feature, key string, raw json.RawMessage, t *dialect.Told) {
	r := dialect.Reading{ID: one.id, Property: f.Name, Repeats: true}
	var inner map[string]json.RawMessage
	if f.member != "" && json.Unmarshal(raw, &inner) == nil {
		if raw = inner[f.member]; raw == nil {
			return // of what it does not speak
		}
	}
	if f.Type == home.TypeEvent || f.Type == home.TypeBoolean && inner != nil {
		one.takeAction(f, key, raw, t)
		return
	}
	v, why := f.value(raw, one.config.States)
	switch {
	case f.Beyond(v):
		v, why = home.Value{}, "the device has no value: it says "+v.String()
	case f.inverted && v.Kind() == home.Number:
		v = home.NumberOf(100 - v.Number())
	case why != "" && string(raw) != "null":
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: key, Why: why, Fault: true})
	}
	r.Value, r.Unknown = v, why
	t.Readings = append(t.Readings, r)
}

// takeAction takes what is done with a button, or with a switch: on and off are its state, all else happens.
func (one *device) takeAction(f *feature, key string, raw json.RawMessage, t *dialect.Told) {
	var action string
	if json.Unmarshal(raw, &action) != nil || action == "" {
		return // the state of a switch, which its boolean has
	}
	v, why := (&feature{Property: home.Property{Type: home.TypeBoolean}}).value(raw, one.config.States)
	r := dialect.Reading{ID: one.id, Property: f.Name}
	switch {
	case f.Type == home.TypeBoolean && why == "":
		r.Value, r.Repeats = v, true
	case f.Type == home.TypeBoolean, why == "" && !strings.HasPrefix(key, "Button"):
		return // another property has it
	default:
		word := strings.ToLower(action)
		if len(one.config.States) > 2 && action == one.config.States[2] {
			word = "toggle"
		}
		if !slices.Contains(f.Options, word) {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: key, Why: "the action " + strconv.Quote(action) + " is not known here"})
			return
		}
		r.Momentary, r.Value = true, home.TextOf(word)
	}
	t.Readings = append(t.Readings, r)
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
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return ignored(one.id, topic, "no JSON object")
	}
	var t dialect.Told
	all := leaves(text, nil, nil)
	if one.adapt(all) {
		t.Devices = append(t.Devices, dialect.Device{ID: one.id, Label: one.config.label(), Properties: one.properties()})
	}
	for _, f := range one.features {
		for _, key := range f.keys {
			if raw, ok := members[key]; ok {
				one.take(&f, key, raw, &t)
				break
			}
		}
	}
	for _, l := range all {
		if one.states[l.path[0]] {
			one.unused(l, &t)
			continue
		}
		f := one.sensor(l)
		if f == nil {
			if !quiet[l.path[len(l.path)-1]] {
				t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: strings.Join(l.path, "."), Why: "not among the sensors that the device announced"})
			}
			continue
		}
		v, why := f.value(l.raw, one.config.States)
		fault := why != "" && string(l.raw) != "null"
		if none := dialect.Absent(f.Property, v); none != "" {
			v, why = home.Value{}, none
		}
		t.Readings = append(t.Readings, dialect.Reading{ID: one.id, Property: f.Name, Value: v, Unknown: why})
		if fault {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: strings.Join(l.path, "."), Why: why, Fault: true})
		}
	}
	return t
}

// unused names what a shutter says beside its position and tilt.
func (one *device) unused(l leaf, t *dialect.Told) {
	taken := func(f feature) bool {
		return slices.Contains(f.keys, l.path[0]) && (len(l.path) < 2 || f.member == l.path[1])
	}
	if !slices.ContainsFunc(one.features, taken) {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: one.id, What: strings.Join(l.path, "."), Why: "of a move that is under way; position has where it is"})
	}
}

// sensor finds the property of a value: by the address of its sensor, else by the way to it.
func (one *device) sensor(l leaf) *feature {
	for i := range one.features {
		f := &one.features[i]
		switch {
		case f.path == nil:
		case l.id != "" && f.id != "":
			if l.id == f.id && l.path[len(l.path)-1] == f.path[len(f.path)-1] {
				return f
			}
		case slices.Equal(f.path, l.path):
			return f
		}
	}
	return nil
}

// adapt changes the properties by what a message says of its own units and forms, and
// reports whether they have changed: people change TempUnit, and the number of phases.
func (one *device) adapt(all []leaf) bool {
	changed := one.reshape(all)
	for name, unit := range unitsOf(all) {
		if one.units[name] != unit && len(one.units) < mostSensors {
			one.units[name] = unit
			changed = true
		}
	}
	if changed {
		one.build()
	}
	return changed
}
