package tasmota

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

const plug = `{"ip":"192.0.2.7","dn":"Washing machine","fn":["Washing machine",null],"hn":"plug-1","mac":"AABBCC112233","md":"Plug","ofln":"Offline","onln":"Online",
	"state":["OFF","ON","TOGGLE","HOLD"],"sw":"14.2.0","t":"plug_1","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1,0],"btn":[0,0],"so":{"4":0,"73":0},"lt_st":0,"ver":1}`

const energy = `{"sn":{"Time":"2026-01-02T03:04:05","ENERGY":{"TotalStartTime":"2025-01-01T00:00:00","Total":12.5,"Yesterday":1,"Today":0.5,"Power":100,"Factor":0.9,"Voltage":230,"Current":0.4},
	"DS18B20-1":{"Id":"0316","Temperature":21.5},"DS18B20-2":{"Id":"0317","Temperature":null},"TempUnit":"C"},"ver":1}`

// speak tells messages, topic and payload, and shows what is understood.
func speak(d *Discovery, pairs ...string) []string {
	var lines []string
	for i := 0; i < len(pairs); i += 2 {
		t, mine := d.Read(dialect.Message{Topic: pairs[i], Payload: []byte(pairs[i+1])})
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
		for _, s := range t.Statuses {
			lines = append(lines, strings.TrimSpace(s.ID+" "+s.State+" "+s.Reason))
		}
		for _, r := range t.Readings {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s=%s %s", r.Property, r.Value, r.Unknown)))
		}
		for _, m := range t.Send {
			lines = append(lines, fmt.Sprintf("send %s %s", m.Topic, m.Payload))
		}
		for _, id := range t.Gone {
			lines = append(lines, "gone "+id)
		}
		for _, i := range t.Ignored {
			lines = append(lines, "ignored "+i.What+": "+i.Why)
		}
	}
	return lines
}

