package gateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hogar/gateway/home"
)

// noTopics are topics for which a broker ends the connection of who asks for them: one
// such device must not take all the others with it. (Mosquitto takes 200 levels.)
func noTopics() map[string]string {
	return map[string]string{
		"a wildcard inside":  "meter/#/power",
		"a half wildcard":    "meter/a+/power",
		"a control":          "meter/\u0001/power",
		"another control":    "meter/\u0085/power",
		"no character":       "meter/\ufdd0/power",
		"too deep":           strings.Repeat("m/", 300) + "power",
		"too long":           strings.Repeat("m", 70_000),
		"a share of nothing": "$share//power",
	}
}

// Devices whose topics are none are refused, one by one, and the others are heard.
func TestTopicsThatAreNone(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	tell := func(topic string, retained bool, payload any) {
		t.Helper()
		text, ok := payload.(string)
		if !ok {
			body, err := json.Marshal(payload)
			if err != nil {
				t.Fatal(err)
			}
			text = string(body)
		}
		finish(t, z.client.Publish(topic, 1, retained, text))
	}
	type object = map[string]any
	probe := func(id, name string) object {
		return object{"ieee_address": id, "friendly_name": name, "definition": object{"exposes": []object{{"type": "numeric", "property": "temperature", "access": 1}}}}
	}
	zigbee := []object{probe("0x1", "zigbee")}
	announce := func(which string) {
		i := 0
		for what, topic := range noTopics() {
			i++
			tell(fmt.Sprintf("homeassistant/sensor/%s%d/config", which, i), true, object{"name": what, "state_topic": topic, "unique_id": which + what})
			tell(fmt.Sprintf("homeassistant/sensor/%sa%d/config", which, i), true, object{"name": what, "state_topic": "x", "unique_id": which + "a" + what, "availability_topic": topic})
			tell(fmt.Sprintf("homeassistant/button/%s%d/config", which, i), true, object{"name": what, "command_topic": topic, "unique_id": which + "b" + what})
			if strings.HasPrefix(topic, "$") {
				continue // below another it is a topic
			}
			tell(fmt.Sprintf("tasmota/discovery/%s%d/config", which, i), true, object{"dn": what, "mac": which + what, "t": topic, "ft": "%prefix%/%topic%/",
				"tp": []string{"cmnd", "stat", "tele"}, "rl": []int{1}, "state": []string{"OFF", "ON"}, "onln": "Online", "ofln": "Offline"})
			zigbee = append(zigbee, probe(fmt.Sprintf("0x%s%d", which, i), topic))
		}
		tell("homeassistant/sensor/"+which+"/config", true, object{"name": which, "state_topic": "good/" + which, "unique_id": which, "unit_of_measurement": "W"})
		tell("zigbee2mqtt/bridge/devices", true, zigbee)
	}
	tell("zigbee2mqtt/bridge/groups", true, "[]")
	announce("before")
	h := runHouse(t, planOf(t, fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, zigbee2mqtt: zigbee2mqtt, homeassistant: homeassistant, tasmota: tasmota/discovery}]\n", m.URL())), nil, nil)
	heard := func(topic, payload, name string, want float64) {
		t.Helper()
		until(t, name, func() bool {
			tell(topic, false, payload)
			return h.reading(name).Value == home.NumberOf(want)
		})
	}
	heard("good/before", "1", "before.before", 1)
	heard("zigbee2mqtt/zigbee", `{"temperature":2}`, "zigbee.temperature", 2)
	announce("while")
	heard("good/while", "3", "while.while", 3)
	heard("good/before", "4", "before.before", 4)
	heard("zigbee2mqtt/zigbee", `{"temperature":5}`, "zigbee.temperature", 5)
	var names []string
	for _, d := range h.House.Devices("#") {
		names = append(names, d.Name)
	}
	want := []string{"before", "while", "zigbee"}
	for what := range noTopics() { // the topic of its availability costs a device no more than that
		want = append(want, home.Fold(what, ""))
	}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("devices %q, want %q", names, want)
	}
	if s := h.House.Status(); !s.MQTT[0].Connected {
		t.Errorf("%+v", s.MQTT)
	}
	h.stop()
}
