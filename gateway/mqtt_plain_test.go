package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/gateway/config"
	"hogar/gateway/home"
)

// A heater that nobody discovers, on a real broker: its state is found by templates, its
// command written by one, and its last will says whether it is there. What one template
// cannot deal with is told of that property, and of no other.
func TestPlainTopicsByTemplates(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	say := func(topic, payload string, retained bool) { finish(t, z.client.Publish(topic, 1, retained, payload)) }
	finish(t, z.client.Subscribe("heater/set", 1, func(_ paho.Client, m paho.Message) {
		var tenths int
		if _, err := fmt.Sscanf(string(m.Payload()), `{"target":%d}`, &tenths); err != nil {
			t.Errorf("the heater was told %s", m.Payload())
		}
		z.client.Publish("heater", 1, false, fmt.Sprintf(`{"target":%d,"mode":"on"}`, tenths))
	}))
	say("heater/lwt", "up", true)
	say("heater", `{"target":215,"mode":"on"}`, true)
	h := runHouse(t, planOf(t, fmt.Sprintf(`
gateway: casa
mqtt: [{url: "%s"}]
devices:
  hall.heater:
    driver: mqtt
    topic: heater
    property: target
    unit: °C
    value_template: "{{ value_json.target | float / 10 }}"
    command_topic: heater/set
    command_template: '{"target":{{ (value * 10) | int }}}'
    availability_topic: heater/lwt
    payload_available: up
    payload_not_available: down
  hall.mode: {driver: mqtt, topic: heater, property: mode, type: boolean, value_template: "{{ value_json.mode }}"}
`, m.URL())), nil, nil)
	until(t, "the retained state", func() bool { return h.reading("hall.heater.target").Value == home.NumberOf(21.5) })
	until(t, "the heater to obey", func() bool { // the retained state comes a moment before the connection takes commands
		return h.set("hall.heater", "target", home.NumberOf(19.5)).Result == home.Verified
	})
	say("heater", `{"target":"cosy","mode":"off"}`, false)
	until(t, "the fault", func() bool {
		return strings.HasPrefix(h.reading("hall.heater.target").Unknown, "value_template: ")
	})
	until(t, "the mode", func() bool { return h.reading("hall.mode.mode").Value == home.BooleanOf(false) })
	say("heater/lwt", "down", true)
	until(t, "the heater to be offline", func() bool { return h.device("hall.heater").Status == home.Offline })
	if s := h.device("hall.mode").Status; s != home.Online {
		t.Errorf("the mode is %s", s)
	}
	h.stop()
}

// A template that is not understood is a mistake of the configuration, at its character.
func TestTemplatesAreCheckedAtLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.yaml")
	const yaml = `gateway: casa
mqtt: [{url: mqtt://localhost}]
devices:
  hall.heater:
    driver: mqtt
    topic: heater
    property: target
    value_template: "{{ value_json.target | flaot }}"
    command_topic: heater/set
    command_template: >
      {"target":
       {% for x in y %}1{% endfor %}}
`
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, source, faults := config.Load(file)
	Check(cfg, faults)
	var got []string
	for _, p := range source.Problems(faults) {
		got = append(got, strings.TrimPrefix(p.String(), file+":"))
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "8:45: devices.hall.heater.value_template: ") ||
		!strings.HasPrefix(got[1], "12:11: devices.hall.heater.command_template: ") {
		t.Errorf("%q", got)
	}
}
