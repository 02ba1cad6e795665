package clock

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClockChangesItsSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2026, 7, 1, 18, 30, 0, 0, time.UTC)
		c := New(start, 60)
		shows := func(want time.Duration, speed float64) {
			t.Helper()
			if got := c.Now().Sub(start); got != want || c.Speed() != speed {
				t.Errorf("it shows %v at speed %v, want %v at %v", got, c.Speed(), want, speed)
			}
		}
		time.Sleep(10 * time.Second)
		shows(10*time.Minute, 60)
		changed, before := c.Changed(), time.Now().Add(-time.Second)
		c.SetSpeed(0, 0)
		select {
		case <-changed:
		default:
			t.Error("the change is not told")
		}
		time.Sleep(time.Hour)
		shows(10*time.Minute, 0)
		if got := c.At(before).Sub(start); got != 9*time.Minute {
			t.Errorf("just before the change it was %v", got)
		}
		if c.Machine(time.Second) != 24*time.Hour || c.House(time.Hour) != 0 {
			t.Errorf("standing still: %v, %v", c.Machine(time.Second), c.House(time.Hour))
		}
		c.SetSpeed(3600, 2*time.Hour)
		time.Sleep(time.Second)
		shows(70*time.Minute, 3600)
		time.Sleep(10 * time.Second)
		shows(130*time.Minute, 0)
		c.SetSpeed(1, 0)
		c.Set(start.Add(5 * time.Hour))
		time.Sleep(time.Second)
		shows(5*time.Hour+time.Second, 1)
		c.SetSpeed(2, start.Add(6*time.Hour).Sub(c.Now()))
		time.Sleep(24 * time.Hour)
		shows(6*time.Hour, 0)
	})
	var machine *Clock
	machine.SetSpeed(60, 0)
	if machine.Speed() != 1 || machine.Changed() != nil || machine.Machine(time.Hour) != time.Hour {
		t.Error("the machine's own time changes")
	}
	if now := machine.Now(); time.Since(now) > time.Second {
		t.Errorf("the nil clock shows %v", now)
	}
}

func TestClock(t *testing.T) {
	start := time.Date(2026, 1, 1, 18, 30, 0, 0, time.UTC)
	c := New(start, 60)
	machine := time.Now()
	if d := c.At(machine.Add(time.Second)).Sub(c.At(machine)); d != time.Minute {
		t.Errorf("a second is %v of house time, want a minute", d)
	}
	if d := c.Machine(time.Minute); d != time.Second {
		t.Errorf("a minute of the house takes %v, want 1s", d)
	}
	goesOn := New(time.Time{}, 1)
	later := time.Now().Add(time.Hour)
	goesOn.Resume(Mark{later, later}, Mark{later, later})
	if ahead := goesOn.Now().Sub(later); ahead < 0 || ahead > time.Minute || goesOn.Gap() {
		t.Errorf("it goes on %v after it ended", ahead)
	}
	var real *Clock
	if got := real.At(machine); !got.Equal(machine) {
		t.Errorf("the machine's clock shows %v at %v", got, machine)
	}
}
