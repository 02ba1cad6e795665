package mqtt

import (
	"testing"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/shelly"
	"hogar/drivers/mqtt/tasmota"
	"hogar/drivers/mqtt/zigbee2mqtt"
	"hogar/gateway/home"
)

// Where the rows of [TestCommands] have what they expect from.
const (
	tasmotaDocs = "https://tasmota.github.io/docs/Commands/#"
	shellyOne   = "https://shelly-api-docs.shelly.cloud/gen1/#"
	shellyTwo   = "https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/"
	zigbeeDocs  = "https://www.zigbee2mqtt.io/guide/usage/exposes.html#"
)

const everyExpose = `[{"ieee_address":"0x1","friendly_name":"all","definition":{"exposes":[
	{"type":"light","features":[{"type":"binary","property":"state","access":7,"value_on":"ON","value_off":"OFF"},{"type":"numeric","property":"brightness","access":7,"value_min":0,"value_max":254},
		{"type":"numeric","property":"color_temp","access":7,"unit":"mired","value_min":150,"value_max":500,"presets":[{"name":"warm","value":454}]},
		{"type":"composite","name":"color_xy","property":"color","access":7,"features":[{"type":"numeric","property":"x","access":7},{"type":"numeric","property":"y","access":7}]}]},
	{"type":"switch","features":[{"type":"binary","property":"state_left","access":7,"value_on":"ON","value_off":"OFF"}]},
	{"type":"cover","features":[{"type":"enum","property":"move","access":3,"values":["OPEN","CLOSE","STOP"]},{"type":"numeric","property":"position","access":7,"value_min":0,"value_max":100}]},
	{"type":"lock","features":[{"type":"binary","property":"lock","access":7,"value_on":"LOCK","value_off":"UNLOCK"}]},
	{"type":"fan","features":[{"type":"enum","property":"fan_mode","access":7,"values":["off","low","auto"]}]},
	{"type":"climate","features":[{"type":"numeric","property":"occupied_heating_setpoint","access":7,"unit":"°C","value_min":5,"value_max":30},
		{"type":"enum","property":"system_mode","access":7,"values":["off","heat"]}]},
	{"type":"binary","property":"child_lock","access":7,"value_on":true,"value_off":false},{"type":"text","property":"code","access":3},
	{"type":"enum","property":"effect","access":2,"values":["blink"]},{"type":"enum","property":"sensitivity","access":7,"values":[1,2]}]}}]`

const everyTasmota = `{"dn":"all","mac":"A1","t":"all","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"ofln":"Offline","onln":"Online","state":["OFF","ON"],` +
	`"rl":[1,2,3,3,3,3],"lt_st":5,"sht":[[-90,90,24],[0,0,0]],"sho":[0,1]}`

// everyShelly has a component of each kind that can be set.
const everyShelly = `{"src":"all-1","method":"NotifyFullStatus","params":{"switch:0":{"output":true},"light:1":{"output":true,"brightness":5},"rgb:2":{"output":true,"rgb":[1,2,3]},` +
	`"rgbw:3":{"output":true,"white":5},"cct:4":{"output":true,"ct":3000},"cover:5":{"state":"open","current_pos":30,"slat_pos":5},"thermostat:6":{"enable":true,"target_C":20},` +
	`"blutrv:200":{"target_C":20},"number:201":{"value":1},"boolean:202":{"value":true},"text:203":{"value":"a"},"enum:204":{"value":"a"},"button:205":{}}}`

