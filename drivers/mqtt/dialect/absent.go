package dialect

import (
	"slices"

	"hogar/gateway/home"
)

// sentinels are the numbers that firmwares write where they have no value, by unit:
// all bits of a register set, its least number, or a number that nothing measures. Sources: Shelly's API of
// the first generation (999, -99.5, -1, 101), Tasmota's DS18B20 (-127, a wire that is off), the
// invalid values of the Zigbee Cluster Library, table 2-10 (0x8000, 0xff, 0xffff), scaled as there.
var sentinels = map[string][]float64{
	"°C": {-127, -99.5, 998, 999, 999.9, -999, 655.35, 6553.5},
	"°F": {-196.6, -147.1, 999, 1830.2, -999, 655.35, 6553.5},
	"%":  {-1, 101, 127.5, 255, 999, 655.35, 6553.5, 65535},
	"lx": {65535}, "hPa": {0, -3276.8, 3276.7, 6553.5, 65535}, "kPa": {0, -3276.8, 6553.5},
	"ppm": {65535}, "ppb": {65535}, "µg/m³": {65535}, "V": {6553.5, 655.35, 65535}, "A": {65.535, 655.35, 65535},
	"W": {-3276.8, -32768, 6553.5, 65535}, "Hz": {655.35, 6553.5, 65535},
}

// least is what no measurement is below, by unit.
var least = map[string]float64{"°C": -273.15, "°F": -459.67, "K": 0, "%": 0, "lx": 0, "ppm": 0, "ppb": 0, "µg/m³": 0, "hPa": 0, "kPa": 0}

// Absent says why v, measured in the unit of p, is no measurement but a firmware's way to
// say that it has none; empty for one that may be measured. Of a property that can be set, and
// of one with limits of its own, it says nothing: there -1 may be meant.
func Absent(p home.Property, v home.Value) string {
	if v.Kind() != home.Number || p.Settable || p.Min != nil || p.Max != nil {
		return ""
	}
	floor, has := least[p.Unit]
	if has && v.Number() < floor || slices.Contains(sentinels[p.Unit], v.Number()) {
		return "the device has no value: it says " + v.String()
	}
	return ""
}
