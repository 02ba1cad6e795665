package control

import (
	"fmt"
	"strconv"
	"time"

	"hogar/gateway/home"
)

// Safety is the envelope of one device: what neither a command nor a rule can
// make it do. Its spans are house time.
type Safety struct {
	Switch    string        // the property that is on or off
	MaxOn     time.Duration // after so long it is switched off; 0: never
	MinOn     time.Duration // it stays on so long, and
	MinOff    time.Duration // off so long, except that safety itself may switch it off
	Interlock []string      // devices of which none is on when this is, and the reverse
	Rate      Rate
	Range     map[string]Range // narrower than what the device takes, by property
	OnStale   Reaction
	OnLoss    Reaction // of the broker
}

// Rate bounds how often a device is driven.
type Rate struct {
	Most   int // 0: no bound
	Within time.Duration
}

// Range is from the least to the most, both included.
type Range struct{ Least, Most float64 }

// Reaction is what is done after something was silent for a time, and enforced as
// long as it is.
type Reaction struct {
	Name  string        // the full name of what is to be measured; of OnLoss: ""
	After time.Duration // 0: no such reaction
	Then  home.Settings
}

// allows looks at the ranges.
func (s *Safety) allows(device string, set home.Setting) *home.Outcome {
	if s == nil || set.Value.Kind() != home.Number {
		return nil
	}
	r, ok := s.Range[set.Property]
	if v := set.Value.Number(); !ok || r.Least <= v && v <= r.Most {
		return nil
	}
	return rejected(fmt.Sprintf("%s: %s is not in %s, which its safety: allows", home.Join(device, set.Property), set.Value, r),
		"send a number in "+r.String())
}

// String shows a range as it is written: 5..25.
func (r Range) String() string {
	return strconv.FormatFloat(r.Least, 'f', -1, 64) + ".." + strconv.FormatFloat(r.Most, 'f', -1, 64)
}

// Switch returns the property of a device that is on or off: state, or else the
// first boolean that can be set; "" when there is none.
func Switch(properties []home.Property) string {
	first := ""
	for _, p := range properties {
		if p.Type != home.TypeBoolean || !p.Settable {
			continue
		}
		if p.Name == "state" {
			return p.Name
		}
		if first == "" {
			first = p.Name
		}
	}
	return first
}

// refusal is why the envelope does not let a device be driven.
type refusal struct{ problem, hint string }

func (r *refusal) Error() string { return r.problem }

// setBack is the detail of the event clock_set_back.
type setBack struct {
	MS int64 `json:"by_ms"`
}

// condition is what is known of a switch.
type condition uint8

const (
	unsure condition = iota // it may be on
	off
	on
)

// guard watches one switch. Its times are machine time, which no setting of the
// clock moves.
type guard struct {
	device  string
	safety  *Safety // nil: only others are interlocked with it
	prop    string
	others  []string // interlocked
	is      condition
	since   time.Time   // it is so
	onSince time.Time   // it may be on; zero: it is off
	before  time.Time   // onSince, until a reading confirms that it was switched off
	driving bool        // between begin and done
	drove   time.Time   // elapsed time of the last begin
	drives  []time.Time // the last ones, for the rate
	forced  *job        // under way
	again   time.Time   // not before this is another forced
	pause   time.Duration
}

// guards is the envelope of the house.
type guards struct {
	byName map[string]*guard
	heard  map[name]time.Time // machine time at which what OnStale watches was measured
	began  time.Time          // machine time
	lost   time.Time          // machine time at which the broker was lost; zero: it is there
	told   string             // what Broker was told last
	wanted bool               // somebody reacts to the loss of the broker
}

func newGuards() guards {
	now := time.Now()
	return guards{byName: make(map[string]*guard), heard: make(map[name]time.Time), began: now, lost: now}
}

// settle takes in what a switch is known to be.
func (g *guard) settle(is condition, since time.Time) {
	if is != g.is {
		g.is, g.since = is, time.Now()
	}
	switch {
	case is == off:
		g.onSince = time.Time{}
	case g.onSince.IsZero():
		g.onSince = since
	}
}

func conditionOf(v home.Value) condition {
	switch {
	case v.Kind() != home.Boolean:
		return unsure
	case v.Boolean():
		return on
	}
	return off
}
