package gateway

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hogar/drivers"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway/api"
	"hogar/gateway/clock"
	"hogar/gateway/config"
	"hogar/gateway/home"
	"hogar/systemd"

	"periph.io/x/conn/v3/i2c"
)

// testHouse is a gateway that runs in this process, on a simulated board, with
// neither broker nor socket: all of it can be put into a synctest bubble.
type testHouse struct {
	t     testing.TB
	board *simboard.Board
	asked atomic.Int64 // how often a bus was asked for: once for each Open of a chip
	*api.Server
	log  *text
	stop func() // ends the gateway and waits for it
}

// text keeps what is logged.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (x *text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.Write(p)
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.String()
}

// counted is a board that counts how often its buses are asked for.
type counted struct {
	*simboard.Board
	asked *atomic.Int64
}

func (c counted) I2C(name string) (i2c.Bus, error) {
	c.asked.Add(1)
	return c.Board.I2C(name)
}

// planOf checks a configuration; a fault ends the test.
func planOf(t testing.TB, yaml string) *Plan {
	t.Helper()
	return planIn(t, t.TempDir(), yaml)
}

// planIn is planOf with a folder for the file.
func planIn(t testing.TB, dir, yaml string) *Plan {
	t.Helper()
	file := filepath.Join(dir, "hogar.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, source, faults := config.Load(file)
	plan := Check(cfg, faults)
	if faults.Failed() {
		t.Fatal(source.Problems(faults))
	}
	return plan
}

// trusted is a clock that shows the time of now, whether or not this machine is sure of it.
func trusted() *clock.Clock { return clock.New(time.Time{}, 1) }

// runHouse runs a plan until the test ends, or stop is called.
func runHouse(t testing.TB, plan *Plan, clock *clock.Clock, change func(*Options)) *testHouse {
	t.Helper()
	if clock == nil {
		clock = trusted()
	}
	h := &testHouse{t: t, log: &text{}}
	w := world.New(world.Options{Seed: 1})
	o := Options{Plan: plan, Clock: clock, Journal: t.TempDir(), Simulated: true, Version: "test", Notify: systemd.FromEnvironment(),
		Log: slog.New(slog.NewTextHandler(h.log, nil)),
		Board: func(parts map[string][]drivers.Part) (drivers.Board, error) {
			b, err := simboard.New(w, clock.Elapsed, parts)
			h.board = b
			return counted{b, &h.asked}, err
		}}
	ready := make(chan *api.Server, 1)
	o.Ready = func(s *api.Server) { ready <- s }
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if t.Failed() {
			t.Log(h.log.String())
		}
	})
	t.Cleanup(h.stop)
	select {
	case h.Server = <-ready:
	case err := <-ended:
		cancel()
		ended <- nil
		t.Fatalf("Run: %v", err)
	}
	return h
}

// device is what the house knows of a device; nothing while it is not heard of.
func (h *testHouse) device(name string) home.DeviceState {
	if found := h.House.Devices(name); len(found) == 1 {
		return found[0]
	}
	return home.DeviceState{}
}

// isOnline checks that a device is online and was measured within a span.
func (h *testHouse) isOnline(name string, within time.Duration) {
	h.t.Helper()
	d := h.device(name)
	if d.Status != home.Online {
		h.t.Errorf("%s is %s: %s", name, d.Status, d.Reason)
	}
	for _, r := range d.Readings {
		if age := time.Since(r.Time); !r.Value.Known() || age > within {
			h.t.Errorf("%s is %s, measured %s ago, want at most %s", r.Name, r.Value, age, within)
		}
	}
}

// isOffline checks that a device is offline for a reason and its readings say so.
func (h *testHouse) isOffline(name, reason string) {
	h.t.Helper()
	d := h.device(name)
	if d.Status != home.Offline || !strings.Contains(d.Reason, reason) {
		h.t.Errorf("%s is %s: %q, want offline: %q", name, d.Status, d.Reason, reason)
	}
	for _, r := range d.Readings {
		if r.Value.Known() || !strings.Contains(r.Unknown, home.Offline) {
			h.t.Errorf("%s is %s (%s), want unknown", r.Name, r.Value, r.Unknown)
		}
	}
}

// set commands a device and waits for the outcome.
func (h *testHouse) set(device, property string, v home.Value) home.Outcome {
	h.t.Helper()
	answer := make(chan home.Outcome, 1)
	h.Door.Submit(home.Command{Device: device, Set: home.Settings{{Property: property, Value: v}}, Source: "test"},
		func(o home.Outcome) { answer <- o })
	return <-answer
}
