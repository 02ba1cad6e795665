// Package hub is where an event becomes part of the house.
//
// Everything that happens comes in through [Hub.Accept]: readings of drivers,
// messages of MQTT devices, outcomes of commands, what the rules decided. One
// goroutine takes the events in order, numbers them, appends them to the journal,
// applies them to the house's state (last values, ages, availability, catalog)
// and to the other parts that are a fold over the events, and steps the rules.
//
// Two moments matter. An event is appended when it has its number: the rules and
// the page have seen it by then. It is durable when it is on the disk: only then
// is the source told, by its done function. The hub waits for nobody: not for
// the disk, not for a rule's command, not for a slow page.
package hub

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
	"hogar/gateway/journal"
	"hogar/gateway/ledger"
)

// Part is a piece of the house whose state is a fold over the events. Its
// methods are called by the hub's goroutine only.
type Part interface {
	// Apply takes the event into the state. Live is false while the events after
	// the checkpoint are read again at a start: nothing may be started then.
	Apply(ev *home.Event, live bool)
	Save() (json.RawMessage, error)
	Restore(json.RawMessage) error
}

// Alarm is a part that wants to be called at a time of its own: with an event of
// kind 0, which only says that time has passed.
type Alarm interface {
	Next() time.Time // zero: never
}

// named is a part and its name in the checkpoint.
type named struct {
	Part
	name string
}

// Options of a hub.
type Options struct {
	Journal *journal.Journal
	Clock   *clock.Clock   // nil: one that shows the time of now, is trusted and never set
	Turns   *Turns         // of the journal; nil: of its own
	Flags   home.Flags     // set on every event: simulated
	Alive   func()         // called from the loop at least every 5 s; may be nil
	Ledger  *ledger.Ledger // counts what becomes of the events; nil: one of its own
	Log     *slog.Logger
}

// Hub is the one door for events. Its methods are safe for concurrent use.
type Hub struct {
	o     Options
	parts []named // in the order in which they are given each event

	mu      sync.Mutex
	queue   []batch       // what came since rest was taken
	rest    []batch       // of spare: not handled yet
	spare   []batch       // the other half of the double buffer
	waiting int           // events in both
	crowd   outage        // calls refused because the queue was full
	busy    []func(error) // who is to be answered that it was
	closed  bool          // Run has ended
	wake    chan struct{}
	ended   chan struct{} // closed with closed

	state  state
	turns  *Turns
	sieves sieves // only the hub's goroutine has them
	recent ring

	now        clock.Reading // of the newest event, or of the last look at the clock
	sure       clock.Mark    // of the newest event whose time was trusted
	body       []byte        // reused for the JSON of each event
	raw        home.Event    // reused for each measurement that is not told
	deaf       outage        // events that the journal did not take
	odd        outage        // events that it can never take
	stream     *stream       // of the batch that is handled
	sinceSaved int64         // bytes appended since the checkpoint
	savedAt    time.Time     // machine time of the checkpoint
	saving     <-chan error  // what becomes of the checkpoint that is being written; nil: there is none
	handled    atomic.Uint64
}

// New makes a hub. [Hub.Attach] its parts, then [Hub.Recover], then [Hub.Run].
func New(o Options) *Hub {
	if o.Clock == nil {
		o.Clock = clock.New(time.Time{}, 1)
	}
	if o.Ledger == nil {
		o.Ledger = ledger.New(o.Clock.Now())
	}
	h := &Hub{o: o, wake: make(chan struct{}, 1), ended: make(chan struct{}), savedAt: time.Now()}
	h.now = o.Clock.Read()
	h.now.Trusted = true // so that an event says so when it is not
	if h.turns = o.Turns; h.turns == nil {
		h.turns = &Turns{}
	}
	h.state.init()
	h.recent.init()
	return h
}

// Attach adds a part under its name in the checkpoint. Parts are given each event
// in the order in which they were attached. Call it before Run.
func (h *Hub) Attach(name string, p Part) {
	h.parts = append(h.parts, named{p, name})
}

