package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// hostile are payloads that nobody means well with.
func hostile() map[string]string {
	const MiB = 1 << 20
	return map[string]string{
		"long":         `{"temperature":1,"x":"` + strings.Repeat("x", MiB) + `"}`,
		"deep":         strings.Repeat(`{"temperature":`, 5_000),
		"deep, closed": strings.Repeat(`[`, 5_000) + strings.Repeat(`]`, 5_000),
		"NaN":          `{"temperature":NaN}`,
		"infinite":     `{"temperature":1e999}`,
		"bare NaN":     "NaN",
		"no UTF-8":     "{\"temperature\":\"\xff\xfe\"}",
		"zeros":        strings.Repeat("\x00", 1000),
		"cut":          `{"temperature":`,
		"null":         "null",
		"list":         `[{"temperature":1}]`,
		"text":         `{"temperature":"; DROP TABLE devices"}`,
		"nothing":      "",
		"twice":        `{"temperature":{"temperature":{"temperature":1}}}`,
		"surrogate":    `{"temperature":"\ud800"}`,
	}
}

// What is hostile is refused, whatever topic it comes to: the house has the same devices
// afterwards, hears them, and has believed none of it.
func TestHostilePayloads(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	tell := func(topic, payload string) {
		t.Helper()
		finish(t, z.client.Publish(topic, 1, false, payload))
	}
	retain := func(topic, payload string) { finish(t, z.client.Publish(topic, 1, true, payload)) }
	z.devices("Lamp", "Probe")
	retain("homeassistant/sensor/a/config", `{"name":"Temperature","stat_t":"ha/a","uniq_id":"a","unit_of_meas":"°C","val_tpl":"{{ value_json.temperature | float }}","dev":{"ids":"m","name":"Meter"}}`)
	retain("tasmota/discovery/AA/config", `{"dn":"Plug","mac":"AA","t":"plug","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1],"state":["OFF","ON"],"onln":"Online","ofln":"Offline"}`)
	retain("shellies/shelly1-AA/relay/0", "off")
	h := runHouse(t, planOf(t, fmt.Sprintf(`
gateway: casa
mqtt: [{url: "%s", zigbee2mqtt: zigbee2mqtt, homeassistant: homeassistant, tasmota: tasmota/discovery, shelly: shellies}]
devices:
  garden.soil: {driver: mqtt, topic: plain, property: temperature, value_template: "{{ value_json.temperature | float }}"}
`, m.URL())), nil, nil)
	devices := func() (names []string) {
		for _, d := range h.House.Devices("#") {
			names = append(names, d.Name)
		}
		return names
	}
	until(t, "the devices", func() bool { return len(devices()) == 6 })
	before := devices()
	hear := func(value float64) {
		t.Helper()
		for topic, name := range map[string]string{"zigbee2mqtt/Probe": "probe.temperature", "ha/a": "meter.temperature", "plain": "garden.soil.temperature"} {
			until(t, fmt.Sprintf("%s to be %v", name, value), func() bool {
				tell(topic, fmt.Sprintf(`{"temperature":%v}`, value))
				return h.reading(name).Value == home.NumberOf(value)
			})
		}
	}
	hear(21)
	bomb, err := json.Marshal("{% set a = [1] %}" + strings.Repeat("{% set a = a + a %}", 60) + "{{ a }}")
	if err != nil {
		t.Fatal(err)
	}
	retain("homeassistant/sensor/bomb/config", fmt.Sprintf(`{"name":"Bomb","stat_t":"bomb","uniq_id":"bomb","val_tpl":%s,"dev":{"ids":"m","name":"Meter"}}`, bomb))
	for _, payload := range hostile() {
		for _, topic := range []string{
			"zigbee2mqtt/bridge/devices", "zigbee2mqtt/bridge/groups", "zigbee2mqtt/bridge/state", "zigbee2mqtt/Probe", "zigbee2mqtt/Probe/availability", "zigbee2mqtt/",
			"homeassistant/sensor/x/config", "homeassistant/device/y/config", "homeassistant/light/z/config", "ha/a", "bomb",
			"tasmota/discovery/BB/config", "tasmota/discovery/AA/sensors", "tele/plug/STATE", "tele/plug/SENSOR", "tele/plug/LWT", "stat/plug/RESULT",
			"shellies/announce", "shellies/shelly1-AA/relay/0", "shellies/shelly1-AA/online", "boiler/events/rpc", "boiler/online", "hogar-casa/rpc", "plain",
		} {
			tell(topic, payload)
		}
	}
	hear(22)
	if diff := cmp.Diff(before, devices()); diff != "" {
		t.Errorf("the devices: before -, after +\n%s", diff)
	}
	h.stop()
}

// A line that is recorded reads back as the same message.
func FuzzMQTTMessage(f *testing.F) {
	for _, line := range []string{`{"topic":"a","payload":"x"}`, `{"topic":"a","payload":{"x":[1,null]},"retain":true}`,
		`{"topic":"a","payload_base64":"/wA="}`, `{"topic":"a","payload":null}`, `{"payload":"\ud800"}`, `[]`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var first, second MQTTMessage
		if json.Unmarshal(line, &first) != nil {
			return
		}
		text, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &second); err != nil || second.Topic != first.Topic || string(second.Payload) != string(first.Payload) || second.Retain != first.Retain {
			t.Errorf("%s is recorded as %s: %v", line, text, err)
		}
	})
}
