package world

import (
	"testing"
	"time"
)

// What there is stays within reason, on any day, and what people and actuators do
// is seen.
func TestQuantities(t *testing.T) {
	limits := map[string][2]float64{
		"co2": {400, 2200}, "pm1": {0, 30}, "pm25": {0, 30}, "pm10": {0, 40}, "voltage": {11.5, 14}, "current": {0.1, 0.2},
		"power": {1, 3}, "fan": {0, 0}, "distance": {40, 180}, "input0": {0, 3.3}, "input1": {0, 3.3}, "input2": {0, 3.3}, "input3": {0, 3.3},
		"nothing": {0, 0},
	}
	o := cordoba()
	w, begin := New(o), evening(o, 1)
	for at := time.Duration(0); at < 60*24*time.Hour; at += 5*time.Hour + 7*time.Minute {
		w.Advance(begin.Add(at))
		for quantity, limit := range limits {
			for _, room := range []string{"hall", "garden"} {
				if v := w.Quantity(room, quantity); v < limit[0] || v > limit[1] {
					t.Fatalf("after %v the %s has a %s of %v, not in %v", at, room, quantity, v, limit)
				}
			}
		}
	}
}

func TestPeopleBreathe(t *testing.T) {
	o := cordoba()
	w, begin := New(o), evening(o, 100)
	visited, empty := 0.0, 0.0
	for at := time.Duration(0); at < 24*time.Hour; at += time.Minute {
		w.Advance(begin.Add(at))
		if ppm := w.Quantity("hall", "co2"); at < 2*time.Hour { // somebody comes by
			visited = max(visited, ppm)
		} else if local := begin.Add(at).Hour(); local > 2 && local < 6 {
			empty = max(empty, ppm)
		}
	}
	if visited < empty+50 {
		t.Errorf("%v ppm in the evening, %v ppm at night", visited, empty)
	}
}

func TestWhatIsOnDrawsCurrent(t *testing.T) {
	o := cordoba()
	w := New(o)
	w.Advance(evening(o, 100))
	idle, volts := w.Quantity("shed", "current"), w.Quantity("shed", "voltage")
	w.Set("shed.heater", true)
	w.Dim("shed.lamp", 0.5)
	w.Dim("shed.fan", 0.5)
	if more := w.Quantity("shed", "current") - idle; more < 1.52 || more > 1.53 {
		t.Errorf("a heater, half a lamp and half a fan draw %v A", more)
	}
	if now := w.Quantity("shed", "voltage"); now >= volts {
		t.Errorf("the voltage goes from %v to %v V", volts, now)
	}
	if rpm := w.Quantity("shed", "fan"); rpm != 1200 {
		t.Errorf("half a fan turns with %v rpm", rpm)
	}
}

// TestActuatorsCloseTheCircle: what is switched on is seen by what measures.
func TestActuatorsCloseTheCircle(t *testing.T) {
	o := cordoba()
	for device, see := range map[string]struct {
		quantity string
		rises    bool
	}{
		"bath.fan":          {"humidity", false},
		"bath.humidifier":   {"humidity", true},
		"bath.dehumidifier": {"humidity", false},
		"bath.aircon":       {"temperature", false},
		"bath.heater":       {"temperature", true},
		"bath.lamp":         {"illuminance", true},
		"bath.pump":         {"power", true},
		"bath.extractor":    {"co2", false},
	} {
		with, without := New(o), New(o)
		for _, w := range []*World{with, without} {
			w.Advance(evening(o, 100))
			_ = w.Temperature("bath")
		}
		with.Set(device, true)
		for _, w := range []*World{with, without} {
			w.Advance(evening(o, 100).Add(time.Hour))
		}
		on, off := with.Quantity("bath", see.quantity), without.Quantity("bath", see.quantity)
		if on == off || on > off != see.rises {
			t.Errorf("with %s the %s is %v, without %v", device, see.quantity, on, off)
		}
		if d := with.Quantity("bath", "power") - without.Quantity("bath", "power"); d <= 0 {
			t.Errorf("%s draws %v W", device, d)
		}
	}
}

func TestFridge(t *testing.T) {
	o := cordoba()
	w, begin := New(o), evening(o, 100)
	var runs, rests int
	for at := time.Duration(0); at < 24*time.Hour; at += time.Minute {
		w.Advance(begin.Add(at))
		if w.Quantity("kitchen", "current") > 0.5 {
			runs++
		} else {
			rests++
		}
	}
	if runs < 400 || runs > 560 {
		t.Errorf("in a day it runs for %d minutes and rests for %d", runs, rests)
	}
}

// TestSeasons: on the southern side of the earth January is warm and its days are long.
func TestSeasons(t *testing.T) {
	day := func(n int) (mean, light float64) {
		w := New(cordoba())
		for at := time.Duration(0); at < 24*time.Hour; at += 15 * time.Minute {
			w.Advance(evening(cordoba(), n).Add(at))
			mean += w.Temperature("garden") / 96
			if w.Illuminance("garden") > 1000 {
				light += 0.25
			}
		}
		return mean, light
	}
	summer, long := day(10)
	winter, short := day(190)
	if summer < winter+4 || long < short+2 {
		t.Errorf("January %.1f °C and %.1f h of light, July %.1f °C and %.1f h", summer, long, winter, short)
	}
}
