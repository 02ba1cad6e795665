package shelly

import (
	"encoding/json"
	"slices"

	"hogar/gateway/home"
)

// part is what a component of the second generation has. The documentation is
// https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/, a page for each component.
type part struct {
	name, unit string
	kind       home.Type // empty: as the value is
	path       []string  // the way to the value; nil: nothing tells it
	when       string    // a member without which the component has no such part
	options    []string
	least      float64
	most       float64 // 0: no limits
	method     string  // that sets it
	params     string  // of the method, with %[1]s for the component's number and %[2]s for the value; empty: the options are methods
	blind      bool    // what it was set to is not told
}

var pushes = []string{"single_push", "double_push", "triple_push", "long_push", "btn_down", "btn_up"}

// gestures are the events of buttons on Bluetooth and of virtual ones.
var gestures = []string{"single_push", "double_push", "triple_push", "long_push", "long_double_push", "long_triple_push", "hold_push", "rotate_left", "rotate_right"}

func reads(name, unit string, path ...string) part {
	return part{name: name, unit: unit, kind: home.TypeNumber, path: path}
}

func flag(name string, path ...string) part {
	return part{name: name, kind: home.TypeBoolean, path: path}
}

// by is the part, set by a method with one parameter.
func (p part) by(method, param string) part {
	p.method, p.params = method, `{"id":%[1]s,"`+param+`":%[2]s}`
	return p
}

// with is the part, set by a method with these parameters.
func (p part) with(method, params string) part {
	p.method, p.params = method, params
	return p
}

func (p part) within(least, most float64) part {
	p.least, p.most = least, most
	return p
}

// metered is what a component tells that measures electricity.
var metered = []part{
	reads("power", "W", "apower"), reads("voltage", "V", "voltage"), reads("current", "A", "current"), reads("power_factor", "", "pf"),
	reads("frequency", "Hz", "freq"), reads("energy", "Wh", "aenergy", "total"), reads("energy_returned", "Wh", "ret_aenergy", "total"),
	reads("apparent_power", "VA", "aprtpower"), reads("device_temperature", "°C", "temperature", "tC"),
}

func lamp(method string, more ...part) []part {
	return slices.Concat([]part{
		flag("state", "output").by(method+".Set", "on"), reads("brightness", "%", "brightness").within(0, 100).by(method+".Set", "brightness"),
	}, more, metered)
}

func colour(method string) part {
	return part{name: "rgb", kind: home.TypeObject, path: []string{"rgb"}, blind: true}.by(method+".Set", "rgb")
}

func tone(method string) part {
	return reads("color_temp", "K", "ct").within(2000, 8000).by(method+".Set", "ct")
}

// phases is what a meter of three phases tells of each and of all.
func phases() []part {
	list := []part{reads("power", "W", "total_act_power"), reads("current", "A", "total_current"), reads("apparent_power", "VA", "total_aprt_power"),
		reads("current_n", "A", "n_current")}
	for _, phase := range []string{"a", "b", "c"} {
		list = append(list, reads("power_"+phase, "W", phase+"_act_power"), reads("voltage_"+phase, "V", phase+"_voltage"), reads("current_"+phase, "A", phase+"_current"),
			reads("apparent_power_"+phase, "VA", phase+"_aprt_power"), reads("power_factor_"+phase, "", phase+"_pf"), reads("frequency_"+phase, "Hz", phase+"_freq"))
	}
	return list
}

// sums is what a meter of three phases counts.
func sums() []part {
	list := []part{reads("energy", "Wh", "total_act"), reads("energy_returned", "Wh", "total_act_ret")}
	for _, phase := range []string{"a", "b", "c"} {
		list = append(list, reads("energy_"+phase, "Wh", phase+"_total_act_energy"), reads("energy_returned_"+phase, "Wh", phase+"_total_act_ret_energy"))
	}
	return list
}

