package world

import (
	"math/rand/v2"
	"time"
)

// The ways in which a measurement can be wrong without anything saying so.
const (
	Noisy    = "noisy"    // it jumps about
	Drifting = "drifting" // it goes away from what there is, by the hour
	Frozen   = "frozen"   // it stays the same
)

// Lie makes of what there is what a broken sensor measures. The same questions get the
// same answers. Not for concurrent use.
type Lie struct {
	how    string
	since  time.Time          // of the first question
	frozen map[string]float64 // by quantity
	dice   *rand.Rand
}

// NewLie returns a lie that begins with the first question; one that is none of the ways
// tells the truth.
func NewLie(how string) *Lie {
	return &Lie{how: how, frozen: make(map[string]float64), dice: rand.New(rand.NewPCG(1, uint64(len(how))))}
}

// Of is what is measured of a quantity that is value, at a house time.
func (l *Lie) Of(quantity string, value float64, now time.Time) float64 {
	switch l.how {
	case Noisy:
		return value + l.dice.NormFloat64()*sizeOf(quantity)
	case Drifting:
		if l.since.IsZero() {
			l.since = now
		}
		return value + now.Sub(l.since).Hours()*sizeOf(quantity)
	case Frozen:
		if _, seen := l.frozen[quantity]; !seen {
			l.frozen[quantity] = value
		}
		return l.frozen[quantity]
	}
	return value
}

// sizeOf is how far noise throws a quantity, and drift in an hour.
func sizeOf(quantity string) float64 {
	size, ok := map[string]float64{"temperature": 3, "humidity": 10, "pressure": 5, "illuminance": 60, "co2": 200, "voltage": 0.5,
		"current": 0.3, "distance": 30, "pm1": 15, "pm25": 15, "pm10": 15, "fan": 300}[quantity]
	if !ok {
		return 0.3
	}
	return size
}
