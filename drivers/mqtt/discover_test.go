package mqtt

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/zigbee2mqtt"
	"hogar/gateway/home"
)

// zigbee is a bridge/devices of a lamp and a sensor with these friendly names.
func zigbee(lamp, sensor string) string {
	return fmt.Sprintf(`[{"ieee_address":"0x01","friendly_name":%q,"definition":{"exposes":[{"type":"light","features":[
		{"type":"binary","property":"state","access":7,"value_on":"ON","value_off":"OFF"}]}]}},
		{"ieee_address":"0x02","friendly_name":%q,"definition":{"exposes":[{"type":"numeric","property":"temperature","access":1,"unit":"C"}]}}]`, lamp, sensor)
}

// discoveries keeps what a connection told the gateway.
type discoveries struct {
	mu   sync.Mutex
	list []string
}

func (d *discoveries) take(one Discovered) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, fmt.Sprint(one.Name, " ", len(one.Properties), " ", one.Removed))
}

func (d *discoveries) seen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.list)
}

// connectZigbee makes a connection to a Zigbee2MQTT and a soil sensor.
func connectZigbee(t *testing.T, address string, h *house, names dialect.NamesOptions) (*Connection, *discoveries) {
	t.Helper()
	d := options("url", "mqtt://"+address)
	found := new(discoveries)
	c := NewWith(Options{Broker: DecodeBroker(d), Gateway: "casa", Accept: h.accept, Discover: found.take,
		Topics:  map[string]Topic{"garden.soil": topic(t, "topic", "garden/soil", "property", "moisture")},
		Sources: []Source{{"zigbee2mqtt", "zigbee2mqtt", zigbee2mqtt.New(zigbee2mqtt.Options{})}},
		Names:   dialect.NewNames(names), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	c.leastWait = 20 * time.Millisecond
	return c, found
}

// lines shows events: late ones with ~.
func (h *house) lines() []string {
	var lines []string
	for _, e := range h.seen() {
		mark := ""
		if e.Late() {
			mark = "~"
		}
		switch e.Kind {
		case home.KindCatalog:
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("catalog %s %s %q %v", e.Device, e.Catalog.ID, e.Catalog.Label, e.Catalog.Removed)))
		case home.KindStatus:
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %.30s", e.Device, e.State, e.Reason)))
		default:
			if e.Flags&home.FlagRaw != 0 {
				if !h.raw {
					continue
				}
				mark += "raw "
			}
			lines = append(lines, fmt.Sprintf("%s%s %s %s", mark, e.FullName(), e.Value, e.Unit))
		}
	}
	return lines
}

func (h *house) waitFor(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, strings.Join(want, ", "), func() bool { return len(h.lines()) >= len(want) })
	if diff := cmp.Diff(want, h.lines()); diff != "" {
		t.Fatalf("want -, got +\n%s", diff)
	}
	h.mu.Lock()
	h.events = nil
	h.mu.Unlock()
}

func TestDiscovery(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	z2m := broker.client("z2m")
	say := func(topic, payload string, retained bool) {
		t.Helper()
		finish(t, z2m.Publish("zigbee2mqtt/"+topic, 1, retained, payload))
	}
	say("bridge/devices", zigbee("Hall/Lamp", "Porch"), true)
	say("bridge/groups", "[]", true)
	say("bridge/state", `{"state":"online"}`, true)
	h := &house{auto: always}
	c, found := connectZigbee(t, broker.address, h, dialect.NamesOptions{})
	stop := run(t, c)
	connected(t, c)
	h.waitFor(t, `catalog hall.lamp 0x01 "Hall/Lamp" false`, `catalog porch 0x02 "Porch" false`)
	subscribed := func() { // the subscriptions of a device that came are under way: what comes after them is heard
		t.Helper()
		eventually(t, "the device to be heard", func() bool {
			finish(t, z2m.Publish("zigbee2mqtt/Porch", 0, false, `{"temperature":1}`)) // not sent twice
			return len(h.lines()) > 0
		})
		h.waitFor(t, "porch.temperature 1 °C")
	}
	subscribed()
	say("Porch", `{"temperature":1,"linkquality":3}`, false) // nothing new
	say("Porch", `{"temperature":2,"linkquality":4}`, false)
	h.waitFor(t, "porch.temperature 2 °C")

	say("bridge/devices", zigbee("Hall/Lamp", "Terrace"), true) // renamed
	h.waitFor(t, `catalog porch 0x02 "Terrace" false`)
	eventually(t, "the renamed device to be heard", func() bool {
		finish(t, z2m.Publish("zigbee2mqtt/Terrace", 0, false, `{"temperature":3}`)) // not sent twice
		return len(h.lines()) > 0
	})
	h.waitFor(t, "porch.temperature 3 °C")
	stop()

	// While the gateway is off messages wait, and find their device known.
	say("Terrace", `{"temperature":4}`, false)
	say("Terrace", `{"temperature":5}`, false)
	h2 := &house{auto: always}
	c, found2 := connectZigbee(t, broker.address, h2, dialect.NamesOptions{Known: map[string]dialect.Known{
		"0x02": {Name: "porch", Via: c.found.via(c.found.sources[0])}, "0x03": {Name: "gone", Via: c.found.via(c.found.sources[0])}}})
	run(t, c)
	h2.waitFor(t, `catalog hall.lamp 0x01 "Hall/Lamp" false`, `catalog porch 0x02 "Terrace" false`, `catalog gone 0x03 "" true`,
		"~porch.temperature 4 °C", "~porch.temperature 5 °C")
	connected(t, c)
	say("bridge/devices", zigbee("Hall/Lamp", "hall/lamp"), true) // two that fold alike: the known one keeps its name
	h2.waitFor(t, `catalog porch 0x02 "hall/lamp" false`)
	say("bridge/devices", "[]", true)
	h2.waitFor(t, `catalog hall.lamp 0x01 "" true`, `catalog porch 0x02 "" true`)
	if diff := cmp.Diff([]string{"hall.lamp 1 false", "porch 1 false", "porch 1 false"}, found.seen()); diff != "" {
		t.Errorf("the gateway was told: want -, got +\n%s", diff)
	}
	if n := len(found2.seen()); n != 6 {
		t.Errorf("the gateway was told %v", found2.seen())
	}
}

