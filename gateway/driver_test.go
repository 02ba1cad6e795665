package gateway

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// wild is a driver whose methods are functions.
type wild struct {
	sense func(ctx context.Context) ([]drivers.Reading, error)
	close func() error
}

func (w wild) Sense(ctx context.Context) ([]drivers.Reading, error) { return w.sense(ctx) }

func (w wild) Close() error {
	if w.close == nil {
		return nil
	}
	return w.close()
}

func steady() ([]drivers.Reading, error) {
	var readings []drivers.Reading
	for _, p := range []string{"temperature", "humidity", "pressure"} {
		readings = append(readings, drivers.Reading{Property: p, Value: home.NumberOf(20)})
	}
	return readings, nil
}

// with replaces the driver of the kitchen's chip.
func with(t *testing.T, open func() (drivers.Device, error)) *Plan {
	t.Helper()
	plan := planOf(t, stories)
	plan.devices[0].spec.Open = func(context.Context, drivers.Board) (drivers.Device, error) { return open() }
	return plan
}

// A driver that panics in any of its methods harms its device only.
func TestPanickingDriver(t *testing.T) {
	for _, where := range []string{"open", "sense", "close"} {
		t.Run(where, func(t *testing.T) {
			var broken atomic.Bool
			plan := with(t, func() (drivers.Device, error) {
				if broken.Load() && where == "open" {
					panic("cannot open")
				}
				return wild{
					sense: func(context.Context) ([]drivers.Reading, error) {
						switch {
						case broken.Load() && where == "sense":
							panic("cannot sense")
						case broken.Load():
							return nil, errors.New("cannot read")
						}
						return steady()
					},
					close: func() error {
						if broken.Load() && where == "close" {
							panic("cannot close")
						}
						return nil
					},
				}, nil
			})
			bubbleWith(t, plan, func(t *testing.T, h *testHouse) {
				broken.Store(true)
				time.Sleep(time.Minute)
				reason := map[string]string{"open": "the driver panicked: cannot open", "sense": "the driver panicked: cannot sense", "close": "cannot read"}
				h.isOffline("kitchen.climate", reason[where])
				othersAreWell(t, h)
				if !strings.Contains(h.log.String(), "driver panicked, please report this") {
					t.Error("the panic is not in the log")
				}
				broken.Store(false)
				time.Sleep(75 * time.Second)
				h.isOnline("kitchen.climate", 15*time.Second)
			})
		})
	}
}

// deaf listens and minds no context.
type deaf struct {
	wild
	stuck chan struct{}
}

func (d deaf) Listen(_ context.Context, emit func(drivers.Reading)) error {
	readings, _ := steady()
	for _, r := range readings {
		emit(r)
	}
	<-d.stuck
	return nil
}

// The gateway can stop although a listener goes on; that is closed when it returns.
func TestDeafListener(t *testing.T) {
	plan := planOf(t, stories)
	synctest.Test(t, func(t *testing.T) {
		stuck, closed := make(chan struct{}), make(chan struct{})
		plan.devices[0].spec.Open = func(context.Context, drivers.Board) (drivers.Device, error) {
			return deaf{wild{close: func() error { close(closed); return nil }}, stuck}, nil
		}
		h := runHouse(t, plan, nil, nil)
		time.Sleep(time.Second)
		h.isOnline("kitchen.climate", 2*time.Second)
		began := time.Now()
		h.stop()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the gateway stops after %s", took)
		}
		select {
		case <-closed:
			t.Error("it is closed while it listens")
		default:
		}
		close(stuck)
		<-closed
	})
}

// A driver that hangs and minds no context: its device is offline after the
// timeout, two calls never run at once, and the gateway can stop meanwhile.
func TestHangingDriver(t *testing.T) {
	for _, where := range []string{"open", "sense", "close"} {
		t.Run(where, func(t *testing.T) {
			var release atomic.Pointer[chan struct{}] // nil: nothing hangs
			var running atomic.Int32
			hang := func(in string) {
				if running.Add(1) > 1 {
					t.Error("two calls run at once")
				}
				if stuck := release.Load(); stuck != nil && in == where {
					<-*stuck
				}
				running.Add(-1)
			}
			plan := with(t, func() (drivers.Device, error) {
				hang("open")
				return wild{
					sense: func(context.Context) ([]drivers.Reading, error) {
						hang("sense")
						if release.Load() != nil && where != "sense" {
							return nil, errors.New("cannot read")
						}
						return steady()
					},
					close: func() error { hang("close"); return nil },
				}, nil
			})
			bubbleWith(t, plan, func(t *testing.T, h *testHouse) {
				stuck := make(chan struct{})
				release.Store(&stuck)
				time.Sleep(20 * time.Second)
				h.isOffline("kitchen.climate", "no answer within 5s")
				othersAreWell(t, h)
				time.Sleep(10 * time.Minute)
				h.isOffline("kitchen.climate", "no answer within 5s")
				release.Store(nil)
				close(stuck)
				time.Sleep(75 * time.Second)
				h.isOnline("kitchen.climate", 15*time.Second)

				forGood := make(chan struct{})
				release.Store(&forGood)
				time.Sleep(20 * time.Second)
				began := time.Now()
				h.stop()
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("with a driver that hangs the gateway stops after %s", took)
				}
				close(forGood)
			})
		})
	}
}
