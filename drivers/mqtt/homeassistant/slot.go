package homeassistant

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// slot is one property of an entity.
type slot struct {
	home.Property
	key      string // what it is beside the entity's name: brightness; may be empty
	topic    string // that tells it; may have wildcards; empty: nothing does
	template *template.Template
	then     *template.Template // applied to what the template makes; may be nil
	words    map[string]string  // what the device writes to what it means; nil: as it is
	on, off  string             // of a boolean
	match    *string            // of a trigger: the payload that means it
	between  []string           // what a boolean is on the way from one to the other
	absent   string             // what the device writes when it has no value; may be empty
	scanned  bool               // of an event: the text itself is what happened
	span     *span              // of a percentage; nil: the number as it is
	repeats  bool               // messages repeat what has not changed
	last     float64            // the last number but 0
	silent   bool               // that its template makes nothing of a message was said
	set      *setter
	expire   time.Duration // until it is unknown; 0: never
	offAfter time.Duration // until it is off; 0: when it says so
}

// setter is how a property is set.
type setter struct {
	topic    string
	template *template.Template
	variable string            // beside value, in the template
	words    map[string]string // an option to what the device reads
	on, off  string            // of a boolean
	orders   bool              // the options are orders: what is told then is another word
	wrap     func(v home.Value) []byte
	names    func(v home.Value) (map[string]any, error) // of more variables in the template; may be nil
	each     map[string]*setter                         // of options that have a topic each
	by       func(v home.Value) (*slot, home.Value)     // what is set instead; a nil slot: nothing

	offTemplate   *template.Template // for off, where it differs
	before, after []dialect.Message  // that go with it
	retain        bool
}

// read takes the property's value out of a message; ok is false when the message
// does not speak of it.
func (s *slot) read(payload []byte, now time.Time) (r dialect.Reading, ok bool, err error) {
	text := string(payload)
	if s.template != nil {
		text, err = s.template.Value(payload, now)
		if errors.Is(err, template.ErrIgnore) {
			return r, false, nil
		}
		if err != nil {
			return r, false, err
		}
	} else if len(payload) > longest {
		return r, false, fmt.Errorf("a message of %d bytes", len(payload))
	}
	if s.then != nil {
		if text, err = s.then.Value([]byte(text), now); err != nil {
			return r, false, err
		}
	}
	r.Property, r.Repeats = s.Name, s.repeats
	if s.Type == home.TypeEvent {
		return s.event(r, text)
	}
	if text == "" {
		return r, false, nil
	}
	if word, known := s.words[text]; known {
		text = word
	}
	if text == "None" || text == "unknown" || text == "unavailable" || s.absent != "" && text == s.absent || slices.Contains(s.between, text) {
		r.Unknown = "the device says " + text
		return r, true, nil
	}
	v, fits := s.value(text)
	if r.Value = v; !fits {
		r.Value, r.Unknown = home.Value{}, "found "+excerpt(text)+", expected "+s.expected()
	}
	return r, true, nil
}

func (s *slot) value(text string) (home.Value, bool) {
	switch s.Type {
	case home.TypeNumber:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return home.Value{}, false
		}
		if s.span != nil {
			f = s.span.percent(f)
		}
		if f != 0 {
			s.last = f
		}
		return home.NumberOf(f), true
	case home.TypeBoolean:
		return home.BooleanOf(text == s.on), text == s.on || text == s.off
	case home.TypeObject:
		v, err := home.ParseValue([]byte(text))
		return v, err == nil && v.Kind() == home.Object
	}
	return home.TextOf(text), true
}

func (s *slot) expected() string {
	if s.Type == home.TypeBoolean {
		return s.on + " or " + s.off
	}
	return "a " + string(s.Type)
}

// event reads what happened: of an event entity JSON with its type, of a trigger
// the payload that means it.
func (s *slot) event(r dialect.Reading, text string) (dialect.Reading, bool, error) {
	r.Momentary = true
	if s.scanned {
		r.Value = home.TextOf(text)
		return r, text != "", nil
	}
	if s.match != nil {
		if *s.match != "" && *s.match != text {
			return r, false, nil
		}
		r.Value = home.TextOf(s.Options[0])
		return r, true, nil
	}
	var told struct {
		Type string `json:"event_type"`
	}
	if text == "" {
		return r, false, nil
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil || told.Type == "" {
		return r, false, fmt.Errorf("found %s, expected JSON with an event_type", excerpt(text))
	}
	if !slices.Contains(s.Options, told.Type) {
		return r, false, fmt.Errorf("the event %q is not among %s", told.Type, strings.Join(s.Options, ", "))
	}
	r.Value = home.TextOf(told.Type)
	return r, true, nil
}

func excerpt(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return strconv.Quote(s)
}

// command writes the message that sets the property.
func (s *slot) command(v home.Value, now time.Time) (dialect.Order, error) {
	if s.set == nil {
		return dialect.Order{}, fmt.Errorf("%s cannot be set", s.Name)
	}
	order := dialect.Order{Confirmed: s.topic != "" && s.Type != home.TypeObject && !s.set.orders, Want: v}
	if s.set.by != nil {
		if other, value := s.set.by(v); other != nil {
			by, err := other.command(value, now)
			by.Confirmed, by.Want = order.Confirmed, order.Want
			return by, err
		}
	}
	set := s.set
	if one := set.each[v.String()]; one != nil {
		set = one
	}
	order.Topic, order.Retained, order.Before, order.After = set.topic, set.retain, set.before, set.after
	if s.Type == home.TypeNumber && v == home.NumberOf(0) {
		order.Before, order.After = nil, nil // it is no on
	}
	if set.wrap != nil {
		order.Payload = set.wrap(v)
		return order, nil
	}
	if _, isWord := set.words[v.String()]; isWord {
		order.Confirmed = order.Confirmed && s.words == nil // open becomes opening
	}
	number := v.Number()
	if s.span != nil && v.Kind() == home.Number {
		number = s.span.number(number)
		order.Want = home.NumberOf(s.span.percent(number))
	}
	text, err := set.text(v, number, now)
	order.Payload = []byte(text)
	if err == nil && s.topic == "" && s.Type == home.TypeNumber && number != 0 {
		s.last = v.Number() // nobody tells it
	}
	return order, err
}

// text is what the device is sent for a value; number is what it counts, when v is one.
func (set *setter) text(v home.Value, number float64, now time.Time) (string, error) {
	text := v.String()
	var value any = text
	switch v.Kind() {
	case home.Boolean:
		if text = set.off; v.Boolean() {
			text = set.on
		}
		value = text
	case home.Number:
		text, value = home.NumberOf(number).String(), unpointed(number)
	default:
		if word, ok := set.words[text]; ok {
			text, value = word, word
		}
	}
	var names map[string]any
	if set.names != nil {
		var err error
		if names, err = set.names(v); err != nil {
			return "", err
		}
	}
	tpl := set.template
	if set.offTemplate != nil && v == home.BooleanOf(false) {
		tpl = set.offTemplate
	}
	if tpl == nil {
		return text, nil
	}
	c := template.NewContext(now)
	c.Set("value", value)
	if set.variable != "" {
		c.Set(set.variable, value)
	}
	for name, v := range names {
		c.Set(name, v)
	}
	text, err := tpl.Render(c)
	if err != nil {
		return "", fmt.Errorf("command template: %w", err)
	}
	return strings.TrimSpace(text), nil
}
