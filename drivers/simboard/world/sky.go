package world

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"time"
)

// elevation returns the height of the sun over the horizon in degrees, right to
// about a degree: the declination by a cosine of the date, no equation of time.
func (w *World) elevation(t time.Time) float64 {
	const rad = math.Pi / 180
	utc := t.UTC()
	hours := float64(utc.Hour()) + float64(utc.Minute())/60 + float64(utc.Second())/3600
	declination := -23.44 * rad * math.Cos(2*math.Pi*(float64(utc.YearDay())+10)/365.25)
	hourAngle := (hours*15 + w.options.Longitude - 180) * rad
	latitude := w.options.Latitude * rad
	return math.Asin(math.Sin(latitude)*math.Sin(declination)+
		math.Cos(latitude)*math.Cos(declination)*math.Cos(hourAngle)) / rad
}

// daylight returns the light on open ground, in lx: some 100,000 at noon, 400
// when the sun sets, 3 at the end of civil twilight, clouds taking up to 70 %.
func (w *World) daylight(t time.Time) float64 {
	e := w.elevation(t)
	light := 400.0
	if e > 0 {
		light += 105_000 * math.Pow(math.Sin(e*math.Pi/180), 1.15)
	} else {
		light *= math.Exp(e * 0.8)
	}
	clouds := max(0, w.drift("clouds", t, 3*time.Hour))
	return light * (1 - 0.7*clouds)
}

// ground is the temperature below the house, by latitude.
func (w *World) ground() float64 { return w.yearly() - 3 }

func (w *World) yearly() float64 { return 27 - 0.4*math.Abs(w.options.Latitude) }

// outside is the air temperature: the year, the day (warmest about 15:00 by the
// sun), and the weather of the days.
func (w *World) outside(t time.Time) float64 {
	utc := t.UTC()
	season := -math.Cos(2 * math.Pi * (float64(utc.YearDay()) - 20) / 365.25)
	solar := float64(utc.Hour()) + float64(utc.Minute())/60 + float64(utc.Second())/3600 + w.options.Longitude/15
	return w.yearly() + 0.14*w.options.Latitude*season +
		4*math.Cos(2*math.Pi*(solar-15)/24) + 2.5*w.drift("weather", t, 30*time.Hour)
}

func (w *World) pressure(t time.Time) float64 {
	return 1013.2 + 12*w.drift("pressure", t, 36*time.Hour)
}

// drift wanders between -1 and 1 and takes about span from one to another
// place: values on a grid of the clock, smoothly joined.
func (w *World) drift(what string, t time.Time, span time.Duration) float64 {
	at := t.UnixNano()
	n := at / int64(span)
	x := float64(at%int64(span)) / float64(span)
	x = x * x * (3 - 2*x)
	a, b := w.chance(what, "", n), w.chance(what, "", n+1)
	return 2*(a+(b-a)*x) - 1
}

// chance returns a number from 0 to 1 that depends on the seed and on what is asked.
func (w *World) chance(what, where string, n int64) float64 {
	h := fnv.New64a()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], uint64(w.options.Seed))
	binary.LittleEndian.PutUint64(b[8:], uint64(n))
	h.Write(b[:])
	h.Write([]byte(what))
	h.Write([]byte{0})
	h.Write([]byte(where))
	// FNV's high bits know little of the last bytes: mix (the end of splitmix64).
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}

// Somebody may come by once in each slot of the local clock.
const slot = 10 * time.Minute

// walksBy reports whether somebody is in the room. From 18:30 to 20:30 at least
// every third slot has a visit, the first one included.
func (w *World) walksBy(room string, t time.Time) bool {
	local := t.In(w.options.Location)
	clock := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute +
		time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	n := int64(clock / slot)
	day := int64(local.Year())*1000 + int64(local.YearDay())
	id := day*1000 + n
	evening := n - 111 // slots since 18:30
	sure := evening >= 0 && evening < 12 && evening%3 == 0
	if !sure && w.chance("visit", room, id) >= habit(local.Hour()) {
		return false
	}
	begin := time.Duration((0.05 + 0.3*w.chance("visit begins", room, id)) * float64(slot))
	length := time.Duration((0.1 + 0.3*w.chance("visit lasts", room, id)) * float64(slot))
	into := clock - time.Duration(n)*slot
	return into >= begin && into < begin+length
}

// habit is the chance of a visit to a room within a slot, by the hour.
func habit(hour int) float64 {
	switch {
	case hour < 6:
		return 0.02
	case hour < 9:
		return 0.35
	case hour < 17:
		return 0.15
	case hour < 23:
		return 0.6
	}
	return 0.15
}
