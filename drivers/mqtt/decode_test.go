package mqtt

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// options makes a decoder of keys and texts; a text with commas is a list.
func options(pairs ...string) *home.Decoder {
	n := &home.Node{Kind: home.NodeMap, Path: []string{"it"}}
	for i := 0; i < len(pairs); i += 2 {
		v := &home.Node{Kind: home.NodeScalar, Text: pairs[i+1], Path: []string{"it", pairs[i]}}
		if strings.Contains(v.Text, ",") {
			v.Kind = home.NodeList
			for item := range strings.SplitSeq(pairs[i+1], ",") {
				v.Items = append(v.Items, &home.Node{Kind: home.NodeScalar, Text: item})
			}
		}
		n.Pairs = append(n.Pairs, home.Pair{Key: pairs[i], Value: v})
	}
	return home.NewDecoder(n, new(home.Faults))
}

func faultsOf(d *home.Decoder) string {
	var lines []string
	for _, f := range d.Faults.List {
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "\n")
}

// topic decodes an entry that must be right.
func topic(t testing.TB, pairs ...string) Topic {
	t.Helper()
	d := options(pairs...)
	got := DecodeTopic(d)
	if faults := faultsOf(d); faults != "" {
		t.Fatal(faults)
	}
	return got
}

func TestDecodeTopic(t *testing.T) {
	got := topic(t, "topic", "garden/soil", "json", "$.moisture", "property", "moisture", "unit", "%", "broker", "1")
	if got.State != "garden/soil" || got.Broker != 1 || got.Command != "" {
		t.Errorf("got %+v", got)
	}
	want := home.Property{Name: "moisture", Type: home.TypeNumber, Unit: "%"}
	if diff := cmp.Diff(want, got.Property()); diff != "" {
		t.Errorf("property: want -, got +\n%s", diff)
	}
	if gate := topic(t, "topic", "g", "command_topic", "g/set", "property", "gate", "type", "choice", "options", "press", "momentary", "true"); !gate.property.Momentary {
		t.Errorf("%+v", gate.property)
	}
	heater := topic(t, "topic", "h", "command_topic", "h/set", "property", "target", "min", "5", "max", "30")
	want = home.Property{Name: "target", Type: home.TypeNumber, Min: new(5.0), Max: new(30.0), Settable: true}
	if diff := cmp.Diff(want, heater.Property()); diff != "" {
		t.Errorf("property: want -, got +\n%s", diff)
	}
}

func TestTopicFaults(t *testing.T) {
	good := []string{"topic", "a/b", "property", "p"}
	for name, c := range map[string]struct {
		pairs []string
		says  string
	}{
		"nothing":                        {nil, "topic is missing"},
		"no property":                    {[]string{"topic", "a"}, "property is missing"},
		"wildcard":                       {[]string{"topic", "garden/+/soil", "property", "p"}, "without the wildcards + and #"},
		"momentary, and nothing sets it": {append(good, "momentary", "true"), "momentary is for what is set, and nothing sets"},
		"command wildcard":               {append(good, "command_topic", "#"), "command_topic is '#'"},
		"shared":                         {[]string{"topic", "$share/g/t", "property", "p"}, "it is shared with others"},
		"empty topic":                    {[]string{"topic", "", "property", "p"}, "topic is empty"},
		"zero in topic":                  {[]string{"topic", "a\x00b", "property", "p"}, "characters that no topic may have"},
		"path":                           {append(good, "json", "moisture"), "does not begin with $"},
		"property name":                  {[]string{"topic", "a", "property", "Soil Moisture"}, "does not begin with a lower-case letter"},
		"type":                           {append(good, "type", "bolean"), "did you mean boolean?"},
		"no options":                     {append(good, "type", "choice"), "a choice needs its options"},
		"options":                        {append(good, "options", "a,b"), "options is for type choice, and this is a number"},
		"unit":                           {append(good, "type", "text", "unit", "%"), "unit is for type number, and this is a text"},
		"payload":                        {append(good, "payload_on", "1"), "payload_on is for type boolean"},
		"same payloads":                  {append(good, "type", "boolean", "payload_on", "OFF"), "are both 'OFF'"},
		"limits":                         {append(good, "min", "5", "max", "1"), "expected min below max"},
		"broker":                         {append(good, "broker", "first"), "broker is 'first'"},
	} {
		d := options(c.pairs...)
		DecodeTopic(d)
		if got := faultsOf(d); !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q", name, got, c.says)
		}
	}
}

