package mqtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// longest is how many bytes of a message are looked at: far more than a reading
// has, and few enough to be kept.
const longest = 64 << 10

// shown is how many characters of a payload a message to the user has.
const shown = 40

// reading is what one message says about one property.
type reading struct {
	value   home.Value
	unknown string // why the value is unknown
	silent  bool   // the message does not speak of the property
	fault   string // what is not as the configuration says; empty: nothing
}

// wrong is the reading of a message that has something else than expected.
func wrong(found []byte, expected string) reading {
	fault := "found " + excerpt(found) + ", expected " + expected
	return reading{unknown: fault, fault: fault}
}

// read takes the property's value out of a message. A message that has nothing at
// the path says nothing: devices send their properties in turns. One that has
// something else there than the type, or null, makes the property unknown, so
// that no rule goes on with an old value.
func (t Topic) read(message []byte, now time.Time) reading {
	if len(message) > longest {
		fault := fmt.Sprintf("found %d bytes, expected at most %d", len(message), longest)
		return reading{unknown: fault, fault: fault}
	}
	if t.value != nil {
		return t.evaluate(message, now)
	}
	found := bytes.TrimSpace(message)
	if t.json || t.property.Type == home.TypeObject {
		place, ok, err := walk(found, t.path)
		switch {
		case err != nil:
			return wrong(message, "JSON")
		case !ok:
			return reading{silent: true, fault: "nothing at the path in " + excerpt(message)}
		case string(place) == "null":
			return reading{unknown: "the device sent null"}
		}
		found = place
	}
	return t.take(found, t.expected())
}

// evaluate has the template find the value. What comes out empty says nothing, as in
// Home Assistant; None, which is what null becomes, makes the property unknown, and so does
// a message that the template cannot deal with.
func (t Topic) evaluate(message []byte, now time.Time) reading {
	text, err := t.value.Value(message, now)
	switch {
	case errors.Is(err, template.ErrIgnore):
		return reading{silent: true}
	case err != nil:
		fault := "value_template: " + err.Error() + ", in " + excerpt(message)
		return reading{unknown: fault, fault: fault}
	case text == "":
		return reading{silent: true, fault: "value_template makes nothing of " + excerpt(message)}
	case text == "None" || text == "unknown" || text == "unavailable":
		return reading{unknown: "the device says " + text}
	}
	return t.take([]byte(text), t.expected()+" from value_template")
}

// take is the reading of what was found, if it is what is expected.
func (t Topic) take(found []byte, expected string) reading {
	value, ok := t.parse(found)
	if !ok || !value.Known() {
		return wrong(found, expected)
	}
	if !t.wide && t.property.Beyond(value) {
		return wrong(found, "a number "+t.property.Range())
	}
	return reading{value: value}
}

// parse reads a plain text, or a piece of JSON, as the property's type.
func (t Topic) parse(found []byte) (home.Value, bool) {
	if !utf8.Valid(found) {
		return home.Value{}, false
	}
	if t.property.Type == home.TypeObject {
		v, err := home.ParseValue(found)
		return v, err == nil && v.Kind() == home.Object
	}
	text := string(found)
	if t.json && strings.HasPrefix(text, `"`) && json.Unmarshal(found, &text) != nil {
		return home.Value{}, false
	}
	switch t.property.Type {
	case home.TypeNumber:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		return home.NumberOf(f), err == nil && !math.IsInf(f, 0)
	case home.TypeBoolean:
		return t.boolean(text)
	case home.TypeChoice:
		return home.TextOf(text), slices.Contains(t.property.Options, text)
	}
	return home.TextOf(text), true
}

// boolean knows the configured payloads first, because a device may call its
// on 0; then what everybody writes.
func (t Topic) boolean(text string) (home.Value, bool) {
	switch text {
	case t.on:
		return home.BooleanOf(true), true
	case t.off:
		return home.BooleanOf(false), true
	}
	v, err := t.property.Accept(home.TextOf(text))
	return v, err == nil && v.Kind() == home.Boolean
}

// expected describes what a message must have.
func (t Topic) expected() string {
	switch t.property.Type {
	case home.TypeBoolean:
		return t.on + " or " + t.off
	case home.TypeChoice:
		return "one of " + strings.Join(t.property.Options, ", ")
	case home.TypeObject:
		return "a JSON object or list"
	case home.TypeText:
		return "a text in UTF-8"
	}
	return "a number"
}

// excerpt shows the beginning of a payload.
func excerpt(payload []byte) string {
	if len(payload) == 0 {
		return "an empty message"
	}
	if len(payload) > shown {
		return strconv.Quote(string(payload[:shown])) + "…"
	}
	return strconv.Quote(string(payload))
}
