package simboard

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
)

func TestPullAndPress(t *testing.T) {
	for _, one := range []struct {
		o             drivers.LineOptions
		rest, pressed bool
	}{
		{drivers.LineOptions{Pin: "GPIO23", Pull: drivers.PullUp, ActiveLow: true}, false, true},
		{drivers.LineOptions{Pin: "GPIO23", Pull: drivers.PullDown}, false, true},
		{drivers.LineOptions{Pin: "GPIO23", Pull: drivers.PullNone}, false, true},
		{drivers.LineOptions{Pin: "GPIO23", Pull: drivers.PullUp}, true, false},
		{drivers.LineOptions{Pin: "GPIO23", Pull: drivers.PullDown, ActiveLow: true}, true, false},
		{drivers.LineOptions{Pin: "GPIO5", Pull: drivers.PullUp}, true, false},  // nothing is connected
		{drivers.LineOptions{Pin: "GPIO22", Pull: drivers.PullUp}, true, false}, // a door
		{drivers.LineOptions{Pin: "GPIO27", ActiveLow: true}, false, true},      // somebody moves
	} {
		b, w := newBoard(t, house())
		w.Hold("hall", "occupancy", 0)
		w.Hold("hall", "open", 0)
		l, err := b.Line(one.o)
		if err != nil {
			t.Fatal(err)
		}
		for i, act := range []func(string) error{b.Release, b.Press, b.Release} {
			if err := act(one.o.Pin); err != nil {
				t.Error(err)
			}
			want := one.rest
			if i == 1 {
				want = one.pressed
			}
			if got, err := l.Get(); got != want || err != nil {
				t.Errorf("%+v: step %d reads %v, %v, want %v", one.o, i, got, err, want)
			}
		}
	}
}

func TestDebounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newBoard(t, house())
		l, err := b.Line(drivers.LineOptions{Pin: "GPIO23", Debounce: 30 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 { // it bounces
			_ = b.Drive("GPIO23", true)
			time.Sleep(10 * time.Millisecond)
			_ = b.Drive("GPIO23", false)
			time.Sleep(10 * time.Millisecond)
		}
		if got := edges(t, l); got != nil {
			t.Errorf("bouncing makes %v", got)
		}
		_ = b.Drive("GPIO23", true)
		time.Sleep(29 * time.Millisecond)
		if is, _ := l.Get(); is {
			t.Error("the level is taken before its time")
		}
		time.Sleep(2 * time.Millisecond)
		if diff := cmp.Diff([]bool{true}, edges(t, l)); diff != "" {
			t.Errorf("edges (-want +got):\n%s", diff)
		}
		_ = b.Drive("GPIO23", false)
		_ = l.Close() // with a change that is not yet settled
		if _, err := l.Next(t.Context()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a closed line: %v", err)
		}
	})
}

func TestLineIsHeldOnce(t *testing.T) {
	b, _ := newBoard(t, house())
	first, err := b.Line(drivers.LineOptions{Pin: "GPIO17", Consumer: "hall.lamp", Output: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Line(drivers.LineOptions{Pin: "GPIO17"})
	if !errors.Is(err, drivers.ErrBusy) || err.Error() != "GPIO17 is held by hall.lamp: the pin is busy" {
		t.Errorf("taken twice: %v", err)
	}
	for range 2 {
		if err := first.Close(); err != nil {
			t.Error(err)
		}
	}
	second, err := b.Line(drivers.LineOptions{Pin: "GPIO17"})
	if err != nil {
		t.Fatal(err)
	}
	if second.Set(true) == nil {
		t.Error("an input can be set")
	}
	for what, err := range map[string]error{"set": first.Set(true), "close": first.Close()} {
		if what == "set" && !errors.Is(err, os.ErrClosed) || what == "close" && err != nil {
			t.Errorf("%s of a closed line: %v", what, err)
		}
	}
	if _, err := first.Get(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("get of a closed line: %v", err)
	}
}

func TestOutputStartsAtItsLevel(t *testing.T) {
	for _, one := range []struct {
		before, initial, keep, activeLow, want bool
	}{
		{want: false}, {initial: true, want: true}, {activeLow: true, want: true},
		{before: true, want: false}, {before: true, keep: true, want: true}, {initial: true, keep: true, want: false},
		{before: true, initial: true, activeLow: true, want: false}, {before: true, initial: true, activeLow: true, keep: true, want: true},
	} {
		b, _ := newBoard(t, house())
		l, err := b.Line(drivers.LineOptions{Pin: "GPIO17", Output: true, Initial: one.before})
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		l, err = b.Line(drivers.LineOptions{Pin: "GPIO17", Output: true, Initial: one.initial, Keep: one.keep, ActiveLow: one.activeLow})
		if err != nil {
			t.Fatal(err)
		}
		if active, err := l.Get(); b.Level("GPIO17") != one.want || active != (one.want != one.activeLow) || err != nil {
			t.Errorf("%+v: high %v, active %v, %v", one, b.Level("GPIO17"), active, err)
		}
	}
}

// A fault wakes who waits for an edge; a stuck input makes none.
func TestFaultsOfPins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newBoard(t, house())
		l, err := b.Line(drivers.LineOptions{Pin: "GPIO23"})
		if err != nil {
			t.Fatal(err)
		}
		_ = b.Fault("hall.button", Stuck)
		_ = b.Drive("GPIO23", true)
		if got := edges(t, l); got != nil {
			t.Errorf("a stuck pin makes %v", got)
		}
		_ = b.Fault("hall.button", NoFault)
		if is, err := l.Get(); !is || err != nil {
			t.Errorf("mended it reads %v, %v", is, err)
		}
		_ = edges(t, l)
		done := make(chan error)
		go func() {
			_, err := l.Next(context.Background())
			done <- err
		}()
		synctest.Wait()
		_ = b.Fault("hall.button", BusError)
		if err := <-done; err == nil {
			t.Error("who waits is not told of the fault")
		}
		if _, err := l.Get(); err == nil {
			t.Error("it can be read")
		}
	})
}

func TestCloseReleasesAll(t *testing.T) {
	b, _ := newBoard(t, house())
	l, err := b.Line(drivers.LineOptions{Pin: "GPIO27"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Next(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a line of a closed board: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
