// Package bh1750 reads Rohm's BH1750FVI, which measures light on I2C.
//
//	hall.light: {driver: bh1750, bus: I2C1, address: 0x23}
//
// Options:
//
//	bus               default I2C1
//	address           0x23, the default, or 0x5c: the level at the chip's pin ADDR
//	measurement_time  31 to 254, in the chip's own unit (MTreg), of which 69 is the normal time; without it
//	                  the driver takes what suits the light
//
// Without measurement_time a measurement is made in the normal time. One that is saturated, above
// 54,612 lx, is made again in the shortest, which reaches to 121,555 lx. In any time, one below
// 100 lx is made again with half steps: of 0.4 lx in the normal time, 0.1 lx in the longest. All ones are never a value: they are saturation or SDA
// that is stuck high. The chip has no way to say who it is, and zeros are the dark.
//
// It speaks to the chip itself: periph's driver resets the chip where it should
// choose the mode, and reads before a measurement must be over. Datasheet:
// BH1750FVI technical note, rev. D.
package bh1750

import (
	"errors"
	"math"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Opcodes (instruction set architecture), and what belongs to the modes.
const (
	powerOn  = 0x01
	reset    = 0x07 // of the data, so that an old measurement is never taken for a new one
	onceHigh = 0x20 // one measurement in steps of 1 lx, then power down
	onceHalf = 0x21 // the same in steps of 0.5 lx
	timeHigh = 0x40 // three bits of the measurement time
	timeLow  = 0x60 // five bits of it

	shortest = 31
	normal   = 69
	slowest  = 254
	longest  = 180 * time.Millisecond // that the normal time takes (electrical characteristics, tHR)

	perLux    = 1.2 // counts, in the normal time
	saturated = 0xFFFF
	dark      = 100 // lx
)

// mode is a way to measure: an opcode, and a time.
type mode struct {
	opcode byte
	time   int
}

// New decodes the options of a BH1750.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "bh1750")
	fixed := d.Int("measurement_time", 0, shortest, slowest)
	return drivers.Polled{
		Part:       part,
		Properties: []home.Property{property()},
		Every:      10 * time.Second,
		Chip: func(chip *drivers.Guard) ([]float64, error) {
			value, err := illuminance(chip, fixed)
			return []float64{value}, err
		},
	}.Spec()
}

// property: the 16 bits of the chip's counter, in its shortest time.
func property() home.Property { return drivers.Number("illuminance", "lx", 0, 121555) }

// illuminance measures in a fixed time, or in what suits the light where that is 0: it takes 180 ms, twice that
// in the dark and half as much more in sunlight. Each measurement says all settings again, so a chip that lost
// its supply in between, or was used by another program, does no harm.
func illuminance(chip *drivers.Guard, fixed int) (float64, error) {
	if fixed > 0 {
		return within(chip, fixed)
	}
	value, err := within(chip, normal)
	if err == errSaturated {
		return within(chip, shortest)
	}
	return value, err
}

// errSaturated is what all ones say.
var errSaturated = errors.New("it reads as all ones: there is more light than it can measure, or SDA is stuck high")

// within measures in a time, and once more with half steps where it is dark. Zero is also what a measurement
// reads as that another program, or a dip of the supply, has ended: it is believed when
// it comes twice. The light may be switched on in between: then all begins anew, once.
func within(chip *drivers.Guard, time int) (float64, error) {
	whole, half := mode{onceHigh, time}, mode{onceHalf, time}
	for range 2 {
		first, err := measure(chip, whole)
		if err != nil {
			return 0, err
		}
		if first == saturated {
			break
		}
		if value := lux(first, whole); value >= dark {
			return value, nil
		}
		second, err := measure(chip, half)
		switch {
		case err != nil:
			return 0, err
		case second == 0:
			return lux(first, whole), nil
		case second != saturated:
			return lux(second, half), nil
		}
	}
	return 0, errSaturated
}

// measure makes one measurement and returns the counts.
func measure(chip *drivers.Guard, m mode) (int, error) {
	for _, opcode := range []byte{powerOn, reset, timeHigh | byte(m.time>>5), timeLow | byte(m.time&0x1F), m.opcode} {
		if err := chip.Write(opcode); err != nil { // one opcode in a transfer
			return 0, err
		}
	}
	if err := chip.Wait(longest * time.Duration(m.time) / normal); err != nil {
		return 0, err
	}
	b, err := chip.Read(2)
	return int(b[0])<<8 | int(b[1]), err
}

// lux is a measurement in steps of 1 lx, or of 0.1 lx where it is dark.
func lux(counts int, m mode) float64 {
	value := float64(counts) / perLux * normal / float64(m.time)
	if m.opcode == onceHalf {
		value /= 2
	}
	if value < dark {
		return drivers.Round(value, 1)
	}
	return math.Round(value)
}
