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
	repeats  bool               // messages repeat what has not changed
	set      *setter
	expire   time.Duration // until it is unknown; 0: never
}

// setter is how a property is set.
type setter struct {
	topic    string
	template *template.Template
	variable string            // beside value, in the template
	words    map[string]string // an option to what the device reads
	on, off  string            // of a boolean
	wrap     func(v home.Value) []byte

	offTemplate *template.Template // for off, where it differs
	retain      bool
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
	if text == "None" || text == "unknown" || text == "unavailable" {
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
		return home.NumberOf(f), err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
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
	order := dialect.Order{Confirmed: s.topic != "" && s.Type != home.TypeObject, Want: v}
	order.Topic, order.Retained = s.set.topic, s.set.retain
	if s.set.wrap != nil {
		order.Payload = s.set.wrap(v)
		return order, nil
	}
	text := v.String()
	if v.Kind() == home.Boolean {
		if text = s.set.off; v.Boolean() {
			text = s.set.on
		}
	}
	if word, ok := s.set.words[text]; ok {
		text = word
		order.Confirmed = order.Confirmed && s.words == nil // open becomes opening
	}
	tpl := s.set.template
	if s.set.offTemplate != nil && v == home.BooleanOf(false) {
		tpl = s.set.offTemplate
	}
	if tpl != nil {
		var value any = text
		if v.Kind() == home.Number {
			value = v.Number()
		}
		var err error
		if text, err = tpl.Command(value, s.set.variable, now); err != nil {
			return dialect.Order{}, fmt.Errorf("command template: %w", err)
		}
	}
	order.Payload = []byte(text)
	return order, nil
}
