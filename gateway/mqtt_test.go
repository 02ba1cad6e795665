package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"

	"hogar/bridge/localbroker"
	"hogar/gateway/config"
	"hogar/gateway/home"
)

// mosquitto is a broker of the test's own.
func mosquitto(t *testing.T) *localbroker.Mosquitto {
	t.Helper()
	m, err := localbroker.StartMosquitto(t.Context(), localbroker.Options{Dir: t.TempDir()})
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Kill)
	return m
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); !is(); time.Sleep(3 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for: %s", what)
		}
	}
}

// z2m is a Zigbee2MQTT of a lamp and a probe, as far as a house can see it.
type z2m struct {
	t      *testing.T
	client paho.Client
	mu     sync.Mutex
	orders []string
}

func newZ2M(t *testing.T, m *localbroker.Mosquitto) *z2m {
	t.Helper()
	z := &z2m{t: t, client: paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID("z2m").SetOrderMatters(false))}
	finish(t, z.client.Connect())
	t.Cleanup(func() { z.client.Disconnect(100) })
	return z
}

func finish(t *testing.T, token paho.Token) {
	t.Helper()
	if !token.WaitTimeout(30*time.Second) || token.Error() != nil {
		t.Fatalf("mqtt: %v", token.Error())
	}
}

func (z *z2m) say(topic, payload string, retained bool) {
	z.t.Helper()
	finish(z.t, z.client.Publish("zigbee2mqtt/"+topic, 1, retained, payload))
}

// devices tells the lamp and the probe with these names.
func (z *z2m) devices(lamp, probe string) {
	z.t.Helper()
	z.say("bridge/devices", fmt.Sprintf(`[{"ieee_address":"0x01","friendly_name":%q,"definition":{"exposes":[{"type":"light","features":[
		{"type":"binary","property":"state","access":7,"value_on":"ON","value_off":"OFF"},
		{"type":"numeric","property":"brightness","access":7,"value_min":0,"value_max":254}]}]}},
		{"ieee_address":"0x02","friendly_name":%q,"definition":{"exposes":[{"type":"numeric","property":"temperature","access":1,"unit":"°C"}]}}]`, lamp, probe), true)
	z.say("bridge/groups", "[]", true)
}

// obey has the lamp do what it is told, and tell so.
func (z *z2m) obey(lamp string) {
	finish(z.t, z.client.Subscribe("zigbee2mqtt/"+lamp+"/set", 1, func(_ paho.Client, m paho.Message) {
		z.mu.Lock()
		z.orders = append(z.orders, string(m.Payload()))
		z.mu.Unlock()
		z.client.Publish("zigbee2mqtt/"+lamp, 1, false, m.Payload())
	}))
}

// turn returns what has a probe tell one temperature and then another, now and then: what is
// late starts no rule, and a rule that starts too often rests.
func (z *z2m) turn(probe string, from, to float64) func() {
	var last time.Time
	return func() {
		if time.Since(last) < 2*time.Second {
			return
		}
		z.say(probe, fmt.Sprintf(`{"temperature":%v}`, from), false)
		z.say(probe, fmt.Sprintf(`{"temperature":%v}`, to), false)
		last = time.Now()
	}
}

func (z *z2m) told() string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return strings.Join(z.orders, " ")
}

// reading is the last reading of a property, nothing while there is none.
func (h *testHouse) reading(name string) home.LastReading {
	for _, d := range h.House.Devices(name) {
		for _, r := range d.Readings {
			if r.Name == name {
				return r
			}
		}
	}
	return home.LastReading{}
}

