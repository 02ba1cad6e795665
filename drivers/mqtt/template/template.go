// Package template evaluates the templates that devices send in Home Assistant's
// discovery: text with {{ expressions }} and {% if %} in it, in the language Jinja,
// with Home Assistant's filters.
//
// It knows what occurs there and no more: no loops, no macros, no files, no
// attributes of the program. A template is foreign input, so that its length, its
// depth, its work and what it makes are bounded, and what it asks for that is not
// known is an error of [Compile], at its column: what needs it is left out, and the
// rest goes on. A template that only takes one place out of a JSON message, which
// nineteen of twenty do, is not evaluated but looked up.
//
// Results are those of Python: true is True, null is None, 23.0 keeps its point.
package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The limits of a template.
const (
	longestText   = 4096     // bytes of a template
	mostNodes     = 500      // pieces of it
	deepest       = 32       // pieces in each other
	longestResult = 64 << 10 // bytes of a result, and of each text on the way to it
	longestInput  = 1 << 20  // bytes of a message
)

// ErrIgnore is wrapped by the error of a message that the template asks not to be
// taken: is_defined found nothing.
var ErrIgnore = errors.New("not defined")

// SyntaxError is why a template cannot be used, and where.
type SyntaxError struct {
	Column int // in characters, from 1
	Why    string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Why) }

// Template is a compiled template. It is safe for concurrent use.
type Template struct {
	text string
	body []node
	path []string // of one that is only a place in the message; nil: it is not
	pure bool
}

// Compile reads a template. Its error is a [*SyntaxError].
func Compile(text string) (*Template, error) {
	if len(text) > longestText {
		return nil, &SyntaxError{1, fmt.Sprintf("%d bytes, expected at most %d", len(text), longestText)}
	}
	p := &parser{text: text}
	body, err := p.parse()
	if err != nil {
		return nil, err
	}
	t := &Template{text: text, body: body}
	t.path, t.pure = purePath(body)
	return t, nil
}

// String returns the template as it was written.
func (t *Template) String() string { return t.text }

// Context is the variables of one evaluation.
type Context struct {
	vars map[string]any
	now  time.Time
}

// NewContext makes a context without variables; now is what now() says.
func NewContext(now time.Time) *Context { return &Context{vars: make(map[string]any), now: now} }

// Set sets a variable to a text, a number, a boolean or nil.
func (c *Context) Set(name string, v any) {
	switch v := v.(type) {
	case nil, bool, string, float64, int64:
		c.vars[name] = v
	case int:
		c.vars[name] = int64(v)
	default:
		c.vars[name] = fmt.Sprint(v)
	}
}

// SetJSON sets a variable to what a JSON text says.
func (c *Context) SetJSON(name string, text []byte) error {
	v, err := parseJSON(text)
	if err == nil {
		c.vars[name] = v
	}
	return err
}

// SetAll sets a variable for each member of a JSON object.
func (c *Context) SetAll(object []byte) error {
	v, err := parseJSON(object)
	if err != nil {
		return err
	}
	d, ok := v.(*dict)
	if !ok {
		return errors.New("expected a JSON object")
	}
	for _, k := range d.keys {
		c.vars[k.(string)] = d.get(k)
	}
	return nil
}

// Render evaluates the template.
func (t *Template) Render(c *Context) (string, error) {
	e := &env{vars: c.vars, now: c.now}
	if err := e.run(t.body); err != nil {
		return "", err
	}
	return e.out.String(), nil
}

// Value evaluates a value template for a message: value is its text, and
// value_json what it says when it is JSON. As in Home Assistant, blanks at the ends
// of the result are taken off.
func (t *Template) Value(message []byte, now time.Time) (string, error) {
	if len(message) > longestInput {
		return "", fmt.Errorf("a message of %d bytes, expected at most %d", len(message), longestInput)
	}
	if t.pure {
		if found, ok := lookup(message, t.path); ok {
			return found, nil
		}
	}
	c := NewContext(now)
	c.vars["value"] = string(message)
	v, broken := parseJSON(message)
	if broken == nil {
		c.vars["value_json"] = v
	}
	s, err := t.Render(c)
	if err != nil && broken != nil && !errors.Is(err, ErrIgnore) && strings.Contains(t.text, "value_json") {
		err = &NoJSONError{brokenAt(message, broken)}
	}
	return strings.TrimSpace(s), err
}

// NoJSONError is why a message that should be JSON is none.
type NoJSONError struct{ Why string }

func (e *NoJSONError) Error() string { return "no JSON: " + e.Why }

// brokenAt says which character is wrong in a message that is no JSON, and at which byte from 1.
func brokenAt(message []byte, err error) string {
	var all any
	wrong, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(message, &all)) // whose place is the right one
	switch {
	case !ok:
		return err.Error()
	case wrong.Error() == "unexpected end of JSON input":
		return "it ends in the middle"
	}
	at := int(wrong.Offset) - 1
	for at > 0 && unicode.IsLetter(rune(message[at-1])) && unicode.IsLetter(rune(message[at])) { // the beginning of nan, not the a in it
		at--
	}
	r, _ := utf8.DecodeRune(message[at:])
	return fmt.Sprintf("invalid character %c at byte %d", r, at+1)
}

// Command evaluates a command template for a value that is to be set: a text, or a
// float64, which prints without a point when it is whole, as Home Assistant does it. The value
// is called value, and also by another name unless that is empty.
func (t *Template) Command(value any, also string, now time.Time) (string, error) {
	if f, ok := value.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1e15 {
		value = int64(f)
	}
	c := NewContext(now)
	c.Set("value", value)
	if also != "" {
		c.Set(also, value)
	}
	s, err := t.Render(c)
	return strings.TrimSpace(s), err
}
