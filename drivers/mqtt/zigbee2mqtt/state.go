package zigbee2mqtt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// extras are the keys that Zigbee2MQTT adds to a device's message.
var extras = []string{quality, "last_seen", "elapsed", "device", "update", "update_available", "type", "last_seen_ms"}

// read takes a device's message: an object that repeats all it knows.
func (d *device) read(m dialect.Message) dialect.Told {
	if len(m.Payload) == 0 {
		return dialect.Told{} // a retained message was taken back
	}
	d.found = slices.Grow(d.found[:0], len(d.features))[:len(d.features)]
	clear(d.found)
	var seen json.RawMessage // as long as the message is
	var others []string
	told := 0
	err := dialect.Members(m.Payload, func(key, raw []byte) {
		switch i, known := d.keys[string(key)]; {
		case known && i != untold:
			d.found[i] = raw
			told++
		case !known && !slices.Contains(extras, string(key)):
			others = append(others, string(key))
		}
		if string(key) == "last_seen" {
			seen = raw
		}
	})
	if err != nil {
		return ignored(d.id, m.Topic, "no JSON object: "+err.Error(), true)
	}
	spoke := lastSeen(seen)
	var at time.Time
	if m.Late {
		at = spoke
	}
	t := dialect.Told{Readings: slices.Grow(d.told[:0], told)}
	for i := range d.features {
		f, raw := &d.features[i], d.found[i]
		if raw == nil {
			continue
		}
		v, why := f.value(raw)
		if f.Type == home.TypeEvent {
			if v.Known() && v.Text() != "" {
				t.Readings = append(t.Readings, dialect.Reading{ID: d.id, Property: f.Name, Momentary: true, Value: v, Time: spoke})
			}
			continue
		}
		t.Readings = append(t.Readings, dialect.Reading{ID: d.id, Property: f.Name, Value: v, Unknown: why, Time: at, Repeats: true})
		if why != "" && string(raw) != "null" {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: f.key, Why: why, Fault: true})
		}
	}
	d.told = t.Readings
	slices.Sort(others)
	for _, key := range slices.Compact(others) {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: key, Why: "not among the device's exposes"})
	}
	return t
}

// lastSeen is when the device spoke, which is in the message if Zigbee2MQTT is
// told to write it; zero when it is not. It is the time of a message that comes
// late, and of what happens, only: a state that Zigbee2MQTT makes by itself, for a group say,
// has an old one.
func lastSeen(raw json.RawMessage) time.Time {
	v := value(raw)
	if v.Kind() == home.Number && v.Number() > 1e12 && v.Number() < 1e14 {
		return time.UnixMilli(int64(v.Number()))
	}
	if at, err := time.Parse(time.RFC3339, v.Text()); err == nil {
		return at
	}
	return time.Time{}
}

// value reads one member; why says why it is unknown.
func (f *feature) value(raw json.RawMessage) (v home.Value, why string) {
	if !utf8.Valid(raw) {
		return home.Value{}, "found no text in UTF-8"
	}
	v, err := home.ParseValue(raw)
	switch {
	case err != nil:
		return home.Value{}, "found " + excerpt(string(raw)) + ", expected " + f.expected()
	case !v.Known():
		return v, dialect.SentNull
	}
	ok := true
	switch f.Type {
	case home.TypeBoolean:
		v, ok = f.boolean(v)
	case home.TypeNumber:
		if v.Kind() == home.Text {
			if _, is := f.raw[v.Text()]; is {
				return home.Value{}, "the device says " + v.Text()
			}
			n, err := strconv.ParseFloat(strings.TrimSpace(v.Text()), 64)
			v, ok = home.NumberOf(n), err == nil
		}
		ok = ok && v.Kind() == home.Number
	case home.TypeObject:
		ok = v.Kind() == home.Object && !tooDeep(v.Text())
	case home.TypeChoice, home.TypeText, home.TypeEvent:
		v = home.TextOf(v.String())
		if raw[0] == 't' || raw[0] == 'f' {
			v = home.TextOf(string(raw)) // as it stands among the values
		}
	}
	if !ok {
		return home.Value{}, "found " + excerpt(string(raw)) + ", expected " + f.expected()
	}
	if why := dialect.Absent(f.Property, v); why != "" {
		return home.Value{}, why
	}
	return v, ""
}

// boolean compares with the two values that the device is said to have, which may
// be the wrong way round: a contact is false when open.
func (f *feature) boolean(v home.Value) (home.Value, bool) {
	switch v {
	case f.on:
		return home.BooleanOf(true), true
	case f.off:
		return home.BooleanOf(false), true
	}
	if f.on.Kind() == home.Text && v.Kind() == home.Text {
		switch {
		case strings.EqualFold(v.Text(), f.on.Text()):
			return home.BooleanOf(true), true
		case strings.EqualFold(v.Text(), f.off.Text()):
			return home.BooleanOf(false), true
		}
	}
	return home.Value{}, false
}

func (f *feature) expected() string {
	if f.Type == home.TypeBoolean {
		return written(f.on) + " or " + written(f.off)
	}
	return "a " + string(f.Type)
}

func written(v home.Value) string { return string(v.AppendJSON(nil)) }

// excerpt shows the beginning of what was found.
func excerpt(s string) string {
	if len(s) > 40 {
		return strconv.Quote(s[:40]) + "…"
	}
	return s
}

// tooDeep reports whether a JSON text is nested deeper than anybody needs.
func tooDeep(text string) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > 2*deepest {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// Command says what to send so that the device sets the property.
func (b *Bridge) Command(id, property string, v home.Value) (dialect.Order, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, f, err := b.find(id, property)
	if err != nil {
		return dialect.Order{}, err
	}
	if !f.Settable {
		return dialect.Order{}, fmt.Errorf("%s cannot be set", property)
	}
	raw, want := v, v
	switch f.Type {
	case home.TypeBoolean:
		if v.Kind() != home.Boolean {
			return dialect.Order{}, fmt.Errorf("%s is no boolean", v)
		}
		if raw = f.off; v.Boolean() {
			raw = f.on
		}
	case home.TypeChoice, home.TypeNumber:
		if listed, ok := f.raw[v.Text()]; ok && v.Kind() == home.Text {
			raw = listed
			if f.Type == home.TypeNumber {
				want = listed
			}
		}
	}
	return dialect.Order{
		Message:   dialect.Message{Topic: d.topic + "/set", Payload: object(f.key, raw)},
		Confirmed: f.access&accessState != 0 && f.Type != home.TypeObject, // an object comes back in a form of the device's own
		Want:      want,
	}, nil
}

// Ask says what to send so that the device tells the property.
func (b *Bridge) Ask(id, property string) (dialect.Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, f, err := b.find(id, property)
	if err != nil {
		return dialect.Message{}, err
	}
	if f.access&accessGet == 0 {
		return dialect.Message{}, fmt.Errorf("%s tells by itself and cannot be asked for", property)
	}
	return dialect.Message{Topic: d.topic + "/get", Payload: object(f.key, home.TextOf(""))}, nil
}

func (b *Bridge) find(id, property string) (*device, *feature, error) {
	d := b.byID[id]
	if d == nil {
		return nil, nil, fmt.Errorf("%s is not in Zigbee2MQTT any more", id)
	}
	f := d.byName[property]
	if f == nil {
		return nil, nil, fmt.Errorf("%s has no property %s", d.label, property)
	}
	return d, f, nil
}

// object writes {"key":value}.
func object(key string, v home.Value) []byte {
	b := home.TextOf(key).AppendJSON([]byte{'{'})
	return append(v.AppendJSON(append(b, ':')), '}')
}
