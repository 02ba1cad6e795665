package zigbee2mqtt

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// house is a small bridge/devices: a lamp with two endpoints and presets, a
// contact whose values are the wrong way round, a remote, and what stays out.
const house = `[
{"ieee_address":"0x01","type":"Coordinator","friendly_name":"Coordinator","definition":null},
{"ieee_address":"0x02","type":"Router","friendly_name":"living/Lamp ä","supported":true,"definition":{"exposes":[
  {"type":"light","features":[
    {"type":"binary","name":"state","property":"state_l1","endpoint":"l1","access":7,"value_on":"ON","value_off":"OFF"},
    {"type":"numeric","name":"color_temp","property":"color_temp","access":7,"value_min":153,"value_max":500,"unit":" mired ",
      "presets":[{"name":"warm","value":454},{"name":"previous","value":"previous"}]},
    {"type":"composite","name":"color_xy","property":"color","access":7,"features":[]},
    {"type":"composite","name":"color_hs","property":"color","access":7,"features":[]}]},
  {"type":"enum","name":"effect","property":"effect","access":2,"values":["blink",1,true]},
  {"type":"list","name":"gradient","property":"gradient","access":3,"item_type":{"type":"text"}},
  {"type":"numeric","name":"secret","property":"secret","access":0},
  {"type":"sculpture","name":"odd","property":"odd","access":7},
  {"type":"numeric","name":"linkquality","property":"linkquality","access":1,"unit":"lqi"}]}},
{"ieee_address":"0x03","type":"EndDevice","friendly_name":"door","definition":{"exposes":[
  {"type":"binary","name":"contact","property":"contact","access":1,"value_on":false,"value_off":true},
  {"type":"numeric","name":"Läge","property":"Läge.1","access":5,"unit":"lux"},
  {"type":"text","name":"laege","property":"laege 1","access":1}]}},
{"ieee_address":"0x04","type":"EndDevice","friendly_name":"remote","definition":{"exposes":[
  {"type":"enum","name":"action","property":"action","access":1,"values":["single","double"]}]}},
{"ieee_address":"0x05","type":"EndDevice","friendly_name":"new","definition":null,"interview_state":"IN_PROGRESS"},
{"ieee_address":"0x06","type":"EndDevice","friendly_name":"off","disabled":true,"definition":{"exposes":[]}},
{"ieee_address":"0x07","type":"EndDevice","friendly_name":"dumb","definition":{"exposes":[
  {"type":"numeric","name":"linkquality","property":"linkquality","access":1,"unit":"lqi"}]}}]`

func bridge(t *testing.T) (*Bridge, dialect.Told) {
	t.Helper()
	b := New(Options{})
	said(t, b, "bridge/groups", `[{"id":7,"friendly_name":"All lamps","members":[{"ieee_address":"0x02","endpoint":11}]},
		{"id":8,"friendly_name":"empty","members":[]}]`)
	return b, said(t, b, "bridge/devices", house)
}

func said(t *testing.T, b *Bridge, below, payload string) dialect.Told {
	t.Helper()
	told, mine := b.Read(dialect.Message{Topic: "zigbee2mqtt/" + below, Payload: []byte(payload)})
	if !mine {
		t.Errorf("%s is not taken", below)
	}
	return told
}

var sameValues = cmp.Comparer(func(a, b home.Value) bool { return a == b })

