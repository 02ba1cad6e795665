package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/filter"
	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// ends fails when Run does not return.
func ends(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the loop does not come to its end")
		return nil
	}
}

// Sources that give the next event as soon as the last is answered keep the queue full
// for ever. The journal is closed, so that each is answered at once: not a moment is free.
func TestSourcesDoNotKeepTheLoop(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	turns := 0
	var most, before uint64
	h.o.Alive = func() {
		most, before = max(most, h.Handled()-before), h.Handled()
		if turns++; turns == 100 {
			cancel()
		}
	}
	var stopped int
	for n := range 16 {
		name := fmt.Sprintf("room.d%d", n)
		var give func()
		give = func() {
			h.Accept([]home.Event{reading(name, "p", 1)}, func(err error) {
				if turns == 100 {
					stopped++
				}
				if stopped < 1_000_000 { // a loop that does not end would fill the memory
					give()
				}
			})
		}
		for range 512 {
			give()
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	_ = ends(t, ended) // no checkpoint: the journal is closed
	if turns != 100 || stopped > (endMost+1)*turnMost+queueMost {
		t.Errorf("%d turns, and %d events after the end", turns, stopped)
	}
	if most > 2*turnMost { // the first of a device brings its status
		t.Errorf("%d events in one turn", most)
	}
}

// echo is a part that answers each event with another one.
type echo struct {
	counter
	h       *Hub
	refused error
}

func (e *echo) Apply(ev *home.Event, live bool) {
	if live && ev.Kind == home.KindReading {
		again := reading("echo", "n", ev.Value.Number()+1)
		e.h.Accept([]home.Event{again}, func(err error) {
			if err != nil {
				e.refused = err
			}
		})
	}
}

func TestAPartThatAnswersEachEventEnds(t *testing.T) {
	e := &echo{}
	h, j := open(t, t.TempDir(), map[string]Part{"echo": e})
	e.h = h
	ctx, cancel := context.WithCancel(t.Context())
	turns := 0
	h.o.Alive = func() {
		if turns++; turns == 100 {
			cancel()
		}
	}
	h.Accept([]home.Event{reading("a", "t", 1)}, nil)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	if err := ends(t, ended); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if !errors.Is(e.refused, journal.ErrClosed) {
		t.Errorf("the last answer was refused with %v", e.refused)
	}
	if c := h.o.Ledger.Counts().All; c.Refused[refusedClosed] != 1 || c.Sampled != c.Accepted+1 {
		t.Errorf("ledger: %+v", c)
	}
	if err := h.Do(t.Context(), func() {}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// logged lets h log into the returned buffer.
func logged(h *Hub) *bytes.Buffer {
	var b bytes.Buffer
	h.o.Log = slog.New(slog.NewTextHandler(&b, nil))
	return &b
}

func TestTheQueueHasABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, j := open(t, t.TempDir(), nil)
		log := logged(h)
		refused := 0
		for i := range queueMost + 10 {
			h.Accept([]home.Event{reading("a", "t", float64(i))}, func(err error) {
				if errors.Is(err, ErrBusy) {
					refused++
				}
			})
		}
		var again error
		h.Stream()([]home.Event{reading("a", "t", 0)}, func(err error) { again = err })
		status := home.Event{Kind: home.KindStatus, Device: "b", State: home.Offline}
		h.Accept([]home.Event{status}, func(err error) {
			if errors.Is(err, ErrBusy) {
				t.Errorf("a status: %v", err)
			}
		})
		stop := run(t, h, j)
		if err := h.Do(t.Context(), func() {}); err != nil {
			t.Error(err)
		}
		if refused != 10 || !errors.Is(again, ErrBusy) {
			t.Errorf("%d were refused, of a stream %v", refused, again)
		}
		time.Sleep(2 * calm) // the heartbeat comes in between
		stop()
		if c := h.o.Ledger.Counts().All; c.Refused[refusedBusy] != 11 || h.waiting != 0 {
			t.Errorf("%d wait, ledger: %+v", h.waiting, c)
		}
		if strings.Count(log.String(), "too many events wait") != 1 || strings.Count(log.String(), `"events are taken again" refused=11`) != 1 {
			t.Errorf("log:\n%s", log)
		}
	})
}

// What is taken and refused in turn is one outage, and an event that can never be recorded
// is none.
func TestTheLogDoesNotFlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, j := open(t, t.TempDir(), nil)
		defer j.Close()
		log := logged(h)
		take := func(text string) {
			h.Accept([]home.Event{{Kind: home.KindReading, Device: "a", Property: "t", Value: home.TextOf(text)}}, nil)
			h.drain()
		}
		for range 3 {
			take(strings.Repeat("x", journal.MaxBody))
			take("fits")
		}
		if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "an event cannot be recorded") {
			t.Errorf("too long, three times:\n%s", log)
		}
		log.Reset()
		ev := reading("a", "t", 1)
		for range 100 {
			h.report(&ev, journal.ErrFull)
			h.report(&ev, nil)
			time.Sleep(time.Second)
		}
		h.report(&ev, nil)
		if got := strings.Count(log.String(), "\n"); got != 1 {
			t.Errorf("while it is refused in turn:\n%s", log)
		}
		time.Sleep(calm)
		h.report(&ev, nil)
		if got := strings.Count(log.String(), "\n"); got != 2 || !strings.Contains(log.String(), `"journal takes events again" refused=100`) {
			t.Errorf("at the end:\n%s", log)
		}
	})
}

