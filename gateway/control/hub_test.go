package control_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"hogar/gateway/control"
	"hogar/gateway/home"
	"hogar/gateway/hub"
	"hogar/gateway/journal"
)

// lamp counts what it was set to; hold, when not nil, keeps each Set, which it
// tells in reached.
type lamp struct {
	mu      sync.Mutex
	sets    []string
	hold    chan struct{}
	reached chan struct{}
	at      time.Time // of the last Set
	safety  *control.Safety
}

func (l *lamp) Set(ctx context.Context, property string, v home.Value) ([]home.Event, error) {
	l.mu.Lock()
	l.sets, l.at = append(l.sets, v.String()), time.Now()
	l.mu.Unlock()
	if l.hold != nil {
		l.reached <- struct{}{}
		select {
		case <-l.hold:
		case <-ctx.Done():
		}
	}
	return []home.Event{{Kind: home.KindReading, Device: "hall.lamp", Property: property, Value: v, Time: time.Now()}}, nil
}

func (l *lamp) seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sets)
}

// house is a gateway over a real journal.
type house struct {
	*control.Control
	hub     *hub.Hub
	journal *journal.Journal
	stop    func()
}

func open(t testing.TB, dir string, sync time.Duration, lamps map[string]control.Actuator) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	j, err := journal.Open(dir, journal.Options{Sync: journal.Sync(sync), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{journal: j, hub: hub.New(hub.Options{Journal: j, Log: log})}
	h.Control = control.New(h.hub, nil, log)
	h.hub.Attach("control", h.Control)
	h.hub.Recover()
	devices := make(map[string]control.Device)
	for name, l := range lamps {
		devices[name] = control.Device{Actuator: l, Safety: l.(*lamp).safety, Properties: []home.Property{{Name: "state", Type: home.TypeBoolean, Settable: true}}}
	}
	h.Attach(control.House{Devices: devices})
	h.run(t, lamps)
	return h
}

// run runs the hub and the devices until the house is stopped.
func (h *house) run(t testing.TB, lamps map[string]control.Actuator) {
	hubCtx, endHub := context.WithCancel(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	var hubs, devices sync.WaitGroup
	hubs.Go(func() {
		if err := h.hub.Run(hubCtx); err != nil {
			t.Error(err)
		}
	})
	for name := range lamps {
		devices.Go(func() {
			if err := h.Serve(ctx, name); err != nil {
				t.Error(err)
			}
		})
	}
	h.stop = sync.OnceFunc(func() {
		cancel()
		devices.Wait()
		endHub()
		hubs.Wait()
		if err := h.journal.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.stop)
}

func (h *house) send(id, value string) home.Outcome {
	answer := make(chan home.Outcome, 1)
	h.Submit(home.Command{ID: id, Device: "hall.lamp", Set: home.Settings{{Property: "state", Value: home.TextOf(value)}}},
		func(o home.Outcome) { answer <- o })
	return <-answer
}

// killed is the disk of a gateway that is killed now.
func (h *house) killed(t *testing.T, dir string) string {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for h.journal.Durable() < h.journal.Last() {
		if time.Now().After(deadline) {
			t.Fatal("the journal does not become durable")
		}
		time.Sleep(time.Millisecond)
	}
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestKilled kills a gateway before, while and after a device is driven, with the
// real hub and the real journal, and sends the same command again.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value string
		when  string
		want  home.Result
		sets  int // in the second life
	}{
		{"on", "during", home.Applied, 1},
		{"toggle", "during", home.Undecided, 0},
		{"on", "after", home.Applied, 0},
		{"toggle", "after", home.Applied, 0},
	} {
		t.Run(c.value+" "+c.when, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first := &lamp{}
			one := open(t, dir, 20*time.Millisecond, map[string]control.Actuator{"hall.lamp": first})
			one.send("before", "off")
			var disk string
			if c.when == "during" {
				first.hold, first.reached = make(chan struct{}), make(chan struct{}, 1)
				told := make(chan home.Outcome, 1)
				go func() { told <- one.send("x", c.value) }()
				<-first.reached
				disk = one.killed(t, dir)
				close(first.hold)
				<-told
			} else {
				one.send("x", c.value)
				disk = one.killed(t, dir)
			}
			one.stop()

			second := &lamp{}
			two := open(t, disk, 20*time.Millisecond, map[string]control.Actuator{"hall.lamp": second})
			for range 2 {
				if o := two.send("x", c.value); o.Result != c.want {
					t.Errorf("%s: %+v", c.value, o)
				}
			}
			if got := second.seen(); len(got) != c.sets {
				t.Errorf("the lamp was set %v", got)
			}
			two.stop()

			third := &lamp{} // from the checkpoint
			if o := open(t, disk, 20*time.Millisecond, map[string]control.Actuator{"hall.lamp": third}).send("x", c.value); o.Result != c.want || len(third.seen()) != 0 {
				t.Errorf("after a stop in order: %+v, %v", o, third.seen())
			}
		})
	}
}

// TestTheHubWakesTheEnvelope leaves a lamp on.
func TestTheHubWakesTheEnvelope(t *testing.T) {
	t.Parallel()
	l := &lamp{safety: &control.Safety{Switch: "state", MaxOn: 100 * time.Millisecond}}
	h := open(t, t.TempDir(), 20*time.Millisecond, map[string]control.Actuator{"hall.lamp": l})
	h.send("", "on")
	for deadline := time.Now().Add(4 * time.Second); len(l.seen()) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the lamp was set %v", l.seen())
		}
	}
	if got := l.seen(); got[1] != "off" {
		t.Errorf("the lamp was set %v", got)
	}
}

func TestFlood(t *testing.T) { flood(t, 5_000) }

// flood sends commands as fast as it can, as many at a time as a source may have
// under way: every one has its outcome, the lamps end where the last one put them,
// and memory stays bounded.
func flood(t testing.TB, commands int) {
	const devices = 50
	lamps := make(map[string]control.Actuator)
	for i := range devices {
		lamps[fmt.Sprintf("lamp.n%d", i)] = &lamp{}
	}
	h := open(t, t.TempDir(), 50*time.Millisecond, lamps)
	var told sync.WaitGroup
	room := make(chan struct{}, 1024)
	results := make(map[home.Result]int)
	var mu sync.Mutex
	began, peak := time.Now(), uint64(0)
	for i := range commands {
		if i%1000 == 0 {
			peak = max(peak, inUse())
		}
		told.Add(1)
		room <- struct{}{}
		h.Submit(home.Command{ID: fmt.Sprint("flood-", i), Device: fmt.Sprintf("lamp.n%d", i%devices),
			Set: home.Settings{{Property: "state", Value: home.BooleanOf(i/devices%2 == 1)}}}, func(o home.Outcome) {
			mu.Lock()
			results[o.Result]++
			mu.Unlock()
			<-room
			told.Done()
		})
	}
	told.Wait()
	t.Logf("%d commands in %v: %v, peak of the heap %d MB, then %d MB", commands, time.Since(began).Round(time.Millisecond), results, peak>>20, heap()>>20)
	if live := heap(); live > 20<<20 {
		t.Errorf("%d MB are alive", live>>20)
	}
	for name, l := range lamps {
		if seen := l.(*lamp).seen(); seen[len(seen)-1] != "on" {
			t.Errorf("%s ended %s", name, seen[len(seen)-1])
		}
	}
	if n := results[home.Applied] + results[home.Superseded]; n != commands {
		t.Errorf("%v", results)
	}
}
