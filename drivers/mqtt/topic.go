package mqtt

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// Topic is one property of a device that speaks plain MQTT.
type Topic struct {
	Broker  int    // which of the configured brokers, from 0
	State   string // the topic that tells the property
	Command string // the topic that sets it; empty: it cannot be set

	property home.Property
	json     bool // the message is JSON and path leads to the value
	path     []step
	value    *template.Template // makes the value of the message; nil: json, or the message, is it
	order    *template.Template // makes the command of the value; nil: it is the value
	on, off  string             // a boolean's payloads
	presence presence
	wide     bool // the limits are for commands alone
}

// Property describes what the topic tells.
func (t Topic) Property() home.Property { return t.property }

// DecodeTopic reads the driver's part of a device's entry; what is wrong goes to
// the decoder, and the Topic is used only when nothing is. The caller reads its
// own keys from the same decoder and then refuses the rest.
func DecodeTopic(d *home.Decoder) Topic {
	d.Require("topic", "property")
	t := Topic{
		Broker:  d.Int("broker", 0, 0, 99),
		State:   decodeTopicName(d, "topic"),
		Command: decodeTopicName(d, "command_topic"),
	}
	if text := d.Text("json", ""); text != "" {
		path, err := parsePath(text)
		if err != nil {
			d.Fault("json", "a path like $.moisture or $.sensors[0].value", "json is %v", err)
		}
		t.json, t.path = true, path
	}
	t.value = decodeTemplate(d, "value_template")
	if t.json && t.value != nil {
		d.Fault("json", "value_json in the template is the message", "json and value_template both say where the value is")
	}
	t.order = decodeTemplate(d, "command_template")
	if d.Get("command_template") != nil && t.Command == "" {
		d.Fault("command_template", "give it a command_topic", "command_template is for what is set, and nothing sets %s", d.Text("property", "it"))
	}
	t.presence = decodePresence(d)
	t.property = decodeProperty(d)
	t.property.Settable = t.Command != ""
	t.property.Momentary = d.Bool("momentary", false)
	if t.property.Momentary && !t.property.Settable {
		d.Fault("momentary", "give it a command_topic", "momentary is for what is set, and nothing sets %s", t.property.Name)
	}
	t.on, t.off = d.Text("payload_on", "ON"), d.Text("payload_off", "OFF")
	t.wide = decodeLimits(d)
	if d.Get("limits") != nil && t.property.Range() == "" {
		d.Fault("limits", "give it min or max", "limits says what min and max are for, and there are none")
	}
	if t.property.Type != home.TypeBoolean {
		only(d, t.property.Type, "boolean", "payload_on", "payload_off")
	} else if t.on == t.off {
		d.Fault("payload_on", "", "payload_on and payload_off are both '%s'", t.on)
	}
	return t
}

// decodeTemplate compiles the template at key; a fault of it is told at its place in
// the text.
func decodeTemplate(d *home.Decoder, key string) *template.Template {
	text := d.Text(key, "")
	if text == "" {
		if d.Get(key) != nil {
			d.Fault(key, "", "%s is empty, expected a template like {{ value_json.moisture }}", key)
		}
		return nil
	}
	t, err := template.Compile(text)
	if wrong, ok := errors.AsType[*template.SyntaxError](err); ok {
		d.Faults.Add(home.Fault{Path: d.Get(key).Path, Offset: wrong.Column - 1, Message: wrong.Why})
	}
	return t
}

// decodeProperty reads what describes the property.
func decodeProperty(d *home.Decoder) home.Property {
	p := home.Property{
		Name:    d.Text("property", ""),
		Type:    home.Type(d.Word("type", "number", "number", "boolean", "choice", "text", "object")),
		Unit:    d.Text("unit", ""),
		Options: d.Texts("options"),
	}
	if err := home.CheckWord(p.Name); p.Name != "" && err != nil {
		d.Fault("property", "", "property: %v", err)
	}
	if d.Get("min") != nil {
		p.Min = new(d.Number("min", 0, math.Inf(-1), math.Inf(1)))
	}
	if d.Get("max") != nil {
		p.Max = new(d.Number("max", 0, math.Inf(-1), math.Inf(1)))
	}
	if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
		d.Fault("min", "", "min is %v and max is %v, expected min below max", *p.Min, *p.Max)
	}
	if p.Type != home.TypeNumber {
		only(d, p.Type, "number", "unit", "min", "max")
	}
	if p.Type != home.TypeChoice {
		only(d, p.Type, "choice", "options")
	} else if len(p.Options) == 0 {
		d.Fault("type", "options: [heat, cool, off]", "a choice needs its options")
	}
	return p
}

// only notes a fault for each key that has a meaning for another type alone.
func only(d *home.Decoder, is home.Type, meant string, keys ...string) {
	for _, key := range keys {
		if d.Get(key) != nil {
			d.Fault(key, "", "%s is for type %s, and this is a %s", key, meant, is)
		}
	}
}

// decodeTopicName reads a topic that is one topic and no pattern.
func decodeTopicName(d *home.Decoder, key string) string {
	name := d.Text(key, "")
	if name == "" {
		if d.Get(key) != nil {
			d.Fault(key, "", "%s is empty, expected a topic like garden/soil", key)
		}
		return ""
	}
	if strings.ContainsAny(name, "+#") {
		d.Fault(key, "an entry for each device", "%s is '%s', expected one topic without the wildcards + and #", key, name)
	} else if err := dialect.CheckTopic(name); err != nil {
		d.Fault(key, "", "%s is %.60q, which is no topic: %v", key, name, err)
	}
	return name
}

// payload writes v as the device expects it.
func (t Topic) payload(v home.Value, now time.Time) (string, error) {
	text, err := t.plain(v)
	if err != nil || t.order == nil {
		return text, err
	}
	var value any = text
	if v.Kind() == home.Number {
		value = v.Number()
	}
	text, err = t.order.Command(value, "", now)
	if err != nil {
		return "", fmt.Errorf("command_template: %w", err)
	}
	return text, nil
}

// plain writes v as it stands.
func (t Topic) plain(v home.Value) (string, error) {
	switch {
	case t.property.Type == home.TypeBoolean && v.Kind() == home.Boolean:
		if v.Boolean() {
			return t.on, nil
		}
		return t.off, nil
	case t.property.Type == home.TypeNumber && v.Kind() == home.Number,
		t.property.Type == home.TypeText && v.Kind() == home.Text,
		t.property.Type == home.TypeObject && v.Kind() == home.Object,
		t.property.Type == home.TypeChoice && slices.Contains(t.property.Options, v.Text()):
		return v.String(), nil
	}
	return "", fmt.Errorf("%s is no %s", v, t.property.Type)
}
