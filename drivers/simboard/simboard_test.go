package simboard

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/simboard/world"
)

var (
	climate = drivers.Part{Chip: "bme280", Bus: "I2C1", Address: 0x76}
	light   = drivers.Part{Chip: "bh1750", Bus: "I2C1", Address: 0x23}
	probe   = drivers.Part{Chip: "tmp102", Bus: "I2C1", Address: 0x48}
	lamp    = drivers.Part{Chip: "relay", Pin: "GPIO17"}
	motion  = drivers.Part{Chip: "motion", Pin: "GPIO27"}
	door    = drivers.Part{Chip: "door", Pin: "GPIO22"}
	button  = drivers.Part{Chip: "button", Pin: "GPIO23"}
)

func house() map[string][]drivers.Part {
	return map[string][]drivers.Part{"hall.climate": {climate}, "hall.light": {light}, "hall.probe": {probe},
		"hall.lamp": {lamp}, "hall.motion": {motion}, "hall.door": {door}, "hall.button": {button}}
}

func newBoard(t *testing.T, parts map[string][]drivers.Part) (*Board, *world.World) {
	t.Helper()
	w := world.New(world.Options{Seed: 3})
	b, err := New(w, time.Now, parts)
	if err != nil {
		t.Fatal(err)
	}
	return b, w
}

func TestNewRefuses(t *testing.T) {
	for say, parts := range map[string]map[string][]drivers.Part{
		"0x76 on I2C1 has a":        {"a": {climate}, "b": {climate}},
		"GPIO17 has a":              {"a": {lamp}, "b": {lamp}},
		"no model of a \"toaster\"": {"a": {{Chip: "toaster", Bus: "I2C1", Address: 1}}},
		"at 0x70":                   {"a": {{Chip: "bme280", Bus: "I2C1", Address: 0x70}}},
		"no \"toaster\" at a pin":   {"a": {{Chip: "toaster", Pin: "GPIO1"}}},
		"no pin \"GPIO99\"":         {"a": {{Chip: "relay", Pin: "GPIO99"}}},
	} {
		if _, err := New(world.New(world.Options{}), time.Now, parts); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("error %v, expected %q", err, say)
		}
	}
}

func TestBuses(t *testing.T) {
	b, _ := newBoard(t, map[string][]drivers.Part{"a": {{Chip: "tmp102", Bus: "I2C3", Address: 0x48}}})
	for _, name := range []string{"I2C1", "I2C3"} {
		if bus, err := b.I2C(name); err != nil || bus.String() != name {
			t.Errorf("%s: %v, %v", name, bus, err)
		}
	}
	if _, err := b.I2C("I2C7"); err == nil || !strings.Contains(err.Error(), "I2C1 I2C3") {
		t.Errorf("I2C7: %v", err)
	}
	if _, err := b.Line(drivers.LineOptions{Pin: "GPIO28"}); err == nil {
		t.Error("there is a GPIO28")
	}
	bus, _ := b.I2C("I2C1")
	if err := bus.Tx(0x48, []byte{0}, make([]byte, 2)); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("nobody at 0x48 of I2C1: %v", err)
	}
}

