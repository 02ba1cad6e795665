package hub

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// openAt opens a hub with a clock of its own.
func openAt(t *testing.T, dir string, c *clock.Clock) (h *Hub, stop func()) {
	t.Helper()
	h, j := open(t, dir, nil)
	h.o.Clock = c
	h.now = c.Read()
	h.Recover()
	return h, run(t, h, j)
}

// recorded reads a journal, with the elapsed times that a reader derives.
func recorded(t *testing.T, dir string) []home.Event {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{MaxSize: 8 << 20, SegmentSize: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var events []home.Event
	var line home.Timeline
	for r, err := range j.Scan(0) {
		if err != nil {
			t.Fatal(err)
		}
		ev, err := home.ParseEvent(home.Kind(r.Kind), r.Body)
		if err != nil {
			t.Fatal(err)
		}
		ev.Flags, ev.At = home.Flags(r.Flags), time.UnixMicro(r.Time)
		line.Place(&ev)
		events = append(events, ev)
	}
	return events
}

var start2026 = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// TestClockIsSet sets the wall time forward and back under a hub: what is read of the
// journal has the elapsed times that it had when it happened.
func TestClockIsSet(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(start2026, 1)
		h, stop := openAt(t, dir, c)
		follow := h.Follow()
		var seen []home.Event
		for _, by := range []time.Duration{0, time.Hour, -3 * time.Hour, 56 * 365 * 24 * time.Hour, -2 * 365 * 24 * time.Hour, time.Second, 0} {
			c.Set(c.Now().Add(by))
			accept(t, h, reading("a", "t", float64(by)))
			time.Sleep(10 * time.Second)
		}
		stop()
		for len(seen) < int(h.Handled()) {
			ev, _, err := follow.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, ev)
		}
		sets := 0
		for i, ev := range recorded(t, dir) {
			if !ev.Elapsed.Equal(seen[i].Elapsed) || !ev.At.Equal(seen[i].At) {
				t.Errorf("%s %s was at %v, elapsed %v; it is read as %v, %v", ev.Kind, ev.Name, seen[i].At, seen[i].Elapsed, ev.At, ev.Elapsed)
			}
			if i > 0 && ev.Elapsed.Before(seen[i-1].Elapsed) {
				t.Errorf("elapsed time goes back to %v", ev.Elapsed)
			}
			if passed := ev.Elapsed.Sub(start2026); passed > 71*time.Second {
				t.Errorf("%v have passed, want at most 70 s", passed)
			}
			if ev.Flags&(home.FlagUntrusted|home.FlagLate) != 0 {
				t.Errorf("%s %s has the flags %b", ev.Kind, ev.Name, ev.Flags)
			}
			if ev.Name == home.EventClockSet {
				sets++
			}
		}
		if sets != 4 {
			t.Errorf("the clock was set %d times, want 4", sets)
		}
	})
}