// A house whose devices are all discovered: named, furnished, filtered, grouped,
// commanded and ruled like those of the configuration, over a rename, a reload, a
// restart and a removal.
func TestDiscoveredHouse(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	z.devices("Hall/Lamp", "Fühler 1")
	z.obey("Hall/Lamp")
	yaml := fmt.Sprintf(`
gateway: casa
mqtt:
  - {url: "%s", zigbee2mqtt: zigbee2mqtt, names: {"0x02": porch.probe}}
devices:
  hall.lamp:   {label: The lamp, groups: [all.lamps], safety: {range: {brightness: 0..100}}}
  porch.probe: {filters: {temperature: [{offset: 1}, {delta: 1}]}}
rules:
  cold: {when: porch.probe.temperature < 5, do: [{set: {hall.lamp.state: on}}]}
`, m.URL())
	journal := t.TempDir()
	keep := func(o *Options) { o.Journal = journal }
	plan := planOf(t, yaml)
	h := runHouse(t, plan, nil, func(o *Options) {
		keep(o)
		o.Reload = func() (*Plan, error) { return planOf(t, yaml), nil }
	})
	until(t, "the devices to be discovered", func() bool { return len(h.House.Devices("*.*")) == 3 && z.client.IsConnected() })
	if d := h.device("hall.lamp"); d.Label != "The lamp" || d.ID != "0x01" || d.Driver != "zigbee2mqtt" {
		t.Errorf("the lamp is %+v", d)
	}
	var catalog strings.Builder
	if err := WriteCatalog(&catalog, h.House.Devices("#")); err != nil {
		t.Fatal(err)
	}
	playCatalog(t, catalog.String())
	heard := func(name, topic string, value float64) {
		t.Helper()
		until(t, fmt.Sprintf("%s to be %v", name, value), func() bool {
			z.say(topic, fmt.Sprintf(`{"temperature":%v}`, value-1), false)
			return h.reading(name).Value == home.NumberOf(value)
		})
	}
	heard("porch.probe.temperature", "Fühler 1", 20)
	z.say("Fühler 1", `{"temperature":19.5}`, false) // held back
	falls := z.turn("Fühler 1", 19, 3)
	until(t, "the rule to light the lamp", func() bool {
		falls()
		return strings.Contains(z.told(), `{"state":"ON"}`)
	})
	for range 2 { // the second time the lamp only repeats itself
		if o := h.set("hall.lamp", "brightness", home.NumberOf(40)); o.Result != home.Verified {
			t.Errorf("the lamp: %+v", o)
		}
	}
	if o := h.set("hall.lamp", "brightness", home.NumberOf(200)); o.Result != home.Rejected {
		t.Errorf("beyond its safety range: %+v", o)
	}
	if o := h.set("all.lamps", "state", home.BooleanOf(false)); o.Result != home.Verified {
		t.Errorf("the group: %+v", o)
	}

	z.devices("Salon/Licht", "Fühler 1") // renamed
	z.obey("Salon/Licht")
	until(t, "the new label", func() bool { return h.reading("hall.lamp.state").Value.Known() })
	until(t, "the lamp to obey under its new name", func() bool {
		return h.set("hall.lamp", "state", home.BooleanOf(true)).Result == home.Verified
	})
	if err := h.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := h.reading("hall.lamp.state").Value; got != home.BooleanOf(true) {
		t.Errorf("after the reload the lamp is %s", got)
	}
	until(t, "the lamp to obey after the reload", func() bool {
		return h.set("hall.lamp", "state", home.BooleanOf(false)).Result == home.Verified
	})
	h.stop()

	h = runHouse(t, planOf(t, yaml), nil, keep)
	if got := h.reading("hall.lamp.state").Value; got != home.BooleanOf(false) {
		t.Errorf("after the restart the lamp is %s", got)
	}
	until(t, "the lamp to obey after the restart", func() bool {
		return h.set("hall.lamp", "state", home.BooleanOf(true)).Result == home.Verified
	})
	z.say("bridge/devices", "[]", true)
	until(t, "the devices to be gone", func() bool { return len(h.House.Devices("hall.lamp"))+len(h.House.Devices("porch.probe")) == 0 })
	if o := h.set("hall.lamp", "state", home.BooleanOf(true)); o.Result != home.Rejected {
		t.Errorf("a lamp that is gone: %+v", o)
	}
	h.stop()
}

