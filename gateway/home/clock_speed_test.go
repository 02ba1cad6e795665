package home

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClockChangesItsSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2026, 7, 1, 18, 30, 0, 0, time.UTC)
		c := NewClock(start, 60)
		shows := func(want time.Duration, speed float64) {
			t.Helper()
			if got := c.Now().Sub(start); got != want || c.Speed() != speed {
				t.Errorf("it shows %v at speed %v, want %v at %v", got, c.Speed(), want, speed)
			}
		}
		time.Sleep(10 * time.Second)
		shows(10*time.Minute, 60)
		changed, before := c.Changed(), time.Now().Add(-time.Second)
		c.SetSpeed(0, time.Time{})
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
		c.SetSpeed(3600, c.Now().Add(2*time.Hour))
		time.Sleep(time.Second)
		shows(70*time.Minute, 3600)
		time.Sleep(10 * time.Second)
		shows(130*time.Minute, 0)
		c.SetSpeed(1, time.Time{})
		c.NotBefore(start.Add(5 * time.Hour))
		time.Sleep(time.Second)
		shows(5*time.Hour+time.Second, 1)
		c.SetSpeed(2, start.Add(6*time.Hour))
		time.Sleep(24 * time.Hour)
		shows(6*time.Hour, 0)
	})
	var machine *Clock
	machine.SetSpeed(60, time.Time{})
	if machine.Speed() != 1 || machine.Changed() != nil || machine.Machine(time.Hour) != time.Hour {
		t.Error("the machine's own time changes")
	}
	if now := new(Clock).Now(); time.Since(now) > time.Second {
		t.Errorf("the zero clock shows %v", now)
	}
}
