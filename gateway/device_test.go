package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

const stories = `
gateway: casa
devices:
  kitchen.climate: {driver: bme280, every: 10s}
  cellar.probe:    {driver: tmp102, every: 10s}
  hall.lamp:       {driver: relay, pin: GPIO17}
  porch.lamp:      {driver: relay, pin: GPIO22}
  hall.motion:     {driver: contact, pin: GPIO27, property: occupancy}
`

// bubble runs a house in virtual time.
func bubble(t *testing.T, story func(t *testing.T, h *testHouse)) {
	bubbleWith(t, planOf(t, stories), story)
}

func bubbleWith(t *testing.T, plan *Plan, story func(t *testing.T, h *testHouse)) {
	synctest.Test(t, func(t *testing.T) {
		h := runHouse(t, plan, nil, nil)
		defer h.stop()
		time.Sleep(15 * time.Second)
		h.isOnline("kitchen.climate", 15*time.Second)
		story(t, h)
	})
}

// othersAreWell checks that nobody notices the trouble of the kitchen's chip.
func othersAreWell(t *testing.T, h *testHouse) {
	t.Helper()
	h.isOnline("cellar.probe", 11*time.Second)
	began := time.Now()
	for _, v := range []bool{true, false} {
		if o := h.set("hall.lamp", "state", home.BooleanOf(v)); o.Result != home.Applied || h.board.Level("GPIO17") != v {
			t.Errorf("set hall.lamp: %+v", o)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the lamp took %s", took)
	}
}

// A chip that is absent, hangs, or fails is offline with the reason, is tried
// again less and less often, and comes back.
func TestFaultyChip(t *testing.T) {
	for _, one := range []struct {
		fault  simboard.Fault
		reason string
	}{
		{simboard.Absent, "check the wiring and the address"},
		{simboard.BusError, "input/output error"},
		{simboard.Hang, "the chip holds the bus and does not let go"},
		{simboard.Stuck, "bme280 at 0x76 on I2C1"},
	} {
		t.Run(string(one.fault), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *testHouse) {
				_ = h.board.Fault("kitchen.climate", one.fault)
				time.Sleep(30 * time.Second)
				h.isOffline("kitchen.climate", one.reason)
				othersAreWell(t, h)

				before := h.asked.Load()
				time.Sleep(20 * time.Minute)
				// Between 30 and 60 s from one try to the next, and the second that a hanging transfer takes.
				if tries := h.asked.Load() - before; tries < 18 || tries > 42 {
					t.Errorf("tried %d times within 20 minutes", tries)
				}
				h.isOffline("kitchen.climate", one.reason)
				othersAreWell(t, h)

				_ = h.board.Fault("kitchen.climate", simboard.NoFault)
				time.Sleep(75 * time.Second)
				h.isOnline("kitchen.climate", 15*time.Second)
			})
		})
	}
}

// TestBadWire: a transfer that nobody acknowledges now and then, the most frequent fault of all, makes no device offline;
// how often a measurement had to be repeated is shown, and in the metrics.
func TestBadWire(t *testing.T) {
	bubble(t, func(t *testing.T, h *testHouse) {
		for _, name := range []string{"kitchen.climate", "cellar.probe"} {
			_ = h.board.Fault(name, simboard.Flaky)
		}
		since := h.device("kitchen.climate").Since
		time.Sleep(time.Hour)
		for _, name := range []string{"kitchen.climate", "cellar.probe"} {
			h.isOnline(name, 11*time.Second)
			if d := h.device(name); d.Repeated == 0 {
				t.Errorf("%s: %d measurements were repeated", name, d.Repeated)
			}
		}
		if d := h.device("kitchen.climate"); !d.Since.Equal(since) || h.device("hall.lamp").Repeated != 0 {
			t.Errorf("online since %v, before the wire was bad since %v; the lamp: %+v", d.Since, since, h.device("hall.lamp"))
		}
	})
}

// TestBadWireOfLights: nor does such a transfer make a command fail.
func TestBadWireOfLights(t *testing.T) {
	bubbleWith(t, planOf(t, stories+"  hall.lights: {driver: pca9685, address: 0x41, out0: sofa}\n"), func(t *testing.T, h *testHouse) {
		_ = h.board.Fault("hall.lights", simboard.Flaky)
		for n := range 100 {
			time.Sleep(time.Second)
			want := home.NumberOf(float64(n))
			if o := h.set("hall.lights", "sofa", want); !o.Result.OK() || h.reading("hall.lights.sofa").Value != want {
				t.Fatalf("%v %%: %+v", want, o)
			}
		}
	})
}

// TestRepeatedOnce: what fails twice is a fault, with the reason of the first time, and is not counted.
func TestRepeatedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, one := range []struct {
			fails, calls int
			counted      uint64
			says         string
		}{{0, 1, 0, ""}, {1, 2, 1, ""}, {2, 2, 0, "failure 1"}} {
			r, calls := &runner{log: slog.New(slog.DiscardHandler)}, 0
			_, err := r.twice(func(context.Context) ([]drivers.Reading, error) {
				if calls++; calls <= one.fails {
					return nil, fmt.Errorf("failure %d", calls)
				}
				return nil, nil
			})(t.Context())
			if calls != one.calls || r.repeated.Load() != one.counted || (err != nil) != (one.says != "") || err != nil && err.Error() != one.says {
				t.Errorf("after %d failures: %d calls, %d counted, %v", one.fails, calls, r.repeated.Load(), err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		r, calls := &runner{}, 0
		if _, err := r.twice(func(context.Context) ([]drivers.Reading, error) {
			calls++
			cancel()
			return nil, errors.New("stopped")
		})(ctx); err == nil || calls != 1 {
			t.Errorf("after the stop: %d calls, %v", calls, err)
		}
	})
}

// A relay that cannot be driven fails its command with the reason, is offline,
// and is there again when its pin is.
func TestFaultyRelay(t *testing.T) {
	bubble(t, func(t *testing.T, h *testHouse) {
		_ = h.board.Fault("porch.lamp", simboard.BusError)
		for range 2 {
			o := h.set("porch.lamp", "state", home.BooleanOf(true))
			if o.Result != home.Failed || !strings.Contains(o.Error, "input/output error") || h.board.Level("GPIO22") {
				t.Errorf("%+v; the pin is %v", o, h.board.Level("GPIO22"))
			}
			time.Sleep(time.Second / 2)
		}
		h.isOffline("porch.lamp", "input/output error")
		othersAreWell(t, h)
		_ = h.board.Fault("porch.lamp", simboard.NoFault)
		time.Sleep(10 * time.Second)
		if h.board.Level("GPIO22") {
			t.Error("a command that failed has acted later")
		}
		if o := h.set("porch.lamp", "state", home.BooleanOf(true)); o.Result != home.Applied || !h.board.Level("GPIO22") {
			t.Errorf("%+v; the pin is %v", o, h.board.Level("GPIO22"))
		}
	})
}

// A contact that fails is offline, and tells the present state when it is back.
func TestFaultyContact(t *testing.T) {
	bubble(t, func(t *testing.T, h *testHouse) {
		_ = h.board.Fault("hall.motion", simboard.BusError)
		time.Sleep(time.Second)
		h.isOffline("hall.motion", "input/output error")
		_ = h.board.Drive("GPIO27", true)
		_ = h.board.Fault("hall.motion", simboard.NoFault)
		time.Sleep(75 * time.Second)
		if d := h.device("hall.motion"); d.Status != home.Online || d.Readings[0].Value != home.BooleanOf(true) {
			t.Errorf("%+v", d)
		}
	})
}