// A command to each kind that can be set is published as its firmware wants it.
func TestCommands(t *testing.T) {
	z, ta, sh := zigbee2mqtt.New(zigbee2mqtt.Options{}), tasmota.New(tasmota.Options{}), shelly.New(shelly.Options{Source: "hogar-casa"})
	fan := `{"dn":"fan","mac":"A2","t":"fan","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1,1,1,1],"if":1}`
	for _, m := range []struct {
		d              dialect.Dialect
		topic, payload string
	}{
		{z, "zigbee2mqtt/bridge/devices", everyExpose}, {ta, "tasmota/discovery/A1/config", everyTasmota}, {ta, "tasmota/discovery/A2/config", fan}, {sh, "all/events/rpc", everyShelly},
		{sh, "shellies/old/relay/0", "on"}, {sh, "shellies/old/roller/0", "stop"}, {sh, "shellies/old/roller/0/pos", "5"},
		{sh, "shellies/old/light/1/status", `{"brightness":5,"temp":3000}`}, {sh, "shellies/old/color/2/status", `{"red":1,"gain":5}`}, {sh, "shellies/old/white/3", "on"},
		{sh, "shellies/trv/status", `{"target_t":{"value":20},"thermostats":[{"pos":5}]}`},
	} {
		if told, mine := m.d.Read(dialect.Message{Topic: m.topic, Payload: []byte(m.payload)}); !mine || len(told.Devices) == 0 {
			t.Fatalf("%s: %+v", m.topic, told)
		}
	}
	rpc := func(method, params string) string {
		return `{"id":0,"src":"hogar-casa","method":"` + method + `","params":` + params + `}`
	}
	number, on, text := home.NumberOf, home.BooleanOf(true), home.TextOf
	object := func(s string) home.Value {
		v, err := home.ParseValue([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		d              dialect.Dialect
		id, property   string
		value          home.Value
		topic, payload string
		source         string
	}{
		{z, "0x1", "state", on, "zigbee2mqtt/all/set", `{"state":"ON"}`, zigbeeDocs + "light"},
		{z, "0x1", "brightness", number(100), "zigbee2mqtt/all/set", `{"brightness":100}`, zigbeeDocs + "light"},
		{z, "0x1", "color_temp", text("warm"), "zigbee2mqtt/all/set", `{"color_temp":454}`, zigbeeDocs + "numeric"},
		{z, "0x1", "color", object(`{"x":0.5,"y":0.4}`), "zigbee2mqtt/all/set", `{"color":{"x":0.5,"y":0.4}}`, zigbeeDocs + "light"},
		{z, "0x1", "state_left", home.BooleanOf(false), "zigbee2mqtt/all/set", `{"state_left":"OFF"}`, zigbeeDocs + "switch"},
		{z, "0x1", "move", text("STOP"), "zigbee2mqtt/all/set", `{"move":"STOP"}`, zigbeeDocs + "cover"},
		{z, "0x1", "position", number(40), "zigbee2mqtt/all/set", `{"position":40}`, zigbeeDocs + "cover"},
		{z, "0x1", "lock", on, "zigbee2mqtt/all/set", `{"lock":"LOCK"}`, zigbeeDocs + "lock"},
		{z, "0x1", "fan_mode", text("auto"), "zigbee2mqtt/all/set", `{"fan_mode":"auto"}`, zigbeeDocs + "fan"},
		{z, "0x1", "occupied_heating_setpoint", number(21.5), "zigbee2mqtt/all/set", `{"occupied_heating_setpoint":21.5}`, zigbeeDocs + "climate"},
		{z, "0x1", "system_mode", text("heat"), "zigbee2mqtt/all/set", `{"system_mode":"heat"}`, zigbeeDocs + "climate"},
		{z, "0x1", "child_lock", on, "zigbee2mqtt/all/set", `{"child_lock":true}`, zigbeeDocs + "binary"},
		{z, "0x1", "code", text("a\"b"), "zigbee2mqtt/all/set", `{"code":"a\"b"}`, zigbeeDocs + "text"},
		{z, "0x1", "effect", text("blink"), "zigbee2mqtt/all/set", `{"effect":"blink"}`, zigbeeDocs + "enum"},
		{z, "0x1", "sensitivity", text("2"), "zigbee2mqtt/all/set", `{"sensitivity":2}`, zigbeeDocs + "enum"},

		{ta, "A1", "state_1", on, "cmnd/all/POWER1", "ON", tasmotaDocs + "power"},
		{ta, "A1", "state_2", home.BooleanOf(false), "cmnd/all/POWER2", "OFF", tasmotaDocs + "power"},
		{ta, "A1", "brightness", number(40), "cmnd/all/Dimmer", "40", tasmotaDocs + "dimmer"},
		{ta, "A1", "color_temp", number(300), "cmnd/all/CT", "300", tasmotaDocs + "ct"},
		{ta, "A1", "color_hsb", text("10,20,30"), "cmnd/all/HSBColor", "10,20,30", tasmotaDocs + "hsbcolor"},
		{ta, "A1", "position_1", number(40), "cmnd/all/ShutterPosition1", "40", tasmotaDocs + "shutterposition"},
		{ta, "A1", "position_2", number(40), "cmnd/all/ShutterPosition2", "60", tasmotaDocs + "shutterinvert"},
		{ta, "A1", "move_1", text("open"), "cmnd/all/ShutterOpen1", "", tasmotaDocs + "shutteropen"},
		{ta, "A1", "move_2", text("close"), "cmnd/all/ShutterClose2", "", tasmotaDocs + "shutterclose"},
		{ta, "A1", "tilt_1", number(-45), "cmnd/all/ShutterTilt1", "-45", tasmotaDocs + "shuttertilt"},
		{ta, "A2", "fan_speed", number(2), "cmnd/fan/FanSpeed", "2", tasmotaDocs + "fanspeed"},

		{sh, "old", "state", on, "shellies/old/relay/0/command", "on", shellyOne + "shelly1-1pm-mqtt"},
		{sh, "old", "move", text("stop"), "shellies/old/roller/0/command", "stop", shellyOne + "shelly2-5-mqtt"},
		{sh, "old", "position", number(40), "shellies/old/roller/0/command/pos", "40", shellyOne + "shelly2-5-mqtt"},
		{sh, "old", "brightness_1", number(40), "shellies/old/light/1/set", `{"brightness":40}`, shellyOne + "shelly-dimmer-1-2-mqtt"},
		{sh, "old", "color_temp_1", number(4000), "shellies/old/light/1/set", `{"temp":4000}`, shellyOne + "shelly-duo-mqtt"},
		{sh, "old", "red_2", number(255), "shellies/old/color/2/set", `{"red":255}`, shellyOne + "shelly-rgbw2-color-mqtt"},
		{sh, "old", "gain_2", number(50), "shellies/old/color/2/set", `{"gain":50}`, shellyOne + "shelly-rgbw2-color-mqtt"},
		{sh, "old", "state_3", home.BooleanOf(false), "shellies/old/white/3/command", "off", shellyOne + "shelly-rgbw2-white-mqtt"},
		{sh, "trv", "target_temperature", number(21.5), "shellies/trv/thermostat/0/command/target_t", "21.5", shellyOne + "shelly-trv-mqtt"},
		{sh, "trv", "valve_position", number(50), "shellies/trv/thermostat/0/command/valve_pos", "50", shellyOne + "shelly-trv-mqtt"},

		{sh, "all-1", "state_0", on, "all/rpc", rpc("Switch.Set", `{"id":0,"on":true}`), shellyTwo + "Switch#switchset"},
		{sh, "all-1", "brightness", number(40), "all/rpc", rpc("Light.Set", `{"id":1,"brightness":40}`), shellyTwo + "Light#lightset"},
		{sh, "all-1", "rgb", object("[1,2,3]"), "all/rpc", rpc("RGB.Set", `{"id":2,"rgb":[1,2,3]}`), shellyTwo + "RGB#rgbset"},
		{sh, "all-1", "white", number(50), "all/rpc", rpc("RGBW.Set", `{"id":3,"white":50}`), shellyTwo + "RGBW#rgbwset"},
		{sh, "all-1", "color_temp", number(3000), "all/rpc", rpc("CCT.Set", `{"id":4,"ct":3000}`), shellyTwo + "CCT#cctset"},
		{sh, "all-1", "position", number(40), "all/rpc", rpc("Cover.GoToPosition", `{"id":5,"pos":40}`), shellyTwo + "Cover#covergotoposition"},
		{sh, "all-1", "tilt", number(40), "all/rpc", rpc("Cover.GoToPosition", `{"id":5,"slat_pos":40}`), shellyTwo + "Cover#covergotoposition"},
		{sh, "all-1", "move", text("close"), "all/rpc", rpc("Cover.Close", `{"id":5}`), shellyTwo + "Cover#coverclose"},
		{sh, "all-1", "target_temperature", number(21), "all/rpc", rpc("Thermostat.SetConfig", `{"id":6,"config":{"id":6,"target_C":21}}`), "aioshelly and Home Assistant's shelly, climate.py"},
		{sh, "all-1", "enabled", home.BooleanOf(false), "all/rpc", rpc("Thermostat.SetConfig", `{"id":6,"config":{"id":6,"enable":false}}`), "Home Assistant's shelly, climate.py"},
		{sh, "all-1", "target_temperature_200", number(21), "all/rpc", rpc("BluTRV.Call", `{"id":200,"method":"TRV.SetTarget","params":{"id":0,"target_C":21}}`), shellyTwo + "BluTrv"},
		{sh, "all-1", "number_201", number(5), "all/rpc", rpc("Number.Set", `{"id":201,"value":5}`), shellyTwo + "../DynamicComponents/Virtual/Number"},
		{sh, "all-1", "boolean_202", on, "all/rpc", rpc("Boolean.Set", `{"id":202,"value":true}`), shellyTwo + "../DynamicComponents/Virtual/Boolean"},
		{sh, "all-1", "text_203", text("a"), "all/rpc", rpc("Text.Set", `{"id":203,"value":"a"}`), shellyTwo + "../DynamicComponents/Virtual/Text"},
		{sh, "all-1", "enum_204", text("b"), "all/rpc", rpc("Enum.Set", `{"id":204,"value":"b"}`), shellyTwo + "../DynamicComponents/Virtual/Enum"},
		{sh, "all-1", "press_205", text("single_push"), "all/rpc", rpc("Button.Trigger", `{"id":205,"event":"single_push"}`), shellyTwo + "../DynamicComponents/Virtual/Button"},
	} {
		o, err := c.d.Command(c.id, c.property, c.value)
		if err != nil || o.Topic != c.topic || string(o.Payload) != c.payload {
			t.Errorf("%s %s %s is sent as %s %s, %v; want %s %s (%s)", c.id, c.property, c.value, o.Topic, o.Payload, err, c.topic, c.payload, c.source)
		}
	}
}
