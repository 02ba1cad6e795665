package homeassistant

import (
	"math"

	"hogar/gateway/home"
)

// span is where 0 and 100 % lie among the numbers of a device, of which either may be the
// greater one. It computes as Home Assistant does (homeassistant/util/percentage.py).
type span struct {
	none, all float64
	whole     func(float64) float64 // how what is sent becomes a whole number
}

// percent is what a number of the device is in percent.
func (s span) percent(x float64) float64 {
	if s.plain() {
		return x
	}
	return math.Floor((x - s.none) * 100 / (s.all - s.none))
}

// number is what the device is sent for a percentage.
func (s span) number(percent float64) float64 {
	if s.plain() {
		return percent
	}
	return s.whole(s.none + (s.all-s.none)*percent/100)
}

func (s span) plain() bool { return s.none == 0 && s.all == 100 }

// within makes a slot one of 0 to 100 %, whatever the device counts.
func (s *slot) within(none, all float64, whole func(float64) float64) *slot {
	s.Type, s.Unit, s.repeats = home.TypeNumber, "%", true
	if none != all {
		s.span = &span{none, all, whole}
	}
	return s.limits(0, 100)
}