func TestDecodeBroker(t *testing.T) {
	for text, want := range map[string]Broker{
		"mqtt://localhost":        {address: "localhost:1883", host: "localhost"},
		"mqtts://casa.example/":   {address: "casa.example:8883", host: "casa.example", tls: true},
		"mqtt://ada:pw@[::1]:188": {address: "[::1]:188", host: "::1", user: "ada", password: "pw"},
	} {
		d := options("url", text)
		got := DecodeBroker(d)
		if faults := faultsOf(d); got != want || faults != "" {
			t.Errorf("%s: %#v, %s", text, got, faults)
		}
		if s := got.String(); strings.Contains(s, "pw") || !strings.HasSuffix(s, got.address) {
			t.Errorf("%s is shown as %s", text, s)
		}
	}
	full := options("url", "mqtts://b", "user", "casa", "password_file", "mqtt", "ca_file", "/ca.pem", "client_id", "c")
	want := Broker{address: "b:8883", host: "b", tls: true, user: "casa", passwordFile: "mqtt", caFile: "/ca.pem", clientID: "c"}
	if got := DecodeBroker(full); got != want || faultsOf(full) != "" {
		t.Errorf("%#v, %s", got, faultsOf(full))
	}
}

func TestBrokerFaults(t *testing.T) {
	for name, c := range map[string]struct {
		pairs []string
		says  string
	}{
		"nothing":         {nil, "url is missing"},
		"scheme":          {[]string{"url", "http://b"}, "expected mqtt:// or mqtts://"},
		"no host":         {[]string{"url", "localhost:1883"}, "no address of a broker"},
		"path":            {[]string{"url", "mqtt://b/topic"}, "more than host and port"},
		"broken":          {[]string{"url", "mqtt://u:secret@b:port"}, "no address of a broker"},
		"two passwords":   {[]string{"url", "mqtt://u:secret@localhost", "password_file", "f"}, "in url and in password_file"},
		"two users":       {[]string{"url", "mqtt://u@b", "user", "v"}, "user is 'v'"},
		"file without":    {[]string{"url", "mqtt://b", "password_file", "f"}, "without user"},
		"ca without tls":  {[]string{"url", "mqtt://b", "ca_file", "f"}, "ca_file is for mqtts://"},
		"password abroad": {[]string{"url", "mqtt://u:secret@b"}, "there is a password in url"},
		"unknown":         {[]string{"url", "mqtt://b", "client", "f"}, "did you mean client_id?"},
	} {
		d := options(c.pairs...)
		DecodeBroker(d)
		d.Done()
		got := faultsOf(d)
		if !strings.Contains(got, c.says) || strings.Contains(got, "secret") {
			t.Errorf("%s: %q, want %q and no secret", name, got, c.says)
		}
		if d.Faults.Failed() == (name == "password abroad") {
			t.Errorf("%s: a password in the url is a warning, all else a fault", name)
		}
	}
}

