package tasmota

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

const (
	deepest     = 4   // levels of a sensor's JSON
	mostSensors = 200 // values of one device
)

// usual are the names and units of what sensors tell, by the last word of the way
// there. A unit that begins with a dollar is told by the message.
var usual = map[string]struct{ name, unit string }{
	"Temperature": {"temperature", "$TempUnit"}, "Humidity": {"humidity", "%"}, "DewPoint": {"dew_point", "$TempUnit"},
	"Pressure": {"pressure", "$PressureUnit"}, "SeaPressure": {"sea_pressure", "$PressureUnit"}, "Illuminance": {"illuminance", "lx"},
	"Power": {"power", "W"}, "ApparentPower": {"apparent_power", "VA"}, "ReactivePower": {"reactive_power", "var"}, "Factor": {"power_factor", ""},
	"Voltage": {"voltage", "V"}, "Current": {"current", "A"}, "Frequency": {"frequency", "Hz"},
	"Total": {"energy", "kWh"}, "Today": {"energy_today", "kWh"}, "Yesterday": {"energy_yesterday", "kWh"},
	"CarbonDioxide": {"co2", "ppm"}, "eCO2": {"eco2", "ppm"}, "TVOC": {"tvoc", "ppb"}, "PM1": {"pm1", "µg/m³"}, "PM2.5": {"pm25", "µg/m³"}, "PM10": {"pm10", "µg/m³"},
	"Distance": {"distance", "cm"}, "Weight": {"weight", "kg"}, "Speed": {"speed", "$SpeedUnit"}, "Moisture": {"moisture", "%"}, "UvIndex": {"uv_index", ""},
}

// quiet are members that are no measurement.
var quiet = map[string]bool{"Time": true, "TempUnit": true, "PressureUnit": true, "SpeedUnit": true, "Id": true, "TotalStartTime": true, "Period": true}

// leaf is one value of a JSON text, and the way to it.
type leaf struct {
	path []string
	raw  json.RawMessage
}

// leaves lists the values of a JSON object, in their order.
func leaves(text []byte, path []string, all []leaf) []leaf {
	if len(path) > deepest || len(all) >= mostSensors {
		return all
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') {
		return all
	}
	for n := 1; dec.More(); n++ {
		name := strconv.Itoa(n)
		if open == json.Delim('{') {
			key, err := dec.Token()
			if err != nil {
				return all
			}
			name, _ = key.(string)
		}
		var raw json.RawMessage
		if dec.Decode(&raw) != nil {
			return all
		}
		way := append(path[:len(path):len(path)], name)
		if raw[0] == '{' || raw[0] == '[' {
			all = leaves(raw, way, all)
		} else if len(all) < mostSensors {
			all = append(all, leaf{way, raw})
		}
	}
	return all
}

// sensors makes properties of a sample of what a device's sensors tell.
func sensors(sample json.RawMessage) []feature {
	all := leaves(sample, nil, nil)
	units := make(map[string]string)
	count := make(map[string]int)
	for _, l := range all {
		var text string
		if len(l.path) == 1 && json.Unmarshal(l.raw, &text) == nil {
			units["$"+l.path[0]] = dialect.Unit(text)
		}
		name, _ := nameOf(l.path)
		count[name]++
	}
	var list []feature
	for _, l := range all {
		last := l.path[len(l.path)-1]
		if quiet[last] {
			continue
		}
		name, unit := nameOf(l.path)
		if count[name] > 1 && len(l.path) > 1 {
			name = dialect.Word(snake(l.path[0]) + "_" + name)
		}
		if told, ok := units[unit]; ok {
			unit = told
		}
		f := feature{Property: home.Property{Name: name, Type: home.TypeText}, path: l.path}
		if l.raw[0] != '"' || unit != "" {
			f.Type, f.Unit = home.TypeNumber, strings.TrimPrefix(unit, "$")
		}
		if string(l.raw) == "true" || string(l.raw) == "false" {
			f.Type, f.Unit = home.TypeBoolean, ""
		}
		list = append(list, f)
	}
	return list
}

// nameOf is what a value is called, and its unit.
func nameOf(path []string) (name, unit string) {
	last := path[len(path)-1]
	item := ""
	if _, err := strconv.Atoi(last); err == nil && len(path) > 1 { // an item of a list
		last, item = path[len(path)-2], "_"+last
	}
	if u, ok := usual[last]; ok {
		return u.name + item, u.unit
	}
	return dialect.Word(snake(last) + item), ""
}

// snake writes CarbonDioxide as carbon_dioxide.
func snake(s string) string {
	var b strings.Builder
	lower := false
	for _, r := range s {
		if unicode.IsUpper(r) && lower {
			b.WriteByte('_')
		}
		lower = unicode.IsLower(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
