package homeassistant

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// heard is what messages are read as, each "topic payload".
func heard(t *testing.T, d *Discovery, messages ...string) string {
	t.Helper()
	var got []string
	for _, m := range messages {
		topic, payload, _ := strings.Cut(m, " ")
		for _, r := range said(t, d, topic, payload).Readings {
			line := r.Property + " " + r.Value.String()
			if r.Momentary {
				line = "!" + line
			}
			if r.Unknown != "" {
				line += " (" + r.Unknown + ")"
			}
			got = append(got, line)
		}
	}
	return strings.Join(got, ", ")
}

// TestReadings has the kinds of Home Assistant's discovery, as its documentation describes them
// (www.home-assistant.io/integrations/….mqtt); percentages are those of its percentage.py.
func TestReadings(t *testing.T) {
	for _, test := range []struct{ component, payload, properties, messages, want string }{
		{"cover", `{"pos_t":"p","pos_open":0,"pos_clsd":100}`, "position number % 0..100", "p 0|p 90|p 100", "position 100, position 10, position 0"},
		{"cover", `{"pos_t":"p","pos_tpl":"{{ value_json.value | round(0) }}","pos_open":99,"pos_clsd":0}`, "position number % 0..100",
			`p {"value":99}|p {"value":40}|p {"value":0}`, "position 100, position 40, position 0"},
		{"cover", `{"pos_t":"p","pos_open":255,"pos_clsd":0}`, "position number % 0..100", "p 128", "position 50"},
		{"cover", `{"tilt_status_t":"p","tilt_min":90,"tilt_max":0}`, "tilt number % 0..100", "p 90|p 45|p 0", "tilt 0, tilt 50, tilt 100"},
		{"cover", `{"pos_t":"p","pos_tpl":"{{ {'position': value_json.p} | to_json }}"}`, "position number % 0..100", `p {"p":7}`, "position 7"},
		{"cover", `{"cmd_t":"c","stat_t":"s","stat_open":255,"stat_opening":254,"stat_clsd":0,"val_tpl":"{{ value_json.value }}"}`, "state choice open|close|stop!",
			`s {"value":254}|s {"value":255}`, "state opening, state open"},
		{"fan", `{"cmd_t":"c","pct_stat_t":"p","spd_rng_max":3}`, "state boolean!, percentage number % 0..100", "p 0|p 1|p 2|p 3|p None",
			"percentage 0, percentage 33, percentage 66, percentage 100, percentage unknown (the device says None)"},
		{"fan", `{"cmd_t":"c","pct_stat_t":"p","spd_rng_min":4,"spd_rng_max":8,"pl_rst_pct":"?"}`, "state boolean!, percentage number % 0..100", "p 3|p 8|p ?",
			"percentage 0, percentage 100, percentage unknown (the device says ?)"},
		{"climate", `{"pr_mode_stat_t":"p","pr_modes":["eco"]}`, "preset_mode choice none|eco", "p None|p eco|p none", "preset_mode none, preset_mode eco, preset_mode none"},
		{"valve", `{"stat_t":"s","cmd_t":"c"}`, "state choice open|close!", `s opening|s {"state":"closed"}|s None`, "state opening, state closed, state unknown (the device says None)"},
		{"valve", `{"stat_t":"s","pos":true,"pos_open":0,"pos_clsd":100}`, "position number % 0..100, state choice open|opening|closed|closing",
			`s 30|s closing|s {"state":"opening","position":10}`, "position 70, state closing, position 90, state opening"},
		{"humidifier", `{"cmd_t":"c","stat_t":"s","hum_cmd_t":"h","hum_stat_t":"hs","curr_hum_t":"ch","mode_stat_t":"m","modes":["auto"],"act_t":"a"}`,
			"state boolean!, humidity number % 0..100!, current_humidity number %, mode choice auto, action text",
			"s ON|hs 45|ch 40.5|m auto|a drying|hs None", "state on, humidity 45, current_humidity 40.5, mode auto, action drying, humidity unknown (the device says None)"},
		{"water_heater", `{"temp_cmd_t":"tc","temp_stat_t":"t","curr_temp_t":"c","mode_stat_t":"m","min_temp":30}`,
			"current_temperature number °C, temperature number °C 30..60!, mode choice off|eco|electric|gas|heat_pump|high_demand|performance",
			"t 50|c 48|m eco", "temperature 50, current_temperature 48, mode eco"},
		{"vacuum", `{"stat_t":"s","cmd_t":"c","sup_feat":["start","pause","battery","fan_speed"],"fanspd_lst":["low","high"],"set_fan_spd_t":"f"}`,
			"state choice start|pause!, battery_level number % 0..100, fan_speed choice low|high!",
			`s {"state":"docked","battery_level":61,"fan_speed":"low"}|s {"battery_level":60}`, "state docked, battery_level 61, fan_speed low, battery_level 60"},
		{"lawn_mower", `{"act_stat_t":"s","dock_cmd_t":"d"}`, "activity choice dock!", "s mowing|s none", "activity mowing, activity unknown (the device says None)"},
		{"alarm_control_panel", `{"stat_t":"s","cmd_t":"c","sup_feat":["arm_home"]}`, "state choice disarm|arm_home!", "s armed_home|s triggered|s None",
			"state armed_home, state triggered, state unknown (the device says None)"},
		{"alarm_control_panel", `{"stat_t":"s","cmd_t":"c","code":"REMOTE_CODE"}`,
			"state choice disarmed|armed_home|armed_away|armed_night|armed_vacation|armed_custom_bypass|pending|arming|disarming|triggered", "s pending", "state pending"},
		{"siren", `{"stat_t":"s","cmd_t":"c","av_tones":["fire","fog"]}`, "state boolean!, tone choice fire|fog!", `s ON|s {"state":"OFF","tone":"fog"}`, "state on, state off, tone fog"},
		{"tag", `{"t":"s","val_tpl":"{{ value_json.UID }}"}`, "tag event", `s {"UID":"E9F35959"}`, "!tag E9F35959"},
		{"device_tracker", `{"stat_t":"s","json_attr_t":"j"}`, "location text, latitude number °, longitude number °, gps_accuracy number m",
			`s home|s garden|s None|j {"latitude":32.87336,"gps_accuracy":1.2}`,
			"location home, location garden, location unknown (the device says None), latitude 32.87336, gps_accuracy 1.2"},
		{"image", `{"url_t":"s","url_tpl":"{{ value_json.u }}"}`, "url text", `s {"u":"http://192.0.2.1/a.png"}`, "url http://192.0.2.1/a.png"},
		{"lock", `{"stat_t":"s","cmd_t":"c"}`, "state boolean!", "s LOCKING|s LOCKED", "state unknown (the device says LOCKING), state on"},
		{"light", `{"cmd_t":"c","stat_t":"s","rgb_stat_t":"r","rgb_val_tpl":"{{ value[1:3] | int(base=16) }},{{ value[3:5] | int(base=16) }},{{ value[5:7] | int(base=16) }}"}`,
			"state boolean!, rgb text", "r #FF80000000", "rgb 255,128,0"},
	} {
		d, device := one(t, test.component, test.payload)
		if diff := cmp.Diff(test.properties, describe(device.Properties)); diff != "" {
			t.Errorf("%s %s: want -, got +\n%s", test.component, test.payload, diff)
		}
		if diff := cmp.Diff(test.want, heard(t, d, strings.Split(test.messages, "|")...)); diff != "" {
			t.Errorf("%s %s: want -, got +\n%s", test.component, test.payload, diff)
		}
	}
}

