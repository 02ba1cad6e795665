package homeassistant

import (
	"slices"

	"hogar/gateway/home"
)

// degrees adds a temperature that is wanted, and can be set.
func (b *build) degrees(key string, least, most float64) {
	s := b.settable(b.state(key, home.TypeNumber, key+"_state_topic", key+"_state_template"), key+"_command_topic", key+"_command_template", "")
	s.Unit, s.repeats = b.c.text("temperature_unit", "C"), true
	b.add(s.limits(least, most))
}

// measures adds what is measured: its keys begin with the name, current_temperature say.
func (b *build) measures(key, unit string) {
	s := b.state(key, home.TypeNumber, key+"_topic", key+"_template")
	s.Unit, s.repeats = unit, true
	b.add(s)
}

// humid adds the humidity that is wanted.
func (b *build) humid(least, most float64) {
	s := b.settable(b.state("humidity", home.TypeNumber, "target_humidity_state_topic", "target_humidity_state_template"), "target_humidity_command_topic", "target_humidity_command_template", "")
	s.Unit, s.repeats = "%", true
	s.absent = b.c.text("payload_reset_humidity", "")
	b.add(s.limits(b.c.number("min_humidity", least), b.c.number("max_humidity", most)))
}

// mode adds one of the modes that stand at the key of the list.
func (b *build) mode(key, list string, byDefault ...string) *slot {
	options := b.c.list(list)
	if options == nil {
		options = byDefault
	}
	s := b.settable(b.state(key, home.TypeChoice, key+"_state_topic", key+"_state_template", key+"_value_template"), key+"_command_topic", key+"_command_template", "")
	b.add(s.choice(options))
	return s
}

// power adds what switches the whole on and off, and is not told.
func (b *build) power() {
	power := b.settable(&slot{key: "power"}, "power_command_topic", "power_command_template", "")
	power.Type = home.TypeBoolean
	b.add(b.onOff(power))
}

func climate(b *build) {
	b.measures("current_temperature", b.c.text("temperature_unit", "C"))
	for _, key := range []string{"temperature", "temperature_low", "temperature_high"} {
		b.degrees(key, b.c.number("min_temp", 7), b.c.number("max_temp", 35))
	}
	b.measures("current_humidity", "%")
	b.humid(30, 99)
	b.mode("mode", "modes", "auto", "off", "cool", "heat", "dry", "fan_only")
	b.mode("fan_mode", "fan_modes")
	b.mode("swing_mode", "swing_modes")
	b.mode("swing_horizontal_mode", "swing_horizontal_modes")
	preset := b.mode("preset_mode", "preset_modes")
	if len(preset.Options) > 0 && !slices.Contains(preset.Options, "none") { // Home Assistant adds it
		preset.Options = append([]string{"none"}, preset.Options...)
	}
	preset.words = map[string]string{"None": "none"}
	b.add(b.state("action", home.TypeText, "action_topic", "action_template"))
	b.power()
}

func waterHeater(b *build) {
	least, most := 43.3, 60.0
	unit := b.c.text("temperature_unit", "C")
	if unit == "F" {
		least, most = 110, 140
	}
	b.measures("current_temperature", unit)
	b.degrees("temperature", b.c.number("min_temp", least), b.c.number("max_temp", most))
	b.mode("mode", "modes", "off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance")
	b.power()
}

func humidifier(b *build) {
	onOffEntity(b)
	b.humid(0, 100)
	b.measures("current_humidity", "%")
	b.mode("mode", "modes").absent = b.c.text("payload_reset_mode", "")
	b.add(b.state("action", home.TypeText, "action_topic", "action_template"))
}