// What is wrong with one chip is no matter to another on the same bus, not even
// while the one hangs.
func TestFaultsHarmOneDeviceOnly(t *testing.T) {
	for fault, want := range map[Fault]error{
		Absent: syscall.ENXIO, BusError: syscall.EIO, Hang: syscall.ETIMEDOUT, Stuck: nil, NoFault: nil,
	} {
		t.Run("fault "+string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, _ := newBoard(t, house())
				bus, err := b.I2C("I2C1")
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Fault("hall.climate", fault); err != nil {
					t.Fatal(err)
				}
				var id [1]byte
				done := make(chan error)
				go func() { done <- bus.Tx(0x76, []byte{bmeID}, id[:]) }()
				synctest.Wait()
				begin := time.Now()
				if err := bus.Tx(0x48, []byte{1}, make([]byte, 2)); err != nil || time.Since(begin) > 0 {
					t.Errorf("the neighbour: %v after %v", err, time.Since(begin))
				}
				if err := <-done; !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
				if is, want := id[0], map[Fault]byte{Stuck: 0xFF, NoFault: 0x60}[fault]; is != want {
					t.Errorf("it reads %#x, want %#x", is, want)
				}
				if took := time.Since(begin); (took == patience) != (fault == Hang) {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
	b, _ := newBoard(t, house())
	if b.Fault("no.such", Absent) == nil || b.Fault("hall.lamp", "sleepy") == nil {
		t.Error("an unknown device or fault is taken")
	}
}

func TestMendingEndsAHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newBoard(t, house())
		bus, _ := b.I2C("I2C1")
		_ = b.Fault("hall.climate", Hang)
		begin := time.Now()
		done := make(chan error)
		go func() { done <- bus.Tx(0x76, []byte{bmeID}, make([]byte, 1)) }()
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err == nil || time.Since(begin) > 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// A chip that was away comes back as from the factory.
func TestAbsentForgets(t *testing.T) {
	b, _ := newBoard(t, house())
	bus, _ := b.I2C("I2C1")
	var hum [1]byte
	read := func() byte {
		if err := bus.Tx(0x76, []byte{bmeCtrlHum}, hum[:]); err != nil {
			t.Error(err)
		}
		return hum[0]
	}
	if err := bus.Tx(0x76, []byte{bmeCtrlHum, 3}, nil); err != nil || read() != 3 {
		t.Errorf("ctrl_hum is %d, %v", hum[0], err)
	}
	_ = b.Fault("hall.climate", Absent)
	_ = bus.Tx(0x76, []byte{bmeCtrlHum}, hum[:])
	_ = b.Fault("hall.climate", NoFault)
	if read() != 0 {
		t.Errorf("ctrl_hum is still %d", hum[0])
	}
}

// The world is told of the lamp, and the light sensor sees it.
func TestLampLightsTheRoom(t *testing.T) {
	b, w := newBoard(t, house())
	l, err := b.Line(drivers.LineOptions{Pin: "GPIO17", Output: true, ActiveLow: true})
	if err != nil {
		t.Fatal(err)
	}
	dark := w.Illuminance("hall")
	if err := l.Set(true); err != nil || b.Level("GPIO17") {
		t.Errorf("set: %v, high: %v", err, b.Level("GPIO17"))
	}
	if lit := w.Illuminance("hall"); lit < dark+100 {
		t.Errorf("from %.0f to %.0f lx", dark, lit)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if w.Illuminance("hall") < dark+100 {
		t.Error("the lamp goes off when the pin is released")
	}
}

// Somebody comes by, the door opens, at sixty times the machine's pace.
func TestRunBringsEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2026, 4, 1, 18, 30, 0, 0, time.UTC)
		origin := time.Now()
		house60 := func() time.Time { return start.Add(60 * time.Since(origin)) }
		b, err := New(world.New(world.Options{Seed: 3}), house60, house())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		for pin, idle := range map[string]bool{"GPIO27": false, "GPIO22": true} {
			l, err := b.Line(drivers.LineOptions{Pin: pin, ActiveLow: pin == "GPIO22", Debounce: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if is, err := l.Get(); is != idle || err != nil {
				t.Errorf("%s begins with %v, %v", pin, is, err)
			}
			go func() {
				var got []bool
				for {
					e, err := l.Next(ctx)
					if err != nil {
						done <- nil
						if len(got) < 8 {
							t.Errorf("%s: %d edges in two hours of an evening", pin, len(got))
						}
						return
					}
					if got = append(got, e.Active); e.Active == idle != (len(got)%2 == 0) {
						t.Errorf("%s: edge %d is %v", pin, len(got), e.Active)
					}
				}
			}()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// edges takes the edges that wait at a line.
func edges(t *testing.T, l drivers.Line) (active []bool) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		e, err := l.Next(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return active
		}
		if err != nil {
			t.Fatal(err)
		}
		active = append(active, e.Active)
	}
}

func TestOldestEdgesAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newBoard(t, house())
		l, err := b.Line(drivers.LineOptions{Pin: "GPIO23"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 21 {
			_ = b.Drive("GPIO23", i%2 == 0)
		}
		var want []bool
		for i := 5; i < 21; i++ {
			want = append(want, i%2 == 0)
		}
		if diff := cmp.Diff(want, edges(t, l)); diff != "" {
			t.Errorf("edges (-want +got):\n%s", diff)
		}
	})
}