// A name that nobody knows yet is a warning where devices may come, with its place,
// and a mistake where none can.
func TestNamesThatMayCome(t *testing.T) {
	const rules = `
devices: {hall.lamp: {driver: relay, pin: GPIO17}, porch.lamp: {label: Porch}}
groups: {lamps: [hall.lamp, porch.lamp, shed.lamp]}
scenes: {evening: {shed.lamp.brightness: 40}}
rules:
  a: {when: shed.door.contact, if: age(porch.lamp.state) < 5m and shed.probe.temperature > 3, do: [{set: {shed.lamp.state: on, porch.lamp.state: on}}]}
  b: {when: {event: {shed.button.action: single}}, do: [{scene: evening}]}
  c: {when: {offline: shed.probe, for: 1h}, do: [{set: {lamps.state: off}}]}
  d: {when: hall.lamp.brightness > 3, do: [{log: x}]}
`
	check := func(top string) (warnings, mistakes int, all string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "x.yaml")
		if err := os.WriteFile(file, []byte(top+rules), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, source, faults := config.Load(file)
		Check(cfg, faults)
		for _, f := range faults.List {
			if f.Warning {
				warnings++
			} else {
				mistakes++
			}
		}
		for _, p := range source.Problems(faults) {
			all += p.String() + "\n"
		}
		return warnings, mistakes, all
	}
	if w, m, all := check("gateway: casa\nmqtt: [{url: mqtt://localhost, zigbee2mqtt: zigbee2mqtt}]"); w != 8 || m != 1 {
		t.Errorf("%d warnings, %d mistakes, want 8 and 1:\n%s", w, m, all)
	}
	if w, m, all := check("gateway: casa"); w != 0 || m < 8 {
		t.Errorf("without a source %d warnings, %d mistakes:\n%s", w, m, all)
	}
}

// playCatalog runs rules on the devices of a catalog file without a broker, in a
// simulated house in which a person plays the sensor.
func playCatalog(t *testing.T, catalog string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "catalog.yaml"), []byte(catalog), 0o600); err != nil {
		t.Fatal(err)
	}
	const house = `
gateway: casa
mqtt: [{url: mqtt://localhost:1, zigbee2mqtt: zigbee2mqtt}]
catalog: catalog.yaml
devices: {hall.lamp: {safety: {range: {brightness: 0..100}}}}
rules:
  cold: {when: porch.probe.temperature < 5, do: [{set: {hall.lamp.state: on}}]}
`
	h := runHouse(t, planIn(t, dir, house), nil, func(o *Options) { o.NoMQTT = true })
	if o := h.set("porch.probe", "temperature", home.NumberOf(20)); !o.Result.OK() {
		t.Errorf("a played sensor: %+v", o)
	}
	h.set("porch.probe", "temperature", home.NumberOf(3))
	until(t, "the rule to light the played lamp", func() bool { return h.reading("hall.lamp.state").Value == home.BooleanOf(true) })
	if o := h.set("hall.lamp", "brightness", home.NumberOf(200)); o.Result != home.Rejected {
		t.Errorf("beyond its safety range: %+v", o)
	}
	h.stop()
	file := filepath.Join(dir, "wrong.yaml")
	wrong := strings.NewReplacer("porch.probe.temperature <", "porch.probe.temprature <", "brightness: 0", "brigthness: 0").Replace(house)
	if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, source, faults := config.Load(file)
	Check(cfg, faults)
	var got []string
	for _, p := range source.Problems(faults) {
		got = append(got, strings.TrimPrefix(p.String(), dir+"/"))
	}
	want := []string{
		"wrong.yaml:5:40: devices.hall.lamp.safety.range.brigthness: hall.lamp has no number brigthness that can be set (did you mean brightness?)",
		"wrong.yaml:7:16: rules.cold.when: porch.probe has no property temprature (did you mean temperature?)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checked against the catalog: want -, got +\n%s", diff)
	}
}

