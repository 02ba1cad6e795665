package gateway

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// probe is a bridge/devices of a lamp and a probe, whose addresses begin with prefix.
func probe(prefix, lamp, name string) string {
	return fmt.Sprintf(`[{"ieee_address":"%s01","friendly_name":%q,"definition":{"exposes":[{"type":"light","features":[
		{"type":"binary","property":"state","access":7,"value_on":"ON","value_off":"OFF"}]}]}},
		{"ieee_address":"%s02","friendly_name":%q,"definition":{"exposes":[{"type":"numeric","property":"temperature","access":1,"unit":"°C"}]}}]`,
		prefix, lamp, prefix, name)
}

// Two Zigbee2MQTT on one broker, with devices of the same names: each is heard, set and goes
// away below its own base.
func TestSeveralBases(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	tell := func(topic, payload string, retained bool) {
		t.Helper()
		finish(t, z.client.Publish(topic, 1, retained, payload))
	}
	for _, base := range []string{"zigbee2mqtt", "attic/z2m"} {
		tell(base+"/bridge/groups", "[]", true)
		finish(t, z.client.Subscribe(base+"/Lamp/set", 1, func(_ paho.Client, m paho.Message) {
			z.client.Publish(base+"/Lamp", 1, false, m.Payload())
		}))
	}
	tell("zigbee2mqtt/bridge/devices", probe("0x0", "Lamp", "Probe"), true)
	tell("attic/z2m/bridge/devices", probe("0x1", "Lamp", "Probe"), true)
	h := runHouse(t, planOf(t, fmt.Sprintf(`
gateway: casa
mqtt: [{url: "%s", zigbee2mqtt: [zigbee2mqtt, attic/z2m], names: {"0x101": attic.lamp, "0x102": attic.probe}}]
`, m.URL())), nil, nil)
	for topic, name := range map[string]string{"zigbee2mqtt/Probe": "probe", "attic/z2m/Probe": "attic.probe"} {
		until(t, name+" to be heard", func() bool {
			tell(topic, fmt.Sprintf(`{"temperature":%d}`, len(name)), false)
			// What came late tells a value, and not that the device is there.
			return h.reading(name+".temperature").Value == home.NumberOf(float64(len(name))) && h.device(name).Status == home.Online
		})
	}
	if o := h.set("attic.lamp", "state", home.BooleanOf(true)); o.Result != home.Verified {
		t.Errorf("the attic's lamp: %+v", o)
	}
	if v := h.reading("lamp.state").Value; v.Known() {
		t.Errorf("the other lamp is %s", v)
	}
	if o := h.set("lamp", "state", home.BooleanOf(false)); o.Result != home.Verified {
		t.Errorf("the lamp: %+v", o)
	}
	if v := h.reading("attic.lamp.state").Value; v != home.BooleanOf(true) {
		t.Errorf("the attic's lamp is %s", v)
	}
	tell("attic/z2m/bridge/state", `{"state":"offline"}`, true)
	until(t, "the attic to be offline", func() bool { return h.device("attic.probe").Status == home.Offline })
	if s := h.device("probe").Status; s != home.Online {
		t.Errorf("the other probe is %s", s)
	}
	tell("attic/z2m/bridge/devices", "[]", true)
	until(t, "the attic to be gone", func() bool { return len(h.House.Devices("attic.*")) == 0 })
	if n := len(h.House.Devices("#")); n != 2 {
		t.Errorf("%d devices are left, want the two of the other base", n)
	}
	h.stop()
}

