package dialect

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hogar/gateway/home"
)

func device(id, label string, properties ...string) Device {
	d := Device{ID: id, Label: label}
	for _, p := range properties {
		d.Properties = append(d.Properties, home.Property{Name: p})
	}
	return d
}

func TestNames(t *testing.T) {
	n := NewNames(NamesOptions{
		Taken: map[string][]home.Property{"kitchen.climate": {{Name: "temperature"}}, "porch.lamp.state": nil},
		Given: map[string]string{"0x5": "garden.probe", "0x6": "kitchen.climate"},
		Known: map[string]Known{"0x1": {Name: "old.lamp", Via: "a"}, "0x5": {Name: "probe", Via: "a"}, "0x9": {Name: "kitchen.climate", Via: "a"}, "0x8": {Name: "gone", Via: "a"}},
	})
	for _, test := range []struct {
		d    Device
		want string // a name, or the beginning of a reason
	}{
		{device("0x1", "New Lamp"), "old.lamp"},
		{device("0x2", "Bedroom/Lamp"), "bedroom.lamp"},
		{device("0x3", "bedroom.lamp"), "bedroom.lamp is the name of 0x2; give it a name of its own with names: {\"0x3\": …}"},
		{device("0x2", "Bedroom/Other"), "bedroom.lamp"},
		{device("0x4", "gone"), "gone is the name of 0x8"},
		{device("0x5", "whatever"), "garden.probe"},
		{device("0x6", "whatever"), "the configuration has a device kitchen.climate"},
		{device("0x7", "Kitchen/Climate/Temperature"), "kitchen.climate.temperature is the property temperature of device kitchen.climate"},
		{device("0xa", "porch/lamp", "state"), "its property state would have the name of device porch.lamp.state"},
		{device("0x9", "probe"), "probe"},
		{device("0xabcdef", "☃"), "device_abcdef"},
	} {
		got, err := n.Claim(test.d, "a")
		if err != nil {
			got = err.Error()
		}
		if got != test.want && (err == nil || !strings.HasPrefix(got, test.want)) {
			t.Errorf("%s %s is %s, want %s", test.d.ID, test.d.Label, got, test.want)
		}
	}
	if got := strings.Join(n.Via("a"), " "); got != "0x1 0x2 0x5 0x8 0x9 0xabcdef" {
		t.Errorf("by way of a: %s", got)
	}
	if got := n.Release("0x8"); got != "gone" {
		t.Errorf("released %q", got)
	}
	if got, err := n.Claim(device("0x4", "gone"), "a"); got != "gone" || err != nil {
		t.Errorf("a name that is free again: %s, %v", got, err)
	}
	if got := n.Release("nobody"); got != "" {
		t.Errorf("released %q", got)
	}
}

func TestWord(t *testing.T) {
	for name, want := range map[string]string{
		"state": "state", "value": "value", "on": "on", "Läge.1/x": "lage_1_x", "brigness_Active": "brigness_active", "2nd": "n2nd",
		"": "property", "☃": "property", "a": "a", "A": "a", strings.Repeat("x", 40): strings.Repeat("x", 32),
	} {
		if got := Word(name); got != want {
			t.Errorf("Word(%q) = %q, want %q", name, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		if err := home.CheckWord(Word(name)); err != nil {
			t.Errorf("Word(%q): %v", name, err)
		}
	})
}

func TestUnit(t *testing.T) {
	for s, want := range map[string]string{
		"  C": "°C", "℃": "°C", "ºC": "°C", "lux": "lx", "Lx": "lx", "VAR": "var", "VArh": "varh", "kVArh": "kvarh", "mWt": "mW", "mW": "mW",
		"MW": "MW", "ug/m3": "µg/m³", "μg/m³": "µg/m³", "μS/cm": "µS/cm", "sec.": "s", "Seconds": "s", "Hr": "h", "m3": "m³", "liter": "L",
		"%": "%", "S": "S", "mired": "mired", "": "", "furlong": "furlong", "K": "K", "kW": "kW", "Hz": "Hz",
	} {
		if got := Unit(s); got != want {
			t.Errorf("Unit(%q) = %q, want %q", s, got, want)
		}
	}
}
