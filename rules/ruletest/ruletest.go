// Package ruletest runs tests of rules that are files, in virtual time.
//
// [Suite.Decode] reads a file's tests and checks them against the house;
// [Suite.Run] runs one with an engine of its own, loaded as the gateway loads it.
// Actuators obey at once and report it, unless the test lets them fail. Steps are
// closed: a command or a message that no step expects is a failure. A test can
// also run in the simulated world, where a heater warms its room.
//
// [Replay] runs events that were recorded over two sets of rules and tells in
// what they act differently.
package ruletest

import (
	"slices"
	"time"

	"hogar/gateway/home"
	"hogar/rules"
)

// Suite is the house whose rules are tested.
type Suite struct {
	Rules   *home.Node // as for [rules.Load]
	House   rules.House
	Options rules.Options
}

// location of local times.
func (s *Suite) location() *time.Location {
	if s.Options.Location == nil {
		return time.UTC
	}
	return s.Options.Location
}

// load makes an engine of all rules, or of those named.
func (s *Suite) load(names []string, faults *home.Faults) *rules.Engine {
	node := s.Rules
	if node != nil && len(names) > 0 {
		some := *node
		some.Pairs = slices.DeleteFunc(slices.Clone(node.Pairs), func(p home.Pair) bool { return !slices.Contains(names, p.Key) })
		node = &some
	}
	o := s.Options
	o.Unchecked = true // hogar check has done it
	return rules.Load(node, s.House, o, faults)
}

// Test is one test.
type Test struct {
	Name string
	Path []string // where it is written

	start time.Time
	rules []string // empty: all
	given []input
	world *simulation
	steps []step
}

// step is what happens at one moment, and what is expected of it.
type step struct {
	path     []string
	at       time.Time
	inputs   []input
	fails    []failing
	breaks   []breaking
	restart  time.Duration
	clock    *setting // nil: it goes on as it stands
	expect   []*expectation
	anything bool
	check    *home.Node
}

// input is something that comes into the house: one event, or a series of
// readings that begins with it.
type input struct {
	event home.Event
	to    float64 // of a series: its last value
	over  time.Duration
	every time.Duration
}

// failing lets commands to a name fail; without a name all obey again.
type failing struct{ name, why string }

// simulation says how the simulated world is read.
type simulation struct {
	seed  int64
	every time.Duration
}

type expectKind uint8

const (
	expectSet     expectKind = iota
	expectMessage            // a rule's message out
	expectRule               // that a rule started, failed, was refused
)

// expectation is one thing that must happen in its time.
type expectation struct {
	kind  expectKind
	path  []string
	name  string     // the property, the key, the rule
	value home.Value // of a command or a variable
	state string     // of a rule

	exchange string
	body     string // JSON; empty: any

	from, until time.Time
	met         bool
}

// String shows what is expected as the file says it.
func (x *expectation) String() string {
	switch x.kind {
	case expectMessage:
		return "message " + x.name
	case expectRule:
		return x.name + " " + x.state
	}
	return x.name + ": " + x.value.String()
}

// Failure is one thing in which a test failed.
type Failure struct {
	Path    []string // where in the file it was expected
	Message string
}

// Result is how a test went.
type Result struct {
	Name     string
	Path     []string
	Failures []Failure
	Trace    []string // what happened, in order
	Took     time.Duration
}

// Failed reports whether the test failed.
func (r *Result) Failed() bool { return len(r.Failures) > 0 }
