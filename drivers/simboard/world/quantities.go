package world

import (
	"math"
	"time"
)

// Quantity returns what can be measured in a room:
//
//	temperature   °C, of the air        voltage    V, of the room's 12 V supply
//	humidity      %, relative           current    A, that its appliances draw from there
//	pressure      hPa                   distance   cm, down to the water in a tank
//	illuminance   lx                    input0 …   V, at the inputs of a converter, up to input3
//	co2           ppm                   pm1, pm25, pm10   µg/m³, dust up to so many µm
//	power         W, voltage · current  fan        rpm, of the room's fans
//
// Anything else is 0 unless it is held.
func (w *World) Quantity(in, quantity string) float64 {
	return w.ask(in, quantity, func(r *room) float64 { return w.quantity(in, r, quantity) })
}

func (w *World) quantity(in string, r *room, quantity string) float64 {
	switch quantity {
	case "temperature":
		if r.kind == outdoors {
			return w.outside(w.now)
		}
		return r.temperature
	case "humidity":
		return w.humidity(in, r)
	case "pressure":
		return w.pressure(w.now)
	case "illuminance":
		return w.illuminance(r)
	case "co2":
		return w.co2(in, r)
	case "pm1", "pm25", "pm10":
		return w.dust(r) * map[string]float64{"pm1": 0.65, "pm25": 1, "pm10": 1.4}[quantity]
	case "voltage":
		return w.voltage(r)
	case "current":
		return w.current(r)
	case "power":
		return w.voltage(r) * w.current(r)
	case "fan":
		return 2400 * min(r.count(fans), 1)
	case "distance":
		return 110 + 60*w.drift("tank "+in, w.now, 30*time.Hour)
	case "input0", "input1", "input2", "input3":
		return 1.5 + 1.2*w.drift(in+quantity, w.now, 5*time.Hour)
	}
	return 0
}

// co2: people add to the air outside; what they added is gone after an hour.
func (w *World) co2(in string, r *room) float64 {
	const outside, added = 420.0, 130.0
	if r.kind == outdoors {
		return outside + 10*w.drift("co2", w.now, 4*time.Hour)
	}
	ppm := outside + 60 + 40*w.drift("co2 "+in, w.now, 2*time.Hour)
	return outside + (ppm-outside+added*w.breath(in))*(1-r.aired())
}

// breath is how much people were in a room lately: 1 for five minutes just now, and less
// the longer ago; after an hour it is gone.
func (w *World) breath(in string) (sum float64) {
	for n := range 12 {
		if w.walksBy(in, w.now.Add(-time.Duration(n)*5*time.Minute)) {
			sum += math.Exp(-float64(n) / 6)
		}
	}
	return sum
}

// dust of up to 2.5 µm, in µg/m³: less indoors.
func (w *World) dust(r *room) float64 {
	dust := 12 + 9*w.drift("dust", w.now, 8*time.Hour)
	if r.kind != outdoors {
		dust *= 0.6
	}
	return dust
}

// voltage of a 12 V battery that the sun charges and the room's current pulls down.
func (w *World) voltage(r *room) float64 {
	return 12.3 + 1.2*min(w.daylight(w.now)/40_000, 1) + 0.1*w.drift("battery", w.now, time.Hour) - 0.1*w.current(r)
}

// fridge is how often a kitchen's refrigerator starts; it then runs for a third of that.
const fridge = 45 * time.Minute

// current of what the room's appliances draw, and of what is always on, in A.
func (w *World) current(r *room) float64 {
	amperes := 0.12 + 0.4*r.count(lamps) + 1.2*r.count(heaters) + 2*r.count(coolers) + 0.25*r.count(fans) +
		0.5*(r.count(moisters)+r.count(dryers)) + 1.5*r.count(pumps)
	if r.kind == kitchen && w.now.Sub(w.now.Truncate(fridge)) < fridge/3 {
		amperes += 0.9
	}
	return amperes
}
