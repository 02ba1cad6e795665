package homeassistant

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

func at() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func said(t testing.TB, d *Discovery, topic, payload string) dialect.Told {
	t.Helper()
	told, mine := d.Read(dialect.Message{Topic: topic, Payload: []byte(payload)})
	if !mine {
		t.Errorf("%s is not taken", topic)
	}
	return told
}

// samples are announcements of real devices; they lie beside the checkout.
const samples = "../../../../shared/data/discovery_samples.jsonl"

// TestSamples: each of them is taken, or refused for a reason that stands here.
func TestSamples(t *testing.T) {
	text, err := os.ReadFile(samples)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not there", samples)
	}
	if err != nil {
		t.Fatal(err)
	}
	const (
		off    = "Home Assistant leaves it switched off, too: include: [disabled_entities] takes it in"
		native = "taken natively from Zigbee2MQTT"
	)
	for name, test := range map[string]struct {
		options    Options
		taken      int
		refused    map[string]int
		properties int // at least, of all devices
	}{
		"as it is":            {Options{}, 212, map[string]int{off: 53}, 250},
		"beside a native one": {Options{Zigbee2MQTT: []string{"zigbee2mqtt"}}, 162, map[string]int{native: 55, off: 48}, 150},
		"all":                 {Options{All: true}, 265, map[string]int{}, 300},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Now = at
			d, taken, reasons, devices := New(test.options), 0, make(map[string]int), make(map[string]dialect.Device)
			for row := range strings.Lines(string(text)) {
				var line struct {
					Topic   string
					Payload json.RawMessage
				}
				if err := json.Unmarshal([]byte(row), &line); err != nil {
					t.Fatal(err)
				}
				told := said(t, d, line.Topic, string(line.Payload))
				switch {
				case len(told.Devices) > 0:
					taken++
				case len(told.Ignored) == 1 && !told.Ignored[0].Fault:
					reasons[told.Ignored[0].Why]++
				default:
					t.Errorf("%s: %+v", line.Topic, told)
				}
				for _, one := range told.Devices {
					devices[one.ID] = one
				}
			}
			if diff := cmp.Diff(test.refused, reasons); diff != "" || taken != test.taken {
				t.Errorf("%d taken, want %d; refused: want -, got +\n%s", taken, test.taken, diff)
			}
			if n := countProperties(t, devices); n < test.properties {
				t.Errorf("%d properties, want %d", n, test.properties)
			}
		})
	}
}

// countProperties counts them, and finds names that are none or come twice.
func countProperties(t *testing.T, devices map[string]dialect.Device) (n int) {
	t.Helper()
	for _, one := range devices {
		names := make(map[string]bool)
		for _, p := range one.Properties {
			n++
			if err := home.CheckWord(p.Name); err != nil || names[p.Name] {
				t.Errorf("%s: %q: %v, or twice", one.Label, p.Name, err)
			}
			names[p.Name] = true
		}
	}
	return n
}

// one announces a single entity and returns its device.
func one(t *testing.T, component, payload string) (*Discovery, dialect.Device) {
	t.Helper()
	d := New(Options{Now: at})
	told := said(t, d, "homeassistant/"+component+"/node/object/config", payload)
	if len(told.Devices) != 1 {
		t.Fatalf("%s: %+v", payload, told)
	}
	return d, told.Devices[0]
}

