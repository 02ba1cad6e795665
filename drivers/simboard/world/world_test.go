package world

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func cordoba() Options {
	return Options{Seed: 1, Latitude: -31.42, Longitude: -64.18, Location: time.FixedZone("-03", -3*3600)}
}

// evening is half past six on the nth day of a year.
func evening(o Options, n int) time.Time { return time.Date(2026, 1, n, 18, 30, 0, 0, o.Location) }

func sample(w *World, room string) []float64 {
	return []float64{w.Temperature(room), w.Humidity(room), w.Pressure(room), w.Illuminance(room), truth(w.Occupied(room)), truth(w.Open(room))}
}

func TestSameSeedSameWorld(t *testing.T) {
	run := func(o Options, every time.Duration) (all [][]float64) {
		w, begin := New(o), evening(o, 100)
		w.Advance(begin)
		for _, room := range []string{"kitchen", "hall", "garden"} {
			_ = w.Temperature(room)
		}
		for at := time.Duration(0); at <= 3*time.Hour; at += every {
			w.Advance(begin.Add(at))
			if at == time.Hour {
				w.Set("kitchen.heater", true)
			}
			if at%(10*time.Minute) == 0 {
				for _, room := range []string{"kitchen", "hall", "garden"} {
					all = append(all, sample(w, room))
				}
			}
		}
		return all
	}
	first := run(cordoba(), time.Minute)
	if diff := cmp.Diff(first, run(cordoba(), time.Minute)); diff != "" {
		t.Errorf("the same seed gives another world:\n%s", diff)
	}
	if diff := cmp.Diff(first, run(cordoba(), 4*time.Second)); diff != "" {
		t.Errorf("it matters how often the time is told:\n%s", diff)
	}
	other := cordoba()
	other.Seed = 2
	if cmp.Equal(first, run(other, time.Minute)) {
		t.Error("another seed gives the same world")
	}
}

// What the demo shows must happen on any day of the year, within two hours.
func TestEveningOfAnyDay(t *testing.T) {
	rooms := []string{"hall", "kitchen", "cellar", "living", "bath"}
	for n := 1; n <= 365; n += 13 {
		o := cordoba()
		o.Seed = int64(n)
		w, begin := New(o), evening(o, n)
		visits, inside := map[string]int{}, map[string]bool{}
		cold := false
		w.Advance(begin)
		for at := time.Duration(0); at <= 2*time.Hour; at += 5 * time.Second {
			w.Advance(begin.Add(at))
			for _, room := range rooms {
				is := w.Occupied(room)
				if is && !inside[room] {
					visits[room]++
				}
				inside[room] = is
				if room == "hall" && at == 10*time.Minute && visits[room] == 0 {
					t.Errorf("day %d: nobody came within ten minutes", n)
				}
			}
			cold = cold || w.Temperature("kitchen") < 18 && at < 40*time.Minute
		}
		for _, room := range rooms {
			if visits[room] < 4 {
				t.Errorf("day %d: %d visits to the %s", n, visits[room], room)
			}
		}
		if !cold {
			t.Errorf("day %d: the kitchen has %.1f °C after two hours and was not cold in time", n, w.Temperature("kitchen"))
		}
		if c := w.Temperature("cellar"); c > 16 {
			t.Errorf("day %d: the cellar has %.1f °C", n, c)
		}
		if lx := w.Illuminance("hall"); lx >= 30 {
			t.Errorf("day %d: at 20:30 the hall has %.0f lx", n, lx)
		}
	}
}

