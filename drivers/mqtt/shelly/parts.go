package shelly

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hogar/gateway/home"
)

// feature is one property and where it is.
type feature struct {
	home.Property
	key   string   // the component, or the topic below the device's
	path  []string // the way in the component's state; nil: it is not there
	words map[string]home.Value
	set   func(v home.Value) (topic, payload string) // second generation: method and parameters
	blind bool                                       // what it was set to is not told
}

// part is what a component of the second generation has.
type part struct {
	name, unit string
	kind       home.Type
	path       []string
	options    []string
	least      float64
	most       float64 // 0: no limits
	method     string  // that sets it
	param      string  // its parameter; empty: the options are methods
}

var pushes = []string{"single_push", "double_push", "triple_push", "long_push", "btn_down", "btn_up"}

// metered is what a component tells that measures electricity.
var metered = []part{
	{name: "power", unit: "W", kind: home.TypeNumber, path: []string{"apower"}},
	{name: "voltage", unit: "V", kind: home.TypeNumber, path: []string{"voltage"}},
	{name: "current", unit: "A", kind: home.TypeNumber, path: []string{"current"}},
	{name: "power_factor", kind: home.TypeNumber, path: []string{"pf"}},
	{name: "frequency", unit: "Hz", kind: home.TypeNumber, path: []string{"freq"}},
	{name: "energy", unit: "Wh", kind: home.TypeNumber, path: []string{"aenergy", "total"}},
	{name: "device_temperature", unit: "°C", kind: home.TypeNumber, path: []string{"temperature", "tC"}},
}

func lamp(method string, more ...part) []part {
	return slices.Concat([]part{
		{name: "state", kind: home.TypeBoolean, path: []string{"output"}, method: method + ".Set", param: "on"},
		{name: "brightness", unit: "%", kind: home.TypeNumber, path: []string{"brightness"}, most: 100, method: method + ".Set", param: "brightness"},
	}, more, metered)
}

// parts are the components of the second generation, by kind.
var parts = map[string][]part{
	"switch": slices.Concat([]part{{name: "state", kind: home.TypeBoolean, path: []string{"output"}, method: "Switch.Set", param: "on"}}, metered),
	"light":  lamp("Light"),
	"rgb":    lamp("RGB", part{name: "rgb", kind: home.TypeObject, path: []string{"rgb"}, method: "RGB.Set", param: "rgb"}),
	"rgbw": lamp("RGBW", part{name: "rgb", kind: home.TypeObject, path: []string{"rgb"}, method: "RGBW.Set", param: "rgb"},
		part{name: "white", kind: home.TypeNumber, path: []string{"white"}, most: 255, method: "RGBW.Set", param: "white"}),
	"cct": lamp("CCT", part{name: "color_temp", unit: "K", kind: home.TypeNumber, path: []string{"ct"}, least: 2000, most: 8000, method: "CCT.Set", param: "ct"}),
	"cover": slices.Concat([]part{
		{name: "position", unit: "%", kind: home.TypeNumber, path: []string{"current_pos"}, most: 100, method: "Cover.GoToPosition", param: "pos"},
		{name: "cover", kind: home.TypeText, path: []string{"state"}},
		{name: "move", kind: home.TypeChoice, options: []string{"Open", "Close", "Stop"}, method: "Cover."},
	}, metered),
	"input": {
		{name: "input", kind: home.TypeBoolean, path: []string{"state"}},
		{name: "action", kind: home.TypeEvent, options: pushes},
	},
	"temperature": {{name: "temperature", unit: "°C", kind: home.TypeNumber, path: []string{"tC"}}},
	"humidity":    {{name: "humidity", unit: "%", kind: home.TypeNumber, path: []string{"rh"}}},
	"illuminance": {{name: "illuminance", unit: "lx", kind: home.TypeNumber, path: []string{"lux"}}},
	"voltmeter":   {{name: "voltage", unit: "V", kind: home.TypeNumber, path: []string{"voltage"}}},
	"devicepower": {{name: "battery", unit: "%", kind: home.TypeNumber, path: []string{"battery", "percent"}}},
	"smoke":       {{name: "smoke", kind: home.TypeBoolean, path: []string{"alarm"}}},
	"flood":       {{name: "water_leak", kind: home.TypeBoolean, path: []string{"alarm"}}},
	"pm1":         metered,
	"em1":         {{name: "power", unit: "W", kind: home.TypeNumber, path: []string{"act_power"}}, {name: "voltage", unit: "V", kind: home.TypeNumber, path: []string{"voltage"}}, {name: "current", unit: "A", kind: home.TypeNumber, path: []string{"current"}}},
	"em":          {{name: "power", unit: "W", kind: home.TypeNumber, path: []string{"total_act_power"}}, {name: "current", unit: "A", kind: home.TypeNumber, path: []string{"total_current"}}},
}

// feature makes the property of one component.
func (p *part) feature(key, number, name string) feature {
	f := feature{Property: home.Property{Name: name, Type: p.kind, Unit: p.unit, Options: p.options, Settable: p.method != ""}, key: key, path: p.path}
	if p.most > 0 {
		f.Min, f.Max = new(p.least), new(p.most)
	}
	switch {
	case p.method == "":
	case p.param == "":
		f.Options = []string{"open", "close", "stop"}
		f.blind = true
		f.set = func(v home.Value) (string, string) {
			word := v.Text()
			return p.method + strings.ToUpper(word[:1]) + word[1:], `{"id":` + number + `}`
		}
	default:
		f.blind = p.kind == home.TypeObject
		f.set = func(v home.Value) (string, string) {
			return p.method, fmt.Sprintf(`{"id":%s,%q:%s}`, number, p.param, v.AppendJSON(nil))
		}
	}
	return f
}

// value reads what a device tells; why says why it is unknown.
func (f *feature) value(raw json.RawMessage) (v home.Value, why string) {
	v, err := home.ParseValue(raw)
	if err == nil && !v.Known() {
		return v, "the device sent null"
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
