package pca9685

import (
	"math"
	"time"

	"hogar/drivers"
)

// Registers and bits (§7.3).
const (
	mode1    = 0x00
	mode2    = 0x01
	led0     = 0x06 // on low, on high, off low, off high; four registers an output
	prescale = 0xFE

	increment = 1 << 5 // of the register's number
	sleep     = 1 << 4 // the oscillator is off, as after power-up
	restart   = 1 << 7
	totem     = 1 << 2 // outputs drive both levels
	invert    = 1 << 4
	full      = 1 << 4 // in the high bytes: always on, always off

	steps    = 4096
	settling = 500 * time.Microsecond // of the oscillator
)

// divide is the prescaler for a frequency, with an oscillator of so many Hz (§7.3.5).
func divide(hertz, oscillator float64) byte {
	return byte(min(max(math.Round(oscillator/(steps*hertz))-1, 3), 255))
}

// encode: on at step 0, off at the step of the duty; both ends have a bit of
// their own.
func encode(percent float64) [4]byte {
	switch duty := int(math.Round(percent / 100 * steps)); {
	case duty <= 0:
		return [4]byte{0, 0, 0, full}
	case duty >= steps:
		return [4]byte{0, full, 0, 0}
	default:
		return [4]byte{0, 0, byte(duty & 0xFF), byte(duty >> 8)}
	}
}

// decode is the duty of an output in %; off wins over on (§7.3.3).
func decode(b []byte) float64 {
	switch {
	case b[3]&full != 0:
		return 0
	case b[1]&full != 0:
		return 100
	}
	on, off := int(b[1]&0xF)<<8|int(b[0]), int(b[3]&0xF)<<8|int(b[2])
	return drivers.Round(float64((off-on+steps)%steps)*100/steps, 1)
}
