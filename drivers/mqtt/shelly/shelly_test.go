package shelly

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// speak tells messages, topic and payload, and shows what is understood.
func speak(s *Shelly, pairs ...string) []string {
	var lines []string
	for i := 0; i < len(pairs); i += 2 {
		t, mine := s.Read(dialect.Message{Topic: pairs[i], Payload: []byte(pairs[i+1])})
		if !mine {
			lines = append(lines, "not mine: "+pairs[i])
		}
		for _, one := range t.Devices {
			var props []string
			for _, p := range one.Properties {
				text := p.Name + " " + string(p.Type) + " " + p.Unit
				if p.Settable {
					text += " set"
				}
				props = append(props, strings.Join(strings.Fields(text), " "))
			}
			lines = append(lines, fmt.Sprintf("device %s %q: %s", one.ID, one.Label, strings.Join(props, ", ")))
		}
		for _, st := range t.Statuses {
			lines = append(lines, st.ID+" "+st.State)
		}
		for _, r := range t.Readings {
			mark := ""
			if r.Momentary {
				mark = "!"
			}
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s%s=%s %s", mark, r.Property, r.Value, r.Unknown)))
		}
		for _, m := range t.Send {
			lines = append(lines, fmt.Sprintf("send %s %s", m.Topic, m.Payload))
		}
		for _, i := range t.Ignored {
			lines = append(lines, "ignored "+i.What+": "+i.Why)
		}
	}
	return lines
}