// Of two devices that fold alike the second stays out until it is given a name.
func TestNameTaken(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	z2m := broker.client("z2m")
	finish(t, z2m.Publish("zigbee2mqtt/bridge/groups", 1, true, "[]"))
	finish(t, z2m.Publish("zigbee2mqtt/bridge/devices", 1, true, zigbee("Lamp", "lamp")))
	h := &house{auto: always}
	c, _ := connectZigbee(t, broker.address, h, dialect.NamesOptions{})
	stop := run(t, c)
	connected(t, c)
	want := []Outsider{{"0x02", "lamp", `lamp is the name of 0x01; give it a name of its own with names: {"0x02": …}`}}
	if diff := cmp.Diff(want, c.Outsiders()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	stop()
	h = &house{auto: always}
	c, _ = connectZigbee(t, broker.address, h, dialect.NamesOptions{Given: map[string]string{"0x02": "porch.probe"}})
	run(t, c)
	connected(t, c)
	h.waitFor(t, `catalog lamp 0x01 "Lamp" false`, `catalog porch.probe 0x02 "lamp" false`)
}

func TestDiscoveredCommand(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	z2m := broker.client("z2m")
	finish(t, z2m.Publish("zigbee2mqtt/bridge/groups", 1, true, "[]"))
	finish(t, z2m.Publish("zigbee2mqtt/bridge/devices", 1, true, zigbee("Lamp", "Probe")))
	finish(t, z2m.Subscribe("zigbee2mqtt/Lamp/set", 1, func(_ paho.Client, m paho.Message) {
		z2m.Publish("zigbee2mqtt/Lamp", 1, false, m.Payload())
	}))
	h := &house{auto: always, raw: true}
	c, _ := connectZigbee(t, broker.address, h, dialect.NamesOptions{})
	run(t, c)
	connected(t, c)
	h.waitFor(t, `catalog lamp 0x01 "Lamp" false`, `catalog probe 0x02 "Probe" false`)
	if want, ok := c.Proof("lamp", "state", home.BooleanOf(true)); !ok || want != home.BooleanOf(true) {
		t.Errorf("the lamp proves it with %s, %v", want, ok)
	}
	for _, want := range []string{"lamp.state on ", "raw lamp.state on "} { // the second message repeats what is known, and proves it all the same
		if err := c.Set(t.Context(), "lamp", "state", home.BooleanOf(true)); err != nil {
			t.Error(err)
		}
		h.waitFor(t, want)
	}
	if err := c.Set(t.Context(), "probe", "temperature", home.NumberOf(1)); err == nil {
		t.Error("a sensor was set")
	}
	if err := c.Ask(t.Context(), "lamp", "state"); err != nil {
		t.Error(err)
	}
	if err := c.Ask(t.Context(), "garden.soil", "moisture"); err == nil {
		t.Error("a plain topic was asked")
	}
}

// What the journal refused comes again, and is no repetition then; the same holds for a
// message that was left out.
func TestNothingRefusedIsARepetition(t *testing.T) {
	c := NewWith(Options{Gateway: "casa", Accept: (&house{auto: always}).accept, Names: dialect.NewNames(dialect.NamesOptions{}),
		Sources: []Source{{"zigbee2mqtt", "zigbee2mqtt", zigbee2mqtt.New(zigbee2mqtt.Options{})}}, Log: slog.New(slog.DiscardHandler)})
	source := c.found.sources[0]
	read := func(topic, payload string) []home.Event {
		told, _ := source.Dialect.Read(dialect.Message{Topic: "zigbee2mqtt/" + topic, Payload: []byte(payload)})
		return c.understood(source, told, false)
	}
	read("bridge/devices", zigbee("Lamp", "Probe"))
	raw := func(events []home.Event) bool { return events[0].Flags&home.FlagRaw != 0 }
	first := read("Probe", `{"temperature":1}`)
	if again := read("Probe", `{"temperature":1}`); raw(first) || !raw(again) {
		t.Errorf("first %v, again %v", first, again)
	}
	c.reach.doubt(first)
	if redelivered := read("Probe", `{"temperature":1}`); raw(redelivered) {
		t.Error("what was refused is taken for a repetition when it comes again")
	}
	s := &session{}
	c.skip(s, read("Probe", `{"temperature":2}`))
	if redelivered := read("Probe", `{"temperature":2}`); raw(redelivered) || !s.skipped {
		t.Error("what was left out is taken for a repetition when it comes again")
	}
}
