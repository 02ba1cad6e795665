package dialect

import (
	"testing"

	"hogar/gateway/home"
)

// What firmwares write where they have no value, and what is measured next to it.
func TestAbsent(t *testing.T) {
	for _, c := range []struct {
		unit   string
		value  float64
		absent bool
	}{
		{"°C", -99.5, true}, {"°C", 999, true}, {"°C", -127, true}, {"°C", -327.68, true}, {"°C", -40, false}, {"°C", 85, false}, {"°C", 850, false},
		{"°F", -196.6, true}, {"°F", 77, false}, {"%", 999, true}, {"%", -1, true}, {"%", 101, true}, {"%", 100, false}, {"%", 0, false}, {"%", 120, false},
		{"lx", -1, true}, {"lx", 0, false}, {"ppm", -1, true}, {"ppm", 400, false}, {"hPa", 0, true}, {"hPa", 1013, false},
		{"W", -250, false}, {"W", -3276.8, true}, {"", -1, false}, {"kWh", 999, false},
	} {
		p := home.Property{Type: home.TypeNumber, Unit: c.unit}
		if got := Absent(p, home.NumberOf(c.value)) != ""; got != c.absent {
			t.Errorf("%v %s is no value: %v", c.value, c.unit, got)
		}
		p.Settable = true
		if why := Absent(p, home.NumberOf(c.value)); why != "" {
			t.Errorf("what can be set to %v %s: %s", c.value, c.unit, why)
		}
	}
}
