package mqtt

import (
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/gateway/home"
)

func TestTopicTemplates(t *testing.T) {
	is := func(v home.Value) reading { return reading{value: v} }
	fault := func(s string) reading { return reading{unknown: s, fault: s} }
	for _, c := range []struct {
		template, kind, payload string
		want                    reading
	}{
		{"{{ value_json.soil.moisture }}", "number", `{"soil":{"moisture":41.5}}`, is(home.NumberOf(41.5))},
		{"{{ value | float / 10 }}", "number", "215", is(home.NumberOf(21.5))},
		{"{{ 'ON' if value_json.on else 'OFF' }}", "boolean", `{"on":1}`, is(home.BooleanOf(true))},
		{"{{ value_json.on }}", "boolean", `{"on":false}`, is(home.BooleanOf(false))},
		{"{{ value_json.rgb | to_json }}", "object", `{"rgb":{}}`, is(object(t, "{}"))},
		{"{{ value | lower }}", "text", "HELLO", is(home.TextOf("hello"))},
		{"{{ value_json.t }}", "number", `{"t":null}`, reading{unknown: "the device says None"}},
		{"{{ value_json.t | is_defined }}", "number", `{"h":1}`, reading{silent: true}},
		{"{{ value_json.t }}", "number", `{"h":1}`, reading{silent: true, fault: `value_template makes nothing of "{\"h\":1}"`}},
		{"{{ value_json.t }}", "number", `{"t":"warm"}`, fault(`found "warm", expected a number from value_template`)},
		{"{{ value | float }}", "number", "warm", fault(`value_template: 'warm' is no number for float, in "warm"`)},
		{"{{ value_json.a.b }}", "number", "{", fault(`value_template: undefined has no b, in "{"`)},
	} {
		d := topic(t, "topic", "t", "property", "p", "type", c.kind, "value_template", c.template)
		got := d.read([]byte(c.payload), time.Now())
		if strings.HasPrefix(c.want.fault, "value_template: ") && strings.HasPrefix(got.fault, "value_template: ") && got.fault == got.unknown && !got.value.Known() {
			continue // the words are the evaluator's
		}
		if got != c.want {
			t.Errorf("%s of %q:\n got %+v\nwant %+v", c.template, c.payload, got, c.want)
		}
	}
}

func object(t *testing.T, text string) home.Value {
	t.Helper()
	v, err := home.ParseValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCommandTemplates(t *testing.T) {
	for _, c := range []struct {
		kind, template string
		value          home.Value
		want           string
	}{
		{"number", `{"target": {{ value }}}`, home.NumberOf(21), `{"target": 21}`},
		{"number", "{{ (value * 10) | int }}", home.NumberOf(21.5), "215"},
		{"boolean", `{"relay":"{{ value | lower }}"}`, home.BooleanOf(true), `{"relay":"on"}`},
		{"text", " {{ value }}! ", home.TextOf("hello"), "hello!"},
		{"text", "{{ value | float }}", home.TextOf("warm"), ""},
	} {
		d := topic(t, "topic", "t", "command_topic", "s", "property", "p", "type", c.kind, "command_template", c.template)
		got, err := d.payload(c.value, time.Now())
		if got != c.want || (err != nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), "command_template: ") {
			t.Errorf("%s for %s: %q, %v; want %q", c.template, c.value, got, err, c.want)
		}
	}
}

func TestTopicTemplateFaults(t *testing.T) {
	good := []string{"topic", "a/b", "property", "p"}
	for name, c := range map[string]struct {
		pairs  []string
		says   string
		offset int
	}{
		"loop":             {append(good, "value_template", "{{ value }}{% for x in y %}"), "it.value_template: {% for %} is not supported", 14},
		"empty":            {append(good, "value_template", ""), "value_template is empty", 0},
		"json, too":        {append(good, "value_template", "{{ value }}", "json", "$.a"), "both say where the value is", 0},
		"nothing to set":   {append(good, "command_template", "{{ value }}"), "nothing sets p", 0},
		"command":          {append(good, "command_topic", "s", "command_template", "{{ value"), "it.command_template: ", 8},
		"availability":     {append(good, "availability_topic", "+/lwt"), "without the wildcards", 0},
		"payload alone":    {append(good, "payload_available", "1"), "give it an availability_topic", 0},
		"same payloads":    {append(good, "availability_topic", "l", "payload_available", "offline"), "are both 'offline'", 0},
		"template of that": {append(good, "availability_topic", "l", "availability_template", "{{ nobody() }}"), "it.availability_template: ", 3},
	} {
		d := options(c.pairs...)
		DecodeTopic(d)
		got := faultsOf(d)
		if !strings.Contains(got, c.says) || d.Faults.List[0].Offset != c.offset {
			t.Errorf("%s: %q at %d, want %q at %d", name, got, d.Faults.List[0].Offset, c.says, c.offset)
		}
	}
}

// Two properties of one message on a real broker: what the one's template cannot deal with
// harms the other not. The device says whether it can be reached, and is set by a template.
func TestTemplatesOnABroker(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	h := &house{auto: always}
	c, log := connect(t, broker.address, h)
	c = New(c.broker, "casa", map[string]Topic{
		"boiler.water": topic(t, "topic", "boiler/state", "property", "temperature", "unit", "°C", "value_template", "{{ value_json.t | float / 10 }}",
			"command_topic", "boiler/set", "command_template", `{"t":{{ (value * 10) | int }}}`,
			"availability_topic", "boiler/lwt", "availability_template", "{{ 'online' if value_json.up else 'offline' }}"),
		"boiler.pump": topic(t, "topic", "boiler/state", "property", "state", "type", "boolean", "value_template", "{{ value_json.pump }}"),
	}, h.accept, c.log)
	run(t, c)
	connected(t, c)
	device := broker.client("boiler")
	orders := make(chan string, 1)
	finish(t, device.Subscribe("boiler/set", 1, func(_ paho.Client, m paho.Message) { orders <- string(m.Payload()) }))
	finish(t, device.Publish("boiler/lwt", 1, true, `{"up":true}`))
	for _, payload := range []string{`{"t":"215","pump":true}`, `{"t":"hot","pump":false}`} {
		finish(t, device.Publish("boiler/state", 1, false, payload))
	}
	finish(t, device.Publish("boiler/lwt", 1, true, `{"up":0}`))
	h.waitFor(t, "boiler.water online", "boiler.pump.state on ", "boiler.water.temperature 21.5 °C",
		"boiler.pump.state off ", "boiler.water.temperature unknown °C", "boiler.water offline it says that it is not availab")
	if err := c.Set(t.Context(), "boiler.water", "temperature", home.NumberOf(40)); err != nil {
		t.Fatal(err)
	}
	select {
	case order := <-orders:
		if order != `{"t":400}` {
			t.Errorf("the boiler was told %s", order)
		}
	case <-time.After(patience):
		t.Fatal("the boiler was told nothing")
	}
	if want, ok := c.Proof("boiler.water", "temperature", home.NumberOf(40)); !ok || want != home.NumberOf(40) {
		t.Errorf("proof: %s, %v", want, ok)
	}
	if text := log.String(); !strings.Contains(text, "device=boiler.water topic=boiler/state") || !strings.Contains(text, "value_template: ") {
		t.Errorf("the log does not say where:\n%s", text)
	}
}
