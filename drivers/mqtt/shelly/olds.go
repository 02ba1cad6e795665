package shelly

import (
	"hogar/gateway/home"
)

var (
	onOff   = map[string]home.Value{"on": home.BooleanOf(true), "off": home.BooleanOf(false), "overpower": home.BooleanOf(false)}
	oneOff  = map[string]home.Value{"1": home.BooleanOf(true), "0": home.BooleanOf(false)}
	opened  = map[string]home.Value{"open": home.BooleanOf(true), "close": home.BooleanOf(false)}
	clicks  = map[string]string{"S": "single_push", "SS": "double_push", "SSS": "triple_push", "L": "long_push", "SL": "short_long_push", "LS": "long_short_push"}
	presses = []string{"single_push", "double_push", "triple_push", "long_push", "short_long_push", "long_short_push"}
)

// old is what a topic of the first generation tells, of which the API's documentation is
// https://shelly-api-docs.shelly.cloud/gen1/. # stands for the number of the output.
type old struct {
	name, unit string
	kind       home.Type
	path       []string // the way in a message that is JSON; nil: the message is the value
	valid      []string // the way to what says whether there is a value
	words      map[string]home.Value
	options    []string
	command    string  // the topic that sets it
	member     string  // of the JSON object that is sent there; empty: the value alone is
	min, max   float64 // both 0: no limits
	blind      bool    // what it was set to is not told
}

func (o old) set(command, member string) old {
	o.command, o.member = command, member
	return o
}

func (o old) within(min, max float64) old {
	o.min, o.max = min, max
	return o
}

func number(name, unit string, path ...string) old {
	return old{name: name, unit: unit, kind: home.TypeNumber, path: path}
}

func boolean(name string, words map[string]home.Value, path ...string) old {
	return old{name: name, kind: home.TypeBoolean, words: words, path: path}
}

func text(name string) old { return old{name: name, kind: home.TypeText} }

// colours are what the status of a lamp has, which is set with the topic below which it is.
func colours(topic string) []old {
	set := topic + "/set"
	return []old{
		number("brightness", "%", "brightness").within(0, 100).set(set, "brightness"),
		number("color_temp", "K", "temp").within(2700, 6500).set(set, "temp"),
		number("red", "", "red").within(0, 255).set(set, "red"), number("green", "", "green").within(0, 255).set(set, "green"),
		number("blue", "", "blue").within(0, 255).set(set, "blue"), number("white", "", "white").within(0, 255).set(set, "white"),
		number("gain", "%", "gain").within(0, 100).set(set, "gain"), number("effect", "", "effect").within(0, 6).set(set, "effect"),
		number("power", "W", "power"),
	}
}

func switched(topic string) []old { return []old{boolean("state", onOff).set(topic+"/command", "")} }

