package ledger

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// adds wants both sums of each entry to be right.
func adds(t *testing.T, c Counts) {
	t.Helper()
	c.Classes["all"] = c.All
	for name, e := range c.Classes {
		if s, a := e.Missing(); s != 0 || a != 0 {
			t.Errorf("%s: %d sampled and %d accepted are not accounted for: %+v", name, s, a, e)
		}
	}
}

func TestEveryFate(t *testing.T) {
	l := New(time.Unix(1, 0))
	for range 10 {
		l.Sampled(home.ClassPoll)
	}
	l.Filtered(home.ClassPoll)
	l.Refused(home.ClassPoll, "full")
	for range 8 {
		l.Accepted(home.ClassPoll)
	}
	l.Withdrawn(home.ClassPoll, 1, "failed")
	l.Settled(1, home.ClassPoll, true)
	l.Settled(2, home.ClassPoll, false)
	l.Aside(home.ClassPoll, true)
	l.Aside(home.ClassPoll, true)
	l.Mended(home.ClassPoll)
	l.Lost(Full, 5, map[home.Class]uint64{home.ClassPoll: 1}, true)
	l.Settled(5, home.ClassPoll, true) // it was dropped when it was on its way
	l.Lost(Damaged, 6, map[home.Class]uint64{home.ClassNone: 1}, true)
	l.Lost(Full, 5, map[home.Class]uint64{home.ClassNone: 3}, false)
	l.Settled(7, home.ClassNone, true) // not to be published

	got := l.Counts()
	want := map[string]Entry{
		"poll": {Sampled: 10, Filtered: 1, Refused: map[string]uint64{"full": 1, "failed": 1}, Accepted: 7, Confirmed: 2, Waiting: 2,
			Dropped: map[string]uint64{Unrouted: 1, Full: 1}, SetAside: 1},
		"unknown": {Waiting: -1, Dropped: map[string]uint64{Damaged: 1, Full: 3}},
	}
	if diff := cmp.Diff(want, got.Classes); diff != "" {
		t.Error(diff)
	}
	delete(got.Classes, "unknown") // its three were never counted as accepted here
	got.All = got.Classes["poll"]
	adds(t, got)
}

// TestRestart takes a ledger over a kill: from its last checkpoint, the records
// after it, the note of the cursor, and what is found waiting.
func TestRestart(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	l := New(time.Unix(1, 0))
	var waiting []home.Class // in the journal, the oldest first
	var seq uint64
	apply := func(l *Ledger, n int) (records []home.Event) {
		for range n {
			c := home.Class(1 + rnd.IntN(home.Classes-1))
			l.Sampled(c)
			l.Accepted(c)
			waiting = append(waiting, c)
			records = append(records, home.Event{Kind: home.KindReading, Class: c, At: time.Unix(2, 0)})
		}
		for range rnd.IntN(len(waiting)) {
			seq++
			l.Settled(seq, waiting[0], rnd.IntN(3) > 0)
			waiting = waiting[1:]
		}
		return records
	}
	for range 20 {
		apply(l, 50)
		l.Sampled(home.ClassMQTT)
		l.Filtered(home.ClassMQTT)
		checkpoint, err := l.Save()
		if err != nil {
			t.Fatal(err)
		}
		after := apply(l, 30)
		note, before := l.Note(nil), l.Counts()

		l = New(time.Unix(9, 0))
		if err := l.Restore(checkpoint); err != nil {
			t.Fatal(err)
		}
		for i := range after {
			l.Apply(&after[i], false)
		}
		if err := l.RestoreNote(note); err != nil {
			t.Fatal(err)
		}
		l.CountWaiting(3)
		for _, c := range waiting {
			l.Waits(c, 1)
		}
		l.Counted()
		if diff := cmp.Diff(before, l.Counts()); diff != "" {
			t.Fatal(diff)
		}
		adds(t, l.Counts())
	}
}

// TestAnew has no state to go on from: what is known is what waits.
func TestAnew(t *testing.T) {
	l := New(time.Unix(5, 0))
	l.Apply(&home.Event{Kind: home.KindReading, Class: home.ClassPoll, At: time.Unix(4, 0)}, false)
	l.CountWaiting(700)
	l.Waits(home.ClassPoll, 3)
	l.Counted()
	got := l.Counts()
	if diff := cmp.Diff(Entry{Sampled: 3, Accepted: 3, Waiting: 3}, got.All); diff != "" {
		t.Error(diff)
	}
	adds(t, got)
}

func TestGapsAreAFold(t *testing.T) {
	l := New(time.Unix(5, 0))
	for _, reason := range []string{"damaged", "dropped"} {
		detail, _ := json.Marshal(Gap{From: 1, To: 3, Unsent: map[string]uint64{"mqtt": 2, "unknown": 1}, Uncounted: 1})
		ev := home.Event{Kind: home.KindGateway, Class: home.ClassGateway, Name: home.EventGap, Reason: reason, Detail: detail, At: time.Unix(6, 0)}
		l.Apply(&ev, true) // counted where it happened
		l.Apply(&ev, false)
	}
	if diff := cmp.Diff(map[string]uint64{Damaged: 3, Full: 3}, l.Counts().All.Dropped); diff != "" {
		t.Error(diff)
	}
	if n := l.Counts().Classes["unknown"].Accepted; n != 2 {
		t.Errorf("%d records that no state knows were accepted, want 2", n)
	}
}

func TestFlow(t *testing.T) {
	l := New(time.Time{})
	now := time.Unix(100, 0)
	for i := range 100 {
		l.Tick(now.Add(time.Duration(i) * time.Second))
		for range 10 {
			l.Accepted(home.ClassPoll)
		}
	}
	if f := l.Flow(); f.In != 10 || f.Out != 0 || f.Empty >= 0 {
		t.Errorf("filling: %+v", f)
	}
	for i := range 40 {
		for seq := range uint64(20) {
			l.Settled(seq+1, home.ClassPoll, true)
		}
		l.Tick(now.Add(time.Duration(100+i) * time.Second))
	}
	if f := l.Flow(); f.In != 0 || f.Out != 20 || f.Empty != 10*time.Second {
		t.Errorf("draining 200 that wait: %+v", f)
	}
}

func FuzzRestoreNote(f *testing.F) {
	l := New(time.Time{})
	l.Settled(1, home.ClassRule, true)
	f.Add(l.Note(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		l := New(time.Time{})
		if l.RestoreNote(b) != nil && l.Counts().All.Confirmed != 0 {
			t.Error("what cannot be read was taken")
		}
	})
}
