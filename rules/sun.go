package rules

import (
	"math"
	"strings"
	"time"

	"hogar/gateway/home"
)

// The sun by NOAA's solar calculator (after Meeus, Astronomical Algorithms,
// chapters 25 and 28), good to a minute between the polar circles until 2100.
// Results are rounded, so that processors that fuse a multiplication with an
// addition agree with those that do not.

func radians(d float64) float64 { return d * math.Pi / 180 }
func degrees(r float64) float64 { return r * 180 / math.Pi }

// solar returns the sun's declination in radians and the equation of time in
// minutes.
func solar(t time.Time) (declination, equation float64) {
	days := float64(t.Unix())/86400 - 10957.5 // since 2000-01-01 12:00 UTC
	c := days / 36525
	long := math.Mod(280.46646+c*(36000.76983+c*0.0003032), 360)
	anomaly := radians(357.52911 + c*(35999.05029-0.0001537*c))
	ecc := 0.016708634 - c*(0.000042037+0.0000001267*c)
	center := math.Sin(anomaly)*(1.914602-c*(0.004817+0.000014*c)) +
		math.Sin(2*anomaly)*(0.019993-0.000101*c) + math.Sin(3*anomaly)*0.000289
	node := radians(125.04 - 1934.136*c)
	apparent := radians(long + center - 0.00569 - 0.00478*math.Sin(node))
	tilt := 23 + (26+(21.448-c*(46.815+c*(0.00059-c*0.001813)))/60)/60
	oblique := radians(tilt + 0.00256*math.Cos(node))
	y := math.Tan(oblique/2) * math.Tan(oblique/2)
	l := radians(long)
	eq := y*math.Sin(2*l) - 2*ecc*math.Sin(anomaly) + 4*ecc*y*math.Sin(anomaly)*math.Cos(2*l) -
		0.5*y*y*math.Sin(4*l) - 1.25*ecc*ecc*math.Sin(2*anomaly)
	return math.Asin(math.Sin(oblique) * math.Sin(apparent)), 4 * degrees(eq)
}

// place is where the house stands, in degrees north and east.
type place struct{ latitude, longitude float64 }

// solarTime is what a sundial shows, in minutes.
func (p place) solarTime(t time.Time, equation float64) float64 {
	minutes := float64(t.Unix()%86400) / 60
	return math.Mod(minutes+equation+4*p.longitude+2880, 1440)
}

// elevation of the sun's centre in degrees, without refraction.
func (p place) elevation(t time.Time) float64 {
	declination, equation := solar(t)
	angle := radians(p.solarTime(t, equation)/4 - 180)
	lat := radians(p.latitude)
	sine := math.Sin(lat)*math.Sin(declination) + math.Cos(lat)*math.Cos(declination)*math.Cos(angle)
	return math.Round(degrees(math.Asin(max(-1, min(1, sine))))*1000) / 1000
}

// sunMoment is a moment of the sun's day.
type sunMoment struct {
	elevation float64 // of the centre, in degrees
	side      float64 // -1 before noon, 1 after, 0 noon itself
}

var sunMoments = map[string]sunMoment{
	"sunrise": {-0.833, -1}, "sunset": {-0.833, 1}, "dawn": {-6, -1}, "dusk": {-6, 1}, "noon": {0, 0},
}

var sunWords = []string{"sunrise", "sunset", "dawn", "dusk", "noon"}

// on returns the moment on a local day, to the second; false when the sun does
// not come that far on that day.
func (m sunMoment) on(d day, p place, loc *time.Location) (time.Time, bool) {
	t := atOn(d, 12*60, loc)
	t = p.turn(t, func(float64) (float64, bool) { return 720, true })
	noon := t
	lat := radians(p.latitude)
	for range 4 {
		ok := true
		t = p.turn(t, func(declination float64) (float64, bool) {
			if m.side == 0 {
				return 720, true
			}
			x := (math.Sin(radians(m.elevation)) - math.Sin(lat)*math.Sin(declination)) / (math.Cos(lat) * math.Cos(declination))
			ok = x >= -1 && x <= 1
			return 720 + m.side*4*degrees(math.Acos(max(-1, min(1, x)))), ok
		})
		if !ok {
			return time.Time{}, false
		}
	}
	if d := t.Sub(noon); m.side < 0 && d > 0 || m.side > 0 && d < 0 {
		return time.Time{}, false
	}
	return t.Round(time.Second), true
}

// mostShift is how far from a moment of the sun a rule may be started.
const mostShift = 24 * time.Hour

// turn moves t to the nearest moment at which the sundial shows what want says.
func (p place) turn(t time.Time, want func(declination float64) (float64, bool)) time.Time {
	declination, equation := solar(t)
	minutes, ok := want(declination)
	if !ok {
		return t
	}
	move := math.Mod(minutes-p.solarTime(t, equation)+3*720, 1440) - 720
	return t.Add(time.Duration(move * float64(time.Minute)))
}

// sunDaily is a moment of the sun on some days of the week.
type sunDaily struct {
	moment sunMoment
	shift  time.Duration
	days   week
	place  place
	loc    *time.Location
}

func (s sunDaily) next(after time.Time) time.Time {
	for d, n := dayOf(after.In(s.loc)).add(-2), 0; n < 400; d, n = d.add(1), n+1 {
		if !s.days.has(d.weekday()) {
			continue
		}
		if t, ok := s.moment.on(d, s.place, s.loc); ok && t.Add(s.shift).After(after) {
			return t.Add(s.shift)
		}
	}
	return time.Time{}
}

// parseSun reads sunset - 20m.
func parseSun(s string) (m sunMoment, shift time.Duration, ok bool) {
	word, sign := s, time.Duration(0)
	rest := ""
	if i := strings.IndexAny(s, "+-"); i >= 0 {
		word, rest, sign = s[:i], strings.TrimSpace(s[i+1:]), 1
		if s[i] == '-' {
			sign = -1
		}
	}
	m, ok = sunMoments[strings.TrimSpace(word)]
	if !ok || sign == 0 {
		return m, 0, ok
	}
	d, err := home.ParseDuration(rest)
	return m, sign * d, err == nil
}
