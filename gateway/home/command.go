package home

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Setting is one property and the value wished for.
type Setting struct {
	Property string
	Value    Value
}

// Settings are applied in their order. JSON: an object, whose order is kept.
type Settings []Setting

// String shows them as a user writes them: state: on, brightness: 40.
func (s Settings) String() string {
	parts := make([]string, len(s))
	for i, one := range s {
		parts[i] = one.Property + ": " + one.Value.String()
	}
	return strings.Join(parts, ", ")
}

// MarshalJSON writes an object with the properties in order.
func (s Settings) MarshalJSON() ([]byte, error) {
	dst := []byte{'{'}
	for i, one := range s {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, one.Property)
		dst = append(dst, ':')
		dst = one.Value.AppendJSON(dst)
	}
	return append(dst, '}'), nil
}

// UnmarshalJSON reads an object and keeps its order; a property named twice is
// an error.
func (s *Settings) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("expected an object of properties and values, like {\"state\":true}")
	}
	*s = nil
	seen := make(map[string]bool)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		name := key.(string) // a key of an object is a string, or Token had failed
		if seen[name] {
			return fmt.Errorf("property %q is set twice", name)
		}
		seen[name] = true
		var v Value
		if err := dec.Decode(&v); err != nil {
			return err
		}
		*s = append(*s, Setting{name, v})
	}
	_, err := dec.Token()
	return err
}

// Command is a wish to set properties of one device.
type Command struct {
	ID       string    `json:"id"`
	Device   string    `json:"device"`
	Set      Settings  `json:"set"`
	Expires  time.Time `json:"expires,omitzero"`  // house time; zero: never
	Source   string    `json:"source,omitempty"`  // amqp, rule:<name>, cli:<user>, web:<user>
	Reason   string    `json:"reason,omitempty"`  // as the sender wrote it
	Received time.Time `json:"received,omitzero"` // house time

	// OwnID: the gateway gave the id, so nobody can send it a second time.
	OwnID bool `json:"own_id,omitempty"`

	// Anew: doing it a second time differs from doing it once: it toggles, or sets what
	// is momentary.
	Anew bool `json:"anew,omitempty"`

	// Redelivered: the broker has delivered it before, maybe to this gateway. It is
	// not written down.
	Redelivered bool `json:"-"`

	// Deadline is Expires and the time to live together, in machine time, which a
	// clock that is set later cannot move. Zero: none. It is not written down.
	Deadline time.Time `json:"-"`
}

// Result is how a command ended. Each command has exactly one.
type Result string

// The results of commands.
const (
	Applied    Result = "applied"    // the actuator obeyed
	Verified   Result = "verified"   // a reading from the device confirms it
	Rejected   Result = "rejected"   // not understood, or not allowed
	Expired    Result = "expired"    // its deadline passed before the actuator was driven
	Superseded Result = "superseded" // a newer command for the same took its place
	Failed     Result = "failed"     // the actuator did not obey
	Undecided  Result = "unknown"    // it may or may not have acted: the gateway stopped in between
)

// OK reports whether the actuator did what was wished.
func (r Result) OK() bool { return r == Applied || r == Verified }

// Outcome is the final receipt of a command.
type Outcome struct {
	ID      string   `json:"id"`
	Device  string   `json:"device"`
	Set     Settings `json:"set"`
	Result  Result   `json:"outcome"`
	Error   string   `json:"error,omitempty"`   // what was wrong
	Hint    string   `json:"hint,omitempty"`    // what to do
	Reading Settings `json:"reading,omitempty"` // what holds now
	Source  string   `json:"source,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	TookMS  int64    `json:"took_ms"` // machine time from receipt to end

	OwnID bool      `json:"own_id,omitempty"` // see Command
	Parts []Outcome `json:"parts,omitempty"`  // of a group or a scene: one for each device
}