func TestPlug(t *testing.T) {
	d := New(Options{})
	got := speak(d, "tasmota/discovery/AABBCC112233/sensors", energy, "tasmota/discovery/AABBCC112233/config", plug,
		"tele/plug_1/LWT", "Online",
		"stat/plug_1/RESULT", `{"POWER":"ON"}`, "stat/plug_1/POWER", "OFF",
		"tele/plug_1/STATE", `{"Time":"x","Uptime":"1T","POWER":"ON","Wifi":{"RSSI":80}}`,
		"tele/plug_1/SENSOR", `{"Time":"x","ENERGY":{"Total":12.6,"Power":"oops","Odd":1},"DS18B20-2":{"Temperature":5},"TempUnit":"C"}`,
		"stat/plug_1/STATUS10", `{"StatusSNS":{"Time":"x","ENERGY":{"Voltage":231}}}`,
		"stat/plug_1/STATUS2", `{}`, "tele/plug_1/LWT", "Offline", "tele/other/LWT", "Online")
	want := []string{
		`device AABBCC112233 "Washing machine": state boolean set, energy number kWh, energy_yesterday number kWh, energy_today number kWh, power number W, power_factor number, voltage number V, current number A, ds18b20_0316_temperature number °C, ds18b20_0317_temperature number °C`,
		"send cmnd/plug_1/STATE ", "send cmnd/plug_1/STATUS 10",
		"AABBCC112233 online", "state=on", "state=off", "state=on",
		"energy=12.6", `power=unknown found "oops", expected a number`, "ds18b20_0317_temperature=5",
		`ignored ENERGY.Power: found "oops", expected a number`, "ignored ENERGY.Odd: not among the sensors that the device announced",
		"voltage=231", "ignored stat/plug_1/STATUS2: an answer that tells no state",
		"AABBCC112233 offline the device is not connected to the broker", "not mine: tele/other/LWT",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	o, err := d.Command("AABBCC112233", "state", home.BooleanOf(true))
	if err != nil || o.Topic != "cmnd/plug_1/POWER1" || string(o.Payload) != "ON" || !o.Confirmed || o.Want != home.BooleanOf(true) {
		t.Errorf("command %+v, %v", o, err)
	}
	if _, err := d.Command("AABBCC112233", "power", home.NumberOf(1)); err == nil {
		t.Error("a sensor was set")
	}
	if m, err := d.Ask("AABBCC112233", "power"); err != nil || m.Topic != "cmnd/plug_1/STATUS" {
		t.Errorf("ask %+v, %v", m, err)
	}
	if diff := cmp.Diff([]string{"gone AABBCC112233"}, speak(d, "tasmota/discovery/AABBCC112233/config", "")); diff != "" {
		t.Error(diff)
	}
	if got := d.Filters(); len(got) != 2 {
		t.Errorf("filters of nothing: %v", got)
	}
}

func TestKinds(t *testing.T) {
	for _, test := range []struct{ change, say, want string }{
		{`"rl":[1,1]`, `{"POWER1":"ON","POWER2":"OFF"}`, "state_1 boolean set, state_2 boolean set | state_1=on state_2=off"},
		{`"rl":[2],"lt_st":5`, `{"POWER":"ON","Dimmer":40,"CT":200,"HSBColor":"10,20,30"}`,
			"state boolean set, brightness number % set, color_temp number mired set, color_hsb text set | state=on brightness=40 color_temp=200 color_hsb=10,20,30"},
		{`"rl":[3,3]`, `{"Shutter1":{"Position":50,"Direction":0}}`, "position number % set, move choice set | position=50"},
		{`"rl":[0],"btn":[1],"so":{"73":1}`, `{"Button1":{"Action":"DOUBLE"}}`, "button_1 event | button_1=double"},
		{`"rl":[1,1,1,1],"if":1`, `{"POWER1":"ON","POWER2":"ON","FanSpeed":2}`,
			"state boolean set, fan_speed number set | state=on fan_speed=2 ignored POWER2: a motor of the fan, which fan_speed sets"},
		{`"rl":[0],"swc":[0,1,-1],"swn":["Door bell",null,null],"so":{"114":1}`, `{"Door bell":{"Action":"TOGGLE"},"Switch2":{"Action":"ON"}}`,
			"door_bell boolean, door_bell_action event, switch2 boolean | door_bell_action=toggle switch2=on"},
		{`"state":["aus","an"]`, `{"POWER":"an"}`, "state boolean set | state=on"},
		{`"ft":"home/%topic%/%prefix%"`, "", "state boolean set"},
	} {
		d := New(Options{})
		text := strings.TrimSuffix(plug, "}") + "," + test.change + "}"
		lines := speak(d, "tasmota/discovery/AABBCC112233/config", text)
		_, got, _ := strings.Cut(lines[0], ": ")
		if test.say != "" {
			got += " | " + strings.Join(speak(d, "stat/plug_1/RESULT", test.say), " ")
		} else if _, mine := d.Read(dialect.Message{Topic: "home/plug_1/tele/LWT", Payload: []byte("Online")}); !mine {
			t.Errorf("%s: its own topic is not known", test.change)
		}
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.change, got, test.want)
		}
	}
	d := New(Options{})
	speak(d, "tasmota/discovery/AABBCC112233/config", strings.Replace(plug, `"rl":[1,0]`, `"rl":[3,3],"sho":[1]`, 1))
	if got := speak(d, "tele/plug_1/SENSOR", `{"Shutter1":{"Position":30}}`, "stat/plug_1/SHUTTER1", "100"); !slices.Equal(got, []string{"position=70", "position=0"}) {
		t.Errorf("an inverted shutter is at %v", got)
	}
	if o, err := d.Command("AABBCC112233", "position", home.NumberOf(70)); err != nil || string(o.Payload) != "30" {
		t.Errorf("an inverted shutter is sent to %s, %v", o.Payload, err)
	}
	if o, err := d.Command("AABBCC112233", "move", home.TextOf("stop")); err != nil || o.Topic != "cmnd/plug_1/ShutterStop1" || o.Confirmed {
		t.Errorf("stop: %+v, %v", o, err)
	}
}

// Of several probes on one wire each is known by its address: their numbers change when one is gone. The
// phases of a meter, and its units, change when people change them.
func TestSensorsChange(t *testing.T) {
	d := New(Options{})
	speak(d, "tasmota/discovery/AABBCC112233/config", strings.Replace(plug, `"rl":[1,0]`, `"rl":[0]`, 1),
		"tasmota/discovery/AABBCC112233/sensors", `{"sn":{"DS18B20-1":{"Id":"0A","Temperature":20},"DS18B20-2":{"Id":"0B","Temperature":60},"ENERGY":{"Power":5},"TempUnit":"C"}}`)
	for _, test := range []struct{ say, want string }{
		{`{"DS18B20-1":{"Id":"0B","Temperature":61},"DS18B20-2":{"Id":"0A","Temperature":21}}`, "ds18b20_0b_temperature=61|ds18b20_0a_temperature=21"},
		{`{"DS18B20":{"Id":"0B","Temperature":62}}`, "ds18b20_0b_temperature=62"},
		{`{"DS18B20-1":{"Id":"0A","Temperature":-127}}`, "ds18b20_0a_temperature=unknown the device has no value: it says -127"},
		{`{"DS18B20-1":{"Id":"0C","Temperature":5}}`, "ignored DS18B20-1.Temperature: not among the sensors that the device announced"},
		{`{"ENERGY":{"Power":[1,2,3]}}`, `device AABBCC112233 "Washing machine": ds18b20_0a_temperature number °C, ds18b20_0b_temperature number °C, ` +
			"power_1 number W, power_2 number W, power_3 number W|power_1=1|power_2=2|power_3=3"},
		{`{"ENERGY":{"Power":[1,2]}}`, `device AABBCC112233 "Washing machine": ds18b20_0a_temperature number °C, ds18b20_0b_temperature number °C, ` +
			"power_1 number W, power_2 number W|power_1=1|power_2=2"},
		{`{"ENERGY":{"Power":7},"TempUnit":"F"}`, `device AABBCC112233 "Washing machine": ds18b20_0a_temperature number °F, ds18b20_0b_temperature number °F, ` +
			"power number W|power=7"},
	} {
		if got := strings.Join(speak(d, "tele/plug_1/SENSOR", test.say), "|"); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.say, got, test.want)
		}
	}
}

