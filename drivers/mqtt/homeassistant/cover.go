package homeassistant

import (
	"math"
	"strings"

	"hogar/gateway/home"
)

func cover(b *build) {
	none, all := b.c.number("position_closed", 0), b.c.number("position_open", 100)
	position := b.settable(b.state("position", home.TypeNumber, "position_topic", "position_template"), "set_position_topic", "set_position_template", "")
	position.within(none, all, math.RoundToEven)
	position.percentAs(b, "position")
	if position.template != nil {
		position.then = memberOf("position")
	}
	b.add(b.opening("stopped"))
	b.add(position)
	tilt := b.settable(b.state("tilt", home.TypeNumber, "tilt_status_topic", "tilt_status_template"), "tilt_command_topic", "tilt_command_template", "")
	tilt.within(b.c.number("tilt_min", 0), b.c.number("tilt_max", 100), math.RoundToEven)
	tilt.percentAs(b, "tilt_position")
	b.add(tilt)
}

// opening is the state of a cover or a valve, told as a word and set by another.
func (b *build) opening(more ...string) *slot {
	state := b.settable(b.state("state", home.TypeChoice, "state_topic", "value_template"), "command_topic", "command_template", "")
	state.words = map[string]string{}
	for _, word := range append([]string{"open", "opening", "closed", "closing"}, more...) {
		state.words[b.c.text("state_"+word, word)] = word
		if state.set == nil {
			state.Options = append(state.Options, word)
		}
	}
	if state.set == nil {
		return state
	}
	for _, word := range []string{"open", "close", "stop"} {
		byDefault := strings.ToUpper(word)
		if word == "stop" && len(more) == 0 {
			byDefault = "" // a valve that can be stopped says so
		}
		state.offer(word, b.c.text("payload_"+word, byDefault))
	}
	return state
}

// offer adds an option that is set by a payload; none for an empty one.
func (s *slot) offer(option, payload string) {
	if s.set == nil || payload == "" {
		return
	}
	if s.set.words == nil {
		s.set.words = make(map[string]string)
	}
	s.set.words[option] = payload
	s.Options = append(s.Options, option)
}

// percentAs gives a command template the percentage under a name, beside value, which is what the
// device counts, and the limits of both.
func (s *slot) percentAs(b *build, name string) {
	if s.set == nil {
		return
	}
	s.set.names = func(v home.Value) (map[string]any, error) {
		names := map[string]any{name: unpointed(v.Number())}
		for key, byDefault := range map[string]float64{"position_open": 100, "position_closed": 0, "tilt_min": 0, "tilt_max": 100} {
			names[key] = unpointed(b.c.number(key, byDefault))
		}
		return names, nil
	}
}

// valve tells its position or its state at one topic, or both as JSON.
func valve(b *build) {
	if !b.c.bool("reports_position", false) {
		state := b.opening()
		state.then = memberOf("state")
		b.add(state)
		return
	}
	position := b.settable(b.state("position", home.TypeNumber, "state_topic", "value_template"), "command_topic", "command_template", "")
	position.within(b.c.number("position_closed", 0), b.c.number("position_open", 100), math.RoundToEven)
	position.percentAs(b, "position")
	position.then = must("{% if value_json is mapping %}{{ value_json.get('position', '') }}{% elif value | is_number %}{{ value }}{% endif %}")
	b.add(position)
	state := b.state("state", home.TypeText, "state_topic", "value_template")
	state.choice([]string{"open", "opening", "closed", "closing"})
	state.words = map[string]string{}
	for _, word := range state.Options {
		state.words[b.c.text("state_"+word, word)] = word
	}
	state.then = must("{% if value_json is mapping %}{{ value_json.get('state', '') }}{% elif not value | is_number %}{{ value }}{% endif %}")
	b.add(state)
}

func fan(b *build) {
	onOffEntity(b)
	least := b.c.number("speed_range_min", 1) // the lowest speed; below it is off
	speed := b.settable(b.state("percentage", home.TypeNumber, "percentage_state_topic", "percentage_value_template"), "percentage_command_topic", "percentage_command_template", "")
	b.add(speed.within(least-1, b.c.number("speed_range_max", 100), math.Ceil))
	mode := b.settable(b.state("preset_mode", home.TypeChoice, "preset_mode_state_topic", "preset_mode_value_template"), "preset_mode_command_topic", "preset_mode_command_template", "")
	b.add(mode.choice(b.c.list("preset_modes")))
	speed.absent, mode.absent = b.c.text("payload_reset_percentage", ""), b.c.text("payload_reset_preset_mode", "")
	swing := b.settable(b.state("oscillation", home.TypeBoolean, "oscillation_state_topic", "oscillation_value_template"), "oscillation_command_topic", "oscillation_command_template", "")
	on, off := b.c.text("payload_oscillation_on", "oscillate_on"), b.c.text("payload_oscillation_off", "oscillate_off")
	b.add(b.switchOf(swing, on, off, on, off))
	direction := b.settable(b.state("direction", home.TypeChoice, "direction_state_topic", "direction_value_template"), "direction_command_topic", "direction_command_template", "")
	b.add(direction.choice([]string{"forward", "reverse"}))
}
