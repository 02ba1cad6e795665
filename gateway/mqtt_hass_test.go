package gateway

import (
	"fmt"
	"sync"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/gateway/home"
)

// firmware is a device behind a real broker that notes what it is sent, and obeys.
type firmware struct {
	t      *testing.T
	client paho.Client
	mu     sync.Mutex
	orders []string // "topic payload"
}

// boots connects a device that announces itself. obey returns what it tells then: a topic and a payload.
func boots(t *testing.T, url string, announce map[string]string, obey func(topic, payload string) (string, string)) *firmware {
	t.Helper()
	f := &firmware{t: t, client: paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID("firmware"))}
	finish(t, f.client.Connect())
	t.Cleanup(func() { f.client.Disconnect(100) })
	for topic, config := range announce {
		finish(t, f.client.Publish(topic, 1, true, config))
	}
	finish(t, f.client.Subscribe("d/+/set", 1, func(_ paho.Client, m paho.Message) {
		f.mu.Lock()
		f.orders = append(f.orders, m.Topic()+" "+string(m.Payload()))
		f.mu.Unlock()
		if topic, payload := obey(m.Topic(), string(m.Payload())); topic != "" {
			f.client.Publish(topic, 1, false, payload)
		}
	}))
	return f
}

func (f *firmware) sent(want ...string) {
	f.t.Helper()
	until(f.t, fmt.Sprint(want), func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return fmt.Sprint(f.orders) == fmt.Sprint(want)
	})
}

// A Z-Wave dimmer takes numbers only, as zwave-js-ui announces it; covers count either way. What is
// verified is what they did.
func TestCommandsAsAnnounced(t *testing.T) {
	m := mosquitto(t)
	const cover = `"set_position_topic":"d/%s/set","position_topic":"s/%s","unique_id":"%s","device":{"identifiers":["%s"],"name":"%s"}}`
	announce := map[string]string{
		"homeassistant/light/dimmer/config": `{"name":null,"unique_id":"dim","on_command_type":"brightness","brightness_scale":99,"state_topic":"s/dim","command_topic":"d/dim/set",` +
			`"brightness_state_topic":"s/dim","brightness_command_topic":"d/dim/set","state_value_template":"{{ \"OFF\" if value_json.value == 0 else \"ON\" }}",` +
			`"brightness_value_template":"{{ (value_json.value) | round(0) }}","device":{"identifiers":["dim"],"name":"dimmer"}}`,
		"homeassistant/cover/velux/config": `{"name":null,"position_open":0,"position_closed":100,` + fmt.Sprintf(cover, "velux", "velux", "velux", "velux", "velux"),
		"homeassistant/cover/blind/config": `{"name":null,"position_open":99,"position_closed":0,` + fmt.Sprintf(cover, "blind", "blind", "blind", "blind", "blind"),
	}
	f := boots(t, m.URL(), announce, func(topic, payload string) (string, string) {
		if topic != "d/dim/set" {
			return "s" + topic[1:len(topic)-len("/set")], payload
		}
		if payload == "OFF" {
			payload = "0"
		}
		return "s/dim", `{"value":` + payload + `}`
	})
	h := runHouse(t, planOf(t, fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, homeassistant: homeassistant}]\n"+
		"groups: {covers: [velux, blind]}\n", m.URL())), nil, nil)
	until(t, "all three to be heard", func() bool {
		for topic, payload := range map[string]string{"s/dim": `{"value":0}`, "s/velux": "100", "s/blind": "0"} {
			finish(t, f.client.Publish(topic, 1, false, payload))
		}
		// What came late tells a value, and not that the device is there.
		return h.shows("dimmer") == home.Online && h.shows("velux") == home.Online && h.shows("blind") == home.Online
	})
	verified := func(device, property string, v home.Value) {
		t.Helper()
		if o := h.set(device, property, v); o.Result != home.Verified {
			t.Errorf("%s.%s: %s: %+v", device, property, v, o)
		}
	}
	verified("dimmer", "state", home.BooleanOf(true))
	verified("dimmer", "brightness", home.NumberOf(40))
	verified("dimmer", "state", home.BooleanOf(false))
	verified("dimmer", "state", home.BooleanOf(true))
	f.sent("d/dim/set 99", "d/dim/set 40", "d/dim/set OFF", "d/dim/set 40")
	f.orders = nil
	verified("velux", "position", home.NumberOf(10))
	verified("blind", "position", home.NumberOf(10))
	f.sent("d/velux/set 90", "d/blind/set 10")
	if o := h.set("covers", "position", home.NumberOf(100)); o.Result != home.Verified {
		t.Errorf("the group: %+v", o)
	}
	until(t, "both open", func() bool { return h.shows("velux.position") == "100" && h.shows("blind.position") == "100" })
	h.stop()
}

// What says only on is off after its off_delay, so that each press starts the rule.
func TestOffDelay(t *testing.T) {
	m := mosquitto(t)
	f := boots(t, m.URL(), map[string]string{
		"homeassistant/binary_sensor/pir/config": `{"name":"Motion","uniq_id":"pir","stat_t":"pir/m","off_dly":1,"pl_on":"ON","dev":{"ids":["pir"],"name":"pir"}}`,
	}, func(string, string) (string, string) { return "", "" })
	h := runHouse(t, planOf(t, fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, homeassistant: homeassistant}]\nvars: {n: 0}\n"+
		"rules: {count: {when: pir.motion, do: [{set: {vars.n: = vars.n + 1}}]}}\n", m.URL())), nil, nil)
	until(t, "the sensor to be heard", func() bool {
		finish(t, f.client.Publish("pir/m", 1, false, "OFF"))
		return h.shows("pir.motion") == "off"
	})
	for n := 1; n <= 3; n++ {
		finish(t, f.client.Publish("pir/m", 1, false, "ON"))
		until(t, "on", func() bool { return h.variables()["vars.n"] == fmt.Sprint(n) })
		until(t, "off", func() bool { return h.shows("pir.motion") == "off" })
	}
	h.stop()
}