// What explain prints is what a gateway would take; the payload of a line is text or JSON.
func TestExplain(t *testing.T) {
	var messages []MQTTMessage
	for _, line := range []string{
		`{"topic":"zigbee2mqtt/Hall/Lamp","payload":{"state":"ON","odd":1}}`,
		`{"topic":"zigbee2mqtt/bridge/devices","retain":true,"payload":[{"ieee_address":"0x01","friendly_name":"Hall/Lamp","definition":{"exposes":[{"type":"binary","property":"state","access":7,"value_on":"ON","value_off":"OFF"}]}}]}`,
		`{"topic":"homeassistant/sensor/a/config","payload":"{\"stat_t\":\"a/b\",\"uniq_id\":\"q\",\"name\":\"T\",\"unit_of_meas\":\"C\",\"val_tpl\":\"{{ value_json.t }}\"}","retain":true}`,
		`{"topic":"homeassistant/sensor/b/config","payload":"{\"stat_t\":\"a/b\",\"val_tpl\":\"{% for x in y %}\"}","retain":true}`,
		`{"topic":"a/b","payload":{"t":21.5}}`,
		`{"topic":"garden/soil","payload":"41"}`,
	} {
		var m MQTTMessage
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m)
	}
	x := Explain(nil, messages)
	var got []string
	for _, list := range [][]home.Event{x.Devices, x.Readings} {
		for _, ev := range list {
			ev.Time = time.Unix(0, 0)
			b, err := ev.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.ReplaceAll(string(b), `,"time":"1970-01-01T00:00:00.000Z"`, ""))
		}
	}
	for _, i := range x.Ignored {
		got = append(got, i.Topic+" "+i.What+": "+i.Why)
	}
	want := []string{
		`{"device":"hall.lamp","label":"Hall/Lamp","driver":"zigbee2mqtt","via":"mqtt://localhost:1883/zigbee2mqtt","properties":[{"property":"state","type":"boolean","settable":true}],"id":"0x01"}`,
		`{"device":"t","label":"T","driver":"homeassistant","via":"mqtt://localhost:1883/homeassistant","properties":[{"property":"t","type":"number","unit":"°C"}],"id":"q"}`,
		`{"device":"hall.lamp","property":"state","value":true}`,
		`{"device":"t","property":"t","value":21.5,"unit":"°C"}`,
		`homeassistant/sensor/b/config homeassistant/sensor/b/config: unsupported template: value_template, column 4: {% for %} is not supported`,
		`zigbee2mqtt/Hall/Lamp odd: not among the device's exposes`,
		`garden/soil : nobody listens to this topic`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// A Tasmota plug and a Shelly on one broker, asked at the start how they are, and
// commanded.
func TestTasmotaAndShelly(t *testing.T) {
	m := mosquitto(t)
	z := newZ2M(t, m)
	answer := func(filter string, with func(topic, payload string) (string, string)) {
		finish(t, z.client.Subscribe(filter, 1, func(_ paho.Client, m paho.Message) {
			if topic, payload := with(m.Topic(), string(m.Payload())); topic != "" {
				z.client.Publish(topic, 1, false, payload)
			}
		}))
	}
	answer("cmnd/plug/+", func(topic, payload string) (string, string) {
		switch topic {
		case "cmnd/plug/STATE":
			return "stat/plug/RESULT", `{"POWER":"OFF"}`
		case "cmnd/plug/POWER1":
			return "stat/plug/RESULT", `{"POWER":"` + payload + `"}`
		}
		return "", ""
	})
	answer("boiler/rpc", func(_, payload string) (string, string) {
		var call struct {
			ID     int
			Src    string
			Method string
			Params struct{ On bool }
		}
		if err := json.Unmarshal([]byte(payload), &call); err != nil {
			t.Error(err)
		}
		switch call.Method {
		case "Shelly.GetDeviceInfo":
			return call.Src + "/rpc", fmt.Sprintf(`{"id":%d,"src":"shelly1-a0","result":{"id":"shelly1-a0","mac":"A0","name":"Boiler"}}`, call.ID)
		case "Shelly.GetStatus":
			return call.Src + "/rpc", fmt.Sprintf(`{"id":%d,"src":"shelly1-a0","result":{"sys":{},"switch:0":{"output":false}}}`, call.ID)
		case "Switch.Set":
			return "boiler/events/rpc", fmt.Sprintf(`{"src":"shelly1-a0","method":"NotifyStatus","params":{"switch:0":{"output":%v}}}`, call.Params.On)
		}
		return "", ""
	})
	tell := func(topic, payload string) { finish(t, z.client.Publish(topic, 1, true, payload)) }
	tell("tasmota/discovery/AA/config", `{"dn":"Plug","mac":"AA","t":"plug","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1],"state":["OFF","ON"],"onln":"Online","ofln":"Offline"}`)
	tell("tele/plug/LWT", "Online")
	tell("boiler/online", "true")
	h := runHouse(t, planOf(t, fmt.Sprintf(`
gateway: casa
mqtt: [{url: "%s", tasmota: tasmota/discovery, shelly: shellies}]
`, m.URL())), nil, nil)
	for _, name := range []string{"plug", "boiler"} {
		until(t, name+" to tell how it is", func() bool { return h.reading(name+".state").Value == home.BooleanOf(false) })
		if o := h.set(name, "state", home.BooleanOf(true)); o.Result != home.Verified {
			t.Errorf("%s: %+v", name, o)
		}
	}
	tell("tele/plug/LWT", "Offline")
	until(t, "the plug to be offline", func() bool { return h.device("plug").Status == home.Offline })
	h.stop()
}

// One house announces its devices as Home Assistant wants it, and another one takes
// them in by that: what is exported can be read, set and seen going away.
func TestExport(t *testing.T) {
	m := mosquitto(t)
	own := func(devices string) string {
		return fmt.Sprintf("gateway: casa\nmqtt: [{url: %q, homeassistant: homeassistant}]\nexport: homeassistant\ndevices:\n%s", m.URL(), devices)
	}
	const lamp, climate = "  hall.lamp: {driver: relay, pin: GPIO17}\n", "  kitchen.climate: {driver: bme280, every: 1s, label: Kitchen}\n"
	plan, less := planOf(t, own(lamp+climate)), planOf(t, own(lamp))
	casa := runHouse(t, plan, nil, func(o *Options) {
		o.Reload = func() (*Plan, error) { return less, nil }
	})
	other := runHouse(t, planOf(t, fmt.Sprintf(`
gateway: other
mqtt: [{url: "%s", homeassistant: homeassistant, names: {"hogar_casa_hall.lamp": far.lamp}}]
`, m.URL())), nil, nil)
	until(t, "the other house to read the kitchen", func() bool {
		near, far := casa.reading("kitchen.climate.temperature"), other.reading("kitchen.temperature")
		return near.Value.Known() && near.Value == far.Value && far.Unit == "°C"
	})
	until(t, "the lamp to be seen", func() bool { return other.reading("far.lamp.state").Value == home.BooleanOf(false) })
	if o := other.set("far.lamp", "state", home.BooleanOf(true)); o.Result != home.Verified {
		t.Errorf("the far lamp: %+v", o)
	}
	if got := casa.reading("hall.lamp.state").Value; got != home.BooleanOf(true) {
		t.Errorf("the lamp is %s", got)
	}
	if n := len(casa.House.Devices("*.*")); n != 2 {
		t.Errorf("the house took its own devices in: %d", n)
	}
	if err := casa.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	until(t, "the kitchen to be gone", func() bool { return len(other.House.Devices("kitchen")) == 0 })
	casa.stop()
	until(t, "the far lamp to be offline", func() bool { return other.device("far.lamp").Status == home.Offline })
	other.stop()
}
