package world

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

type roomKind uint8

const (
	indoors roomKind = iota
	kitchen
	cellar
	outdoors
)

func kindOf(room string) roomKind {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(room, w) })
	}
	switch {
	case has("outside", "outdoor", "garden", "porch", "balcony", "terrace", "roof", "street"):
		return outdoors
	case has("cellar", "basement"):
		return cellar
	case has("kitchen"):
		return kitchen
	}
	return indoors
}

// The physics of a room, light walls and strong heaters, so that something is
// to be seen within an hour.
const (
	heaterPower  = 10.0 // °C in an hour
	coolerPower  = 6.0  // the same
	coolingHours = 1.5  // after which 63 % of the difference to the outside are lost
	lampLight    = 180.0
	doorOpen     = 20 * time.Second
)

// surroundings is the temperature that a room cools to.
func (r *room) surroundings(outside, ground float64) float64 {
	switch r.kind {
	case cellar:
		return 0.1*outside + 0.9*ground
	case kitchen:
		return 0.4*outside + 0.6*ground
	}
	return 0.4*outside + 0.2*ground + 0.4*20 // other rooms have warm neighbours
}

// pass moves the room on by d: the exact solution for constant surroundings.
func (r *room) pass(d time.Duration, outside, ground float64) {
	if r.kind == outdoors {
		return
	}
	to := r.surroundings(outside, ground) + heaterPower*coolingHours*r.count(heaters) - coolerPower*coolingHours*r.count(coolers)
	r.temperature = to + (r.temperature-to)*math.Exp(-d.Hours()/coolingHours)
}

func (w *World) firstTemperature(name string, kind roomKind) float64 {
	r := room{kind: kind}
	own := w.chance("warmth", name, 0)
	switch kind {
	case kitchen:
		return 18.1 + 0.2*own
	case cellar:
		return r.surroundings(w.outside(w.now), w.ground()) + 0.5 + 0.5*own
	}
	return 19.5 + own
}

// effect is what an actuator does to its room, as its name has it.
type effect int

const (
	heaters effect = iota
	coolers
	lamps
	fans
	dryers
	moisters
	pumps
	effects
)

// words are in the names of actuators with an effect.
var words = [effects][]string{
	heaters:  {"heater", "heating", "radiator", "boiler"},
	coolers:  {"cooler", "cooling", "aircon"},
	lamps:    {"lamp", "light", "bulb"},
	fans:     {"fan", "ventilat", "extractor"},
	dryers:   {"dehumidifier"},
	moisters: {"humidifier"},
	pumps:    {"pump"},
}

// has reports whether a device's name says that it has the effect. A dehumidifier
// is no humidifier.
func (e effect) has(device string) bool {
	named := func(w string) bool { return strings.Contains(device, w) }
	return slices.ContainsFunc(words[e], named) && (e != moisters || !dryers.has(device))
}

// tally adds up what is on in the room, always in the same order: sums of fractions
// depend on it.
func (r *room) tally() {
	r.tallied = true
	r.sums = [effects]float64{}
	for _, device := range slices.Sorted(maps.Keys(r.on)) {
		for e := range effects {
			if e.has(device) {
				r.sums[e] += r.on[device]
			}
		}
	}
}

// count returns how many of the room's actuators with an effect are on; one that is
// half on counts half.
func (r *room) count(e effect) float64 {
	if !r.tallied {
		r.tally()
	}
	return r.sums[e]
}

// aired is the part of what is in the air of a room that its fans have thrown out.
func (r *room) aired() float64 { return 0.8 * min(r.count(fans), 1) }

// daylightFactor is the part of the light outside that comes in.
func (k roomKind) daylightFactor() float64 {
	switch k {
	case outdoors:
		return 1
	case cellar:
		return 0.0005
	case kitchen:
		return 0.02
	}
	return 0.01
}

func (w *World) illuminance(r *room) float64 {
	lamp := lampLight
	if r.kind == outdoors {
		lamp = 40
	}
	return w.daylight(w.now)*r.kind.daylightFactor() + lamp*r.count(lamps)
}

// humidity: the water in the air outside, with what people add, at the room's
// temperature (Magnus formula, WMO-No. 8, annex 4.B).
func (w *World) humidity(name string, r *room) float64 {
	out := w.outside(w.now)
	vapour := saturation(out) * (0.72 + 0.12*w.drift("humidity", w.now, 5*time.Hour))
	if r.kind == outdoors {
		return min(100*vapour/saturation(out), 99)
	}
	inside := 2.5 + 0.8*w.drift(name, w.now, 40*time.Minute) + 0.5*w.breath(name) + 4*r.count(moisters)
	vapour = 0.7*vapour + inside*(1-r.aired()) - 3*r.count(dryers)
	return min(max(100*vapour/saturation(r.temperature), 15), 97)
}

// saturation returns the pressure of saturated water vapour, in hPa.
func saturation(celsius float64) float64 { return 6.112 * math.Exp(17.62*celsius/(243.12+celsius)) }
