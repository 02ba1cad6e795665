package homeassistant

import (
	"slices"
	"strings"

	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// must compiles a template of this package's own.
func must(text string) *template.Template {
	t, err := template.Compile(text)
	if err != nil {
		panic(err)
	}
	return t
}

// version is what an update tells when no template says how: JSON, or the version.
func version(key string) *template.Template {
	return must("{% if value_json is mapping %}{{ value_json.get('" + key + "', '') }}{% else %}{{ value }}{% endif %}")
}

// object writes {"key":value,…}.
func object(pairs ...any) []byte {
	b := []byte{'{'}
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = home.TextOf(pairs[i].(string)).AppendJSON(b)
		b = pairs[i+1].(home.Value).AppendJSON(append(b, ':'))
	}
	return append(b, '}')
}

func light(b *build) {
	switch b.c.text("schema", "default") {
	case "json":
		jsonLight(b)
		return
	case "template":
		templateLight(b)
		return
	}
	onOff := b.settable(b.state("state", home.TypeBoolean, "state_topic", "state_value_template", "value_template"), "command_topic", "", "")
	b.add(b.onOff(onOff))
	b.lightNumber("brightness", 0, b.c.number("brightness_scale", 255))
	b.lightNumber("color_temp", b.c.number("min_mireds", 153), b.c.number("max_mireds", 500))
	b.add(b.lightSlot("effect").choice(b.c.list("effect_list")))
	for _, key := range []string{"rgb", "rgbw", "rgbww", "hs", "xy", "color_mode"} {
		b.add(b.lightSlot(key)) // a text like 255,0,0
	}
}

func (b *build) lightSlot(key string) *slot {
	s := b.state(key, home.TypeText, key+"_state_topic", key+"_value_template")
	return b.settable(s, key+"_command_topic", key+"_command_template", key)
}

func (b *build) lightNumber(key string, least, most float64) {
	s := b.lightSlot(key)
	s.Type, s.repeats = home.TypeNumber, true
	b.add(s.limits(least, most))
}

// jsonLight says all in one JSON object.
func jsonLight(b *build) {
	member := func(key string, kind home.Type, tpl string) *slot {
		s := b.settable(b.state(key, kind, "state_topic"), "command_topic", "", "")
		s.template, s.repeats = must(tpl), true
		if s.set != nil {
			s.set.wrap = func(v home.Value) []byte { return object("state", home.TextOf("ON"), key, v) }
		}
		return s
	}
	state := member("state", home.TypeBoolean, "{{ value_json.state }}")
	b.switchOf(state, "ON", "OFF", "ON", "OFF")
	if state.set != nil {
		state.set.wrap = func(v home.Value) []byte {
			if v.Boolean() {
				return object("state", home.TextOf("ON"))
			}
			return object("state", home.TextOf("OFF"))
		}
	}
	b.add(state)
	modes := b.c.list("supported_color_modes")
	has := func(words ...string) bool {
		return slices.ContainsFunc(modes, func(m string) bool { return slices.Contains(words, m) })
	}
	if b.c.bool("brightness", false) || len(modes) > 0 && !has("onoff") {
		b.add(member("brightness", home.TypeNumber, "{{ value_json.brightness }}").limits(0, b.c.number("brightness_scale", 255)))
	}
	if has("color_temp") || b.c.bool("color_temp", false) {
		b.add(member("color_temp", home.TypeNumber, "{{ value_json.color_temp }}").limits(b.c.number("min_mireds", 153), b.c.number("max_mireds", 500)))
	}
	if has("rgb", "rgbw", "rgbww", "hs", "xy") || b.c.bool("rgb", false) || b.c.bool("hs", false) || b.c.bool("xy", false) {
		b.add(member("color", home.TypeObject, "{% if value_json.color is mapping %}{{ value_json.color | to_json }}{% endif %}"))
	}
	if b.c.bool("effect", false) {
		b.add(member("effect", home.TypeText, "{{ value_json.effect }}").choice(b.c.list("effect_list")))
	}
}

// templateLight writes its commands by two templates.
func templateLight(b *build) {
	on, off := b.template("command_on_template"), b.template("command_off_template")
	topic := b.topic("command_topic", true)
	for _, key := range []string{"state", "brightness", "color_temp", "effect"} {
		s := b.state(key, home.TypeText, "state_topic", key+"_template")
		if key != "state" && s.template == nil {
			continue
		}
		s.repeats = true
		switch key {
		case "state":
			s.Type = home.TypeBoolean
			b.switchOf(s, "on", "off", "on", "off")
		case "brightness":
			s.Type = home.TypeNumber
			s.limits(0, 255)
		case "color_temp":
			s.Type = home.TypeNumber
			s.limits(b.c.number("min_mireds", 153), b.c.number("max_mireds", 500))
		case "effect":
			s.choice(b.c.list("effect_list"))
		}
		if topic != "" && on != nil {
			s.set = &setter{topic: topic, template: on, variable: key, on: "on", off: "off", retain: b.c.bool("retain", false)}
			if key == "state" {
				s.set.offTemplate = off
			}
		}
		b.add(s)
	}
}

