package homeassistant

import (
	"slices"
	"strings"

	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// features lists what the entity can do.
func (b *build) features(byDefault ...string) []string {
	if _, said := b.c["supported_features"]; said {
		return b.c.list("supported_features")
	}
	return byDefault
}

// vacuum tells its state as one JSON object.
func vacuum(b *build) {
	features := b.features("start", "stop", "return_home", "battery", "status", "clean_spot")
	state := b.settable(b.state("state", home.TypeChoice, "state_topic", "value_template"), "command_topic", "", "")
	state.then = memberOf("state")
	if state.set == nil {
		state.Options = []string{"cleaning", "docked", "paused", "idle", "returning", "error"}
	}
	for _, one := range []struct{ word, feature, key string }{
		{"start", "start", "start"}, {"stop", "stop", "stop"}, {"pause", "pause", "pause"}, {"return_to_base", "return_home", "return_to_base"},
		{"clean_spot", "clean_spot", "clean_spot"}, {"locate", "locate", "locate"},
	} {
		if slices.Contains(features, one.feature) {
			state.offer(one.word, b.c.text("payload_"+one.key, one.word))
		}
	}
	if state.set != nil {
		state.set.orders = true
	}
	b.add(state)
	if battery := b.state("battery_level", home.TypeNumber, "state_topic", "value_template"); slices.Contains(features, "battery") {
		battery.then, battery.Unit, battery.repeats = memberOf("battery_level"), "%", true
		b.add(battery.limits(0, 100))
	}
	speed := b.settable(b.state("fan_speed", home.TypeChoice, "state_topic", "value_template"), "set_fan_speed_topic", "", "")
	if speed.then = memberOf("fan_speed"); slices.Contains(features, "fan_speed") {
		b.add(speed.choice(b.c.list("fan_speed_list")))
	}
	if command := b.settable(&slot{key: "command"}, "send_command_topic", "", ""); slices.Contains(features, "send_command") {
		command.Type, command.Momentary = home.TypeText, true
		b.add(command)
	}
}

// memberOf takes a member of what is JSON, else the whole; nothing where the object does not have it.
func memberOf(key string) *template.Template {
	return must("{% if value_json is mapping %}{{ value_json.get('" + key + "', '') }}{% else %}{{ value }}{% endif %}")
}

// mower has a topic for each of its commands.
func mower(b *build) {
	state := b.state("activity", home.TypeChoice, "activity_state_topic", "activity_value_template")
	state.words = map[string]string{"none": "None"}
	for _, word := range []string{"start_mowing", "pause", "dock"} {
		one := b.settable(&slot{}, word+"_command_topic", word+"_command_template", "")
		if one.set == nil {
			continue
		}
		if state.set == nil {
			state.set = &setter{each: make(map[string]*setter), orders: true}
		}
		state.set.each[word] = one.set
		state.Options = append(state.Options, word)
	}
	if state.set == nil {
		state.Options = []string{"mowing", "paused", "docked", "returning", "error"}
	}
	b.add(state)
}

// alarm tells its state by Home Assistant's words. A code that the panel itself asks for is
// nothing that hogar has: such a panel is not set.
func alarm(b *build) {
	state := b.settable(b.state("state", home.TypeChoice, "state_topic", "value_template"), "command_topic", "", "")
	code := b.c.text("code", "")
	needs := func(key string) bool { return strings.HasPrefix(code, "REMOTE_CODE") && b.c.bool(key, true) }
	features := b.features("arm_home", "arm_away", "arm_night", "arm_vacation", "arm_custom_bypass", "trigger")
	if tpl := b.command("command_template"); state.set != nil && tpl != nil {
		state.set.template, state.set.variable = tpl, "action"
		state.set.names = func(home.Value) (map[string]any, error) { return map[string]any{"code": code}, nil }
	}
	for _, word := range []string{"disarm", "arm_home", "arm_away", "arm_night", "arm_vacation", "arm_custom_bypass", "trigger"} {
		asks := map[string]string{"disarm": "code_disarm_required", "trigger": "code_trigger_required"}[word]
		if asks == "" {
			asks = "code_arm_required"
		}
		switch {
		case word != "disarm" && !slices.Contains(features, word):
		case needs(asks):
			b.leave("payload_"+word, "the panel asks for a code with it, which hogar does not have")
		default:
			state.offer(word, b.c.text("payload_"+word, strings.ToUpper(word)))
		}
	}
	if state.set != nil && len(state.Options) == 0 {
		state.set = nil
	}
	if state.set != nil {
		state.set.orders = true
	} else {
		state.choice([]string{"disarmed", "armed_home", "armed_away", "armed_night", "armed_vacation", "armed_custom_bypass",
			"pending", "arming", "disarming", "triggered"})
	}
	b.add(state)
}

// siren is a switch whose command is JSON unless a template says otherwise; so is its state.
func siren(b *build) {
	onOffEntity(b)
	state := b.slots[:min(1, len(b.slots))]
	off := b.command("command_off_template")
	for _, s := range state {
		s.then = memberOf("state")
		if set := s.set; set != nil && set.template == nil {
			set.wrap = func(v home.Value) []byte {
				if v.Boolean() {
					return object("state", home.TextOf(set.on))
				}
				return object("state", home.TextOf(set.off))
			}
		} else if set != nil {
			set.offTemplate = off
		}
	}
	tones := b.c.list("available_tones")
	if len(tones) == 0 {
		return
	}
	tone := b.settable(b.state("tone", home.TypeText, "state_topic", "state_value_template"), "command_topic", "command_template", "")
	tone.choice(tones)
	tone.then = must("{% if value_json is mapping %}{{ value_json.get('tone', '') }}{% endif %}")
	if set := tone.set; set != nil {
		on := b.c.text("payload_on", "ON")
		set.names = func(v home.Value) (map[string]any, error) {
			return map[string]any{"state": on, "value": on, "tone": v.String()}, nil
		}
		if set.template == nil {
			set.wrap = func(v home.Value) []byte { return object("state", home.TextOf(on), "tone", v) }
		}
	}
	b.add(tone)
}