func TestDevices(t *testing.T) {
	b, told := bridge(t)
	lamp := []home.Property{
		{Name: "state_l1", Type: home.TypeBoolean, Settable: true},
		{Name: "color_temp", Type: home.TypeNumber, Unit: "mired", Min: new(153.0), Max: new(500.0), Options: []string{"warm", "previous"}, Settable: true},
		{Name: "color", Type: home.TypeObject, Settable: true},
	}
	want := []dialect.Device{
		{ID: "0x02", Label: "living/Lamp ä", Properties: append(lamp[:3:3],
			home.Property{Name: "effect", Type: home.TypeChoice, Options: []string{"blink", "1", "on"}, Settable: true, Momentary: true},
			home.Property{Name: "gradient", Type: home.TypeObject, Settable: true})},
		{ID: "0x03", Label: "door", Properties: []home.Property{
			{Name: "contact", Type: home.TypeBoolean},
			{Name: "lage_1", Type: home.TypeNumber, Unit: "lx"},
			{Name: "laege_1", Type: home.TypeText}}},
		{ID: "0x04", Label: "remote", Properties: []home.Property{{Name: "action", Type: home.TypeEvent, Options: []string{"single", "double"}}}},
		{ID: "0x07", Label: "dumb", Properties: []home.Property{{Name: "linkquality", Type: home.TypeNumber, Unit: "lqi"}}},
		{ID: "zigbee2mqtt/group/7", Label: "All lamps", Properties: lamp},
	}
	if diff := cmp.Diff(want, told.Devices); diff != "" || !told.Whole {
		t.Errorf("whole %v, devices: want -, got +\n%s", told.Whole, diff)
	}
	var out []string
	for _, i := range told.Ignored {
		out = append(out, strings.TrimSpace(i.ID+" "+i.What)+": "+i.Why)
	}
	reasons := []string{
		"0x02 secret: it can be neither read nor set",
		`0x02 odd: an expose of type "sculpture"`,
		"0x02 linkquality: it changes with each message: off unless asked for",
		"0x05 new: its interview is not finished",
		"0x06 off: disabled in Zigbee2MQTT",
		"zigbee2mqtt/group/8 empty: a group of nothing that can be set",
	}
	if diff := cmp.Diff(reasons, out); diff != "" {
		t.Errorf("ignored: want -, got +\n%s", diff)
	}
	if n := len(b.Filters()); n != 3+2*5 {
		t.Errorf("%d filters: %v", n, b.Filters())
	}
}

func TestState(t *testing.T) {
	b, _ := bridge(t)
	reading := func(id, property string, v home.Value, why string) dialect.Reading {
		return dialect.Reading{ID: id, Property: property, Value: v, Unknown: why, Repeats: true}
	}
	for _, test := range []struct {
		topic, payload string
		want           []dialect.Reading
		ignored        string
	}{
		{"living/Lamp ä", `{"state_l1":"ON","color_temp":250,"color":{"x":0.1,"y":0.2},"linkquality":9,"update":{"state":"idle"},"strange":1}`,
			[]dialect.Reading{reading("0x02", "state_l1", home.BooleanOf(true), ""), reading("0x02", "color_temp", home.NumberOf(250), ""),
				reading("0x02", "color", object1(`{"x":0.1,"y":0.2}`), "")}, "strange"},
		{"living/Lamp ä", `{"state_l1":null,"color_temp":"previous","effect":true}`,
			[]dialect.Reading{reading("0x02", "state_l1", home.Value{}, "the device sent null"),
				reading("0x02", "color_temp", home.Value{}, "the device says previous"), reading("0x02", "effect", home.TextOf("true"), "")}, "color_temp"},
		{"living/Lamp ä", `{"state_l1":"dim","color":3}`,
			[]dialect.Reading{reading("0x02", "state_l1", home.Value{}, `found "dim", expected "ON" or "OFF"`),
				reading("0x02", "color", home.Value{}, "found 3, expected a object")}, "state_l1 color"},
		{"door", `{"contact":false,"Läge.1":"3.5","laege 1":"x"}`,
			[]dialect.Reading{reading("0x03", "contact", home.BooleanOf(true), ""), reading("0x03", "lage_1", home.NumberOf(3.5), ""),
				reading("0x03", "laege_1", home.TextOf("x"), "")}, ""},
		{"remote", `{"action":"single","action_group":3}`,
			[]dialect.Reading{{ID: "0x04", Property: "action", Momentary: true, Value: home.TextOf("single")}}, "action_group"},
		{"remote", `{"action":""}`, nil, ""},
		{"remote", `{"action":null}`, nil, ""},
		{"All lamps", `{"color_temp":1e999}`,
			[]dialect.Reading{reading("zigbee2mqtt/group/7", "color_temp", home.Value{}, "found 1e999, expected a number")}, "color_temp"},
		{"door", ``, nil, ""},
		{"door", `[1]`, nil, "zigbee2mqtt/door"},
		{"door", `{"contact":` + strings.Repeat("[", 20000), nil, "zigbee2mqtt/door"},
		{"nobody", `{}`, nil, "zigbee2mqtt/nobody"},
	} {
		told := said(t, b, test.topic, test.payload)
		if diff := cmp.Diff(test.want, told.Readings, sameValues, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%.60s: want -, got +\n%s", test.payload, diff)
		}
		var ignored []string
		for _, i := range told.Ignored {
			ignored = append(ignored, i.What)
		}
		if got := strings.Join(ignored, " "); got != test.ignored {
			t.Errorf("%.60s: ignored %q, want %q", test.payload, got, test.ignored)
		}
	}
	late, _ := b.Read(dialect.Message{Topic: "zigbee2mqtt/door", Payload: []byte(`{"contact":true,"last_seen":"2026-01-02T03:04:05+01:00"}`), Late: true})
	if at := late.Readings[0].Time; !at.Equal(time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)) {
		t.Errorf("a late reading is of %s", at)
	}
}

