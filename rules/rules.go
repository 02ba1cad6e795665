// Package rules is the rules engine: a function of events, in which the event
// carries the time.
//
// [Load] checks the rules against the house and compiles them. [Engine.Step]
// takes one event and returns what the rules decide: commands for the door, and
// events to record. [Engine.Next] says when it wants to be called again although
// nothing happens. There is no clock, no network, no goroutine and no lock here,
// so a year of a house is tested in a minute and yesterday can be replayed.
//
// The engine's state is what the events say. [Engine.Save] writes all of it;
// after [Engine.Restore] the same events give byte-identical decisions. Timers
// act at the moment they are due, not at the moment somebody calls, so that a
// journal can be stepped again without the ticks that came between.
//
// An Engine is for one goroutine.
package rules

import (
	"slices"
	"time"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// House is what rules are checked against.
type House interface {
	Property(name string) (home.Property, bool) // by its full name, kitchen.climate.temperature
	Device(name string) bool
	Names() []string // all full names and all devices, for "did you mean"
}

// Options are what the rules need of the rest of the configuration.
type Options struct {
	Location            *time.Location      // of local times; nil: UTC
	Latitude, Longitude float64             // in degrees, north and east; both 0: unknown, and sun is refused
	Groups              map[string][]string // group to its devices; checked by who owns them
	Scenes              *home.Node          // the node of scenes:, or nil
	Vars                *home.Node          // the node of vars:, or nil
	Unchecked           bool                // rules are not held against one another: that was done before
}

// Decision is what a rule wants: exactly one of the two is set.
type Decision struct {
	Command *home.Command // for the door; its ID is rule:<rule>:<run>:<step>:<round>:<device>
	Event   *home.Event   // to record: a rule's run, a variable, a message out
}

// Source is where messages come from that rules are started by.
type Source struct{ Exchange, Key string }

// Status is the present state of one rule.
type Status struct {
	Name     string
	Label    string
	Enabled  bool
	State    string    // idle, running, paused, disabled
	Why      string    // one sentence: why it is in this state
	Running  int       // runs that run or wait now
	Started  int       // runs ever
	Last     time.Time // when the last run that is remembered began; zero: none is
	Next     time.Time // wall time at which it will look again by itself; zero: only when something happens
	Findings []string  // what the checks found about it that is no mistake
}

// Limits of what rules may do.
const (
	defaultPatience = 10 * time.Second // for a command's outcome, house time
	stepBudget      = 1000             // steps of all runs at one moment
	runawayLimit    = 30               // starts of a rule within runawaySpan, unless it has a rate
	mostRate        = 1000             // that a rate may allow
	runawaySpan     = time.Minute
	runawayPause    = 10 * time.Minute
	variableDeep    = 16 // variables that set variables
	lateLimit       = 15 * time.Minute
	traceLimit      = 100 // lines of one run's trace
)

// Engine runs rules. Make it with [Load].
type Engine struct {
	o        Options
	patience time.Duration // house time until a step set gives a command up
	loc      *time.Location
	table    *expr.Table
	rules    []*rule
	vars     []*variable

	triggers []*trigger // of all enabled rules, in order
	clocked  []*trigger // conditions that read the clock
	started  []*trigger // {started: true}
	messages []*trigger
	names    map[nameKey]*watch
	devices  map[string]*deviceWatch

	env      expr.Env
	known    []home.Value  // last known value by slot
	now      time.Time     // elapsed time, UTC; zero before the first event
	offset   time.Duration // by which the wall time is ahead of it
	trusted  bool          // the wall time is
	setAt    time.Time     // when the wall time was set, or its trust changed, last; elapsed time
	upTo     time.Time     // elapsed time of the event that is stepped
	off      bool          // the gateway was, and has not said yet that it has started
	timeless bool          // no schedule ever comes
	moment   uint64        // counts events and due moments, so that one starts a rule once
	runSeq   uint64
	runs     []*run // running or waiting, oldest first; the queued are with their rule
	awaited  map[string]*run
	due      dues
	minute   timer
	pending  []pendingVariable // variables set by rules, not yet seen by rules
	deep     int
	budget   int
	out      []Decision
	unsent   []home.Event // messages out that did not come back yet
	heard    []string     // ids of messages of other applications, the newest last
	left     []Decision   // of Restore, for the next Step
	loader   *loader      // compiles the steps of runs that outlived their rule's text
}

type nameKey struct{ device, property string }

// watch is who looks at one name.
type watch struct {
	slot     int // -1: an event, which has no state
	triggers []*trigger
}

// deviceWatch is who looks at one device's state.
type deviceWatch struct {
	index    int
	name     string
	seen     bool  // it has had a status
	slots    []int // of its properties
	triggers []*trigger
}

// SetPatience says after how much house time a step set gives up waiting for its
// outcomes; it is 10 s before that is called. A house that lives faster than its
// actuators needs more.
func (e *Engine) SetPatience(d time.Duration) { e.patience = d }

// Messages returns the sources of messages that the rules listen to.
func (e *Engine) Messages() []Source {
	var list []Source
	for _, t := range e.messages {
		if s := (Source{t.exchange, t.pattern}); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// Publishes returns the exchanges that rules publish to, as far as they are
// written plainly.
func (e *Engine) Publishes() []string {
	var list []string
	for _, r := range e.rules {
		for i := range r.code {
			if m := r.code[i].message; m != nil && m.exchange.plain.Known() {
				list = append(list, m.exchange.plain.String())
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