// parts are the components of the second generation, by kind.
var parts = map[string][]part{
	"switch": slices.Concat([]part{flag("state", "output").by("Switch.Set", "on")}, metered),
	"light":  lamp("Light", tone("Light")), "rgb": lamp("RGB", colour("RGB")), "cct": lamp("CCT", tone("CCT")),
	"rgbw":   lamp("RGBW", colour("RGBW"), reads("white", "", "white").within(0, 255).by("RGBW.Set", "white")),
	"rgbcct": lamp("RGBCCT", colour("RGBCCT"), tone("RGBCCT")),
	"cover": slices.Concat([]part{
		reads("position", "%", "current_pos").within(0, 100).by("Cover.GoToPosition", "pos"),
		reads("tilt", "%", "slat_pos").within(0, 100).by("Cover.GoToPosition", "slat_pos"),
		{name: "cover", kind: home.TypeText, path: []string{"state"}},
		{name: "move", kind: home.TypeChoice, options: []string{"open", "close", "stop"}, method: "Cover.", blind: true},
	}, metered),
	"input": {
		flag("input", "state"), {name: "action", kind: home.TypeEvent, options: pushes, when: "state"},
		reads("analog", "%", "percent"), reads("analog_value", "", "xpercent"),
		reads("count", "", "counts", "total"), reads("count_value", "", "counts", "xtotal"), reads("frequency", "Hz", "freq"), reads("frequency_value", "", "xfreq"),
	},
	"temperature": {reads("temperature", "°C", "tC")}, "humidity": {reads("humidity", "%", "rh")},
	"illuminance": {reads("illuminance", "lx", "lux"), {name: "illumination", kind: home.TypeText, path: []string{"illumination"}}},
	"voltmeter":   {reads("voltage", "V", "voltage"), reads("voltage_value", "", "xvoltage")},
	"devicepower": {reads("battery", "%", "battery", "percent"), flag("external_power", "external", "present")},
	"smoke":       {flag("smoke", "alarm"), flag("mute", "mute")}, "flood": {flag("water_leak", "alarm"), flag("mute", "mute")},
	"presence": {reads("persons", "", "num_objects")}, "presencezone": {flag("occupancy", "value"), reads("persons", "", "num_objects")},
	"pm1": metered,
	"em1": {reads("power", "W", "act_power"), reads("voltage", "V", "voltage"), reads("current", "A", "current"), reads("apparent_power", "VA", "aprt_power"),
		reads("power_factor", "", "pf"), reads("frequency", "Hz", "freq")},
	"em1data": {reads("energy", "Wh", "total_act_energy"), reads("energy_returned", "Wh", "total_act_ret_energy")},
	"em":      phases(), "emdata": sums(),
	"thermostat": { // of the Wall Display
		reads("target_temperature", "°C", "target_C").within(5, 35).with("Thermostat.SetConfig", `{"id":%[1]s,"config":{"id":%[1]s,"target_C":%[2]s}}`),
		reads("temperature", "°C", "current_C"), reads("humidity", "%", "current_humidity"),
		flag("enabled", "enable").with("Thermostat.SetConfig", `{"id":%[1]s,"config":{"id":%[1]s,"enable":%[2]s}}`), flag("heating", "output"),
	},
	"blutrv": {
		reads("target_temperature", "°C", "target_C").within(4, 30).with("BluTRV.Call", `{"id":%[1]s,"method":"TRV.SetTarget","params":{"id":0,"target_C":%[2]s}}`),
		reads("temperature", "°C", "current_C"), reads("valve_position", "%", "pos"), reads("battery", "%", "battery"),
	},
	"bthomedevice": {reads("battery", "%", "battery")}, // it has a button when it says so
	"bthomesensor": {{name: "sensor", path: []string{"value"}}, {name: "action", kind: home.TypeEvent, options: gestures}},
	"number":       {reads("number", "", "value").by("Number.Set", "value")}, "boolean": {flag("boolean", "value").by("Boolean.Set", "value")},
	"text": {part{name: "text", kind: home.TypeText, path: []string{"value"}}.by("Text.Set", "value")},
	"enum": {part{name: "enum", kind: home.TypeText, path: []string{"value"}}.by("Enum.Set", "value")},
	"button": {{name: "action", kind: home.TypeEvent, options: gestures},
		part{name: "press", kind: home.TypeChoice, options: gestures[:4], blind: true}.by("Button.Trigger", "event")},
	"object": {{name: "object", kind: home.TypeObject, path: []string{"value"}}},
}