// Of two devices with one topic nobody is believed or commanded until one has a topic of its own.
func TestOneTopic(t *testing.T) {
	d := New(Options{})
	other := strings.NewReplacer(`"AABBCC112233"`, `"AABBCC112244"`, "Washing machine", "Dryer").Replace(plug)
	why := "Dryer (AABBCC112244) and Washing machine (AABBCC112233) have the same topic plug_1: nobody knows which of them speaks, and a command reaches all; give each a Topic of its own"
	speak(d, "tasmota/discovery/AABBCC112233/config", plug)
	got := speak(d, "tasmota/discovery/AABBCC112244/config", other, "stat/plug_1/RESULT", `{"POWER":"ON"}`)
	want := []string{`device AABBCC112244 "Dryer": state boolean set`, "AABBCC112233 offline " + why, "AABBCC112244 offline " + why, "ignored plug_1: " + why, "ignored plug_1: " + why}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	for _, id := range []string{"AABBCC112233", "AABBCC112244"} {
		if _, err := d.Command(id, "state", home.BooleanOf(true)); err == nil || err.Error() != why {
			t.Errorf("%s: %v", id, err)
		}
	}
	got = speak(d, "tasmota/discovery/AABBCC112244/config", strings.Replace(other, "plug_1", "plug_2", 1), "stat/plug_1/RESULT", `{"POWER":"ON"}`)
	if diff := cmp.Diff([]string{`device AABBCC112244 "Dryer": state boolean set`, "AABBCC112233", "state=on"}, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if o, err := d.Command("AABBCC112233", "state", home.BooleanOf(true)); err != nil || o.Topic != "cmnd/plug_1/POWER1" {
		t.Errorf("%+v, %v", o, err)
	}
}

// Who sleeps is not away.
func TestSleeps(t *testing.T) {
	d := New(Options{})
	got := speak(d, "tasmota/discovery/AABBCC112233/config", strings.Replace(plug, `"lt_st":0`, `"dslp":1`, 1), "tele/plug_1/LWT", "DeepSleep", "tele/plug_1/LWT", "Offline")
	if want := []string{"AABBCC112233 online", "AABBCC112233"}; !slices.Equal(got[3:], want) {
		t.Errorf("%q, want %q", got[3:], want)
	}
}

func TestRefused(t *testing.T) {
	d := New(Options{})
	for _, payload := range []string{"x", "{}", `{"t":"a","ft":"same/","tp":["a","b","c"]}`, `{"t":"#","ft":"%prefix%/%topic%/","tp":["a","b","c"]}`, strings.Repeat("x", longest+1)} {
		if lines := speak(d, "tasmota/discovery/A/config", payload); len(lines) != 1 || !strings.HasPrefix(lines[0], "ignored ") {
			t.Errorf("%.40s: %v", payload, lines)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("tasmota/discovery/AABBCC112233/config", []byte(plug))
	f.Add("tasmota/discovery/AABBCC112233/sensors", []byte(energy))
	f.Add("stat/plug_1/RESULT", []byte(`{"POWER":"ON","Shutter1":{"Position":5},"Button1":{"Action":"X"}}`))
	f.Add("tele/plug_1/SENSOR", []byte(`{"ENERGY":{"Power":[1,2,{"a":[[[[]]]]}]}}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		d := New(Options{})
		speak(d, "tasmota/discovery/AABBCC112233/sensors", energy, "tasmota/discovery/AABBCC112233/config", plug)
		told, _ := d.Read(dialect.Message{Topic: topic, Payload: payload})
		for _, one := range told.Devices {
			for _, p := range one.Properties {
				if home.CheckWord(p.Name) != nil {
					t.Errorf("a property is called %q", p.Name)
				}
			}
		}
		for _, filter := range d.Filters() {
			if err := dialect.CheckFilter(filter); err != nil {
				t.Errorf("%q: %v", filter, err)
			}
		}
	})
}
