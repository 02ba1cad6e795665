package dialect

import "strings"

// spellings are other ways in which devices write a unit, in lower case; what
// remains is Home Assistant's spelling.
var spellings = map[string]string{
	"c": "°C", "℃": "°C", "ºc": "°C", "°c": "°C", "celsius": "°C", "f": "°F", "℉": "°F", "°f": "°F",
	"lux": "lx", "lx": "lx", "volt": "V", "watt": "W", "w": "W", "v": "V", "a": "A", "hz": "Hz",
	"ug/m3": "µg/m³", "μg/m³": "µg/m³", "ug/m³": "µg/m³", "μg/m3": "µg/m³", "µg/m3": "µg/m³", "mg/m3": "mg/m³",
	"μs/cm": "µS/cm", "us/cm": "µS/cm", "μsv/h": "µSv/h", "usv/h": "µSv/h", "μr/h": "µR/h", "ur/h": "µR/h",
	"sec": "s", "sec.": "s", "second": "s", "seconds": "s",
	"min.": "min", "minute": "min", "minutes": "min", "hour": "h", "hours": "h", "hr": "h", "day": "d", "days": "d",
	"meter": "m", "meters": "m", "m3": "m³", "m3/h": "m³/h", "liter": "L", "liters": "L", "l": "L", "l/h": "L/h",
	"kwh": "kWh", "wh": "Wh", "kva": "kVA", "va": "VA", "var": "var", "varh": "varh", "kvarh": "kvarh", "mwt": "mW",
	"hpa": "hPa", "kpa": "kPa", "w/m2": "W/m²", "db": "dB", "dba": "dBA", "dbm": "dBm", "percent": "%",
}

// Unit writes a unit in the house's one spelling. It never changes what is
// measured: unknown units stay as they are.
func Unit(s string) string {
	s = strings.TrimSpace(s)
	if plain, ok := spellings[strings.ToLower(s)]; ok && !differs[s] {
		return plain
	}
	return s
}

// differs are units that mean something else than their lower case does.
var differs = map[string]bool{"S": true, "M": true, "H": true, "MIN": true, "mW": true, "MW": true, "mV": true}