// What is verified is what the device tells when it counts in steps.
func TestWanted(t *testing.T) {
	d, device := one(t, "fan", `{"cmd_t":"c","pct_cmd_t":"p","pct_stat_t":"ps","spd_rng_max":3}`)
	order, err := d.Command(device.ID, "percentage", home.NumberOf(50))
	if err != nil || string(order.Payload) != "2" || !order.Confirmed || order.Want != home.NumberOf(66) {
		t.Errorf("%+v, %v", order, err)
	}
	if got := heard(t, d, "ps 2"); got != "percentage 66" {
		t.Error(got)
	}
	d, device = one(t, "light", `{"cmd_t":"c","stat_t":"s","on_cmd_type":"brightness","bri_cmd_t":"b"}`)
	if order, err := d.Command(device.ID, "state", home.BooleanOf(true)); !order.Confirmed || order.Want != home.BooleanOf(true) || err != nil {
		t.Errorf("%+v, %v", order, err)
	}
}

// A template or a topic that cannot be served costs its own part, which is named.
func TestPartsThatAreLost(t *testing.T) {
	for _, test := range []struct{ component, payload, properties, ignored string }{
		{"light", `{"cmd_t":"c","stat_t":"s","rgb_cmd_t":"r","rgb_cmd_tpl":"{{ x | pack }}","rgb_stat_t":"rs","bri_cmd_t":"b"}`, "state boolean!, brightness number 0..255!, rgb text",
			"unsupported template: rgb_command_template, column 8: the filter pack is not supported"},
		{"light", `{"cmd_t":"c","rgb_cmd_t":"r","rgb_stat_t":"rs","rgb_val_tpl":"{% for a in b %}{% endfor %}"}`, "state boolean!, rgb text!",
			"unsupported template: rgb_value_template, column 4: {% for %} is not supported"},
		{"sensor", `{"name":"t","stat_t":"s","avty_t":"a","avty_tpl":"{{ states('x') }}"}`, "t text", "unsupported template: availability_template, column 4: states() is not supported"},
		{"sensor", `{"name":"t","stat_t":"s","avty":[{"t":"a/#/b"}]}`, "t text", "availability: topic is no topic: a wildcard is a level of its own, and # is the last"},
		{"switch", `{"cmd_t":"c","stat_t":"#"}`, "state boolean!", "state_topic is no topic: # has the messages of others, too"},
		{"sensor", `{"name":"t","stat_t":"s","cmd_t":"a/+/set","json_attr_t":"j"}`, "t text", "json_attributes_topic: attributes beside the value are not taken"},
		{"alarm_control_panel", `{"stat_t":"s","cmd_t":"c","code":"REMOTE_CODE","code_arm_required":false,"sup_feat":[]}`,
			"state choice disarmed|armed_home|armed_away|armed_night|armed_vacation|armed_custom_bypass|pending|arming|disarming|triggered",
			"payload_disarm: the panel asks for a code with it, which hogar does not have"},
		{"image", `{"url_t":"s","img_t":"i"}`, "url text", "image_topic: a picture is no value"},
		{"vacuum", `{"stat_t":"s","fan_spd_t":"x"}`, "state choice cleaning|docked|paused|idle|returning|error, battery_level number % 0..100", "fan_speed_topic: nothing that is known of this kind"},
	} {
		d := New(Options{Now: at})
		const key = "homeassistant/x/node/object/config"
		told := said(t, d, strings.Replace(key, "x", test.component, 1), test.payload)
		if len(told.Devices) != 1 || len(told.Ignored) != 1 {
			t.Errorf("%s %s: %+v", test.component, test.payload, told)
			continue
		}
		if diff := cmp.Diff(test.properties, describe(told.Devices[0].Properties)); diff != "" {
			t.Errorf("%s: want -, got +\n%s", test.payload, diff)
		}
		whole := told.Ignored[0].What + ": " + told.Ignored[0].Why
		if want := strings.Replace(key, "x", test.component, 1) + ": " + test.ignored; whole != want {
			t.Errorf("%s:\n got %s\nwant %s", test.payload, whole, want)
		}
	}
}

// A message that is no JSON is named once, with its topic, and not for each property; a template
// that makes nothing of a message leaves a word, once.
func TestBrokenMessages(t *testing.T) {
	d := New(Options{Now: at})
	for _, key := range []string{"t", "h"} {
		said(t, d, "homeassistant/sensor/"+key+"/config", `{"name":"`+key+`","stat_t":"s","val_tpl":"{{ value_json.`+key+` }}","dev":{"ids":"x"}}`)
	}
	told := said(t, d, "s", `{"t":nan,"h":1}`)
	if len(told.Readings) != 0 || len(told.Ignored) != 1 || told.Ignored[0].What != "s" || told.Ignored[0].Why != "no JSON: invalid character n at byte 6" {
		t.Errorf("%+v", told)
	}
	for i, want := range []int{1, 0} {
		if told = said(t, d, "s", `{"t":5}`); len(told.Readings) != 1 || len(told.Ignored) != want {
			t.Errorf("%d: %+v", i, told)
		}
	}
}