// TestClockOverARestart starts a hub again with clocks that show anything. The elapsed
// time goes on by what is known to have passed, and nothing is late.
func TestClockOverARestart(t *testing.T) {
	for _, c := range []struct {
		name             string
		shows            time.Duration // the wall time after the restart, against that before
		doubted          bool
		corrected        time.Duration // by which the wall time is set 30 s later
		passed, off, age time.Duration // at the end
	}{
		{name: "three hours later", shows: 3 * time.Hour, passed: 3*time.Hour + 40*time.Second, age: 3*time.Hour + 40*time.Second},
		{name: "a minute behind", shows: -time.Minute, passed: 40 * time.Second, age: 40 * time.Second},
		{name: "a year behind", shows: -365 * 24 * time.Hour, passed: 40 * time.Second, age: 40 * time.Second},
		{name: "not trusted, and then right", shows: 5 * time.Second, doubted: true, corrected: 3*time.Hour - 35*time.Second,
			passed: 40 * time.Second, off: 3*time.Hour - 30*time.Second, age: 3*time.Hour + 10*time.Second},
		{name: "not trusted, and years behind", shows: -56 * 365 * 24 * time.Hour, doubted: true, corrected: 56*365*24*time.Hour + time.Hour - 30*time.Second,
			passed: 40 * time.Second, off: time.Hour - 30*time.Second, age: time.Hour + 10*time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				first := clock.New(start2026, 1)
				h, stop := openAt(t, dir, first)
				accept(t, h, reading("old", "t", 1), reading("both", "t", 1))
				stop()
				ended := h.now

				second := clock.New(ended.At.Add(c.shows), 1)
				if c.doubted {
					second.SetLevel(clock.Doubted)
				}
				h, stop = openAt(t, dir, second)
				accept(t, h, reading("both", "t", 2))
				time.Sleep(30 * time.Second)
				if c.doubted {
					second.Set(second.Now().Add(c.corrected))
					second.SetLevel(clock.Vouched)
				}
				time.Sleep(10 * time.Second)
				accept(t, h, reading("new", "t", 3))
				age := func(device string) time.Duration {
					return second.Now().Sub(h.Devices(device + ".t")[0].Readings[0].Time)
				}
				for _, device := range []string{"old", "both", "new"} {
					h.Accept([]home.Event{{Kind: home.KindCatalog, Device: device, Catalog: &home.Catalog{Properties: []home.Property{{Name: "t", Type: home.TypeNumber}}}}}, nil)
				}
				synctest.Wait()
				// accept waits for the disk, which may take a part of a second of this time.
				if got := age("old").Truncate(time.Second); got != c.age {
					t.Errorf("what was measured before is %v old, want %v", got, c.age)
				}
				if got := age("both").Truncate(time.Second); got != 40*time.Second {
					t.Errorf("what was measured 40 s ago is %v old", got)
				}
				if got := age("new").Truncate(time.Second); got != 0 {
					t.Errorf("what was measured now is %v old", got)
				}
				stop()
				events := recorded(t, dir)
				last := events[len(events)-1]
				if passed := last.Elapsed.Sub(ended.Elapsed).Truncate(time.Second); passed != c.passed {
					t.Errorf("%v have passed, want %v", passed, c.passed)
				}
				var off time.Duration
				for _, ev := range events {
					if set, ok := ev.ClockSet(); ok {
						off += time.Duration(set.Off * float64(time.Second)).Round(10 * time.Millisecond)
					}
					if ev.Late() {
						t.Errorf("%s of %s is late", ev.Kind, ev.Device)
					}
				}
				if off != c.off {
					t.Errorf("%v were added for the time before the start, want %v", off, c.off)
				}
				untrusted := slices.ContainsFunc(events, func(ev home.Event) bool { return ev.Flags&home.FlagUntrusted != 0 })
				if untrusted != c.doubted || last.Flags&home.FlagUntrusted != 0 {
					t.Errorf("marked as not trusted: %v, and at the end %b", untrusted, last.Flags)
				}
			})
		})
	}
}

// TestWorth starts with a time that nobody vouches for. What was recorded then is corrected as
// soon as somebody does, in the same run; also what was trusted only since nobody contradicted.
func TestWorth(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const wrong = 3 * time.Hour
		c := clock.New(start2026, 1)
		h, stop := openAt(t, dir, c)
		var seqs []uint64
		record := func() {
			accept(t, h, reading("a", "t", float64(len(seqs))))
			seqs = append(seqs, h.o.Journal.Last())
		}
		say := func(want ...string) {
			t.Helper()
			for i, seq := range seqs {
				word, by := h.turns.Worth(seq)
				if word != want[i] || by != 0 && by != wrong || (by != 0) != (word == home.ClockCorrected) {
					t.Errorf("record %d: %q by %v, want %q", i, word, by, want[i])
				}
			}
		}
		record()
		c.SetLevel(clock.Doubted)
		record()
		say("", home.ClockUntrusted)
		stop()

		c = clock.New(start2026.Add(time.Minute), 1) // what was wrong before the restart stays so
		c.SetLevel(clock.Doubted)
		h, stop = openAt(t, dir, c)
		record()
		c.SetLevel(clock.Assumed)
		record()
		say("", home.ClockUntrusted, home.ClockUntrusted, "")
		c.Set(c.Now().Add(wrong))
		c.SetLevel(clock.Vouched)
		record()
		say("", home.ClockUntrusted, home.ClockCorrected, home.ClockCorrected, "")
		stop()

		h, stop = openAt(t, dir, clock.New(c.Now(), 1)) // it is known after the next start, too
		say("", home.ClockUntrusted, home.ClockCorrected, home.ClockCorrected, "")
		stop()
	})
}