// Accept takes events into the house, in order, and returns at once. done, which
// may be nil, is called once: with nil when all of them are durable, or with the
// reason why the journal did not take them. The house has acted on them in either
// case. What says nothing new, a status or a catalog, is left out, and so is what a
// filter holds back. The events must not be changed afterwards.
//
// When 32,768 events wait in the queue, further readings, events, messages and what the
// rules say are refused with [ErrBusy]: the house does not act on them. Commands, outcomes,
// statuses, catalogs and what the gateway says about itself are taken in any case. After the
// end of Run nothing is taken, and done is not called.
func (h *Hub) Accept(events []home.Event, done func(error)) {
	h.put(batch{events: events, done: done})
}

// Do calls fn in the hub's goroutine, between two events, and waits for it. It
// must not be called from that goroutine. It returns ctx's error when ctx ends first,
// and [journal.ErrClosed] when Run has ended without calling fn.
func (h *Hub) Do(ctx context.Context, fn func()) error {
	finished := make(chan struct{})
	h.put(batch{call: func() { fn(); close(finished) }})
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-h.ended:
	}
	select {
	case <-finished: // before the end
		return nil
	default:
		return journal.ErrClosed
	}
}

// Handled counts the events taken so far.
func (h *Hub) Handled() uint64 { return h.handled.Load() }

func (h *Hub) handle(b batch) {
	if b.call != nil {
		b.call()
		return
	}
	h.stream = b.stream
	r := h.receipt(b)
	defer r.close()
	for i := range b.events {
		ev := &b.events[i]
		h.sample(ev)
		if !h.sift(ev) {
			continue
		}
		first, then, keep := h.state.follows(ev)
		h.takeAll(first, r)
		if keep {
			r.last = i == len(b.events)-1
			h.takeFor(ev, r)
		} else {
			h.o.Ledger.Filtered(ev.Class)
		}
		h.takeAll(then, r)
	}
}

func (h *Hub) takeAll(events []home.Event, r *receipt) {
	for i := range events {
		h.sample(&events[i])
		h.takeFor(&events[i], r)
	}
}

// take numbers, appends and applies one event, and lets the parts have it.
func (h *Hub) take(ev *home.Event, done func(error)) error {
	h.stamp(ev)
	return h.record(ev, done)
}

// record numbers, appends and applies an event that has its times.
func (h *Hub) record(ev *home.Event, done func(error)) error {
	if ev.Kind == home.KindReading && !ev.Value.Known() {
		h.sieves.reset(ev)
	}
	h.state.number(ev)
	err := h.append(ev, done)
	if err != nil {
		h.state.unnumber(ev)
	}
	h.apply(ev, true)
	return err
}

func (h *Hub) append(ev *home.Event, done func(error)) error {
	var err error
	h.body, err = ev.AppendJSON(h.body[:0])
	urgent := ev.Kind == home.KindOutcome || ev.Kind == home.KindCommand && done != nil // somebody waits for it
	if refusal := h.stream.refused(); err == nil && refusal != nil {
		h.count(ev, refusal)
		return refusal
	}
	if err == nil {
		ev.Seq, err = h.o.Journal.Append(journal.Record{
			Time: ev.At.UnixMicro(), Kind: uint8(ev.Kind), Flags: uint8(ev.Flags), Class: uint8(ev.Class), Body: h.body,
		}, urgent, done)
		h.sinceSaved += int64(len(h.body))
	}
	h.count(ev, err)
	h.report(ev, err)
	return err
}

// apply lets the state, the parts and the followers have ev.
func (h *Hub) apply(ev *home.Event, live bool) {
	if ev.Flags&home.FlagUntrusted == 0 {
		h.sure = clock.Mark{At: ev.At, Elapsed: ev.Elapsed}
	}
	if set, ok := ev.ClockSet(); ok {
		h.turns.take(ev, set, h.o.Journal.Last())
	}
	h.state.apply(ev, live)
	for _, p := range h.parts {
		p.Apply(ev, live)
	}
	if live {
		h.handled.Add(1)
		h.recent.add(ev)
	}
}