// dynamic are the kinds of components that people add: what they are is asked for by itself.
var dynamic = map[string]bool{"bthome": true, "bthomedevice": true, "bthomesensor": true, "blutrv": true, "number": true, "boolean": true, "text": true,
	"enum": true, "button": true, "object": true, "group": true}

// services are no components, but the device itself.
var services = map[string]bool{"id": true, "ts": true, "sys": true, "wifi": true, "eth": true, "cloud": true, "ble": true, "bthome": true, "mqtt": true, "ws": true,
	"ui": true, "plugs_ui": true, "knx": true, "matter": true, "modbus": true, "zigbee": true, "script": true, "schedule": true, "webhook": true, "serial": true, "http": true}

// noise are members of a component that are no state of the house.
var noise = map[string]bool{"id": true, "source": true, "ts": true, "timer_started_at": true, "timer_duration": true, "transition": true, "flags": true, "calibration": true,
	"user_calibrated_phase": true, "pos_control": true, "move_timeout": true, "move_started_at": true, "last_direction": true, "target_pos": true, "last_update_ts": true,
	"last_updated_ts": true, "packet_id": true, "tF": true, "target_F": true, "current_F": true, "enable": true}

// paired are kinds of which each has another's numbers: one of three meters that has counted already is energy_0.
var paired = map[string]string{"em1data": "em1", "emdata": "em"}

// settings are what a component that people add is said to be.
type settings struct {
	Object  int      `json:"obj_id"` // of BTHome
	Min     *float64 `json:"min"`
	Max     *float64 `json:"max"`
	Options []string `json:"options"`
	Meta    struct {
		UI struct {
			Unit string `json:"unit"`
		} `json:"ui"`
	} `json:"meta"`
}

// objects are the units of BTHome's objects (https://bthome.io/format/).
var objects = map[int]string{0x01: "%", 0x02: "°C", 0x03: "%", 0x04: "hPa", 0x05: "lx", 0x06: "kg", 0x08: "°C", 0x0a: "kWh", 0x0b: "W", 0x0c: "V", 0x0d: "µg/m³",
	0x0e: "µg/m³", 0x12: "ppm", 0x13: "µg/m³", 0x14: "%", 0x2e: "%", 0x2f: "%", 0x3f: "°", 0x40: "mm", 0x41: "m", 0x42: "s", 0x43: "A", 0x44: "m/s", 0x45: "°C",
	0x47: "L", 0x48: "mL", 0x49: "m³/h", 0x4a: "V", 0x4b: "m³", 0x4c: "m³", 0x4d: "kWh", 0x4e: "L", 0x4f: "L", 0x51: "m/s²", 0x52: "°/s", 0x57: "°C", 0x58: "°C",
	0x59: "", 0x5d: "A", 0x5e: "°", 0x5f: "mm"}

// buttons are the objects of BTHome that happen and have no value.
var buttons = map[int]bool{0x3a: true, 0x3c: true}

// suits reports whether a component in this state has the part, and completes it by what
// the component is said to be.
func (p part) suits(kind string, state json.RawMessage, s settings) (part, bool) {
	value := find(state, p.path)
	switch {
	case kind == "bthomesensor" && p.kind == home.TypeEvent:
		return p, buttons[s.Object] || s.Object == 0 && find(state, []string{"value"}) == nil
	case kind == "bthomesensor" && (value != nil || s.Object != 0):
		return p.object(value, s), !buttons[s.Object]
	case p.when != "" && find(state, []string{p.when}) == nil, p.path != nil && value == nil:
		return p, false
	case kind == "number":
		p.unit = s.Meta.UI.Unit
	case kind == "enum" && len(s.Options) > 0:
		p.kind, p.options = home.TypeChoice, s.Options
	}
	return p, true
}

// object completes the value of a sensor on Bluetooth.
func (p part) object(value json.RawMessage, s settings) part {
	p.unit, p.kind = objects[s.Object], home.TypeNumber
	switch {
	case s.Object == 0x53: // text
		p.kind = home.TypeText
	case s.Object >= 0x0f && s.Object <= 0x2d && objects[s.Object] == "", string(value) == "true", string(value) == "false":
		p.kind, p.unit = home.TypeBoolean, ""
	case len(value) > 0 && value[0] == '"':
		p.kind, p.unit = home.TypeText, ""
	}
	return p
}
