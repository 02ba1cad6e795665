package homeassistant

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// TestCommands holds what is published against what Home Assistant publishes for the same
// announcement. The source is the page of its documentation (www.home-assistant.io/integrations/…) or
// the module below homeassistant/components/mqtt and its tests below tests/components/mqtt.
func TestCommands(t *testing.T) {
	const zwave = `{"stat_t":"s","cmd_t":"d/set","on_cmd_type":"brightness","bri_scl":99,"bri_stat_t":"d","bri_cmd_t":"d/set","bri_val_tpl":"{{ value_json.value | round(0) }}"}`
	const rgb = `{"cmd_t":"c","rgb_cmd_t":"rgb","rgb_cmd_tpl":"{{ '#%02x%02x%02x0000' | format(red, green, blue) }}","pl_on":"1","pl_off":"0"}`
	const robot = `{"cmd_t":"c","stat_t":"s","set_fan_spd_t":"f","fanspd_lst":["min","max"],"sup_feat":["start","pause","return_home","fan_speed","locate","send_command"],"send_cmd_t":"sc"}`
	for _, test := range []struct {
		component, payload string
		heard              string // "topic message" before it; may be empty
		set                string // property=value
		want               string // "topic payload", one behind the other; or why not
		source             string
	}{
		// Lights: on_command_type in its three forms.
		{"light", `{"cmd_t":"c","bri_cmd_t":"b"}`, "", "state=on", "c ON", "light.mqtt: payload_on"},
		{"light", `{"cmd_t":"c","bri_cmd_t":"b"}`, "", "brightness=30", "b 30, c ON", "light.mqtt: on_command_type last"},
		{"light", `{"cmd_t":"c","bri_cmd_t":"b","on_cmd_type":"first"}`, "", "brightness=30", "c ON, b 30", "light.mqtt: on_command_type first"},
		{"light", `{"cmd_t":"c","bri_cmd_t":"b"}`, "", "brightness=0", "b 0", "test_light.py: off is no on"},
		{"light", zwave, "", "state=on", "d/set 99", "light.mqtt: on_command_type brightness, brightness_scale"},
		{"light", zwave, `d {"value":40}`, "state=on", "d/set 40", "schema_basic.py async_turn_on: self.brightness"},
		{"light", zwave, `d {"value":0}`, "state=on", "d/set 99", "schema_basic.py: zero brightness is ignored"},
		{"light", zwave, "", "state=off", "d/set OFF", "light.mqtt: payload_off"},
		{"light", zwave, "", "brightness=20", "d/set 20", "light.mqtt: only brightness commands"},
		{"light", `{"cmd_t":"c","on_cmd_type":"brightness","bri_cmd_t":"b","bri_cmd_tpl":"{\"v\":{{ value }}}"}`, "", "state=on", `b {"v":255}`, "light.mqtt: brightness_command_template"},
		{"light", rgb, "", "rgb=255,0,16", "rgb #ff00100000, c 1", "light.mqtt: rgb_command_template has red, green and blue"},
		{"light", rgb, "", "rgb=255,0", `found "255,0", expected red,green,blue: 3 numbers from 0 to 255`, "light.mqtt"},
		{"light", rgb, "", "rgb=255,0,256", `found "255,0,256", expected red,green,blue: 3 numbers from 0 to 255`, "light.mqtt"},
		{"light", `{"cmd_t":"c","hs_cmd_t":"h"}`, "", "hs=30,50.5", "h 30,50.5, c ON", "light.mqtt: hs_command_topic"},
		{"light", `{"cmd_t":"c","rgbww_cmd_t":"h","rgbww_cmd_tpl":"{{ cold_white }}/{{ warm_white }}/{{ red }}"}`, "", "rgbww=1,2,3,4,5", "h 4/5/1, c ON", "light.mqtt: rgbww_command_template"},
		{"light", `{"cmd_t":"c","clr_temp_cmd_t":"k","clr_temp_k":true,"min_k":2200,"max_k":4000}`, "", "color_temp=2700", "k 2700, c ON", "light.mqtt: color_temp_kelvin"},
		{"light", `{"cmd_t":"c","whit_cmd_t":"w","whit_scl":100}`, "", "white=70", "w 70, c ON", "light.mqtt: white_command_topic, white_scale"},
		{"light", `{"cmd_t":"c","fx_cmd_t":"f","fx_list":["rainbow"]}`, "", "effect=rainbow", "f rainbow, c ON", "light.mqtt: effect_command_topic"},
		{"light", `{"schema":"json","cmd_t":"c","brightness":true}`, "", "brightness=9", `c {"state":"ON","brightness":9}`, "light.mqtt: JSON schema"},
		{"light", `{"schema":"json","cmd_t":"c"}`, "", "state=off", `c {"state":"OFF"}`, "light.mqtt: JSON schema"},
		{"light", `{"schema":"template","cmd_t":"c","cmd_on_tpl":"{{ 'on' if state }}{% if red is defined %} {{ red }}-{{ green }}-{{ blue }}{% endif %}","cmd_off_tpl":"off","r_tpl":"{{1}}","g_tpl":"{{2}}","b_tpl":"{{3}}"}`,
			"", "rgb=1,2,3", "c on 1-2-3", "light.mqtt: template schema has red, green and blue"},
		// Covers: 100 % is open, however the device counts.
		{"cover", `{"pos_t":"p","set_pos_t":"sp","pos_open":0,"pos_clsd":100}`, "", "position=10", "sp 90", "test_cover.py test_set_position_templated… with inverted range"},
		{"cover", `{"pos_t":"p","set_pos_t":"sp","pos_open":99,"pos_clsd":0}`, "", "position=100", "sp 99", "cover.mqtt: position_open"},
		{"cover", `{"pos_t":"p","set_pos_t":"sp","pos_open":180,"pos_clsd":80}`, "", "position=90", "sp 170", "cover.py percentage_to_ranged_value"},
		{"cover", `{"pos_t":"p","set_pos_t":"sp","pos_open":0,"pos_clsd":255,"set_pos_tpl":"{{ value }} of {{ position_closed }}, {{ position }} %"}`, "", "position=100", "sp 0 of 255, 100 %", "cover.mqtt: variables of set_position_template"},
		{"cover", `{"tilt_cmd_t":"tc","tilt_min":100,"tilt_max":0}`, "", "tilt=10", "tc 90", "cover.mqtt: tilt_min, tilt_max"},
		{"cover", `{"tilt_cmd_t":"tc","tilt_cmd_tpl":"{{ tilt_position }}"}`, "", "tilt=40", "tc 40", "cover.mqtt: tilt_command_template"},
		{"cover", `{"cmd_t":"c","pl_open":255,"pl_cls":0,"pl_stop":253}`, "", "state=stop", "c 253", "cover.mqtt: payload_stop"},
		{"valve", `{"cmd_t":"c"}`, "", "state=close", "c CLOSE", "valve.mqtt: payload_close"},
		{"valve", `{"cmd_t":"c","pl_stop":"HALT"}`, "", "state=stop", "c HALT", "valve.mqtt: payload_stop"},
		{"valve", `{"cmd_t":"c","pos":true,"pos_open":0,"pos_clsd":255}`, "", "position=100", "c 0", "valve.mqtt: reports_position"},
		// Fans: a percentage lies over the range of speeds.
		{"fan", `{"cmd_t":"c","pct_cmd_t":"p","spd_rng_max":10}`, "", "percentage=55", "p 6", "fan.py: math.ceil(percentage_to_ranged_value)"},
		{"fan", `{"cmd_t":"c","pct_cmd_t":"p","spd_rng_min":4,"spd_rng_max":8}`, "", "percentage=40", "p 5", "fan.mqtt: speed_range_min"},
		{"fan", `{"cmd_t":"c","pct_cmd_t":"p"}`, "", "percentage=0", "p 0", "test_fan.py"},
		{"fan", `{"cmd_t":"c","pr_mode_cmd_t":"m","pr_modes":["auto"]}`, "", "preset_mode=auto", "m auto", "fan.mqtt"},
		{"fan", `{"cmd_t":"c","dir_cmd_t":"d"}`, "", "direction=reverse", "d reverse", "fan.mqtt"},
		{"fan", `{"cmd_t":"c","osc_cmd_t":"o"}`, "", "oscillation=off", "o oscillate_off", "fan.mqtt"},
		// Climate and its like.
		{"climate", `{"pr_mode_cmd_t":"m","pr_modes":["eco"]}`, "", "preset_mode=none", "m none", "climate.py: PRESET_NONE goes before the list"},
		{"climate", `{"mode_cmd_t":"m","mode_cmd_tpl":"{{ {'off': 0, 'heat': 1}[value] | default('0') }}","modes":["off","heat"]}`, "", "mode=heat", "m 1", "climate.mqtt: mode_command_template"},
		{"climate", `{"temp_cmd_t":"t","max_temp":28}`, "", "temperature=21.5", "t 21.5", "climate.mqtt"},
		{"climate", `{"pow_cmd_t":"p","pl_on":"1","pl_off":"0"}`, "", "power=off", "p 0", "climate.mqtt: power_command_topic"},
		{"climate", `{"hum_cmd_t":"h"}`, "", "humidity=40", "h 40", "climate.mqtt: target_humidity_command_topic"},
		{"water_heater", `{"mode_cmd_t":"m"}`, "", "mode=eco", "m eco", "water_heater.mqtt: modes"},
		{"water_heater", `{"temp_cmd_t":"t"}`, "", "temperature=50", "t 50", "water_heater.mqtt: 43.3 to 60 °C"},
		{"humidifier", `{"cmd_t":"c","hum_cmd_t":"h","hum_cmd_tpl":"{\"h\": {{ value }}}"}`, "", "humidity=45", `h {"h": 45}`, "humidifier.mqtt"},
		{"humidifier", `{"cmd_t":"c","hum_cmd_t":"h","mode_cmd_t":"m","modes":["sleep"]}`, "", "mode=sleep", "m sleep", "humidifier.mqtt"},
		{"humidifier", `{"cmd_t":"c","hum_cmd_t":"h"}`, "", "state=on", "c ON", "humidifier.mqtt"},
		// What moves by itself.
		{"vacuum", robot, "", "state=return_to_base", "c return_to_base", "vacuum.mqtt: payload_return_to_base"},
		{"vacuum", robot, "", "fan_speed=max", "f max", "vacuum.mqtt: set_fan_speed_topic"},
		{"vacuum", robot, "", "command=hello", "sc hello", "vacuum.mqtt: send_command_topic"},
		{"lawn_mower", `{"start_mowing_cmd_t":"go","dock_cmd_t":"home","dock_cmd_tpl":"{\"do\":\"{{ value }}\"}","act_stat_t":"a"}`, "", "activity=dock", `home {"do":"dock"}`, "lawn_mower.mqtt: dock_command_template"},
		{"lawn_mower", `{"start_mowing_cmd_t":"go","act_stat_t":"a"}`, "", "activity=start_mowing", "go start_mowing", "lawn_mower.mqtt"},
		// Alarms.
		{"alarm_control_panel", `{"cmd_t":"c","stat_t":"s"}`, "", "state=arm_away", "c ARM_AWAY", "alarm_control_panel.mqtt"},
		{"alarm_control_panel", `{"cmd_t":"c","stat_t":"s","code":"12","cmd_tpl":"{\"a\":\"{{ action }}\",\"c\":\"{{ code }}\"}"}`, "", "state=disarm", `c {"a":"DISARM","c":"12"}`, "alarm_control_panel.mqtt: command_template"},
		{"alarm_control_panel", `{"cmd_t":"c","stat_t":"s","code":"REMOTE_CODE","code_arm_required":false}`, "", "state=arm_home", "c ARM_HOME", "alarm_control_panel.mqtt: code_arm_required"},
		{"alarm_control_panel", `{"cmd_t":"c","stat_t":"s","code":"REMOTE_CODE","code_arm_required":false}`, "", "state=disarm", "disarm is not one of arm_home, arm_away, arm_night, arm_vacation, arm_custom_bypass", "alarm_control_panel.mqtt: code_disarm_required"},
		{"siren", `{"cmd_t":"c"}`, "", "state=off", `c {"state":"OFF"}`, "siren.py: JSON without a template"},
		{"siren", `{"cmd_t":"c","av_tones":["fire"]}`, "", "tone=fire", `c {"state":"ON","tone":"fire"}`, "siren.py"},
		{"siren", `{"cmd_t":"c","cmd_tpl":"1 {{ value }}","cmd_off_tpl":"0 {{ value }}"}`, "", "state=off", "c 0 OFF", "siren.mqtt: command_off_template"},
		// The rest.
		{"switch", `{"cmd_t":"c","pl_on":true,"pl_off":false}`, "", "state=on", "c True", "switch.mqtt: cv.string of a boolean"},
		{"switch", `{"cmd_t":"c","pl_on":{"on":1},"pl_off":{"on":0}}`, "", "state=off", `c {"on":0}`, "a payload that is JSON"},
		{"switch", `{"cmd_t":"c","cmd_tpl":"{\"s\":\"{{ value }}\"}"}`, "", "state=on", `c {"s":"ON"}`, "switch.mqtt: command_template"},
		{"number", `{"cmd_t":"c"}`, "", "n=7", "c 7", "number.py: whole numbers without a point"},
		{"number", `{"cmd_t":"c","min":0,"max":1,"cmd_tpl":"{{ value * 100 }}"}`, "", "n=0.5", "c 50.0", "number.mqtt: command_template"},
		{"select", `{"cmd_t":"c","ops":["1","2"]}`, "", "n=2", "c 2", "select.mqtt"},
		{"text", `{"cmd_t":"c"}`, "", "n=hello", "c hello", "text.mqtt"},
		{"button", `{"cmd_t":"c","pl_prs":"{\"a\":1}","cmd_tpl":"{{ value }}"}`, "", "n=press", `c {"a":1}`, "button.mqtt"},
		{"scene", `{"cmd_t":"c","pl_on":"go"}`, "", "n=activate", "c go", "scene.mqtt"},
		{"notify", `{"cmd_t":"c","cmd_tpl":"{{ value | upper }}"}`, "", "n=hi", "c HI", "notify.mqtt"},
		{"lock", `{"cmd_t":"c","stat_t":"s"}`, "", "state=off", "c UNLOCK", "lock.mqtt"},
		{"lock", `{"cmd_t":"c","stat_t":"s","pl_open":"LATCH"}`, "", "open=open", "c LATCH", "lock.mqtt: payload_open"},
		{"update", `{"cmd_t":"c","stat_t":"s","pl_inst":"go"}`, "", "install=install", "c go", "update.mqtt"},
	} {
		d, device := one(t, test.component, test.payload)
		if topic, message, ok := strings.Cut(test.heard, " "); ok {
			said(t, d, topic, message)
		}
		name, text, _ := strings.Cut(test.set, "=")
		i := slices.IndexFunc(device.Properties, func(p home.Property) bool { return p.Name == name || name == "n" })
		if i < 0 {
			t.Errorf("%s %s: no %s among %s", test.component, test.payload, name, describe(device.Properties))
			continue
		}
		got := ""
		v, err := device.Properties[i].Accept(home.TextOf(text))
		if err == nil {
			var order dialect.Order
			order, err = d.Command(device.ID, device.Properties[i].Name, v)
			got = messagesOf(order)
		}
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %s, %s (%s): want -, got +\n%s", test.component, test.payload, test.set, test.source, diff)
		}
	}
}

// messagesOf shows what goes out for an order.
func messagesOf(order dialect.Order) string {
	var list []string
	for _, m := range slices.Concat(order.Before, []dialect.Message{order.Message}, order.After) {
		list = append(list, m.Topic+" "+string(m.Payload))
	}
	return strings.Join(list, ", ")
}
