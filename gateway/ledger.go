package gateway

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/hub"
	"hogar/gateway/journal"
	"hogar/gateway/ledger"
)

// source is the hub for those whose events are of one class, unless they say another.
type source struct {
	*hub.Hub
	class home.Class
}

// Accept is [hub.Hub.Accept].
func (s source) Accept(events []home.Event, done func(error)) {
	classed(s.class, s.Hub.Accept)(events, done)
}

// classed is accept for events of one class, unless they say another.
func classed(class home.Class, accept func([]home.Event, func(error))) func([]home.Event, func(error)) {
	return func(events []home.Event, done func(error)) {
		for i := range events {
			if events[i].Class == home.ClassNone {
				events[i].Class = class
			}
		}
		accept(events, done)
	}
}

// gaps keeps what the journal finds before the house is there to be told.
type gaps struct {
	mu    sync.Mutex
	house bool
	early []journal.Gap
}

// keep keeps a gap, and reports whether it did: afterwards the house can be told.
func (g *gaps) keep(gap journal.Gap) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.house {
		g.early = append(g.early, gap)
	}
	return !g.house
}

// open tells what was found so far, and first what is in found.
func (g *gaps) open(tell func(journal.Gap), found []journal.Gap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, gap := range append(found, g.early...) {
		tell(gap)
	}
	g.house, g.early = true, nil
}

// openGaps tells the house what is missing in the journal at the start. What was
// dropped, and could not be recorded before the end of the gateway, is seen by where
// the journal begins.
func (g *gateway) openGaps() {
	found := g.journal.Report().Gaps
	s, known := g.journal.Stats(), max(g.journal.Cursor(), g.ledger.Dropped())
	if s.Segments > 0 && s.First > known+1 {
		found = append(found, journal.Gap{From: known + 1, To: s.First - 1, Reason: journal.Dropped})
	}
	confirmed := g.journal.Report().Cursor
	g.gaps.open(func(gap journal.Gap) { g.lost(gap, confirmed, false) }, found)
}

// gap is told by the journal, from any goroutine.
func (g *gateway) gap(gap journal.Gap) {
	if !g.gaps.keep(gap) {
		g.lost(gap, g.journal.Cursor(), gap.Reason == journal.Dropped || gap.To > g.backlog.to)
	}
}

// lost counts the records that a gap took, and reports which they are; those up to
// confirmed had been sent. waited is false when they were gone before what waits was counted.
func (g *gateway) lost(gap journal.Gap, confirmed uint64, waited bool) {
	unsent, uncounted := make(map[home.Class]uint64), uint64(0)
	if gap.Reason == journal.Dropped {
		for class, n := range gap.Lost {
			if class != 0 { // else it was not to be sent
				unsent[home.Class(class)] = n
			}
		}
		if gap.Lost == nil {
			unsent[home.ClassNone] = gap.To - gap.From + 1 // nobody could look any more
		}
		g.ledger.Lost(ledger.Full, gap.To, unsent, waited)
	} else if from := max(gap.From, confirmed+1); gap.From > 0 && gap.To >= from {
		unsent[home.ClassNone] = gap.To - from + 1 // nobody knows what they were
		if !waited {
			counted, _ := g.journal.Checkpoint()
			uncounted = gap.To + 1 - min(max(from, counted+1), gap.To+1)
			g.ledger.Found(uncounted)
		}
		g.ledger.Lost(ledger.Damaged, gap.To, unsent, waited)
	}
	detail := ledger.Gap{From: gap.From, To: gap.To, Bytes: gap.Bytes, File: gap.File, Uncounted: uncounted, Unsent: make(map[string]uint64)}
	for class, n := range unsent {
		detail.Unsent[class.String()] = n
	}
	ev := home.Event{Kind: home.KindGateway, Name: home.EventGap, Reason: gap.Reason}
	ev.Detail, _ = json.Marshal(detail) // numbers and texts always encode
	g.hub.Accept([]home.Event{ev}, nil)
}

const (
	ledgerTick = time.Second      // how often the rates are taken
	ledgerTold = 15 * time.Minute // how often the ledger is published, in machine time
)

// keepLedger counts what waits at the start, takes the rates, and publishes the
// ledger now and then, until ctx ends.
func (g *gateway) keepLedger(ctx context.Context) {
	g.countWaiting(ctx)
	tick := time.NewTicker(ledgerTick)
	defer tick.Stop()
	told, books := time.Now(), audit{}
	for {
		select {
		case now := <-tick.C:
			g.ledger.Tick(now)
			if sampled, accepted, news := books.look(g.ledger.Counts()); news {
				g.o.Log.Error("the ledger does not add up: please report this with hogar outbox --json", "sampled", sampled, "accepted", accepted)
			}
			if now.Sub(told) >= ledgerTold {
				told = now
				g.tellLedger()
			}
		case <-ctx.Done():
			return
		}
	}
}

// audit looks whether the ledger adds up, and finds a difference that stays: one that an event
// on its way makes is gone at the next look.
type audit struct {
	sampled, accepted int64 // at the last look
	looks             int   // with that result
}

// auditLooks is how many looks in a row make a difference one that stays.
const auditLooks = 10

// look takes the ledger of a moment, and reports, once for each difference that stays, what is
// not accounted for.
func (a *audit) look(c ledger.Counts) (sampled, accepted int64, news bool) {
	sampled, accepted = c.All.Missing()
	if sampled != a.sampled || accepted != a.accepted || c.Counting {
		*a = audit{sampled: sampled, accepted: accepted}
	}
	a.looks++
	return sampled, accepted, a.looks == auditLooks && (sampled != 0 || accepted != 0)
}

// tellLedger publishes the ledger.
func (g *gateway) tellLedger() {
	ev := home.Event{Kind: home.KindGateway, Name: home.EventLedger}
	ev.Detail, _ = json.Marshal(g.ledger.Counts()) // numbers and texts always encode
	g.hub.Accept([]home.Event{ev}, nil)
}

// backlog is what waited in the journal when it was opened.
type backlog struct {
	after, to uint64          // numbers
	aside     map[uint64]bool // those of them that are set aside
}

// countWaiting reads what waited in the journal at the start. It reads faster than
// the publisher, so that nothing it has not read is deleted.
func (g *gateway) countWaiting(ctx context.Context) {
	r := g.journal.Reader(g.backlog.after)
	defer r.Close()
	var n [home.Classes]uint64
	for {
		rec, ok, err := r.TryNext()
		if err != nil || !ok || rec.Seq > g.backlog.to || ctx.Err() != nil {
			break
		}
		if class := home.Class(rec.Class); class < home.Classes && !g.backlog.aside[rec.Seq] {
			n[class]++
		}
	}
	for class := range home.Class(home.Classes) {
		g.ledger.Waits(class, n[class])
	}
	g.ledger.Counted()
}