func object1(text string) home.Value {
	v, _ := home.ParseValue([]byte(text))
	return v
}

func TestAvailability(t *testing.T) {
	b, _ := bridge(t)
	status := func(told dialect.Told) string {
		var list []string
		for _, s := range told.Statuses {
			list = append(list, strings.TrimSpace(s.ID+" "+s.State+" "+s.Reason))
		}
		return strings.Join(list, "; ")
	}
	for _, step := range []struct{ topic, payload, want string }{
		{"door/availability", `{"state":"online"}`, "0x03 online"},
		{"remote/availability", `offline`, "0x04 offline Zigbee2MQTT does not reach it"},
		{"remote/availability", ``, "0x04"}, // switched off in Zigbee2MQTT: what comes counts again
		{"remote/availability", `{"state":"offline"}`, "0x04 offline Zigbee2MQTT does not reach it"},
		{"bridge/state", `{"state":"offline"}`, "0x02 offline Zigbee2MQTT (zigbee2mqtt) is offline; 0x03 offline Zigbee2MQTT (zigbee2mqtt) is offline; " +
			"0x04 offline Zigbee2MQTT (zigbee2mqtt) is offline; 0x07 offline Zigbee2MQTT (zigbee2mqtt) is offline; " +
			"zigbee2mqtt/group/7 offline Zigbee2MQTT (zigbee2mqtt) is offline"},
		{"door/availability", `{"state":"online"}`, ""}, // nobody asked it: the bridge is off
		{"bridge/state", `online`, "0x02; 0x03 online; 0x04 offline Zigbee2MQTT does not reach it; 0x07; zigbee2mqtt/group/7"},
		{"bridge/state", `nonsense`, ""},
	} {
		if got := status(said(t, b, step.topic, step.payload)); got != step.want {
			t.Errorf("%s %s:\n got %s\nwant %s", step.topic, step.payload, got, step.want)
		}
	}
}

// A device that is renamed stays itself, one that is removed goes.
func TestRename(t *testing.T) {
	b, _ := bridge(t)
	told := said(t, b, "bridge/devices", strings.ReplaceAll(house, `"friendly_name":"door"`, `"friendly_name":"gate/front"`))
	if told.Devices[1].ID != "0x03" || told.Devices[1].Label != "gate/front" || !told.Whole {
		t.Errorf("told %+v", told.Devices[1])
	}
	if got := said(t, b, "gate/front", `{"contact":true}`); len(got.Readings) != 1 || got.Readings[0].ID != "0x03" {
		t.Errorf("on the new topic %+v", got)
	}
	if order, err := b.Command("0x02", "effect", home.TextOf("1")); err != nil || string(order.Payload) != `{"effect":1}` {
		t.Errorf("%s %v", order.Payload, err)
	}
	if told := said(t, b, "bridge/devices", "[]"); len(told.Devices) != 0 || !told.Whole {
		t.Errorf("an empty list is told as %+v", told)
	}
	if _, err := b.Command("0x02", "effect", home.TextOf("1")); err == nil {
		t.Error("a device that is gone takes a command")
	}
}

