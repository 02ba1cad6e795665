package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// clockHouse has one of everything that counts time.
const clockHouse = `
gateway: casa
location: {timezone: Etc/UTC}
devices:
  hall.lamp:   {driver: relay, pin: GPIO17}
  hall.heater: {driver: relay, pin: GPIO18, safety: {max_on: 10m}}
  hall.motion: {driver: contact, pin: GPIO27, property: occupancy, pull: down}
  hall.air:    {driver: bme280, every: 10s}
vars:
  beats: 0
  often: 0
  heat: off
rules:
  light: {when: hall.motion.occupancy, mode: restart, do: [{set: {hall.lamp.state: on}}, {wait: 30s}, {set: {hall.lamp.state: off}}]}
  beat:  {when: {every: 1s}, rate: 100 per 1m, do: [{set: {vars.beats: = vars.beats + 1}}]}
  often: {when: {every: 5s}, do: [{set: {vars.often: = vars.often + 1}}]}
  noon:  {when: {at: "12:30"}, do: [{log: noon}]}
  warm:  {when: {is: not hall.motion.occupancy, for: 20s}, do: [{set: {vars.heat: on}}]}
  away:  {when: {is: age(hall.air.temperature) > 30s}, do: [{log: away}]}
`

// noonHouse is shortly before twelve.
var noonHouse = time.Date(2026, 12, 1, 11, 59, 0, 0, time.UTC)

// clockCounts is what a journal has of a house.
type clockCounts struct {
	records, late, stale, sets int
	starts                     map[string]int // by rule
}

// countsOf reads a journal.
func countsOf(t *testing.T, dir string) clockCounts {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	c := clockCounts{starts: make(map[string]int)}
	for r, err := range j.Scan(0) {
		if err != nil {
			t.Fatal(err)
		}
		ev, err := home.ParseEvent(home.Kind(r.Kind), r.Body)
		if err != nil {
			t.Fatal(err)
		}
		c.records++
		switch {
		case home.Flags(r.Flags)&home.FlagLate != 0:
			c.late++
		case ev.Kind == home.KindRule && ev.State == "started":
			c.starts[ev.Name]++
		case ev.Kind == home.KindStatus && ev.State == home.Stale:
			c.stale++
		case ev.Name == home.EventClockSet:
			c.sets++
		}
	}
	return c
}

