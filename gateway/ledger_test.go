package gateway

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/hub"
	"hogar/gateway/journal"
	"hogar/gateway/ledger"
)

// ledgered is as much of a gateway as the ledger needs.
func ledgered(t *testing.T, dir string) *gateway {
	t.Helper()
	g := &gateway{}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	j, err := journal.Open(dir, journal.Options{MaxSize: 1 << 20, SegmentSize: 16 << 10, WhenFull: journal.DropOldest, OnGap: g.gap, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	g.journal, g.ledger = j, ledger.New(time.Now())
	g.hub = hub.New(hub.Options{Journal: j, Ledger: g.ledger, Log: log})
	g.hub.Attach("ledger", g.ledger)
	g.hub.Recover()
	g.backlog = backlog{after: j.Cursor(), to: j.Last()}
	g.ledger.CountWaiting(j.Stats().First)
	g.openGaps()
	g.countWaiting(t.Context())
	return g
}

// TestLedgerOfAFullJournal drops the oldest readings many times over, and holds the
// ledger against the journal: while it runs, and after it is opened again.
func TestLedgerOfAFullJournal(t *testing.T) {
	dir := t.TempDir()
	const readings = 40_000
	for round := range uint64(3) {
		g := ledgered(t, dir)
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		ended := make(chan error, 1)
		go func() { ended <- g.hub.Run(ctx) }()
		for i := 0; i < readings/2; i += 100 {
			var events []home.Event
			for range 100 {
				events = append(events, home.Event{Kind: home.KindReading, Class: home.ClassPoll, Device: "a", Property: "x",
					Value: home.NumberOf(float64(i))})
			}
			done := make(chan error, 1)
			g.hub.Accept(events, func(err error) { done <- err })
			<-done // refused or not: it is counted
		}
		if err := g.hub.Do(ctx, func() {}); err != nil {
			t.Fatal(err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		g.journal.Close() // it may have dropped more since the hub ended
		got := g.ledger.Counts()

		v, err := journal.Look(dir)
		if err != nil {
			t.Fatal(err)
		}
		waits := make(map[home.Class]int64)
		for r, err := range v.Scan(0) {
			if err != nil {
				t.Fatal(err)
			}
			waits[home.Class(r.Class)]++
		}
		v.Close()
		poll := got.Classes["poll"]
		if poll.Sampled != (round+1)*readings/2 || poll.Dropped[ledger.Full] == 0 || poll.Waiting != waits[home.ClassPoll] {
			t.Errorf("round %d: %+v, %d wait in the journal", round, poll, waits[home.ClassPoll])
		}
		if s, a := got.All.Missing(); s != 0 || a != 0 {
			t.Errorf("round %d: %d sampled and %d accepted are not accounted for: %+v", round, s, a, got)
		}
	}
}

// A ledger that does not add up is reported once, and an event on its way is no reason to.
func TestALedgerThatDoesNotAddUpIsReportedOnce(t *testing.T) {
	var a audit
	reports := 0
	look := func(sampled, accepted uint64, times int) {
		for range times {
			if _, _, news := a.look(ledger.Counts{All: ledger.Entry{Sampled: sampled, Accepted: accepted, Confirmed: accepted}}); news {
				reports++
			}
		}
	}
	look(5, 5, 100)
	for range 100 {
		look(6, 5, 1) // on its way
		look(6, 6, 1)
	}
	if reports != 0 {
		t.Errorf("%d reports of a ledger that adds up", reports)
	}
	look(7, 6, 100)
	if reports != 1 {
		t.Errorf("%d reports of one difference", reports)
	}
	look(8, 6, 100)
	if reports != 2 {
		t.Errorf("%d reports of two differences", reports)
	}
}