func TestPath(t *testing.T) {
	const text = `{"a":{"b":[10,{"c":"x"}],"Temp-1":2},"n":null}`
	for path, want := range map[string]string{
		"$": text, "$.a.b[0]": "10", "$.a.b[1].c": `"x"`, "$.a.Temp-1": "2", "$.n": "null", "$.a.b": `[10,{"c":"x"}]`,
		"$.a.b[2]": "", "$.x": "", "$[0]": "", "$.a.b.c": "", "$.n.x": "",
	} {
		steps, err := parsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		got, found, err := walk([]byte(text), steps)
		if string(got) != want && (found || want != "") || found != (want != "") || err != nil {
			t.Errorf("%s = %s, %v, %v; want %s", path, got, found, err, want)
		}
	}
	for _, path := range []string{"", "a", "$a", "$.", "$..a", "$.a.", "$[", "$[]", "$[x]", "$[-1]", "$[1", "$[99999]", "$.*", "$.a b", "$.a]", "$['a']", "$.a[0]b"} {
		if steps, err := parsePath(path); err == nil {
			t.Errorf("%q gave %v, want it refused", path, steps)
		}
	}
}

func TestRead(t *testing.T) {
	number := topic(t, "topic", "t", "property", "p")
	inside := topic(t, "topic", "t", "property", "p", "json", "$.v")
	limits := []string{"topic", "t", "property", "p", "unit", "A", "min", "0", "max", "16"}
	limited, wide := topic(t, limits...), topic(t, append(limits, "limits", "commands")...)
	lamp := topic(t, "topic", "t", "property", "p", "type", "boolean")
	inverted := topic(t, "topic", "t", "property", "p", "type", "boolean", "payload_on", "0", "payload_off", "1")
	lampInside := topic(t, "topic", "t", "property", "p", "type", "boolean", "json", "$.v")
	mode := topic(t, "topic", "t", "property", "p", "type", "choice", "options", "heat,cool")
	text := topic(t, "topic", "t", "property", "p", "type", "text")
	textInside := topic(t, "topic", "t", "property", "p", "type", "text", "json", "$.v")
	object := topic(t, "topic", "t", "property", "p", "type", "object")
	colour, _ := home.ParseValue([]byte(`{"x":1}`))
	is := func(v home.Value) reading { return reading{value: v} }
	fault := func(s string) reading { return reading{unknown: s, fault: s} }
	for _, c := range []struct {
		topic   Topic
		payload string
		want    reading
	}{
		{number, "21.5", is(home.NumberOf(21.5))},
		{number, " +5\n", is(home.NumberOf(5))},
		{number, "-0", is(home.NumberOf(0))},
		{number, "", fault("found an empty message, expected a number")},
		{number, "warm", fault(`found "warm", expected a number`)},
		{number, "NaN", fault(`found "NaN", expected a number`)},
		{number, "-Inf", fault(`found "-Inf", expected a number`)},
		{number, "1e999", fault(`found "1e999", expected a number`)},
		{number, strings.Repeat("9", 50) + "x", fault(`found "` + strings.Repeat("9", 40) + `"…, expected a number`)},
		{number, strings.Repeat(" ", longest) + "1", fault("found 65537 bytes, expected at most 65536")},
		{inside, `{"v": 3}`, is(home.NumberOf(3))},
		{inside, `{"v": "3"}`, is(home.NumberOf(3))},
		{inside, `{"v": null}`, reading{unknown: "the device sent null"}},
		{inside, `{"v": true}`, fault(`found "true", expected a number`)},
		{inside, `{"w": 3}`, reading{silent: true, fault: `nothing at the path in "{\"w\": 3}"`}},
		{inside, `3`, reading{silent: true, fault: `nothing at the path in "3"`}},
		{inside, `{"v": 3`, fault(`found "{\"v\": 3", expected JSON`)},
		{limited, "16", is(home.NumberOf(16))},
		{limited, "204.84", fault(`found "204.84", expected a number between 0 and 16 A`)},
		{limited, "-1", fault(`found "-1", expected a number between 0 and 16 A`)},
		{wide, "204.84", is(home.NumberOf(204.84))},
		{lamp, "ON", is(home.BooleanOf(true))},
		{lamp, "off", is(home.BooleanOf(false))},
		{lamp, "toggle", fault(`found "toggle", expected ON or OFF`)},
		{inverted, "0", is(home.BooleanOf(true))},
		{inverted, "1", is(home.BooleanOf(false))},
		{lampInside, `{"v":true}`, is(home.BooleanOf(true))},
		{lampInside, `{"v":"OFF"}`, is(home.BooleanOf(false))},
		{lampInside, `{"v":1}`, is(home.BooleanOf(true))},
		{mode, "heat", is(home.TextOf("heat"))},
		{mode, "dry", fault(`found "dry", expected one of heat, cool`)},
		{text, "hello, world", is(home.TextOf("hello, world"))},
		{text, "", is(home.TextOf(""))},
		{text, "\xff", fault(`found "\xff", expected a text in UTF-8`)},
		{textInside, `{"v":"ñ"}`, is(home.TextOf("ñ"))},
		{textInside, `{"v":7}`, is(home.TextOf("7"))},
		{object, `{"x": 1}`, is(colour)},
		{object, `7`, fault(`found "7", expected a JSON object or list`)},
	} {
		got := c.topic.read([]byte(c.payload), time.Now())
		if got != c.want {
			t.Errorf("%s %q:\n got %+v\nwant %+v", c.topic.property.Type, c.payload[:min(len(c.payload), 60)], got, c.want)
		}
	}
}