// An agenda finds what a look at all keys finds.
func TestAgenda(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var a agenda[string]
	all := make(map[string]time.Time)
	now := time.Unix(0, 0)
	for range 20_000 {
		key, at := fmt.Sprint(random.IntN(50)), now.Add(time.Duration(random.IntN(100)))
		switch random.IntN(4) {
		case 0:
			a.set(key, time.Time{})
			delete(all, key)
		case 1:
			a.set(key, at)
			all[key] = at
		case 2:
			a.sooner(key, at)
			if old, ok := all[key]; !ok || at.Before(old) {
				all[key] = at
			}
		case 3:
			now = now.Add(time.Duration(random.IntN(5)))
			for _, key := range a.pop(now, strings.Compare) {
				if at, ok := all[key]; !ok || at.After(now) {
					t.Fatalf("%s at %v: %v, %v", key, now, at, ok)
				}
				delete(all, key)
			}
		}
		var next time.Time
		for _, at := range all {
			if next.IsZero() || at.Before(next) {
				next = at
			}
		}
		if !a.next().Equal(next) || len(a.byKey) != len(all) {
			t.Fatalf("next is %v of %d, want %v of %d", a.next(), len(a.byKey), next, len(all))
		}
	}
}

// BenchmarkHouse is one reading among so many devices, each with a filter and a time after
// which it is stale: as a wake-up of the loop handles it.
func BenchmarkHouse(b *testing.B) {
	for _, devices := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(devices), func(b *testing.B) {
			j, err := journal.Open(b.TempDir(), journal.Options{Sync: journal.OS, MaxSize: 4 << 30})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			h := New(Options{Journal: j, Log: slog.New(slog.DiscardHandler)})
			expect := make(map[string]time.Duration)
			events := make([]home.Event, devices)
			for i := range events {
				events[i] = reading(fmt.Sprintf("room%d.climate", i), "temperature", 21.5)
				expect[events[i].Device] = time.Hour
				h.Filter(events[i].Device, []home.Property{temperature}, map[string]*filter.Chain{"temperature": chain(b, "heartbeat 10m")})
			}
			h.Expect(expect)
			h.Accept(events, nil)
			h.drain()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				h.Accept([]home.Event{reading(events[i%devices].Device, "temperature", float64(i))}, nil)
				h.drain()
				h.passTime()
				h.wait()
			}
		})
	}
}