// An entity with expire_after is unknown when it has said nothing for so long, and known
// again when it speaks; its neighbour without it stays.
func TestExpireAfter(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	tell := func(topic, payload string, retained bool) { finish(t, z.client.Publish(topic, 1, retained, payload)) }
	const entity = `{"name":%q,"stat_t":"meter/%s","uniq_id":%q,"unit_of_meas":"W","dev":{"ids":"m","name":"Meter"}%s}`
	tell("homeassistant/sensor/a/config", fmt.Sprintf(entity, "Power", "power", "a", `,"exp_aft":1`), true)
	tell("homeassistant/sensor/b/config", fmt.Sprintf(entity, "Peak", "peak", "b", ""), true)
	h := runHouse(t, planOf(t, fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, homeassistant: homeassistant}]\n", m.URL())), nil, nil)
	heard := func() {
		t.Helper()
		until(t, "the meter to be heard", func() bool {
			tell("meter/power", "12", false)
			tell("meter/peak", "90", false)
			return h.reading("meter.power").Value == home.NumberOf(12) && h.reading("meter.peak").Value == home.NumberOf(90)
		})
	}
	heard()
	until(t, "the power to expire", func() bool { return !h.reading("meter.power").Value.Known() })
	if r := h.reading("meter.power"); !strings.Contains(r.Unknown, "1s") {
		t.Errorf("it is unknown because of %q", r.Unknown)
	}
	if v := h.reading("meter.peak").Value; v != home.NumberOf(90) {
		t.Errorf("the peak is %s", v)
	}
	heard()
	h.stop()
}

// Zigbee2MQTT as it comes tells no availability. A device of which only a retained state has
// come has its values, is not claimed to be online, and is nothing to worry about.
func TestOnlyARetainedState(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	z.devices("lamp", "probe")
	z.say("probe", `{"temperature":19.5}`, true)
	z.say("lamp", `{"state":"ON"}`, false) // nobody hears it
	opened := make(chan string, 1)
	yaml := fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, zigbee2mqtt: zigbee2mqtt}]\n", m.URL())
	h := runHouse(t, planOf(t, yaml), nil, func(o *Options) { o.Web, o.WebOpened = "127.0.0.1:0", func(url string) { opened <- url } })
	page := <-opened
	until(t, "the retained state", func() bool { return h.reading("probe.temperature").Value == home.NumberOf(19.5) })
	until(t, "the lamp", func() bool { return len(h.House.Devices("lamp")) == 1 })
	if s := h.House.Status(); s.Devices != 2 || s.Online != 0 || s.Unheard != 2 {
		t.Errorf("%d devices, %d online, %d not heard of", s.Devices, s.Online, s.Unheard)
	}
	if got := get(t, page+"metrics"); strings.Contains(got, `hogar_device_online{`) || !strings.Contains(got, `hogar_reading{name="probe.temperature",unit="°C"} 19.5`) {
		t.Errorf("metrics: %s", got)
	}
	until(t, "the probe to speak", func() bool {
		z.say("probe", `{"temperature":20}`, true)
		s := h.House.Status()
		return s.Online == 1 && s.Unheard == 1
	})
	if got := get(t, page+"metrics"); !strings.Contains(got, `hogar_device_online{device="probe"} 1`) || strings.Contains(got, `hogar_device_online{device="lamp"}`) {
		t.Errorf("metrics: %s", got)
	}
	h.stop()
}

// A Shelly of the first generation becomes known by what it says.
func TestShellyOfTheFirstGeneration(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	tell := func(topic, payload string, retained bool) {
		t.Helper()
		finish(t, z.client.Publish("shellies/"+topic, 1, retained, payload))
	}
	tell("announce", `{"id":"shelly1pm-AABB","model":"SHSW-PM","mac":"AABB","fw_ver":"1"}`, true)
	tell("shelly1pm-AABB/online", "true", true)
	tell("shelly1pm-AABB/relay/0", "off", true)
	tell("shelly1pm-AABB/relay/0/power", "0.0", true)
	finish(t, z.client.Subscribe("shellies/shelly1pm-AABB/relay/0/command", 1, func(_ paho.Client, m paho.Message) {
		z.client.Publish("shellies/shelly1pm-AABB/relay/0", 1, true, m.Payload())
		z.client.Publish("shellies/shelly1pm-AABB/relay/0/power", 1, true, "40.5")
	}))
	h := runHouse(t, planOf(t, fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, shelly: shellies, names: {shelly1pm-AABB: boiler}}]\n", m.URL())), nil, nil)
	until(t, "what is retained", func() bool {
		return h.reading("boiler.state").Value == home.BooleanOf(false) && h.reading("boiler.power").Value == home.NumberOf(0)
	})
	until(t, "the boiler to obey", func() bool { // what is retained is known before the connection is made that lasts
		return h.set("boiler", "state", home.BooleanOf(true)).Result == home.Verified
	})
	until(t, "the power", func() bool { return h.reading("boiler.power").Value == home.NumberOf(40.5) })
	tell("shelly1pm-AABB/temperature", "41.2", false) // told for the first time
	until(t, "the new property", func() bool { return h.reading("boiler.device_temperature").Value == home.NumberOf(41.2) })
	tell("shelly1pm-AABB/online", "false", true)
	until(t, "the boiler to be offline", func() bool { return h.device("boiler").Status == home.Offline })
	h.stop()
}