// olds are the topics of the first generation.
var olds = map[string][]old{
	"relay/#": switched("relay/#"), "light/#": switched("light/#"), "color/#": switched("color/#"), "white/#": switched("white/#"),
	"relay/#/power": {number("power", "W")}, "light/#/power": {number("power", "W")}, "color/#/power": {number("power", "W")}, "white/#/power": {number("power", "W")},
	"relay/#/energy": {number("energy", "Wmin")}, "light/#/energy": {number("energy", "Wmin")}, "color/#/energy": {number("energy", "Wmin")},
	"white/#/energy": {number("energy", "Wmin")}, "roller/#/energy": {number("energy", "Wmin")},
	"light/#/status": colours("light/#"), "color/#/status": colours("color/#"), "white/#/status": colours("white/#"),
	"roller/#": {text("cover"), {name: "move", kind: home.TypeChoice, options: []string{"open", "close", "stop"}, command: "roller/#/command", blind: true}},
	// 101 and -1: the roller is not calibrated, or nobody knows where it is
	"roller/#/pos": {number("position", "%").within(0, 100).set("roller/#/command/pos", "")}, "roller/#/power": {number("power", "W")},
	"roller/#/stop_reason": {text("stop_reason")},
	"input/#":              {boolean("input", oneOff)}, "input_event/#": {{name: "action", kind: home.TypeEvent, options: presses}},
	"emeter/#/power": {number("power", "W")}, "emeter/#/voltage": {number("voltage", "V")}, "emeter/#/current": {number("current", "A")},
	"emeter/#/total": {number("energy", "Wh")}, "emeter/#/total_returned": {number("energy_returned", "Wh")}, "emeter/#/pf": {number("power_factor", "")},
	"emeter/#/reactive_power": {number("reactive_power", "var")}, "emeter_n/current": {number("current_n", "A")},
	"temperature": {number("device_temperature", "°C")}, "overtemperature": {boolean("overtemperature", oneOff)}, "overload": {boolean("overload", oneOff)},
	"loaderror": {boolean("load_error", oneOff)}, "temperature_status": {text("temperature_status")}, "voltage": {number("voltage", "V")},
	"adc/#": {number("adc", "V")}, "ext_temperature/#": {number("ext_temperature", "°C")}, "ext_humidity/#": {number("ext_humidity", "%")},
	"ext_switch/#":       {boolean("ext_switch", oneOff)},
	"sensor/temperature": {number("temperature", "°C")}, "sensor/humidity": {number("humidity", "%")}, "sensor/battery": {number("battery", "%")},
	"sensor/lux": {number("illuminance", "lx")}, "sensor/illumination": {text("illumination")}, "sensor/charger": {boolean("charger", oneOff)},
	"sensor/ext_power": {boolean("ext_power", oneOff)}, "sensor/flood": {boolean("water_leak", oneOff)}, "sensor/smoke": {boolean("smoke", oneOff)},
	"sensor/motion": {boolean("occupancy", oneOff)}, "sensor/vibration": {boolean("vibration", oneOff)}, "sensor/state": {boolean("open", opened)},
	"sensor/tilt": {number("tilt", "°")}, "sensor/gas": {text("gas")}, "sensor/concentration": {number("concentration", "ppm")},
	"sensor/operation": {text("operation")}, "sensor/self_test": {text("self_test")}, "sensor/error": {text("error")}, "valve/#/state": {text("valve")},
	"status": { // of the Motion and of the TRV
		boolean("occupancy", nil, "motion"), boolean("vibration", nil, "vibration"), boolean("active", nil, "active"),
		number("illuminance", "lx", "lux"), number("battery", "%", "bat"),
		{name: "temperature", unit: "°C", kind: home.TypeNumber, path: []string{"tmp", "value"}, valid: []string{"tmp", "is_valid"}},
		number("target_temperature", "°C", "target_t", "value").within(4, 31).set("thermostat/0/command/target_t", ""),
		number("valve_position", "%", "thermostats", "0", "pos").within(0, 100).set("thermostat/0/command/valve_pos", ""),
		boolean("calibrated", nil, "calibrated"), boolean("charger", nil, "charger"),
	},
}

// oldNoise are topics of the first generation that repeat what others say.
var oldNoise = map[string]string{
	"temperature_f": "temperature has it in °C", "ext_temperature_f/#": "ext_temperature has it in °C",
	"ext_temperatures": "ext_temperature/N has each of them", "ext_humidities": "ext_humidity/N has each of them",
	"ext_temperatures_f": "ext_temperature/N has each of them", "info": "the device's own settings; its other topics have what it measures",
	"longpush/#": "input_event/N says it, too", "emeter/#/energy": "a counter that starts at 0 each time; total has the sum",
	"emeter/#/returned_energy": "a counter that starts at 0 each time; total_returned has the sum",
	"sensor/act_reasons":       "why the device woke up",
}

// statusNoise are members of a status that are no state of a device.
var statusNoise = map[string]bool{"source": true, "has_timer": true, "timer_started": true, "timer_duration": true, "timer_remaining": true, "mode": true,
	"transition": true, "ison": true, "timestamp": true, "overpower": true}
