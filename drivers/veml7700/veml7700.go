// Package veml7700 reads Vishay's VEML7700 (also VEML6030), which measures light on I2C.
//
//	hall.light: {driver: veml7700, bus: I2C1}
//
// Options: bus (default I2C1). The address is always 0x10, so there can be one on a bus.
//
// Wiring: VIN to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3 (pin 5);
// dtparam=i2c_arm=on. Linux 6.13 and later has a driver of its own: use one of the two, not both.
//
// Accuracy: ±10 % from one chip to another. Its registers have 16 bits, the lower byte first. The gain and the time
// suit the light: dark is measured for longer, and what is bright with less gain. They are written with each measurement
// and read back after it, so zeros, ones, a chip that restarted and one that another program uses are no value.
//
// Datasheet: document 84286, rev. 1.7; application note: document 84323. Before 2023 both said 0.0036 lx where it is 0.0042 lx
// (product change notice PIN-OPT-7462-2024; Linux' veml6030.c took that over, too).
package veml7700

import (
	"errors"
	"fmt"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Registers, and their bits.
const (
	configuration = 0
	saving        = 3
	light         = 4

	shutDown = 1 << 0
	settable = 0x1BF3 // the bits of the configuration that are not reserved
	saves    = 1 << 0 // in saving: pauses between measurements

	start = 5 * time.Millisecond // 2.5 ms after a shutdown (application note), twice that

	most      = 140_000 // lx
	plenty    = 10_000  // counts, from which on it is measured for less time (application note, figure 24)
	few       = 100     // counts, up to which it is measured with more gain, and for longer
	saturated = 0xFFFF
	first     = 1 // of the ranges, with which each measurement begins
)

// within is a gain and a time, and what belongs to them.
type within struct {
	bits   uint16 // of the configuration
	time   time.Duration
	lux    float64 // of one count
	bent   bool    // what it measures is to be corrected
	places int     // decimal places that it can tell apart
}

// ranges are those that are used, the brightest first (application note, table of resolutions: 0.0042 lx at a gain of 2 in 800 ms,
// and with each half of the gain or of the time twice that).
func ranges() []within {
	return []within{
		{0x1300, 25 * time.Millisecond, 2.1504, true, 0},   // gain 1/8
		{0x1000, 100 * time.Millisecond, 0.5376, true, 1},  // gain 1/8
		{0x0800, 100 * time.Millisecond, 0.0336, false, 2}, // gain 2
		{0x08C0, 800 * time.Millisecond, 0.0042, false, 2}, // gain 2
	}
}

// New decodes the options of a VEML7700.
func New(d *home.Decoder) drivers.Spec {
	return drivers.Polled{
		Part:       drivers.ChipPart(d, "veml7700"),
		Properties: []home.Property{drivers.Number("illuminance", "lx", 0, most)},
		Every:      10 * time.Second,
		Chip:       measure,
	}.Spec()
}

// errSaturated is more than the chip can measure.
var errSaturated = errors.New("there is more light than it can measure, 140,000 lx")

// measure measures in the range that suits the light, which takes 0.2 s, in the dark 2 s. When it becomes
// brighter meanwhile it goes back, and not forth again: six measurements at most.
func measure(chip *drivers.Guard) ([]float64, error) {
	all := ranges()
	for at, back := first, false; ; {
		counts, err := once(chip, all[at])
		switch {
		case err != nil:
			return nil, err
		case counts > plenty && at > 0:
			at, back = at-1, true
		case counts <= few && at < len(all)-1 && !back:
			at++
		default:
			lux := all[at].illuminance(counts)
			if counts == saturated || lux > most {
				return nil, errSaturated
			}
			return []float64{lux}, nil
		}
	}
}

// once makes one measurement and returns the counts. Both Adafruit and Zephyr have found that the chip needs
// twice its time.
func once(chip *drivers.Guard, r within) (uint16, error) {
	for _, w := range [][2]uint16{{saving, 0}, {configuration, r.bits | shutDown}, {configuration, r.bits}} {
		if err := chip.Write(byte(w[0]), byte(w[1]), byte(w[1]>>8)); err != nil {
			return 0, err
		}
	}
	if err := chip.Wait(2*r.time + start); err != nil {
		return 0, err
	}
	var words [3]uint16
	for i, register := range []byte{light, configuration, saving} {
		b, err := chip.Read(2, register)
		if err != nil {
			return 0, err
		}
		words[i] = uint16(b[0]) | uint16(b[1])<<8
	}
	if words[1]&settable != r.bits || words[2]&saves != 0 {
		return 0, fmt.Errorf("this is no VEML7700, it has restarted, or another program uses it: its configuration is %#04x and its power saving %#04x, "+
			"expected %#04x and 0", words[1], words[2], r.bits)
	}
	return words[0], nil
}

// illuminance is that of counts, in lx. With a gain of 1/8 the formula of the application note makes up for the bend of all these chips.
func (r within) illuminance(counts uint16) float64 {
	lux := float64(counts) * r.lux
	if r.bent {
		lux *= ((6.0135e-13*lux-9.3924e-9)*lux+8.1488e-5)*lux + 1.0023
	}
	return drivers.Round(lux, r.places)
}
