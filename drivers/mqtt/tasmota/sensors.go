package tasmota

import (
	"bytes"
	"encoding/json"
	"slices"
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
	id   string // of the sensor: the address that stands beside the value
	raw  json.RawMessage
}

// quantity is the way to what the value is one of: of ENERGY.Power.2, one of three phases, ENERGY.Power.
func (l leaf) quantity() string {
	path := l.path
	if _, err := strconv.Atoi(path[len(path)-1]); err == nil && len(path) > 1 {
		path = path[:len(path)-1]
	}
	return strings.Join(path, "\x00")
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
	first, id := len(all), ""
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
		if name == "Id" && len(path) > 0 {
			_ = json.Unmarshal(raw, &id) // a number is none
		}
		if raw[0] == '{' || raw[0] == '[' {
			all = leaves(raw, way, all)
		} else if len(all) < mostSensors {
			all = append(all, leaf{way, "", raw})
		}
	}
	for i := first; i < len(all); i++ {
		if len(all[i].path) == len(path)+1 {
			all[i].id = id
		}
	}
	return all
}

// unitsOf finds the units that a message itself says: $TempUnit.
func unitsOf(all []leaf) map[string]string {
	units := make(map[string]string)
	for _, l := range all {
		var text string
		if len(l.path) == 1 && strings.HasSuffix(l.path[0], "Unit") && json.Unmarshal(l.raw, &text) == nil {
			units["$"+l.path[0]] = dialect.Unit(text)
		}
	}
	return units
}

// sensors makes properties of a sample of what a device's sensors tell. Those of keys that are
// states are left out.
func sensors(all []leaf, units map[string]string, states map[string]bool) []feature {
	count := make(map[string]int)
	for _, l := range all {
		name, _ := nameOf(l.path)
		count[name]++
	}
	var list []feature
	for _, l := range all {
		if quiet[l.path[len(l.path)-1]] || states[l.path[0]] {
			continue
		}
		name, unit := nameOf(l.path)
		if count[name] > 1 && len(l.path) > 1 {
			name = dialect.Word(snake(sensorName(l)) + "_" + name)
		}
		if strings.HasPrefix(unit, "$") {
			unit = units[unit]
		}
		f := feature{Property: home.Property{Name: name, Type: home.TypeText}, path: l.path, id: l.id}
		if l.raw[0] != '"' || unit != "" {
			f.Type, f.Unit = home.TypeNumber, unit
		}
		switch string(l.raw) {
		case "true", "false", `"ON"`, `"OFF"`:
			f.Type, f.Unit = home.TypeBoolean, ""
		}
		list = append(list, f)
	}
	return list
}

// sensorName is what the sensor of a value is called. One of several of a kind has its address in place of its
// number, which changes when one of them is gone.
func sensorName(l leaf) string {
	kind, number, numbered := strings.Cut(l.path[0], "-")
	if _, err := strconv.Atoi(number); numbered && err == nil && l.id != "" {
		return kind + "_" + l.id
	}
	return l.path[0]
}

// isShutter reports whether a key is that of a shutter, and of which.
func isShutter(key string) (n int, ok bool) {
	number, ok := strings.CutPrefix(key, "Shutter")
	n, err := strconv.Atoi(number)
	return n, ok && err == nil && n > 0 && n <= most/2
}

// reshape takes over what a message has in another form than the sample had: one phase where there were
// three. It reports whether there was any.
func (one *device) reshape(all []leaf) bool {
	shape := func(list []leaf) map[string]string {
		m := make(map[string]string)
		for _, l := range list {
			m[l.quantity()] += "/" + l.path[len(l.path)-1]
		}
		return m
	}
	before, now := shape(one.sample), shape(all)
	changed := false
	for quantity, form := range now {
		if old, known := before[quantity]; !known || old == form {
			continue
		}
		of := func(l leaf) bool { return l.quantity() == quantity }
		at := slices.IndexFunc(one.sample, of)
		var fresh []leaf
		for _, l := range all {
			if of(l) {
				fresh = append(fresh, leaf{l.path, l.id, slices.Clone(l.raw)})
			}
		}
		one.sample = slices.Insert(slices.DeleteFunc(one.sample, of), at, fresh...)
		changed = true
	}
	return changed
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