// move closes the contact of the hall for a moment.
func (h *testHouse) move() {
	h.t.Helper()
	for _, act := range []func(string) error{h.board.Press, h.board.Release} {
		if err := act("GPIO27"); err != nil {
			h.t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// litFor moves in the hall, lets meanwhile happen once the lamp is on, and returns how long it is lit.
func (h *testHouse) litFor(meanwhile func()) time.Duration {
	h.t.Helper()
	began := time.Now()
	h.move()
	if !h.board.Level("GPIO17") {
		h.t.Fatal("the light stays off")
	}
	meanwhile()
	for h.board.Level("GPIO17") && time.Since(began) < time.Hour {
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(began)
}

// finds asks for what happened between two wall times, and compares it with all there is.
func (h *testHouse) finds(from, to time.Time) {
	h.t.Helper()
	count := func(from, to time.Time) (all, within int) {
		for ev := range h.Past.Range(h.t.Context(), from, to, nil) {
			all++
			if !ev.At.Before(from) && !ev.At.After(to) {
				within++
			}
		}
		return all, within
	}
	want := 0
	for ev := range h.Past.Range(h.t.Context(), time.Time{}, noonHouse.AddDate(200, 0, 0), nil) {
		if !ev.At.Before(from) && !ev.At.After(to) {
			want++
		}
	}
	if all, within := count(from, to); all != want || within != want || want == 0 {
		h.t.Errorf("from %v to %v: %d are found, %d of them within, want %d", from, to, all, within, want)
	}
}

// TestHouseBehindItsJournal starts a house whose journal ends ahead of the clock, as after a power
// cut without a network, and again after a kill. It works from the first second.
func TestHouseBehindItsJournal(t *testing.T) {
	for _, ahead := range []time.Duration{0, 8 * time.Second, 10 * time.Second, time.Minute, time.Hour, 365 * 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			plans := []*Plan{planOf(t, clockHouse), planOf(t, clockHouse), planOf(t, clockHouse)}
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				for i, plan := range plans {
					shows := clock.New(noonHouse, 1)
					if i == 0 {
						shows = clock.New(noonHouse.Add(ahead), 1)
					}
					h := runHouse(t, plan, shows, func(o *Options) { o.Journal, o.Simulated = dir, false })
					time.Sleep(15 * time.Second)
					if lit := h.litFor(func() {}); lit < 30*time.Second || lit > 31*time.Second {
						t.Errorf("start %d: the light is on for %v, want 30 s", i, lit)
					}
					for _, r := range h.device("hall.air").Readings {
						if age := shows.Now().Sub(r.Time); age < 0 || age > 11*time.Second {
							t.Errorf("start %d: %s is %v old", i, r.Name, age)
						}
					}
					h.stop()
				}
			})
			c := countsOf(t, dir)
			if c.late != 0 || c.stale != 0 || c.starts["light"] != 3 || c.starts["beat"] < 3*44 || c.starts["beat"] > 3*48 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestHouseWhoseClockIsSet sets the clock while rules wait. Everything takes as long as it
// should, each rule starts as often as it should, and the journal has no more of it.
func TestHouseWhoseClockIsSet(t *testing.T) {
	const day = 24 * time.Hour
	for name, jumps := range map[string][]time.Duration{
		"never":          {},
		"3 h forward":    {3 * time.Hour},
		"14 d forward":   {14 * day},
		"56 y forward":   {56 * 365 * day},
		"10 s back":      {-10 * time.Second},
		"1 h back":       {-time.Hour},
		"1 y back":       {-365 * day},
		"back and forth": {3 * time.Hour, -3 * time.Hour, time.Minute, -time.Hour, 14 * day, -day, 5 * time.Second, -5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := planOf(t, clockHouse), planOf(t, clockHouse)
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				shows := clock.New(noonHouse, 1)
				h := runHouse(t, first, shows, func(o *Options) { o.Journal = dir })
				time.Sleep(5 * time.Second)
				h.set("hall.heater", "state", home.BooleanOf(true))
				lit := h.litFor(func() {
					for _, by := range jumps {
						shows.Set(shows.Now().Add(by))
						time.Sleep(2 * time.Second)
					}
				})
				if lit < 30*time.Second || lit > 31*time.Second {
					t.Errorf("the light is on for %v, want 30 s", lit)
				}
				values := h.variables()
				if values["vars.heat"] != "on" {
					t.Errorf("after %v nothing was true for 20 s", lit)
				}
				if o := h.set("hall.lamp", "state", home.Toggle); !o.Result.OK() {
					t.Errorf("a command: %+v", o)
				}
				time.Sleep(9*time.Minute + 10*time.Second - lit)
				if !h.board.Level("GPIO18") {
					t.Error("the heater was switched off before its time")
				}
				h.finds(noonHouse, noonHouse.Add(4*time.Second))
				h.finds(shows.Now().Add(-time.Minute), shows.Now())
				h.stop()

				h = runHouse(t, second, clock.New(shows.Now(), 1), func(o *Options) { o.Journal = dir })
				time.Sleep(time.Minute)
				if h.board.Level("GPIO18") {
					t.Error("the heater is on for more than 10 minutes")
				}
				h.isOnline("hall.air", 365*100*day)
				h.stop()
			})
			c := countsOf(t, dir)
			within := func(what string, got, least, most int) {
				if got < least || got > most {
					t.Errorf("%s: %d, want %d to %d", what, got, least, most)
				}
			}
			within("late", c.late, 0, 0)
			within("stale", c.stale, 0, 0)
			within("settings of the clock", c.sets, len(jumps), len(jumps)+1)
			within("starts of beat", c.starts["beat"], 10*60+10-10, 10*60+25)
			within("starts of often", c.starts["often"], 2*60-2, 2*60+6+len(jumps))
			within("starts of noon", c.starts["noon"], 0, 1)
			within("starts of light", c.starts["light"], 1, 1)
			within("starts of away", c.starts["away"], 0, 0)
			within("records", c.records, 3000, 6000)
			if t.Failed() {
				t.Logf("%+v", c)
			}
		})
	}
}

// TestHouseWithoutATrustedClock starts in 1970, as a Pi without a network does, and is set right
// after a minute. All works from the first second but what needs the time of the day.
func TestHouseWithoutATrustedClock(t *testing.T) {
	plan := planOf(t, clockHouse)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		shows := clock.New(time.Unix(30, 0).UTC().Add(12*time.Hour+29*time.Minute+30*time.Second), 1)
		shows.SetLevel(clock.Doubted)
		h := runHouse(t, plan, shows, func(o *Options) { o.Journal = dir })
		time.Sleep(2 * time.Second)
		if lit := h.litFor(func() {}); lit < 30*time.Second || lit > 31*time.Second {
			t.Errorf("the light is on for %v, want 30 s", lit)
		}
		time.Sleep(2 * time.Minute) // past half past twelve, as it seems
		if c := h.House.Status().Clock; c.Trusted || c.Why == "" {
			t.Errorf("the clock is said to be %+v", c)
		}
		right := time.Date(2026, 12, 1, 12, 29, 30, 0, time.UTC)
		shows.Set(right)
		shows.SetLevel(clock.Vouched)
		time.Sleep(20 * time.Second)
		if c := h.House.Status().Clock; !c.Trusted || c.SetBy < 56*365*24*3600 {
			t.Errorf("the clock is said to be %+v", c)
		}
		time.Sleep(20 * time.Second)
		h.isOnline("hall.air", 100*365*24*time.Hour)
		h.stop()
	})
	c := countsOf(t, dir)
	if c.starts["noon"] != 1 || c.starts["light"] != 1 || c.late+c.stale != 0 || c.sets < 2 || c.sets > 3 {
		t.Errorf("%+v", c)
	}
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var line home.Timeline
	for r := range j.Scan(0) {
		ev, err := home.ParseEvent(home.Kind(r.Kind), r.Body)
		if err != nil {
			t.Fatal(err)
		}
		ev.At, ev.Flags = time.UnixMicro(r.Time), home.Flags(r.Flags)
		line.Place(&ev)
		if untrusted := ev.Flags&home.FlagUntrusted != 0; untrusted != (ev.At.Year() < 1971) {
			t.Fatalf("%s %s of %v is marked as not trusted: %v", ev.Kind, ev.FullName(), ev.At, untrusted)
		}
		if ev.Kind == home.KindRule && ev.Name == "noon" && ev.At.Year() < 2026 {
			t.Errorf("noon is %s at %v", ev.State, ev.At)
		}
	}
}
