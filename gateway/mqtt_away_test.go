package gateway

import (
	"fmt"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/gateway/home"
)

// saying is one message of a device.
type saying struct {
	topic, payload string
	retained       bool
}

// What a device says is believed only while it does not say that it is offline: no retained,
// cached or live state brings it back, it must say so itself. The payloads are those that people
// reported of ESPHome, an inverter's bridge, Zigbee2MQTT (which sends all cached states at its start) and EMS-ESP.
func TestWhoIsAwayIsAway(t *testing.T) {
	const inverter = `{"name":"Power","uniq_id":"inv_p","stat_t":"inv/p","unit_of_meas":"W","avty_t":"inv/status","avty_tpl":"{{ value_json.online }}",` +
		`"pl_avail":"True","pl_not_avail":"False","dev":{"ids":["inv"],"name":"Inverter"}}`
	const boiler = `"dev":{"ids":["ems"],"name":"Boiler"},"avty_mode":"all","avty":[{"t":"ems/status"}`
	lamp := []saying{
		{"zigbee2mqtt/bridge/state", `{"state":"online"}`, true}, {"zigbee2mqtt/bridge/groups", `[]`, true},
		{"zigbee2mqtt/bridge/devices", `[{"ieee_address":"0x01","friendly_name":"lamp","definition":{"exposes":[{"type":"light","features":[` +
			`{"type":"binary","property":"state","access":7,"value_on":"ON","value_off":"OFF"}]}]}}]`, true},
	}
	for name, test := range map[string]struct {
		before, then []saying
		want         map[string]string
	}{
		"retained, at the start": {
			before: []saying{
				{"homeassistant/sensor/wx/t/config", `{"name":"Temp","uniq_id":"wx_t","stat_t":"wx/state","val_tpl":"{{ value_json.t }}","avty_t":"wx/lwt","dev":{"ids":["wx"],"name":"wx"}}`, true},
				{"wx/lwt", "offline", true}, {"wx/state", `{"t":20.5}`, true},
			},
			want: map[string]string{"wx": "offline", "wx.temp": "unknown"},
		},
		"a live zero": {
			before: []saying{{"homeassistant/sensor/inv/p/config", inverter, true}, {"inv/status", `{"online":true}`, true}},
			then:   []saying{{"inv/p", "500", false}, {"inv/status", `{"online":false}`, true}, {"inv/p", "0", false}},
			want:   map[string]string{"inverter": "offline", "inverter.power": "unknown"},
		},
		"it is back, and measures": {
			before: []saying{{"homeassistant/sensor/inv/p/config", inverter, true}, {"inv/status", `{"online":false}`, true}, {"inv/p", "0", true}},
			then:   []saying{{"inv/status", `{"online":true}`, true}, {"inv/p", "7", false}},
			want:   map[string]string{"inverter": "online", "inverter.power": "7"},
		},
		"the state of a cache": {
			before: append(lamp, saying{"zigbee2mqtt/lamp/availability", `{"state":"online"}`, true}),
			then: []saying{{"zigbee2mqtt/lamp", `{"state":"ON"}`, false}, {"zigbee2mqtt/lamp/availability", `{"state":"offline"}`, true},
				{"zigbee2mqtt/lamp", `{"state":"OFF"}`, false}},
			want: map[string]string{"lamp": "offline", "lamp.state": "unknown"},
		},
		"the state comes just before the word": {
			before: append(lamp, saying{"zigbee2mqtt/lamp/availability", `{"state":"offline"}`, true}),
			then:   []saying{{"zigbee2mqtt/lamp", `{"state":"OFF"}`, false}, {"zigbee2mqtt/lamp/availability", `{"state":"online"}`, true}},
			want:   map[string]string{"lamp": "online", "lamp.state": "off"},
		},
		"its bridge was away, and nobody speaks for the device": {
			before: lamp,
			then: []saying{{"zigbee2mqtt/bridge/state", `{"state":"offline"}`, true}, {"zigbee2mqtt/bridge/state", `{"state":"online"}`, true},
				{"zigbee2mqtt/lamp", `{"state":"ON"}`, false}},
			want: map[string]string{"lamp": "online", "lamp.state": "on"},
		},
		"what no position can be": {
			before: []saying{{"zigbee2mqtt/bridge/state", `{"state":"online"}`, true}, {"zigbee2mqtt/bridge/groups", `[]`, true},
				{"zigbee2mqtt/bridge/devices", `[{"ieee_address":"0x05","friendly_name":"blind","definition":{"exposes":[` +
					`{"type":"numeric","property":"position","access":7,"unit":"%","value_min":0,"value_max":100}]}}]`, true}},
			then: []saying{{"zigbee2mqtt/blind", `{"position":40}`, false}, {"zigbee2mqtt/blind", `{"position":101}`, false}},
			want: map[string]string{"blind": "online", "blind.position": "unknown"},
		},
		"one of two entities, by the message that has both": {
			before: []saying{
				{"homeassistant/sensor/ems/a/config", `{"name":"Active","uniq_id":"a","stat_t":"ems/data","val_tpl":"{{value_json.w if value_json.w is defined else 0}}",` +
					boiler + `,{"t":"ems/data","val_tpl":"{{'online' if value_json.w is defined else 'offline'}}"}]}`, true},
				{"homeassistant/sensor/ems/b/config", `{"name":"Water","uniq_id":"b","stat_t":"ems/data","val_tpl":"{{value_json.t}}",` + boiler + `]}`, true},
				{"ems/status", "online", true},
			},
			then: []saying{{"ems/data", `{"w":120531,"t":51.2}`, false}, {"ems/data", `{"t":51.4}`, false}},
			want: map[string]string{"boiler": "online", "boiler.active": "unknown", "boiler.water": "51.4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			played{before: test.before, then: test.then, want: test.want}.run(t, "zigbee2mqtt: zigbee2mqtt, homeassistant: homeassistant", "")
		})
	}
}

// played is what devices say at a real broker before the gateway starts and then, and what the house shows at the end.
type played struct {
	before, then []saying
	want         map[string]string
}

// run plays it to a house with these sources of devices, and these lines of configuration more.
func (p played) run(t *testing.T, sources, more string) {
	m := mosquitto(t)
	device := paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID("device"))
	finish(t, device.Connect())
	t.Cleanup(func() { device.Disconnect(100) })
	say := func(p saying) { finish(t, device.Publish(p.topic, 1, p.retained, p.payload)) }
	for _, one := range p.before {
		say(one)
	}
	plan := planOf(t, fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, %s}]\ndevices:\n  mark: {driver: mqtt, topic: mark, property: n}\n%s", m.URL(), sources, more))
	h := runHouse(t, plan, nil, nil)
	for n, one := range append([]saying{{}}, p.then...) { // a mark before all and after each, so that it was read
		if one.topic != "" {
			say(one)
		}
		say(saying{topic: "mark", payload: fmt.Sprint(n)})
		until(t, "the mark", func() bool {
			say(saying{topic: "mark", payload: fmt.Sprint(n)})
			return h.reading("mark.n").Value == home.NumberOf(float64(n))
		})
	}
	for name, want := range p.want {
		until(t, name+" to be "+want, func() bool { return h.shows(name) == want })
	}
	h.stop()
}

// shows is what is known of a device, or of a property, as a word.
func (h *testHouse) shows(name string) string {
	for _, d := range h.House.Devices(name) {
		if d.Name == name {
			return d.Status
		}
	}
	return h.reading(name).Value.String()
}