func describe(ps []home.Property) string {
	var list []string
	for _, p := range ps {
		s := p.Name + " " + string(p.Type)
		if p.Unit != "" {
			s += " " + p.Unit
		}
		if p.Min != nil {
			s += fmt.Sprintf(" %v..%v", *p.Min, *p.Max)
		}
		if p.Options != nil {
			s += " " + strings.Join(p.Options, "|")
		}
		if p.Settable {
			s += "!"
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

func TestComponents(t *testing.T) {
	for _, test := range []struct {
		component, payload, want string
		topic, message, reading  string // what a message is read as
		set, sent                string // property=value, and what is sent
	}{
		{"sensor", `{"name":"Dev Temp","dev":{"ids":"a","name":"Dev"},"stat_t":"s","unit_of_meas":"C","val_tpl":"{{ value_json.t|float|round(1) }}"}`,
			"temp number °C", "s", `{"t":"21.34"}`, "temp 21.3", "", ""},
		{"sensor", `{"dev_cla":"temperature","stat_t":"s"}`, "temperature number", "s", "hot", `temperature unknown (found "hot", expected a number)`, "", ""},
		{"sensor", `{"name":"x","dev_cla":"enum","ops":["a","b"],"stat_t":"s"}`, "x choice a|b", "s", "b", "x b", "", ""},
		{"sensor", `{"name":null,"stat_t":"s","val_tpl":"{{ value_json.x | is_defined }}"}`, "object text", "s", `{"y":1}`, "", "", ""},
		{"binary_sensor", `{"~":"base","stat_t":"~/door","pl_on":true,"pl_off":"False","dev_cla":"door"}`, "door boolean", "base/door", "True", "door on", "", ""},
		{"switch", `{"stat_t":"s","cmd_t":"c","val_tpl":"{{ value_json.POWER }}","ret":"true"}`, "state boolean!", "s", `{"POWER":"OFF"}`, "state off", "state=on", "c ON retained"},
		{"switch", `{"name":"Relay 0","stat_t":"s","cmd_t":"c","pl_on":"on","pl_off":"off"}`, "relay_0 boolean!", "s", "on", "relay_0 on", "relay_0=off", "c off"},
		{"siren", `{"cmd_t":"c"}`, "state boolean!", "", "", "", "state=on", `c {"state":"ON"}`},
		{"number", `{"name":"n","cmd_t":"c","min":"5","max":30,"unit_of_meas":"%","cmd_tpl":"{\"v\": {{ value }} }"}`, "n number % 5..30!", "", "", "", "n=7", `c {"v": 7 }`},
		{"select", `{"name":"m","cmd_t":"c","stat_t":"s","ops":["a","b"]}`, "m choice a|b!", "s", "None", "m unknown (the device says None)", "m=b", "c b"},
		{"text", `{"name":"t","cmd_t":"c"}`, "t text!", "", "", "", "t=hello", "c hello"},
		{"button", `{"name":"Restart","cmd_t":"~x","~":"base/","pl_prs":"reboot"}`, "restart choice press!", "", "", "", "restart=press", "base/x reboot"},
		{"lock", `{"cmd_t":"c","stat_t":"s"}`, "state boolean!", "s", "JAMMED", `state unknown (found "JAMMED", expected LOCKED or UNLOCKED)`, "state=on", "c LOCK"},
		{"light", `{"stat_t":"s","cmd_t":"c","bri_cmd_t":"bc","bri_stat_t":"bs","bri_scl":100,"fx_cmd_t":"fc","fx_list":["x"],"rgb_cmd_t":"rc"}`,
			"state boolean!, brightness number 0..100!, effect choice x!, rgb text!", "bs", "50", "brightness 50", "brightness=30", "bc 30"},
		{"light", `{"schema":"json","stat_t":"s","cmd_t":"c","brightness":true,"sup_clrm":["rgb","color_temp"],"effect":true}`,
			"state boolean!, brightness number 0..255!, color_temp number 153..500!, color object!, effect text!", "s", `{"state":"ON","brightness":9}`,
			"state on, brightness 9", "brightness=5", `c {"state":"ON","brightness":5}`},
		{"light", `{"schema":"template","stat_t":"s","stat_tpl":"{{ value_json.s }}","bri_tpl":"{{ value_json.b }}","cmd_t":"c","cmd_off_tpl":"off","cmd_on_tpl":"on{% if brightness is defined %} {{ brightness }}{% endif %}"}`,
			"state boolean!, brightness number 0..255!", "s", `{"s":"off","b":4}`, "state off, brightness 4", "brightness=6", "c on 6"},
		{"cover", `{"stat_t":"s","cmd_t":"c","pl_stop":null,"pos_t":"p","set_pos_t":"sp","set_pos_tpl":"{\"position\": {{ position }} }"}`,
			"state choice open|close!, position number % 0..100!", "s", "opening", "state opening", "position=5", `sp {"position": 5 }`},
		{"fan", `{"cmd_t":"c","pct_cmd_t":"p","spd_rng_max":10,"osc_cmd_t":"o"}`, "state boolean!, percentage number % 0..100!, oscillation boolean!", "", "", "", "oscillation=on", "o oscillate_on"},
		{"climate", `{"curr_temp_t":"t","curr_temp_tpl":"{{ value_json.c }}","temp_cmd_t":"tc","temp_stat_t":"t","temp_stat_tpl":"{{ value_json.w }}","min_temp":"5","mode_cmd_t":"m","modes":["heat","off"],"act_t":"a"}`,
			"current_temperature number °C, temperature number °C 5..35!, mode choice heat|off!, action text", "t", `{"c":20.5,"w":21}`,
			"current_temperature 20.5, temperature 21", "mode=heat", "m heat"},
		{"event", `{"name":"Button","stat_t":"s","evt_typ":["single","double"]}`, "button event single|double", "s", `{"event_type":"double"}`, "!button double", "", ""},
		{"device_automation", `{"atype":"trigger","t":"s","pl":"L","type":"button_long_press","stype":"button_2"}`, "action event button_long_press_button_2", "s", "L", "!action button_long_press_button_2", "", ""},
		{"update", `{"stat_t":"s","val_tpl":"{\"latest_version\":\"{{ value_json.l }}\",\"installed_version\":\"{{ value_json.i }}\"}","cmd_t":"c"}`,
			"installed_version text, latest_version text, install choice install!", "s", `{"l":2,"i":1}`, "installed_version 1, latest_version 2", "install=install", "c INSTALL"},
	} {
		d, device := one(t, test.component, test.payload)
		if got := describe(device.Properties); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.payload, got, test.want)
		}
		if test.topic != "" {
			var got []string
			for _, r := range said(t, d, test.topic, test.message).Readings {
				line := r.Property + " " + r.Value.String()
				if r.Momentary {
					line = "!" + line
				}
				if r.Unknown != "" {
					line += " (" + r.Unknown + ")"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(test.reading, strings.Join(got, ", ")); diff != "" {
				t.Errorf("%s: want -, got +\n%s", test.payload, diff)
			}
		}
		if name, text, ok := strings.Cut(test.set, "="); ok {
			i := slices.IndexFunc(device.Properties, func(p home.Property) bool { return p.Name == name })
			v, err := device.Properties[i].Accept(home.TextOf(text))
			if err != nil {
				t.Fatal(err)
			}
			order, err := d.Command(device.ID, name, v)
			got := order.Topic + " " + string(order.Payload)
			if order.Retained {
				got += " retained"
			}
			if err != nil || got != test.sent {
				t.Errorf("%s: sent %s, %v, want %s", test.payload, got, err, test.sent)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct{ component, payload, want string }{
		{"camera", `{"stat_t":"s"}`, `the component "camera" is not taken`},
		{"sensor", `{"stat_t":"s","val_tpl":"{% for x in y %}{% endfor %}"}`, "unsupported template: value_template, column 4: {% for %} is not supported"},
		{"sensor", `{"name":"x"}`, "a sensor that neither tells nor takes anything"},
		{"sensor", `{"stat_t":"s","en":"false"}`, "Home Assistant leaves it switched off, too: include: [disabled_entities] takes it in"},
		{"sensor", `[1]`, "no JSON object: found a list, expected an object"},
		{"sensor", `null`, "no JSON object: found null, expected an object"},
		{"switch", `{"cmd_t":"a/+/b"}`, "command_topic is no topic: it has the wildcards + or #"},
		{"event", `{"stat_t":"s"}`, "an event without event_types"},
		{"device_automation", `{"atype":"action","t":"s"}`, `an automation of type "action", expected trigger`},
		{"binary_sensor", `{"stat_t":"s","pl_on":"x","pl_off":"x"}`, "on and off are the same"},
		{"sensor", `{"stat_t":"zigbee2mqtt/x"}`, "taken natively from Zigbee2MQTT"},
		{"sensor", `{"stat_t":"x","o":{"name":"Zigbee2MQTT"}}`, "taken natively from Zigbee2MQTT"},
		{"sensor", `{"migr_discvry":true}`, "the entity moves to another topic"},
		{"device", `{"o":{"name":"x"}}`, "a device without components"},
		{"device", `{"cmps":{"a":{"stat_t":"s"}}}`, "platform is missing: sensor, switch …"},
		{"device", `{"cmps":{"a":5,"b":{"p":"sensor"}}}`, "no JSON object"}, // b is removed
		{"sensor", `{"stat_t":"a/#/b"}`, "state_topic is no topic: a wildcard is a level of its own, and # is the last"},
		{"sensor", `{"stat_t":"#"}`, "state_topic is no topic: # has the messages of others, too"},
		{"sensor", `{"stat_t":"+/+/#"}`, "state_topic is no topic: +/+/# has the messages of others, too"},
	} {
		d := New(Options{Now: at, Zigbee2MQTT: []string{"zigbee2mqtt"}})
		told := said(t, d, "homeassistant/"+test.component+"/object/config", test.payload)
		if len(told.Ignored) != 1 || told.Ignored[0].Why != test.want || len(told.Devices) > 0 {
			t.Errorf("%s %s: %+v, want %s", test.component, test.payload, told, test.want)
		}
	}
}

// Entities of one device become one, whatever they have in common; what is taken
// back goes.
func TestDevice(t *testing.T) {
	d := New(Options{Now: at})
	said(t, d, "homeassistant/sensor/a/config", `{"name":"Power","stat_t":"+/p/#","unit_of_meas":"W","exp_aft":30,"dev":{"ids":["x"],"cns":[["mac","AA"]],"name":"Plug"}}`)
	said(t, d, "homeassistant/switch/b/config", `{"cmd_t":"c","stat_t":"s","dev":{"ids":["y"],"cns":[["mac","aa"]],"name":"Plug"}}`)
	told := said(t, d, "homeassistant/sensor/n/c/config", `{"name":"power","stat_t":"q","dev":{"ids":"y"}}`)
	want := []dialect.Device{{ID: "x", Label: "Plug", Expire: map[string]time.Duration{"power": 30 * time.Second}, Properties: []home.Property{
		{Name: "power", Type: home.TypeNumber, Unit: "W"}, {Name: "power_2", Type: home.TypeText}, {Name: "state", Type: home.TypeBoolean, Settable: true}}}}
	if diff := cmp.Diff(want, told.Devices); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if r := said(t, d, "h/p/1/2", "5").Readings; len(r) != 1 || r[0].Property != "power" || r[0].Repeats {
		t.Errorf("by a wildcard: %+v", r)
	}
	if _, mine := d.Read(dialect.Message{Topic: "other", Payload: []byte("x")}); mine {
		t.Error("a topic of somebody else is taken")
	}
	if told := said(t, d, "homeassistant/sensor/n/c/config", `{"name":"power","stat_t":"q","dev":{"ids":"y"}}`); len(told.Devices) > 0 {
		t.Errorf("the same again is told: %+v", told)
	}
	said(t, d, "homeassistant/sensor/n/c/config", "")
	said(t, d, "homeassistant/sensor/a/config", "")
	if told := said(t, d, "homeassistant/switch/b/config", ""); !slices.Equal(told.Gone, []string{"x"}) {
		t.Errorf("taken back: %+v", told)
	}
}

// A device may announce all its entities in one message.
func TestDeviceForm(t *testing.T) {
	d := New(Options{Now: at})
	const all = `{"dev":{"ids":["e1"],"name":"Meter"},"o":{"name":"x"},"~":"meter","avty_t":"~/status","stat_t":"~/state",
		"cmps":{"a":{"p":"sensor","name":"Volt","val_tpl":"{{ value_json.v }}","unit_of_meas":"V","uniq_id":"1"},"b":{"p":"switch","cmd_t":"~/set","val_tpl":"{{ value_json.s }}","uniq_id":"2"}}}`
	told := said(t, d, "homeassistant/device/e1/config", all)
	if got := describe(told.Devices[0].Properties); got != "volt number V, state boolean!" || told.Devices[0].ID != "e1" {
		t.Errorf("%+v: %s", told, got)
	}
	if r := said(t, d, "meter/state", `{"v":230,"s":"ON"}`).Readings; len(r) != 2 {
		t.Errorf("%+v", r)
	}
	if order, err := d.Command("e1", "state", home.BooleanOf(true)); order.Topic != "meter/set" || err != nil {
		t.Errorf("%+v, %v", order, err)
	}
	told = said(t, d, "homeassistant/device/e1/config", strings.Replace(all, `"b":{"p":"switch","cmd_t":"~/set","val_tpl":"{{ value_json.s }}","uniq_id":"2"}`, `"b":{"p":"switch"}`, 1))
	if got := describe(told.Devices[0].Properties); got != "volt number V" {
		t.Errorf("a removed component: %s", got)
	}
	if told = said(t, d, "homeassistant/device/e1/config", ""); len(told.Gone) != 1 {
		t.Errorf("%+v", told)
	}
}

func TestAvailability(t *testing.T) {
	story := func(config string, steps ...string) string {
		d, device := one(t, "sensor", `{"stat_t":"s",`+config+`}`)
		var got []string
		for _, step := range steps {
			topic, payload, _ := strings.Cut(step, " ")
			for _, s := range said(t, d, topic, payload).Statuses {
				if s.ID != device.ID {
					t.Errorf("status of %s", s.ID)
				}
				got = append(got, step+": "+s.State)
			}
		}
		return strings.Join(got, ", ")
	}
	two := `"avty":[{"t":"a","pl_avail":"true","pl_not_avail":"false"},{"t":"b","val_tpl":"{%if value_json.c%}online{%else%}offline{%endif%}"}]`
	for _, test := range []struct {
		config string
		steps  []string
		want   string
	}{
		{`"avty_t":"a"`, []string{"a online", "a online", "a strange", "a offline"}, "a online: online, a offline: offline"},
		{two, []string{"a true", `b {"c":false}`, `b {"c":true}`}, `a true: online, b {"c":false}: offline, b {"c":true}: online`},
		{two + `,"avty_mode":"any"`, []string{"a true", `b {"c":false}`, "a false"}, "a true: online, a false: offline"},
		{two + `,"avty_mode":"all"`, []string{"a true", `b {"c":true}`, "a false"}, `b {"c":true}: online, a false: offline`},
	} {
		if got := story(test.config, test.steps...); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.config, got, test.want)
		}
	}
}

// What is neither of the payloads is told, and changes nothing.
func TestAvailabilityThatIsNone(t *testing.T) {
	d := New(Options{Now: at})
	said(t, d, "homeassistant/sensor/a/config", `{"stat_t":"s","uniq_id":"u","avty":[{"t":"v"},{"t":"w","val_tpl":"{{ value_json.state }}"}]}`)
	for _, one := range []struct{ topic, payload, why string }{
		{"v", "maybe", `availability: found "maybe", expected online or offline`},
		{"w", `{"state":"on"}`, `availability: found "on", expected online or offline`},
		{"v", "", ""},
		{"w", `{"state":"online"}`, ""},
	} {
		var got strings.Builder
		for _, i := range said(t, d, one.topic, one.payload).Ignored {
			got.WriteString(i.What + ": " + i.Why)
		}
		if got.String() != one.why {
			t.Errorf("%s %s: %q, want %q", one.topic, one.payload, got.String(), one.why)
		}
	}
}

// A device has as many entities as any needs, however they are called.
func TestManyEntitiesOfOneDevice(t *testing.T) {
	d := New(Options{Now: at})
	var told dialect.Told
	for i := range mostOfDevice + 1 {
		told = said(t, d, fmt.Sprintf("homeassistant/sensor/s%d/config", i), fmt.Sprintf(`{"name":"N","stat_t":"t","uniq_id":"u%d","dev":{"ids":"d"}}`, i))
		if i == mostOfDevice-1 && (len(told.Devices) != 1 || len(told.Devices[0].Properties) != mostOfDevice || told.Devices[0].Properties[mostOfDevice-1].Name != "n_1000") {
			t.Fatalf("told %d devices", len(told.Devices))
		}
	}
	if len(told.Devices) != 0 || len(told.Ignored) != 1 || told.Ignored[0].Why != "more than 1000 entities of one device" {
		t.Errorf("one more is told as %+v", told.Ignored)
	}
	if said(t, d, "homeassistant/sensor/s0/config", ""); len(d.entities) != mostOfDevice-1 {
		t.Errorf("%d entities, when one is gone", len(d.entities))
	}
}

func TestLong(t *testing.T) {
	for short, want := range map[string]string{
		"clr_temp_cmd_t": "color_temp_command_topic", "color_temp_command_topic": "color_temp_command_topic", "temp_stat_tpl": "temperature_state_template",
		"max_temp": "max_temp", "json_attributes_topic": "json_attributes_topic", "avty_mode": "availability_mode", "unit_of_meas": "unit_of_measurement",
		"curr_temp_tpl": "current_temperature_template", "expire_after": "expire_after", "fx_stat_t": "effect_state_topic", "~": "~",
	} {
		if got := long(short); got != want {
			t.Errorf("%s is %s, want %s", short, got, want)
		}
	}
}

// TestAbbreviations holds the shortened keys against Home Assistant's own list.
func TestAbbreviations(t *testing.T) {
	text, err := os.ReadFile("../../../../shared/data/ha_abbreviations.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the list is not there")
	}
	var groups map[string]map[string]string
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	for group, keys := range groups {
		for short, want := range keys {
			if group != "entity_legacy" && want != "support_url" && long(short) != want { // url is also a key of its own
				t.Errorf("%s %s is %s, want %s", group, short, long(short), want)
			}
		}
	}
}

func FuzzDiscovery(f *testing.F) {
	f.Add("sensor", `{"stat_t":"s","val_tpl":"{{ value_json.a }}","avty_t":"s"}`, `{"a":1}`)
	f.Add("device", `{"dev":{"ids":["e1"]},"cmps":{"a":{"p":"light","schema":"json","cmd_t":"c","stat_t":"s"}}}`, `{"state":"ON"}`)
	f.Add("cover", `{"pos_t":"s","set_pos_t":"~x","~":"y","position_open":0,"position_closed":100,"cmd_t":"c"}`, "50")
	f.Add("climate", `{"mode_cmd_t":"m","modes":"heat","temp_stat_t":"s","act_t":"s"}`, "5")
	f.Fuzz(func(t *testing.T, component, payload, message string) {
		d := New(Options{Now: at, All: true})
		if strings.Contains(component, "/") {
			return
		}
		told := said(t, d, "homeassistant/"+component+"/o/config", payload)
		d.Read(dialect.Message{Topic: "s", Payload: []byte(message)})
		for _, device := range told.Devices {
			for _, p := range device.Properties {
				if err := home.CheckWord(p.Name); err != nil {
					t.Error(err)
				}
				for _, v := range []home.Value{home.BooleanOf(true), home.NumberOf(1), home.TextOf(message)} {
					if order, err := d.Command(device.ID, p.Name, v); err == nil && dialect.CheckTopic(order.Topic) != nil {
						t.Errorf("an order for %q", order.Topic)
					}
				}
			}
		}
		for _, filter := range d.Filters() {
			if err := dialect.CheckFilter(filter); err != nil {
				t.Errorf("%q: %v", filter, err)
			}
		}
		if told = said(t, d, "homeassistant/"+component+"/o/config", ""); len(d.entities)+len(d.devices) > 0 {
			t.Errorf("left behind: %v", d.entities)
		}
	})
}