func TestPayload(t *testing.T) {
	lamp := topic(t, "topic", "t", "command_topic", "s", "property", "p", "type", "boolean", "payload_on", "an", "payload_off", "aus")
	number := topic(t, "topic", "t", "command_topic", "s", "property", "p")
	mode := topic(t, "topic", "t", "command_topic", "s", "property", "p", "type", "choice", "options", "heat,cool")
	object := topic(t, "topic", "t", "command_topic", "s", "property", "p", "type", "object")
	colour, _ := home.ParseValue([]byte(`{"x":1}`))
	for _, c := range []struct {
		topic Topic
		value home.Value
		want  string
	}{
		{lamp, home.BooleanOf(true), "an"}, {lamp, home.BooleanOf(false), "aus"}, {number, home.NumberOf(20.5), "20.5"},
		{mode, home.TextOf("cool"), "cool"}, {object, colour, `{"x":1}`},
		{lamp, home.Toggle, ""}, {number, home.TextOf("20"), ""}, {mode, home.TextOf("dry"), ""}, {number, home.Value{}, ""},
	} {
		got, err := c.topic.payload(c.value, time.Now())
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s %s: %q, %v; want %q", c.topic.property.Type, c.value, got, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	var topics []Topic
	for _, kind := range []string{"number", "boolean", "text", "object"} {
		topics = append(topics, topic(f, "topic", "t", "property", "p", "type", kind),
			topic(f, "topic", "t", "property", "p", "type", kind, "json", "$.a[0].b"),
			topic(f, "topic", "t", "property", "p", "type", kind, "value_template", "{{ value_json.a[0].b if value_json else value | float * 2 }}"))
	}
	for _, seed := range []string{"", "21.5", "ON", "null", `{"a":[{"b":1}]}`, `{"a":[{"b":"\ud800"}]}`, "\xff", `{"a":null}`, `[[[[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, topic := range topics {
			r := topic.read(payload, time.Now())
			if r.value.Known() && (r.unknown != "" || r.silent) || !r.value.Known() && r.unknown == "" && !r.silent {
				t.Errorf("%+v: a value, or why there is none", r)
			}
			e := home.Event{Kind: home.KindReading, Value: r.value, Unknown: r.unknown}
			if body, err := e.AppendJSON(nil); err != nil || !json.Valid(body) {
				t.Errorf("%q is written as %s, %v", payload, body, err)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"$", "$.a.b[0]", "$[", "$.", "$.a[1][2].c", "$..", "$.a["} {
		f.Add(seed, []byte(`{"a":{"b":[1,[2,{"c":3}]]}}`))
	}
	f.Fuzz(func(t *testing.T, path string, text []byte) {
		steps, err := parsePath(path)
		if err != nil {
			return
		}
		if place, found, err := walk(text, steps); found && (err != nil || !json.Valid(place)) {
			t.Errorf("%s in %q leads to %q, %v", path, text, place, err)
		}
	})
}