func TestCommands(t *testing.T) {
	b, _ := bridge(t)
	for _, test := range []struct {
		property  string
		value     home.Value
		payload   string
		confirmed bool
		want      home.Value
	}{
		{"state_l1", home.BooleanOf(false), `{"state_l1":"OFF"}`, true, home.BooleanOf(false)},
		{"color_temp", home.NumberOf(200.5), `{"color_temp":200.5}`, true, home.NumberOf(200.5)},
		{"color_temp", home.TextOf("warm"), `{"color_temp":454}`, true, home.NumberOf(454)},
		{"color", object1(`{"hex":"#fff"}`), `{"color":{"hex":"#fff"}}`, false, object1(`{"hex":"#fff"}`)},
		{"effect", home.TextOf("blink"), `{"effect":"blink"}`, false, home.TextOf("blink")},
	} {
		order, err := b.Command("0x02", test.property, test.value)
		want := dialect.Order{Message: dialect.Message{Topic: "zigbee2mqtt/living/Lamp ä/set", Payload: []byte(test.payload)},
			Confirmed: test.confirmed, Want: test.want}
		if diff := cmp.Diff(want, order, sameValues); diff != "" || err != nil {
			t.Errorf("%s: %v, want -, got +\n%s", test.property, err, diff)
		}
	}
	if _, err := b.Command("0x03", "contact", home.BooleanOf(true)); err == nil {
		t.Error("a sensor can be set")
	}
	if m, err := b.Ask("0x02", "state_l1"); err != nil || m.Topic != "zigbee2mqtt/living/Lamp ä/get" || string(m.Payload) != `{"state_l1":""}` {
		t.Errorf("ask: %+v %v", m, err)
	}
	if _, err := b.Ask("0x03", "contact"); err == nil {
		t.Error("a sleeping contact can be asked")
	}
}

// What is of no use is told with what was found.
func TestTold(t *testing.T) {
	for _, one := range []struct{ topic, payload, want string }{
		{"bridge/devices", "{}", "no list of devices: found an object, expected a list"},
		{"bridge/devices", `[{"ieee_address":"0x1","definition":{"exposes":"x"}}]`, "no device: definition.exposes is a text, expected a list"},
		{"bridge/devices", `[5]`, "no device: found a number, expected an object"},
		{"bridge/devices", `[{}]`, "no device: it has no ieee_address"},
		{"bridge/devices", `[{"ieee_address":"0x1"}]`, "it has no friendly_name"},
		{"bridge/devices", `[{"ieee_address":"0x1","friendly_name":"a\u0001"}]`, "its name makes no topic: it has characters that no topic may have"},
		{"bridge/state", "up", "found up, expected online or offline"},
		{"door/availability", `{"state":"up"}`, `found {"state":"up"}, expected online or offline`},
		{"door/set", "ON", "what somebody sends to the device; its answer counts"},
		{"door/get/contact", "", "what somebody sends to the device; its answer counts"},
		{"nobody/set", "ON", "no device of this name is in zigbee2mqtt/bridge/devices"},
		{"door/setup", "ON", "no device of this name is in zigbee2mqtt/bridge/devices"},
	} {
		b, _ := bridge(t)
		told, mine := b.Read(dialect.Message{Topic: "zigbee2mqtt/" + one.topic, Payload: []byte(one.payload)})
		if len(told.Ignored) == 0 || told.Ignored[0].Why != one.want || !mine {
			t.Errorf("%s %s: %+v, want %s", one.topic, one.payload, told.Ignored, one.want)
		}
	}
}

func TestLimits(t *testing.T) {
	b, _ := bridge(t)
	long := `{"contact":true,"x":"` + strings.Repeat("x", longestState) + `"}`
	if told := said(t, b, "door", long); len(told.Readings) != 0 || len(told.Ignored) != 1 {
		t.Errorf("a message of a megabyte is read: %d readings", len(told.Readings))
	}
	if told := said(t, b, "living/Lamp ä", `{"color":`+strings.Repeat(`{"a":`, 200)+"1"+strings.Repeat("}", 200)+"}"); told.Readings[0].Value.Known() {
		t.Error("an object of 200 levels is taken")
	}
}

