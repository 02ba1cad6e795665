package gateway

import (
	"fmt"
	"testing"

	"hogar/gateway/home"
)

// A device that moves to another broker is commanded, heard, and online or not as it is there, at once; what
// the broker before still says of it does not count, and it may move back.
func TestADeviceMovesToAnotherBroker(t *testing.T) {
	a, b := mosquitto(t), mosquitto(t)
	at := map[string]*z2m{"A": newZ2M(t, a), "B": newZ2M(t, b)}
	one := func(name string) { // the broker's Zigbee2MQTT has the lamp now
		t.Helper()
		z := at[name]
		z.devices("Lamp", "Probe")
		z.say("Lamp/availability", `{"state":"online"}`, true)
	}
	none := func(name string) {
		t.Helper()
		at[name].say("Lamp/availability", `{"state":"offline"}`, true)
		at[name].say("bridge/devices", "[]", true)
	}
	for _, z := range at {
		z.obey("Lamp")
	}
	one("A")
	at["B"].say("bridge/devices", "[]", true)
	h := runHouse(t, planOf(t, fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, zigbee2mqtt: zigbee2mqtt}, {url: %q, zigbee2mqtt: zigbee2mqtt}]\n",
		a.URL(), b.URL())), nil, nil)
	obeys := func(name string) {
		t.Helper()
		for _, on := range []bool{true, false} {
			before := at[name].told()
			until(t, "the lamp to obey at "+name, func() bool {
				return h.set("lamp", "state", home.BooleanOf(on)).Result == home.Verified && at[name].told() != before
			})
		}
	}
	obeys("A")
	one("B")
	until(t, "the lamp to be at B", func() bool { return h.device("lamp").Via == b.URL()+"/zigbee2mqtt" })
	if o := h.set("lamp", "state", home.BooleanOf(true)); o.Result != home.Verified {
		t.Errorf("the first command after it moved: %+v", o)
	}
	if got := at["B"].told(); got == "" {
		t.Error("it went where the lamp was")
	}
	at["A"].say("Lamp", `{"state":"OFF","brightness":9}`, false)
	none("A")
	at["A"].say("Probe", `{"temperature":3}`, false)
	at["B"].say("Probe", `{"temperature":21}`, false)
	until(t, "what B says", func() bool { return h.reading("probe.temperature").Value == home.NumberOf(21) })
	obeys("B")
	if d := h.device("lamp"); d.Status != home.Online || h.reading("lamp.brightness").Value == home.NumberOf(9) {
		t.Errorf("what A says counts: %+v", d)
	}
	one("A") // it moves back
	none("B")
	until(t, "the lamp to be at A", func() bool { return h.device("lamp").Via == a.URL()+"/zigbee2mqtt" })
	obeys("A")
	none("A")
	until(t, "the lamp to be gone", func() bool { return len(h.House.Devices("lamp")) == 0 })
	h.stop()
}
