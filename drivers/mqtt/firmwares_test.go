package mqtt

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/shelly"
	"hogar/drivers/mqtt/tasmota"
	"hogar/drivers/mqtt/zigbee2mqtt"
	"hogar/gateway/home"
)

// recording reads the messages of a file of testdata/firmwares: what people reported of their devices, with
// other addresses.
func recording(t *testing.T, name string) []dialect.Message {
	t.Helper()
	text, err := os.ReadFile("testdata/firmwares/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var list []dialect.Message
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one struct {
			Topic   string
			Payload json.RawMessage
			Retain  bool
		}
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		var plain string
		if json.Unmarshal(one.Payload, &plain) == nil {
			one.Payload = json.RawMessage(plain)
		}
		list = append(list, dialect.Message{Topic: one.Topic, Payload: one.Payload, Retained: one.Retain})
	}
	return list
}

// played explains messages, and shows what the house gets and what is not taken.
func played(messages []dialect.Message) (says, properties, ignored []string) {
	x := Explain(Options{Gateway: "casa", Names: dialect.NewNames(dialect.NamesOptions{}), Sources: []Source{
		{"zigbee2mqtt", "zigbee2mqtt", zigbee2mqtt.New(zigbee2mqtt.Options{})},
		{"tasmota", "tasmota/discovery", tasmota.New(tasmota.Options{})},
		{"shelly", "shellies", shelly.New(shelly.Options{})},
	}}, messages)
	for _, d := range x.Devices {
		for _, p := range d.Catalog.Properties {
			line := d.Device + "." + p.Name
			if p.Unit != "" {
				line += " " + p.Unit
			}
			if p.Settable {
				line += " set"
			}
			properties = append(properties, line)
		}
	}
	for _, ev := range x.Readings {
		line := ev.Device
		switch ev.Kind {
		case home.KindStatus:
			line += " " + ev.State
		default:
			line += "." + ev.Property + " " + ev.Value.String()
			if ev.Unit != "" && ev.Value.Known() {
				line += " " + ev.Unit
			}
			if ev.Unknown != "" {
				line += ": " + ev.Unknown
			}
		}
		if ev.Kind == home.KindEvent {
			line = "!" + line
		}
		if ev.Kind == home.KindEvent && ev.Flags&home.FlagLate != 0 {
			line += " late"
		}
		says = append(says, line)
	}
	for _, i := range x.Ignored {
		ignored = append(ignored, i.What+": "+i.Why)
	}
	return says, properties, ignored
}

// What real firmwares said, and what is right.
func TestFirmwares(t *testing.T) {
	for name, test := range map[string]struct {
		says       []string // all of it, in its order
		properties []string // some
		without    []string // properties that there are not
		ignored    []string // some
	}{
		"b16": {says: []string{
			"kitchen.switch offline", "!kitchen.switch.action 1_single late", "kitchen.switch.battery 90 %",
			"!kitchen.switch.action 1_single late", "!kitchen.switch.action 1_single late",
		}},
		"v18": {says: []string{"lamp online", "lamp.state on", "lamp.brightness 10", "lamp offline"}},
	} {
		t.Run(name, func(t *testing.T) {
			says, properties, ignored := played(recording(t, name))
			if diff := cmp.Diff(test.says, says); diff != "" && test.says != nil {
				t.Errorf("says: want -, got +\n%s", diff)
			}
			for _, p := range test.properties {
				if !slices.Contains(properties, p) {
					t.Errorf("no %s among %q", p, properties)
				}
			}
			for _, p := range test.without {
				if slices.Contains(properties, p) {
					t.Errorf("%s is there", p)
				}
			}
			for _, i := range test.ignored {
				if !slices.Contains(ignored, i) {
					t.Errorf("%s is not among what is ignored: %q", i, ignored)
				}
			}
		})
	}
}
