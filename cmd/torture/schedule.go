package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// resource is what one fault has for itself while it lasts.
type resource uint

const (
	theGateway   resource = 1 << iota
	theRabbit             // the broker, and what is declared there
	theLine               // between the gateway and RabbitMQ
	theMosquitto          // and the line to it
	theDisk
	thePage  // and its users
	theClock // of the house
)

// kind is a way in which something goes wrong.
type kind struct {
	name     string
	weight   int // how often, among all
	uses     resource
	from, to time.Duration // how long it holds
	slow     bool          // others go on meanwhile, mostly
	can      func(*rig) bool
	run      func(context.Context, *rig, fault) error // does it, holds it and takes it back
}

// fault is one of a schedule.
type fault struct {
	Kind    string        `json:"kind"`
	Gap     time.Duration `json:"gap_ns"`  // before it
	Hold    time.Duration `json:"hold_ns"` // how long it lasts, at least
	Overlap bool          `json:"overlap"` // the next one does not wait for its end
	Arg     uint64        `json:"arg"`     // what else is left to chance
	kind    *kind
}

// schedule makes n faults of a seed, of the kinds that are possible. While a slow
// one lasts, those follow that need not wait for it.
func schedule(seed uint64, n int, kinds []kind) []fault {
	chance := rand.New(rand.NewPCG(seed, 1))
	var faults []fault
	var slow resource
	var lasts time.Duration // of the slow one
	for range n {
		if lasts <= 0 {
			slow = 0
		}
		k := choose(kinds, slow, chance)
		f := fault{Kind: k.name, kind: k, Arg: chance.Uint64()}
		f.Gap = 100*time.Millisecond + time.Duration(chance.Int64N(int64(1400*time.Millisecond)))
		f.Hold = k.from + time.Duration(chance.Int64N(int64(k.to-k.from)+1))
		f.Overlap = chance.Float64() < 0.2 || k.slow && chance.Float64() < 0.8
		lasts -= f.Gap + f.Hold
		if k.slow && f.Overlap {
			slow, lasts = slow|k.uses, f.Hold+restarts
		}
		faults = append(faults, f)
	}
	return faults
}

// restarts is about how long a RabbitMQ takes to start.
const restarts = 6 * time.Second

// choose draws a kind that does not need what is held, by the weights.
func choose(kinds []kind, held resource, chance *rand.Rand) *kind {
	total := 0
	for _, k := range kinds {
		if k.uses&held == 0 {
			total += k.weight
		}
	}
	if total == 0 { // all need what is held, and wait for it
		return choose(kinds, 0, chance)
	}
	at := chance.IntN(total)
	i := slices.IndexFunc(kinds, func(k kind) bool {
		if k.uses&held == 0 {
			at -= k.weight
		}
		return at < 0
	})
	return &kinds[i]
}

// pick chooses by the fault's own number.
func (f fault) pick(n uint64) int { return int(f.Arg % n) }
