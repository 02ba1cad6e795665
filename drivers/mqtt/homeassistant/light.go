package homeassistant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// lamp is what a light of the schema default needs beside its slots.
type lamp struct {
	b     *build
	state *slot
	when  string // on_command_type: last, first or brightness
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
	l := &lamp{b: b, when: b.c.text("on_command_type", "last")}
	l.state = b.onOff(b.settable(b.state("state", home.TypeBoolean, "state_topic", "state_value_template", "value_template"), "command_topic", "", ""))
	b.add(l.state)
	l.state.Settable = l.state.set != nil
	if dimmer := l.number("brightness", 0, b.c.number("brightness_scale", 255)); dimmer != nil && l.when == "brightness" && l.state.set != nil {
		l.state.set.by = dimmer.lit
	}
	if b.c.bool("color_temp_kelvin", false) {
		if s := l.number("color_temp", b.c.number("min_kelvin", 2000), b.c.number("max_kelvin", 6535)); s != nil {
			s.Unit = "K"
		}
	} else {
		l.number("color_temp", b.c.number("min_mireds", 153), b.c.number("max_mireds", 500))
	}
	b.add(l.style("effect").choice(b.c.list("effect_list")))
	l.colour("rgb", 255, "red", "green", "blue")
	l.colour("rgbw", 255, "red", "green", "blue", "white")
	l.colour("rgbww", 255, "red", "green", "blue", "cold_white", "warm_white")
	l.colour("hs", 360, "hue", "sat")
	l.colour("xy", 1, "x", "y")
	l.number("white", 0, b.c.number("white_scale", 255))
	b.add(b.state("color_mode", home.TypeText, "color_mode_state_topic", "color_mode_value_template"))
}

// style is what else can be said of a lamp: it is set with the lamp's on, before or behind it as
// on_command_type says.
func (l *lamp) style(key string) *slot {
	s := l.b.state(key, home.TypeText, key+"_state_topic", key+"_value_template")
	l.b.settable(s, key+"_command_topic", key+"_command_template", "")
	if s.set == nil || l.state.set == nil || l.when == "brightness" {
		return s
	}
	on := dialect.Message{Topic: l.state.set.topic, Payload: []byte(l.state.set.on), Retained: l.state.set.retain}
	if l.when == "first" {
		s.set.before = []dialect.Message{on}
	} else {
		s.set.after = []dialect.Message{on}
	}
	return s
}

// number adds a style that is a number. It returns nil for one that cannot be set.
func (l *lamp) number(key string, least, most float64) *slot {
	s := l.style(key)
	s.Type, s.repeats = home.TypeNumber, true
	l.b.add(s.limits(least, most))
	if s.set == nil {
		return nil
	}
	return s
}

// lit says how a dimmer is switched on that has no other way: by its last brightness.
func (s *slot) lit(v home.Value) (*slot, home.Value) {
	switch {
	case v == home.BooleanOf(false):
		return nil, home.Value{}
	case s.last > 0:
		return s, home.NumberOf(s.last)
	}
	return s, home.NumberOf(*s.Max)
}

// colour adds a text like 255,0,16, whose numbers the template knows by their names.
func (l *lamp) colour(key string, most float64, names ...string) {
	s := l.style(key)
	s.Type = home.TypeText
	if s.set != nil {
		s.set.names = func(v home.Value) (map[string]any, error) { return numbersOf(v.String(), most, names) }
	}
	l.b.add(s)
}

// numbersOf reads numbers with commas between them.
func numbersOf(text string, most float64, names []string) (map[string]any, error) {
	parts, out := strings.Split(text, ","), make(map[string]any)
	for i, part := range parts {
		f, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || f < 0 || !(f <= most) || len(parts) != len(names) {
			return nil, fmt.Errorf("found %s, expected %s: %d numbers from 0 to %v", excerpt(text), strings.Join(names, ","), len(names), most)
		}
		out[names[i]] = unpointed(f)
	}
	return out, nil
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
		temperature := member("color_temp", home.TypeNumber, "{{ value_json.color_temp }}").limits(b.c.number("min_mireds", 153), b.c.number("max_mireds", 500))
		if b.c.bool("color_temp_kelvin", false) {
			temperature.limits(b.c.number("min_kelvin", 2000), b.c.number("max_kelvin", 6535)).Unit = "K"
		}
		b.add(temperature)
	}
	if has("rgb", "rgbw", "rgbww", "hs", "xy") || b.c.bool("rgb", false) || b.c.bool("hs", false) || b.c.bool("xy", false) {
		b.add(member("color", home.TypeObject, "{% if value_json.color is mapping %}{{ value_json.color | to_json }}{% endif %}"))
	}
	if has("white") {
		white := member("white", home.TypeNumber, "{{ value_json.white }}")
		white.topic = "" // told as brightness
		b.add(white.limits(0, b.c.number("white_scale", 255)))
	}
	if b.c.bool("effect", false) {
		b.add(member("effect", home.TypeText, "{{ value_json.effect }}").choice(b.c.list("effect_list")))
	}
}

// templateLight writes its commands by two templates.
func templateLight(b *build) {
	on, off := b.command("command_on_template"), b.command("command_off_template")
	topic := b.topic("command_topic", true)
	red, green, blue := b.c.text("red_template", ""), b.c.text("green_template", ""), b.c.text("blue_template", "")
	if red != "" && green != "" && blue != "" {
		b.c["rgb_template"] = red + "," + green + "," + blue
	}
	for _, key := range []string{"state", "brightness", "color_temp", "effect", "rgb"} {
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
			s.set = templateSetter(key, topic, b.c.bool("retain", false))
			s.set.template, s.set.offTemplate = on, off
		}
		b.add(s)
	}
}

// templateSetter has the variables that Home Assistant gives the two templates: state is true or
// false, and what is set beside it has its own name.
func templateSetter(key, topic string, retain bool) *setter {
	set := &setter{topic: topic, retain: retain, on: "on", off: "off"}
	set.names = func(v home.Value) (map[string]any, error) {
		names := map[string]any{"state": v != home.BooleanOf(false)}
		switch {
		case key == "rgb":
			colours, err := numbersOf(v.String(), 255, []string{"red", "green", "blue"})
			if err != nil {
				return nil, err
			}
			colours["state"] = true
			return colours, nil
		case v.Kind() == home.Number:
			names[key] = unpointed(v.Number())
		case key != "state":
			names[key] = v.String()
		}
		return names, nil
	}
	return set
}