func TestHeaterAndLamp(t *testing.T) {
	o := cordoba()
	w, begin := New(o), evening(o, 150)
	w.Advance(begin)
	before := sample(w, "kitchen")
	w.Set("kitchen.heater", true)
	w.Set("kitchen.ceiling.lamp", true)
	w.Set("hall.lamp", true)
	w.Advance(begin.Add(time.Hour))
	if c := w.Temperature("kitchen"); c < before[0]+3 || c > before[0]+10 {
		t.Errorf("an hour of heating brings it from %.1f to %.1f °C", before[0], c)
	}
	if lx := w.Illuminance("kitchen"); lx < lampLight {
		t.Errorf("with the lamp there are %.1f lx", lx)
	}
	w.Set("kitchen.ceiling.lamp", false)
	w.Set("kitchen.heater", false)
	warm := w.Temperature("kitchen")
	w.Advance(begin.Add(4 * time.Hour))
	if c := w.Temperature("kitchen"); c > warm-2 {
		t.Errorf("without heating it stays at %.1f of %.1f °C", c, warm)
	}
	if lx := w.Illuminance("kitchen"); lx > 5 {
		t.Errorf("without the lamp there are %.1f lx", lx)
	}
}

func TestSeasonStaysWithinReason(t *testing.T) {
	o := cordoba()
	w, begin := New(o), evening(o, 1)
	for at := time.Duration(0); at < 120*24*time.Hour; at += 7*time.Hour + 13*time.Minute {
		w.Advance(begin.Add(at))
		for _, room := range []string{"kitchen", "cellar", "hall", "garden"} {
			s := sample(w, room)
			if s[0] < -10 || s[0] > 40 || s[1] < 15 || s[1] > 99 || s[2] < 1000 || s[2] > 1026 || s[3] < 0 || s[3] > 120_000 {
				t.Fatalf("after %v the %s has %.4v", at, room, s)
			}
		}
	}
}

// The sun at places and times for which almanacs are easily found.
func TestElevation(t *testing.T) {
	for _, one := range []struct {
		latitude, longitude float64
		at                  time.Time
		want                float64
	}{
		{0, 0, time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC), 88},
		{51.5, 0, time.Date(2026, 6, 21, 12, 0, 0, 0, time.UTC), 61.9},
		{51.5, 0, time.Date(2026, 12, 21, 12, 0, 0, 0, time.UTC), 15.1},
		{-31.42, -64.18, time.Date(2026, 12, 21, 16, 15, 0, 0, time.UTC), 82},
		{-31.42, -64.18, time.Date(2026, 6, 21, 21, 20, 0, 0, time.UTC), -0.8}, // sunset
		{69.6, 18.9, time.Date(2026, 6, 21, 22, 45, 0, 0, time.UTC), 3},        // midnight sun
	} {
		w := New(Options{Latitude: one.latitude, Longitude: one.longitude})
		if got := w.elevation(one.at); math.Abs(got-one.want) > 2 {
			t.Errorf("%v at %v, %v: %.1f°, want %.1f°", one.at, one.latitude, one.longitude, got, one.want)
		}
	}
}

func TestHoldAndRelease(t *testing.T) {
	w := New(cordoba())
	w.Advance(evening(cordoba(), 1))
	free := sample(w, "hall")
	held := []float64{-12.5, 3, 500, 77, 1, 1}
	names := []string{"temperature", "humidity", "pressure", "illuminance", "occupancy", "open"}
	for i, q := range names {
		w.Hold("hall", q, held[i])
	}
	if diff := cmp.Diff(held, sample(w, "hall")); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	for _, q := range names {
		w.Release("hall", q)
	}
	if diff := cmp.Diff(free, sample(w, "hall")); diff != "" {
		t.Errorf("released (-want +got):\n%s", diff)
	}
}

func TestAnEarlierTimeIsIgnored(t *testing.T) {
	w := New(cordoba())
	begin := evening(cordoba(), 1)
	w.Advance(begin)
	_ = w.Temperature("kitchen")
	w.Advance(begin.Add(time.Hour))
	late := sample(w, "kitchen")
	w.Advance(begin)
	if diff := cmp.Diff(late, sample(w, "kitchen")); diff != "" {
		t.Errorf("the world went back:\n%s", diff)
	}
}

func BenchmarkYear(b *testing.B) {
	for b.Loop() {
		w := New(cordoba())
		w.Advance(evening(cordoba(), 1))
		for _, room := range []string{"kitchen", "cellar", "hall", "living"} {
			_ = w.Temperature(room)
		}
		w.Advance(evening(cordoba(), 366))
	}
}
