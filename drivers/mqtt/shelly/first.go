package shelly

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

var (
	onOff  = map[string]home.Value{"on": home.BooleanOf(true), "off": home.BooleanOf(false), "overpower": home.BooleanOf(false)}
	oneOff = map[string]home.Value{"1": home.BooleanOf(true), "0": home.BooleanOf(false)}
	opened = map[string]home.Value{"open": home.BooleanOf(true), "close": home.BooleanOf(false)}
	clicks = map[string]string{"S": "single_push", "SS": "double_push", "SSS": "triple_push", "L": "long_push", "SL": "short_long_push", "LS": "long_short_push"}
)

// old is what a topic of the first generation tells. # stands for the number of the
// output.
type old struct {
	name, unit string
	kind       home.Type
	words      map[string]home.Value
	command    string // the topic that sets it
}

var olds = map[string]old{
	"relay/#": {"state", "", home.TypeBoolean, onOff, "relay/#/command"}, "relay/#/power": {"power", "W", home.TypeNumber, nil, ""},
	"relay/#/energy": {"energy", "Wmin", home.TypeNumber, nil, ""},
	"light/#":        {"state", "", home.TypeBoolean, onOff, "light/#/command"}, "light/#/power": {"power", "W", home.TypeNumber, nil, ""},
	"color/#": {"state", "", home.TypeBoolean, onOff, "color/#/command"}, "white/#": {"state", "", home.TypeBoolean, onOff, "white/#/command"},
	"roller/#": {"cover", "", home.TypeText, nil, ""}, "roller/#/pos": {"position", "%", home.TypeNumber, nil, "roller/#/command/pos"},
	"roller/#/power": {"power", "W", home.TypeNumber, nil, ""},
	"input/#":        {"input", "", home.TypeBoolean, oneOff, ""}, "input_event/#": {"action", "", home.TypeEvent, nil, ""},
	"emeter/#/power": {"power", "W", home.TypeNumber, nil, ""}, "emeter/#/voltage": {"voltage", "V", home.TypeNumber, nil, ""},
	"emeter/#/current": {"current", "A", home.TypeNumber, nil, ""}, "emeter/#/total": {"energy", "Wh", home.TypeNumber, nil, ""},
	"temperature": {"device_temperature", "°C", home.TypeNumber, nil, ""}, "voltage": {"voltage", "V", home.TypeNumber, nil, ""},
	"sensor/temperature": {"temperature", "°C", home.TypeNumber, nil, ""}, "sensor/humidity": {"humidity", "%", home.TypeNumber, nil, ""},
	"sensor/battery": {"battery", "%", home.TypeNumber, nil, ""}, "sensor/lux": {"illuminance", "lx", home.TypeNumber, nil, ""},
	"sensor/flood": {"water_leak", "", home.TypeBoolean, nil, ""}, "sensor/smoke": {"smoke", "", home.TypeBoolean, nil, ""},
	"sensor/motion": {"occupancy", "", home.TypeBoolean, nil, ""}, "sensor/vibration": {"vibration", "", home.TypeBoolean, oneOff, ""},
	"sensor/state": {"open", "", home.TypeBoolean, opened, ""}, "sensor/tilt": {"tilt", "°", home.TypeNumber, nil, ""},
	"sensor/gas": {"gas", "", home.TypeText, nil, ""}, "sensor/concentration": {"concentration", "ppm", home.TypeNumber, nil, ""},
}

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
	if !more || strings.HasSuffix(what, "command") || strings.HasSuffix(what, "/set") || strings.HasSuffix(what, "command/pos") {
		return dialect.Told{}
	}
	if what == "online" {
		if d := s.devices[id]; d != nil && d.first {
			return dialect.Told{Statuses: []dialect.Status{d.reached(string(m.Payload) == "true")}}
		}
		return dialect.Told{}
	}
	pattern, number := numbered(what)
	o, ok := olds[pattern]
	if !ok {
		return dialect.Told{Ignored: []dialect.Ignored{{ID: id, What: m.Topic, Why: "nothing that is known here"}}}
	}
	d := s.enter(id, s.base+id)
	if d == nil {
		return ignored(id, m.Topic, fmt.Sprintf("more than %d devices", mostDevices))
	}
	d.first = true
	var t dialect.Told
	if d.byKey[what] == nil {
		d.features = append(d.features, o.feature(what, number, d.features))
		slices.SortFunc(d.features, func(a, b feature) int { return strings.Compare(a.key, b.key) })
		d.index()
		t.Devices = append(t.Devices, d.tell())
	}
	d.readOld(d.byKey[what][0], m.Payload, &t)
	return t
}

// numbered turns relay/0/power into relay/#/power and 0.
func numbered(topic string) (pattern, number string) {
	words := strings.Split(topic, "/")
	if len(words) > 1 && len(words[1]) == 1 && words[1][0] >= '0' && words[1][0] <= '9' {
		number, words[1] = words[1], "#"
	}
	return strings.Join(words, "/"), number
}

// feature makes the property of a topic; the first of a name has it without a number.
func (o *old) feature(topic, number string, others []feature) feature {
	name := o.name
	if number != "" && number != "0" || has(others, name) {
		name = dialect.Word(name + "_" + number)
	}
	f := feature{Property: home.Property{Name: name, Type: o.kind, Unit: o.unit, Settable: o.command != ""}, key: topic, words: o.words}
	if o.kind == home.TypeEvent {
		f.Options = []string{"single_push", "double_push", "triple_push", "long_push", "short_long_push", "long_short_push"}
	}
	if o.command == "" {
		return f
	}
	command := strings.Replace(o.command, "#", number, 1)
	f.set = func(v home.Value) (string, string) {
		if v.Kind() == home.Boolean {
			return command, map[bool]string{true: "on", false: "off"}[v.Boolean()]
		}
		return command, v.String()
	}
	if o.kind == home.TypeNumber {
		f.Min, f.Max = new(0.0), new(100.0)
	}
	return f
}

// readOld takes a value that is a topic's whole message.
func (d *device) readOld(f *feature, payload []byte, t *dialect.Told) {
	if f.Type == home.TypeEvent {
		var e struct{ Event string }
		if json.Unmarshal(payload, &e) == nil && clicks[e.Event] != "" {
			t.Readings = append(t.Readings, dialect.Reading{ID: d.id, Property: f.Name, Momentary: true, Value: home.TextOf(clicks[e.Event])})
		}
		return
	}
	raw := json.RawMessage(payload)
	if !json.Valid(payload) {
		raw = home.TextOf(string(payload)).AppendJSON(nil)
	}
	v, why := f.value(raw)
	t.Readings = append(t.Readings, dialect.Reading{ID: d.id, Property: f.Name, Value: v, Unknown: why, Repeats: true})
	if why != "" {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: f.key, Why: why, Fault: true})
	}
}