func compare(t *testing.T, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

const status = `{"id":1,"src":"shellyplus1pm-a0b1","dst":"hogar-casa","result":{"ble":{},"cloud":{"connected":false},"sys":{"mac":"A0B1"},
	"switch:0":{"id":0,"output":true,"apower":12.5,"voltage":230.1,"current":0.05,"aenergy":{"total":3.5},"temperature":{"tC":40,"tF":104}},"input:0":{"id":0,"state":null}}}`

func TestSecondGeneration(t *testing.T) {
	s := New(Options{Source: "hogar-casa"})
	compare(t, []string{
		`send kitchen/rpc {"id":1,"src":"hogar-casa","method":"Shelly.GetDeviceInfo","params":{}}`,
	}, speak(s, "kitchen/online", "true", "kitchen/online", "true"))
	compare(t, []string{
		`send kitchen/rpc {"id":1,"src":"hogar-casa","method":"Shelly.GetStatus","params":{}}`,
		`device shellyplus1pm-a0b1 "Kettle": input boolean, action event, state boolean set, power number W, voltage number V, current number A, energy number Wh, device_temperature number °C`,
		"shellyplus1pm-a0b1 online", "input=unknown the device sent null",
		"state=on", "power=12.5", "voltage=230.1", "current=0.05", "energy=3.5", "device_temperature=40",
	}, speak(s, "hogar-casa/rpc", `{"id":1,"src":"shellyplus1pm-a0b1","result":{"name":"Kettle","id":"shellyplus1pm-a0b1","mac":"A0B1","gen":2}}`, "hogar-casa/rpc", status))
	compare(t, []string{"state=off", "power=0", "!action=double_push",
		`ignored input:0: the event "odd" is not known here`, `power=unknown found "x", expected a number`, `ignored switch:0: found "x", expected a number`,
		"shellyplus1pm-a0b1 offline"}, speak(s,
		"kitchen/events/rpc", `{"src":"shellyplus1pm-a0b1","method":"NotifyStatus","params":{"ts":1.5,"switch:0":{"id":0,"output":false,"apower":0}}}`,
		"kitchen/events/rpc", `{"src":"shellyplus1pm-a0b1","method":"NotifyEvent","params":{"events":[{"component":"input:0","event":"double_push"},{"component":"input:0","event":"odd"}]}}`,
		"kitchen/events/rpc", `{"src":"shellyplus1pm-a0b1","method":"NotifyStatus","params":{"switch:0":{"apower":"x"}}}`, "kitchen/online", "false"))
	o, err := s.Command("shellyplus1pm-a0b1", "state", home.BooleanOf(true))
	if want := `{"id":0,"src":"hogar-casa","method":"Switch.Set","params":{"id":0,"on":true}}`; err != nil || o.Topic != "kitchen/rpc" || string(o.Payload) != want || !o.Confirmed {
		t.Errorf("command %s %s, %v", o.Topic, o.Payload, err)
	}
	if _, err := s.Command("shellyplus1pm-a0b1", "power", home.NumberOf(1)); err == nil {
		t.Error("a meter was set")
	}
	if m, err := s.Ask("shellyplus1pm-a0b1", "power"); err != nil || m.Topic != "kitchen/rpc" {
		t.Errorf("ask %+v, %v", m, err)
	}
	compare(t, []string{`device shellyhtg3-c0 "shellyhtg3-c0": battery number %, humidity number %, temperature number °C`,
		"shellyhtg3-c0 online", "battery=80", "humidity=44", "temperature=21.5"},
		speak(s, "shellyhtg3-c0/events/rpc", `{"src":"shellyhtg3-c0","method":"NotifyFullStatus","params":{"devicepower:0":{"battery":{"V":5,"percent":80}},"temperature:0":{"tC":21.5},"humidity:0":{"rh":44}}}`))
	compare(t, []string{"not mine: other/online"}, speak(s, "other/online", "yes"))
}

func TestSeveralOutputs(t *testing.T) {
	s := New(Options{})
	got := speak(s, "pro/events/rpc", `{"src":"shellypro-d1","method":"NotifyFullStatus","params":{"switch:0":{"output":true},"switch:1":{"output":false},"cover:0":{"state":"open","current_pos":30}}}`)
	compare(t, []string{`device shellypro-d1 "pro": position number % set, cover text, move choice set, state_0 boolean set, state_1 boolean set`,
		"shellypro-d1 online", "position=30", "cover=open", "state_0=on", "state_1=off"}, got)
	if o, err := s.Command("shellypro-d1", "move", home.TextOf("close")); err != nil || !strings.Contains(string(o.Payload), `"method":"Cover.Close","params":{"id":0}`) || o.Confirmed {
		t.Errorf("%s %v", o.Payload, err)
	}
	if o, err := s.Command("shellypro-d1", "state_1", home.BooleanOf(true)); err != nil || !strings.Contains(string(o.Payload), `{"id":1,"on":true}`) {
		t.Errorf("%s %v", o.Payload, err)
	}
}

func TestFirstGeneration(t *testing.T) {
	s := New(Options{})
	got := speak(s, "shellies/announce", `{"id":"shellyplug-s-1","model":"SHPLG-S","mac":"1"}`,
		"shellies/shellyplug-s-1/relay/0", "on", "shellies/shellyplug-s-1/relay/0/power", "12.5", "shellies/shellyplug-s-1/relay/0", "off",
		"shellies/shellyplug-s-1/relay/0/command", "on", "shellies/shellyplug-s-1/online", "false",
		"shellies/shellyplug-s-1/overtemperature", "0", "shellies/shellyplug-s-1/input_event/0", `{"event":"SS","event_cnt":3}`,
		"shellies/shellyplug-s-1/relay/0/power", "much", "shellies/shellyplug-s-1/relay/1", "on",
		"shellies/shellyplug-s-1/input_event/0", `{"event":"SS","event_cnt":3}`, "shellies/shellyplug-s-1/input_event/0", `{"event":"SS","event_cnt":4}`,
		"shellies/shellyplug-s-1/odd", "1")
	compare(t, []string{
		"send shellies/shellyplug-s-1/command update",
		`device shellyplug-s-1 "shellyplug-s-1": state boolean set`, "state=on",
		`device shellyplug-s-1 "shellyplug-s-1": state boolean set, power number W`, "power=12.5", "state=off",
		"shellyplug-s-1 offline", `device shellyplug-s-1 "shellyplug-s-1": overtemperature boolean, state boolean set, power number W`, "overtemperature=off",
		`device shellyplug-s-1 "shellyplug-s-1": action event, overtemperature boolean, state boolean set, power number W`, "!action=double_push",
		`power=unknown found "much", expected a number`, `ignored relay/0/power: found "much", expected a number`,
		`device shellyplug-s-1 "shellyplug-s-1": action event, overtemperature boolean, state boolean set, power number W, state_1 boolean set`, "state_1=on",
		"ignored input_event/0: a repetition of the last press", "!action=double_push", "ignored shellies/shellyplug-s-1/odd: nothing that is known here",
	}, got)
	if o, err := s.Command("shellyplug-s-1", "state_1", home.BooleanOf(false)); err != nil || o.Topic != "shellies/shellyplug-s-1/relay/1/command" || string(o.Payload) != "off" {
		t.Errorf("%+v %v", o, err)
	}
}

// What a device says of itself before it is known counts when it is.
func TestOnlineFirst(t *testing.T) {
	compare(t, []string{`device shelly1-1 "shelly1-1": state boolean set`, "shelly1-1 offline", "state=on"},
		speak(New(Options{}), "shellies/shelly1-1/online", "false", "shellies/shelly1-1/relay/0", "on"))
}

// The topics of a newer device may be put below those of the first generation.
func TestSecondGenerationBelowShellies(t *testing.T) {
	compare(t, []string{`device pm-1 "shellies/hall": state boolean set`, "pm-1 online", "state=on", "pm-1 offline"},
		speak(New(Options{}), "shellies/hall/online", "true", "shellies/hall/events/rpc", `{"src":"pm-1","method":"NotifyFullStatus","params":{"switch:0":{"output":true}}}`,
			"shellies/hall/online", "false"))
}

// Components that people add come in pages, with what they are.
func TestAddedComponents(t *testing.T) {
	s := New(Options{})
	got := speak(s, "gw/events/rpc", `{"src":"gw-1","method":"NotifyFullStatus","params":{"bthome":{},"bthomedevice:200":{"id":200,"rssi":-60,"battery":90},`+
		`"bthomesensor:200":{"id":200,"value":21.4},"number:201":{"id":201,"value":5},"group:202":{"value":["number:201"]},"input:0":{"id":0,"counts":{"total":7}},"input:1":{"id":1,"percent":11.5}}}`)
	compare(t, []string{
		`device gw-1 "gw": battery_200 number %, sensor_200 number, count_0 number, analog_1 number %, number_201 number set`, "gw-1 online",
		"battery_200=90", "sensor_200=21.4", "count_0=7", "analog_1=11.5", "number_201=5",
		`send gw/rpc {"id":1,"src":"hogar-shelly","method":"Shelly.GetComponents","params":{"dynamic_only":true,"include":["status","config"],"offset":0}}`,
		"ignored bthomedevice:200.rssi: nothing that is known here", "ignored group:202: a group of components, each of which is taken by itself",
	}, got)
	compare(t, []string{
		`device gw-1 "gw": battery_200 number %, count_0 number, analog_1 number %, sensor_200 number °C, action_203 event, enum_202 choice set, number_201 number °C set`,
		"sensor_200=21.5", "enum_202=away", "number_201=6",
		`send gw/rpc {"id":1,"src":"hogar-shelly","method":"Shelly.GetComponents","params":{"dynamic_only":true,"include":["status","config"],"offset":4}}`,
		"!action_203=double_push", `device gw-1 "gw": battery_200 number %, count_0 number, analog_1 number %, sensor_200 number °C, action_203 event, enum_202 choice set, number_201 number °C set, action_200 event`, "!action_200=single_push",
	}, speak(s, "hogar-shelly/rpc", `{"id":1,"src":"gw-1","result":{"components":[`+
		`{"key":"bthomesensor:200","status":{"id":200,"value":21.5},"config":{"id":200,"name":"Shed","obj_id":69,"idx":0}},`+
		`{"key":"bthomesensor:203","status":{"id":203},"config":{"id":203,"obj_id":58,"idx":0}},`+
		`{"key":"number:201","status":{"value":6},"config":{"id":201,"name":"Target","min":5,"max":30,"meta":{"ui":{"unit":"°C"}}}},`+
		`{"key":"enum:202","status":{"value":"away"},"config":{"id":202,"options":["home","away"]}}],"cfg_rev":1,"offset":0,"total":5}}`,
		"gw/events/rpc", `{"src":"gw-1","method":"NotifyEvent","params":{"events":[{"component":"bthomesensor:203","event":"double_push"}]}}`,
		"gw/events/rpc", `{"src":"gw-1","method":"NotifyEvent","params":{"events":[{"component":"bthomedevice:200","event":"single_push"}]}}`))
	compare(t, []string{"ignored switch:0: the device did not have it when it told what it has",
		`send gw/rpc {"id":2,"src":"hogar-shelly","method":"Shelly.GetStatus","params":{}}`},
		sorted(speak(s, "gw/events/rpc", `{"src":"gw-1","method":"NotifyStatus","params":{"switch:0":{"output":true}}}`)))
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}

func FuzzRead(f *testing.F) {
	f.Add("hogar-shelly/rpc", []byte(status))
	f.Add("a/events/rpc", []byte(`{"src":"a","method":"NotifyFullStatus","params":{"em:0":{},"switch:x":{"output":1}}}`))
	f.Add("shellies/x/relay/0", []byte("on"))
	f.Add("shellies/x/status", []byte(`{"tmp":{"value":1,"is_valid":false},"thermostats":[{"pos":5}]}`))
	f.Add("hogar-shelly/rpc", []byte(`{"id":1,"src":"shellyplus1pm-a0b1","result":{"components":[{"key":"number:1","status":{"value":1},"config":{"min":1}}]}}`))
	f.Add("shellies/announce", []byte(`{"id":"x"}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		s := New(Options{})
		speak(s, "a/online", "true", "hogar-shelly/rpc", status)
		told, _ := s.Read(dialect.Message{Topic: topic, Payload: payload})
		for _, one := range told.Devices {
			for _, p := range one.Properties {
				if home.CheckWord(p.Name) != nil {
					t.Errorf("a property is called %q", p.Name)
				}
				if p.Settable {
					if _, err := s.Command(one.ID, p.Name, home.TextOf("open")); err != nil {
						t.Error(err)
					}
				}
			}
		}
	})
}