func FuzzBridge(f *testing.F) {
	f.Add([]byte(house), []byte(`{"contact":false,"state_l1":"ON"}`), "door")
	f.Add([]byte(`[{"ieee_address":"a","friendly_name":"b","definition":{"exposes":[{"type":"list","property":"x","access":7}]}}]`), []byte(`{"x":[]}`), "b")
	f.Fuzz(func(t *testing.T, list, state []byte, name string) {
		b := New(Options{})
		b.Read(dialect.Message{Topic: "zigbee2mqtt/bridge/groups", Payload: state})
		told, _ := b.Read(dialect.Message{Topic: "zigbee2mqtt/bridge/devices", Payload: list})
		for _, d := range told.Devices {
			for _, p := range d.Properties {
				if err := home.CheckWord(p.Name); err != nil {
					t.Error(err)
				}
				for _, v := range []home.Value{home.BooleanOf(true), home.NumberOf(1), home.TextOf("a")} {
					if order, err := b.Command(d.ID, p.Name, v); err == nil && dialect.CheckTopic(order.Topic) != nil {
						t.Errorf("an order for %q", order.Topic)
					}
				}
			}
		}
		for _, filter := range b.Filters() {
			if err := dialect.CheckFilter(filter); err != nil {
				t.Errorf("%q: %v", filter, err)
			}
		}
		for _, r := range b.read(name, state) {
			if r.Property == "" || r.ID == "" || !r.Value.Known() && r.Unknown == "" {
				t.Errorf("%+v", r)
			}
		}
	})
}

// read is what the message says on the topic of name.
func (b *Bridge) read(name string, state []byte) []dialect.Reading {
	told, _ := b.Read(dialect.Message{Topic: "zigbee2mqtt/" + name, Payload: state})
	return told.Readings
}

// BenchmarkRead reads the message of a sensor for air.
func BenchmarkRead(b *testing.B) {
	z := New(Options{})
	z.Read(dialect.Message{Topic: "zigbee2mqtt/bridge/devices", Payload: []byte(`[{"ieee_address":"0x1","friendly_name":"air","definition":{"exposes":[
		{"type":"numeric","property":"temperature","access":1},{"type":"numeric","property":"humidity","access":1},
		{"type":"numeric","property":"battery","access":1},{"type":"numeric","property":"linkquality","access":1}]}}]`)})
	m := dialect.Message{Topic: "zigbee2mqtt/air", Payload: []byte(`{"temperature":21.3,"humidity":44,"battery":97,"linkquality":120}`)}
	b.ReportAllocs()
	for b.Loop() {
		if told, _ := z.Read(m); len(told.Readings) != 3 {
			b.Fatal(told)
		}
	}
}

// A list that says nothing of who is gone takes nobody away.
func TestDamagedLists(t *testing.T) {
	b, _ := bridge(t)
	read := func(topic, payload string) dialect.Told {
		t.Helper()
		told, _ := b.Read(dialect.Message{Topic: "zigbee2mqtt/bridge/" + topic, Payload: []byte(payload)})
		if len(told.Ignored) == 0 || !told.Ignored[0].Fault {
			t.Errorf("%s %s is taken", topic, payload)
		}
		return told
	}
	before := len(b.byID)
	for _, payload := range []string{"null", `{"a":1}`, `[{"a":1}]`, `[{"friendly_name":""}]`, "[[[]]]", "[null]", "x"} {
		for _, topic := range []string{"devices", "groups"} {
			if told := read(topic, payload); told.Whole || len(told.Gone) > 0 || len(b.byID) != before {
				t.Errorf("%s %s: %d of %d are left, whole %v", topic, payload, len(b.byID), before, told.Whole)
			}
		}
	}
	b.Read(dialect.Message{Topic: "zigbee2mqtt/bridge/groups", Payload: []byte("[]")})
	if told, _ := b.Read(dialect.Message{Topic: "zigbee2mqtt/bridge/devices", Payload: []byte("[]")}); !told.Whole || len(b.byID) != 0 {
		t.Errorf("an empty list: %+v", told)
	}
}
