package shelly

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// feature is one property and where it is.
type feature struct {
	home.Property
	base   string   // its name without a number
	key    string   // the component, or the topic below the device's
	path   []string // the way in the component's state, or in the topic's JSON; nil: it is not there, or is the whole message
	valid  []string // the way to what says whether there is a value
	words  map[string]home.Value
	set    func(v home.Value) (topic, payload string) // second generation: method and parameters
	blind  bool                                       // what it was set to is not told
	silent bool                                       // nothing tells it
}

// feature makes the property of one component.
func (p *part) feature(key, number, name string, s settings) feature {
	f := feature{Property: home.Property{Name: name, Type: p.kind, Unit: dialect.Unit(p.unit), Options: p.options, Settable: p.method != ""},
		base: p.name, key: key, path: p.path, blind: p.blind, silent: p.path == nil}
	switch {
	case p.most > 0:
		f.Min, f.Max = new(p.least), new(p.most)
	case p.name == "number":
		f.Min, f.Max = s.Min, s.Max
	}
	switch {
	case p.method == "":
	case p.params == "":
		f.set = func(v home.Value) (string, string) {
			word := v.Text()
			return p.method + strings.ToUpper(word[:1]) + word[1:], `{"id":` + number + `}`
		}
	default:
		f.set = func(v home.Value) (string, string) {
			return p.method, fmt.Sprintf(p.params, number, v.AppendJSON(nil))
		}
	}
	return f
}

// measured is [feature.value], without what is no value. fault is whether what the device told
// is not what was expected.
func (f *feature) measured(raw json.RawMessage) (v home.Value, why string, fault bool) {
	v, why = f.value(raw)
	text := strings.Trim(string(raw), `"`)
	switch none := dialect.Absent(f.Property, v); {
	case none != "":
		return home.Value{}, none, false
	case f.Beyond(v), text == "unknown", f.Type == home.TypeBoolean && text == "-1":
		return home.Value{}, "the device has no value: it says " + text, false
	}
	return v, why, why != "" && string(raw) != "null"
}

// value reads what a device tells; why says why it is unknown.
func (f *feature) value(raw json.RawMessage) (v home.Value, why string) {
	v, err := home.ParseValue(raw)
	if err == nil && !v.Known() {
		return v, dialect.SentNull
	}
	ok := err == nil
	if word, is := f.words[v.String()]; is {
		return word, ""
	}
	switch f.Type {
	case home.TypeBoolean:
		ok = ok && v.Kind() == home.Boolean
	case home.TypeNumber:
		if v.Kind() == home.Text {
			n, err := strconv.ParseFloat(v.Text(), 64)
			v, ok = home.NumberOf(n), err == nil && home.NumberOf(n).Known()
		}
		ok = ok && v.Kind() == home.Number
	case home.TypeObject:
		ok = ok && v.Kind() == home.Object
	default:
		v = home.TextOf(v.String())
	}
	if !ok {
		return home.Value{}, "found " + string(raw[:min(len(raw), 40)]) + ", expected a " + string(f.Type)
	}
	return v, ""
}

// find follows a way into a JSON text; nil when there is nothing.
func find(text json.RawMessage, path []string) json.RawMessage {
	for _, name := range path {
		var members map[string]json.RawMessage
		var items []json.RawMessage
		n, err := strconv.Atoi(name)
		switch {
		case json.Unmarshal(text, &members) == nil:
			text = members[name]
		case err == nil && json.Unmarshal(text, &items) == nil && n >= 0 && n < len(items):
			text = items[n]
		default:
			return nil
		}
	}
	return text
}