func cover(b *build) {
	position := b.settable(b.state("position", home.TypeNumber, "position_topic", "position_template"), "set_position_topic", "set_position_template", "position")
	position.Unit = "%"
	position.repeats = true
	open, closed := b.c.number("position_open", 100), b.c.number("position_closed", 0)
	state := b.settable(b.state("state", home.TypeChoice, "state_topic", "value_template"), "command_topic", "", "")
	state.words = map[string]string{}
	for _, word := range []string{"open", "opening", "closed", "closing", "stopped"} {
		state.words[b.c.text("state_"+word, word)] = word
	}
	if state.set != nil {
		state.set.words = make(map[string]string)
		for _, word := range []string{"open", "close", "stop"} {
			payload := b.c.text("payload_"+word, strings.ToUpper(word))
			if payload != "" {
				state.set.words[word] = payload
				state.Options = append(state.Options, word)
			}
		}
	} else {
		state.Options = []string{"open", "opening", "closed", "closing", "stopped"}
	}
	b.add(state)
	b.add(position.limits(min(open, closed), max(open, closed)))
	tilt := b.settable(b.state("tilt", home.TypeNumber, "tilt_status_topic", "tilt_status_template"), "tilt_command_topic", "tilt_command_template", "tilt_position")
	tilt.repeats = true
	b.add(tilt.limits(b.c.number("tilt_min", 0), b.c.number("tilt_max", 100)))
}

func fan(b *build) {
	onOffEntity(b)
	speed := b.settable(b.state("percentage", home.TypeNumber, "percentage_state_topic", "percentage_value_template"), "percentage_command_topic", "percentage_command_template", "")
	speed.repeats = true
	b.add(speed.limits(0, b.c.number("speed_range_max", 100)))
	mode := b.settable(b.state("preset_mode", home.TypeChoice, "preset_mode_state_topic", "preset_mode_value_template"), "preset_mode_command_topic", "preset_mode_command_template", "")
	b.add(mode.choice(b.c.list("preset_modes")))
	swing := b.settable(b.state("oscillation", home.TypeBoolean, "oscillation_state_topic", "oscillation_value_template"), "oscillation_command_topic", "oscillation_command_template", "")
	on, off := b.c.text("payload_oscillation_on", "oscillate_on"), b.c.text("payload_oscillation_off", "oscillate_off")
	b.add(b.switchOf(swing, on, off, on, off))
	direction := b.settable(b.state("direction", home.TypeChoice, "direction_state_topic", "direction_value_template"), "direction_command_topic", "direction_command_template", "")
	b.add(direction.choice([]string{"forward", "reverse"}))
}

func climate(b *build) {
	unit := b.c.text("temperature_unit", "C")
	target := func(key, prefix string) {
		s := b.settable(b.state(key, home.TypeNumber, prefix+"_state_topic", prefix+"_state_template"), prefix+"_command_topic", prefix+"_command_template", "")
		s.Unit, s.repeats = unit, true
		b.add(s.limits(b.c.number("min_temp", 7), b.c.number("max_temp", 35)))
	}
	current := b.state("current_temperature", home.TypeNumber, "current_temperature_topic", "current_temperature_template")
	current.Unit, current.repeats = unit, true
	b.add(current)
	target("temperature", "temperature")
	target("temperature_low", "temperature_low")
	target("temperature_high", "temperature_high")
	humidity := b.state("current_humidity", home.TypeNumber, "current_humidity_topic", "current_humidity_template")
	humidity.Unit, humidity.repeats = "%", true
	b.add(humidity)
	wanted := b.settable(b.state("humidity", home.TypeNumber, "target_humidity_state_topic", "target_humidity_state_template"), "target_humidity_command_topic", "target_humidity_command_template", "")
	wanted.Unit, wanted.repeats = "%", true
	b.add(wanted.limits(b.c.number("min_humidity", 30), b.c.number("max_humidity", 99)))
	modes := map[string][]string{"mode": b.c.list("modes"), "fan_mode": b.c.list("fan_modes"), "swing_mode": b.c.list("swing_modes"), "preset_mode": b.c.list("preset_modes")}
	if modes["mode"] == nil {
		modes["mode"] = []string{"auto", "off", "cool", "heat", "dry", "fan_only"}
	}
	for _, key := range []string{"mode", "fan_mode", "swing_mode", "preset_mode"} {
		s := b.settable(b.state(key, home.TypeChoice, key+"_state_topic", key+"_state_template", key+"_value_template"), key+"_command_topic", key+"_command_template", "")
		b.add(s.choice(modes[key]))
	}
	b.add(b.state("action", home.TypeText, "action_topic", "action_template"))
	power := b.settable(&slot{key: "power"}, "power_command_topic", "power_command_template", "")
	power.Type = home.TypeBoolean
	b.add(b.onOff(power))
}