// A list of devices beyond 32 MiB is refused; the devices that there are stay as they were.
func TestAListThatIsTooLong(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	z.devices("Lamp", "Probe")
	z.obey("Lamp")
	h := runHouse(t, planOf(t, fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, zigbee2mqtt: zigbee2mqtt}]\n", m.URL())), nil, nil)
	until(t, "the devices", func() bool { return len(h.House.Devices("#")) == 2 })
	huge := append(bytes.Repeat([]byte(" "), 32<<20), "[]"...)
	finish(t, z.client.Publish("zigbee2mqtt/bridge/devices", 1, true, huge))
	until(t, "it to be refused", func() bool { return strings.Contains(h.log.String(), "a message of 33554434 bytes") })
	if o := h.set("lamp", "state", home.BooleanOf(true)); o.Result != home.Verified {
		t.Errorf("the lamp: %+v", o)
	}
	if n := len(h.House.Devices("#")); n != 2 {
		t.Errorf("%d devices are left", n)
	}
	h.stop()
}

// A device that is renamed keeps its name here, what it said before, and the rules that speak
// of it, while the gateway runs and while it does not.
func TestRenamedDeviceKeepsAll(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	z.devices("Lamp", "Probe")
	yaml := fmt.Sprintf(`
gateway: casa
mqtt: [{url: "%s", zigbee2mqtt: zigbee2mqtt}]
rules:
  cold: {when: probe.temperature < 5, do: [{set: {lamp.state: on}}]}
  warm: {when: probe.temperature > 20, do: [{set: {lamp.state: off}}]}
`, m.URL())
	journal := t.TempDir()
	keep := func(o *Options) { o.Journal = journal }
	h := runHouse(t, planOf(t, yaml), nil, keep)
	obeys := func(lamp, probe string, cold float64) {
		t.Helper()
		z.obey(lamp)
		for _, temperature := range []float64{cold, 25} {
			falls := z.turn(probe, 15, temperature)
			until(t, "the rule to set "+lamp, func() bool {
				falls()
				return h.reading("probe.temperature").Value == home.NumberOf(temperature) &&
					h.reading("lamp.state").Value == home.BooleanOf(temperature < 5)
			})
		}
	}
	obeys("Lamp", "Probe", 1)
	z.devices("Salon/Light", "Attic/Feeler")
	obeys("Salon/Light", "Attic/Feeler", 2)
	h.stop()
	z.devices("Third Light", "Third Feeler")
	h = runHouse(t, planOf(t, yaml), nil, keep)
	obeys("Third Light", "Third Feeler", 3)
	var told []string
	oldest, newest := h.Past.Kept()
	for ev := range h.Past.Between(context.Background(), oldest-1, newest) {
		line := ev.Device + " " + ev.Value.String()
		if ev.Property == "temperature" && ev.Value.Known() && ev.Value.Number() < 5 && !slices.Contains(told, line) {
			told = append(told, line)
		}
	}
	if diff := cmp.Diff([]string{"probe 1", "probe 2", "probe 3"}, told); diff != "" {
		t.Errorf("the history: want -, got +\n%s", diff)
	}
	h.stop()
}
