package home

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ValueKind is the form of a [Value].
type ValueKind uint8

// The forms of a value. Choices, texts and what happened in an event are Text.
const (
	Unknown ValueKind = iota // nothing is known; JSON null
	Number
	Boolean
	Text
	Object // any JSON, kept as it came
)

// Value is what a property has: a number, a boolean, a text, a JSON object, or
// unknown, which is the zero Value. Values are compared with ==.
type Value struct {
	kind ValueKind
	num  float64
	text string
}

// NumberOf makes a number. NaN and the infinities are no values: they give unknown.
func NumberOf(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{kind: Number, num: f + 0} // -0 + 0 is 0
}

// BooleanOf makes a boolean.
func BooleanOf(b bool) Value {
	if b {
		return Value{kind: Boolean, num: 1}
	}
	return Value{kind: Boolean}
}

// TextOf makes a text, a choice, or what happened.
func TextOf(s string) Value { return Value{kind: Text, text: s} }

// Kind returns the form of v.
func (v Value) Kind() ValueKind { return v.kind }

// Known reports whether v is anything but unknown.
func (v Value) Known() bool { return v.kind != Unknown }

// Number returns the number, or 0 when v is no number.
func (v Value) Number() float64 {
	if v.kind != Number {
		return 0
	}
	return v.num
}

// Boolean returns the boolean, or false when v is no boolean.
func (v Value) Boolean() bool { return v.kind == Boolean && v.num == 1 }

// Text returns the text, or the JSON of an object; else "".
func (v Value) Text() string { return v.text }

// String shows v as a user writes it: 21.5, on, off, heat, unknown.
func (v Value) String() string {
	switch v.kind {
	case Number:
		return strconv.FormatFloat(v.num, 'f', -1, 64)
	case Boolean:
		if v.num == 1 {
			return "on"
		}
		return "off"
	case Text, Object:
		return v.text
	}
	return "unknown"
}

// AppendJSON appends the JSON form of v: a number, true, "text", an object, null.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.kind {
	case Number:
		if abs := math.Abs(v.num); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
			return strconv.AppendFloat(dst, v.num, 'e', -1, 64)
		}
		return strconv.AppendFloat(dst, v.num, 'f', -1, 64)
	case Boolean:
		return strconv.AppendBool(dst, v.num == 1)
	case Text:
		return appendString(dst, v.text)
	case Object:
		return append(dst, v.text...)
	}
	return append(dst, "null"...)
}

// MarshalJSON is [Value.AppendJSON] for encoding/json.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// UnmarshalJSON takes any JSON; arrays and objects become [Object].
func (v *Value) UnmarshalJSON(b []byte) error {
	got, err := ParseValue(b)
	*v = got
	return err
}

// ParseValue reads one JSON value. A number beyond float64 is an error.
func ParseValue(b []byte) (Value, error) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return Value{}, fmt.Errorf("no value")
	}
	switch b[0] {
	case '{', '[':
		var out bytes.Buffer
		if err := json.Compact(&out, b); err != nil {
			return Value{}, err
		}
		return Value{kind: Object, text: out.String()}, nil
	case '"':
		var s string
		err := json.Unmarshal(b, &s)
		return TextOf(s), err
	}
	switch string(b) {
	case "null":
		return Value{}, nil
	case "true":
		return BooleanOf(true), nil
	case "false":
		return BooleanOf(false), nil
	}
	if !json.Valid(b) { // ParseFloat takes more: 0x1p4, 1_000, inf
		var f float64
		return Value{}, json.Unmarshal(b, &f) // which says what is wrong
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return Value{}, fmt.Errorf("the number %s is out of range", b)
	}
	return NumberOf(f), nil
}

// appendString appends s as a JSON string. What needs no escape, which is nearly all, is
// copied; the rest goes the way of encoding/json.
func appendString(dst []byte, s string) []byte {
	if !plain(s) {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(s) // a string always encodes
		return append(dst, bytes.TrimRight(buf.Bytes(), "\n")...)
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// plain reports whether s is its own JSON: valid text without quotes, backslashes, control
// characters, and the line separators that JavaScript once took for ends of lines.
func plain(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20 || c == '"' || c == '\\':
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s) && !strings.ContainsAny(s, "\u2028\u2029")
}
