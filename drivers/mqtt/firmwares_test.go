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

// The word offline of a device that is known to sleep does not count, and what it measured holds.
func TestWhoSleepsIsNotAway(t *testing.T) {
	x := Explain(Options{Gateway: "casa", Names: dialect.NewNames(dialect.NamesOptions{}), Sleeps: map[string]bool{"esp_3284d1": true},
		Sources: []Source{{"tasmota", "tasmota/discovery", tasmota.New(tasmota.Options{})}}}, recording(t, "b24"))
	if len(x.Readings) == 0 || x.Readings[len(x.Readings)-1].Kind != home.KindReading {
		t.Errorf("%+v", x.Readings)
	}
	for _, ev := range x.Readings {
		if ev.Kind == home.KindStatus && ev.State != home.Online {
			t.Errorf("%s is %s: %s", ev.Device, ev.State, ev.Reason)
		}
	}
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
		"b20": {says: []string{"tasmota_c80001 online", "tasmota_c80001.position 40 %", "tasmota_c80001.tilt 0 °", "tasmota_c80001.position 55 %"},
			properties: []string{"tasmota_c80001.position % set", "tasmota_c80001.move set"},
			without:    []string{"tasmota_c80001.state set", "tasmota_c80001.state_1 set", "tasmota_c80001.state_2 set"},
			ignored:    []string{"POWER1: a motor of shutter 1, which position and move set", "Shutter1.Target: of a move that is under way; position has where it is"}},
		"b24": {says: []string{
			"esp_3284d1 online", "esp_3284d1.temperature 3.4 °C", "esp_3284d1.humidity 82 %", "esp_3284d1.dew_point 0.6 °C", "esp_3284d1 online", "esp_3284d1 online",
			"esp_3284d1.temperature 3.2 °C", "esp_3284d1.humidity 82.5 %", "esp_3284d1.dew_point 0.5 °C", "esp_3284d1 offline"}},
		"b25": {says: []string{
			"mbath online", "mbath.switch1 off", "mbath.temperature 77.5 °F", "mbath.humidity 49.3 %", "mbath.dew_point 57 °F",
			"mbath.temperature 25.3 °C", "mbath.humidity 49.3 %", "mbath.dew_point 13.9 °C",
			"mbath.temperature unknown: the device sent null", "mbath.humidity unknown: the device sent null", "mbath.dew_point unknown: the device sent null",
		}, properties: []string{"mbath.temperature °C", "mbath.dew_point °C"}},
		"b26": {says: []string{"usv offline", "klimaanlage offline"}, ignored: []string{
			"tasmota: Klimaanlage (CC50E3000012) and USV (2CF432000011) have the same topic tasmota: nobody knows which of them speaks, and a command reaches all; give each a Topic of its own",
			`tasmota/discovery/CC50E3000013/config: its topics cannot be told from one another: ft is "haus/%topic%/"`}},
		"v11": {properties: []string{
			"shut.position_1 % set", "shut.move_1 set", "shut.position_2 % set", "shut.tilt_2 ° set", "fan.state set", "fan.fan_speed set", "wall.motion", "wall.button_2",
			"meter.energy_2 kWh", "meter.power W", "bulb.color_temp mired set",
		}, without: []string{"shut.shutter1_position", "shut.position", "fan.state_2 set", "shut.state_1 set"}, ignored: []string{
			"RfReceived: no state that is known here", "Shutter2.Direction: of a move that is under way; position has where it is"}},
		"b27": {properties: []string{"shellypro3em_garten_outdoorkuche.energy_0 Wh", "shellypro3em_garten_outdoorkuche.power_2 W"},
			ignored: []string{`em1:2.errors: the device reports ["out_of_range:voltage"]`}},
		"b28": {properties: []string{"shellypro3em.power W", "shellypro3em.power_b W", "shellypro3em.voltage_c V", "shellypro3em.energy Wh", "shellypro3em.energy_returned_c Wh"},
			ignored: []string{`em:0.errors: the device reports ["phase_sequence"]`, `emdata:0: the event "data" is not known here`}},
		"b30": {says: []string{
			"shellyswitch25_ba7000 online", "shellyswitch25_ba7000.cover stop", "shellyswitch25_ba7000.position unknown: the device has no value: it says 101",
			"shellyswitch25_ba7000.position unknown: the device has no value: it says -1", "shellyswitch25_ba7000.stop_reason normal", "shelly1_e40001 online",
			"shelly1_e40001.ext_temperature unknown: the device has no value: it says 999", "shellyht_e4c600.temperature unknown: the device has no value: it says -99.5",
			"shellyht_e4c600.humidity unknown: the device has no value: it says 999", "shellyht_e4c600.battery unknown: the device has no value: it says -1",
			"shellyht_e4c600.temperature 20.75 °C",
		}, ignored: []string{"shellies/shelly1-E40001/ext_temperatures: ext_temperature/N has each of them"}},
		"v12": {properties: []string{
			"shellydimmer2_e09806.brightness % set", "shelly1_e4.ext_temperature °C", "shelly1_e4.ext_humidity %", "shelly1_e4.ext_switch",
			"shellymotionsensor_b1.occupancy", "shellymotionsensor_b1.battery %", "shellytrv_c1.target_temperature °C set", "shellytrv_c1.valve_position % set",
			"shellyem3_d1.power_factor", "shellyem3_d1.energy_returned Wh", "shellyrgbw2_f1.gain % set", "shellyrgbw2_f1.red set", "shellyplug_s_h1.overtemperature",
		}, ignored: []string{"shellies/shellytrv-C1/info: the device's own settings; its other topics have what it measures"}},
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
