package home

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Type says what values a property has.
type Type string

// The types of properties.
const (
	TypeNumber  Type = "number"
	TypeBoolean Type = "boolean"
	TypeChoice  Type = "choice"
	TypeText    Type = "text"
	TypeObject  Type = "object"
	TypeEvent   Type = "event" // momentary: passed on, never remembered as a state
)

// Types lists all types of properties.
func Types() []string {
	return []string{"number", "boolean", "choice", "text", "object", "event"}
}

// Property describes one property of a device.
type Property struct {
	Name     string   `json:"property"`
	Type     Type     `json:"type"`
	Unit     string   `json:"unit,omitempty"`    // numbers only, in Home Assistant's spelling
	Min      *float64 `json:"min,omitempty"`     // least value, in Unit
	Max      *float64 `json:"max,omitempty"`     // greatest value, in Unit
	Options  []string `json:"options,omitempty"` // of a choice or an event; of a number: words it may be set to
	Settable bool     `json:"settable,omitempty"`

	// Momentary: setting it does something and leaves no state (a button is pressed, a
	// lamp is made to blink), so that twice is not the same as once.
	Momentary bool `json:"momentary,omitempty"`
}

// Toggle is what a command may set a boolean to: the other state.
var Toggle = TextOf("toggle")

// Accept turns what a command asks for into a value of p: on, off, 1 and 0
// for a boolean (or [Toggle]), a number within the limits, one of the options.
// Its error says what was expected.
func (p Property) Accept(v Value) (Value, error) {
	switch p.Type {
	case TypeBoolean:
		return p.acceptBoolean(v)
	case TypeNumber:
		return p.acceptNumber(v)
	case TypeChoice, TypeEvent:
		if s := v.String(); slices.Contains(p.Options, s) {
			return TextOf(s), nil
		}
		return Value{}, fmt.Errorf("%s is not one of %s", v, strings.Join(p.Options, ", "))
	case TypeText:
		if v.Known() {
			return TextOf(v.String()), nil
		}
	case TypeObject:
		if v.kind == Object {
			return v, nil
		}
	case "": // of a device that is still to be discovered
		if v.Known() {
			return v, nil
		}
	}
	return Value{}, fmt.Errorf("%s is no %s", v, p.Type)
}

func (p Property) acceptBoolean(v Value) (Value, error) {
	switch strings.ToLower(v.String()) {
	case "on", "true", "1":
		return BooleanOf(true), nil
	case "off", "false", "0":
		return BooleanOf(false), nil
	case "toggle":
		return Toggle, nil
	}
	return Value{}, fmt.Errorf("%s is not on, off or toggle", v)
}

func (p Property) acceptNumber(v Value) (Value, error) {
	if v.kind == Text && slices.Contains(p.Options, v.text) {
		return v, nil
	}
	if v.kind == Text {
		f, err := strconv.ParseFloat(v.text, 64)
		if err != nil {
			return Value{}, fmt.Errorf("%q is not a number", v.text)
		}
		v = NumberOf(f)
	}
	if v.kind != Number {
		return Value{}, fmt.Errorf("%s is not a number", v)
	}
	if p.Beyond(v) {
		return Value{}, fmt.Errorf("%s is not %s", v, p.Range())
	}
	return v, nil
}

// Beyond reports whether v is a number outside the limits of p.
func (p Property) Beyond(v Value) bool {
	return v.kind == Number && (p.Min != nil && v.num < *p.Min || p.Max != nil && v.num > *p.Max)
}

// Range shows the limits: "between -40 and 85 °C", "at least 0", or "".
func (p Property) Range() string {
	unit := ""
	if p.Unit != "" {
		unit = " " + p.Unit
	}
	switch {
	case p.Min != nil && p.Max != nil:
		return fmt.Sprintf("between %v and %v%s", *p.Min, *p.Max, unit)
	case p.Min != nil:
		return fmt.Sprintf("at least %v%s", *p.Min, unit)
	case p.Max != nil:
		return fmt.Sprintf("at most %v%s", *p.Max, unit)
	}
	return ""
}

// DecodeProperty reads a property as a catalog file has it; faults go to d.
func DecodeProperty(d *Decoder) Property {
	d.Require("property", "type")
	p := Property{Name: d.Text("property", ""), Type: Type(d.Word("type", "number", Types()...)), Unit: d.Text("unit", ""),
		Options: d.Texts("options"), Settable: d.Bool("settable", false)}
	if err := CheckWord(p.Name); p.Name != "" && err != nil {
		d.Fault("property", "", "property: %v", err)
	}
	if d.Get("min") != nil {
		p.Min = new(d.Number("min", 0, math.Inf(-1), math.Inf(1)))
	}
	if d.Get("max") != nil {
		p.Max = new(d.Number("max", 0, math.Inf(-1), math.Inf(1)))
	}
	d.Done()
	return p
}
