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
	"context"
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
	part := drivers.ChipPart(d, "bh1750", 0x23, 0x5c)
	fixed := d.Int("measurement_time", 0, shortest, slowest)
	return drivers.Spec{
		Properties: []home.Property{property()},
		Parts:      []drivers.Part{part},
		Every:      10 * time.Second,
		Open: func(_ context.Context, board drivers.Board) (drivers.Device, error) {
			bus, err := board.I2C(part.Bus)
			if err != nil {
				return nil, err
			}
			return &sensor{guard: drivers.NewGuard(bus, part), fixed: fixed}, nil
		},
	}
}

// property: the 16 bits of the chip's counter, in its shortest time.
func property() home.Property {
	return home.Property{Name: "illuminance", Type: home.TypeNumber, Unit: "lx", Min: new(0.0), Max: new(121555.0)}
}

// sensor has no settings on the chip: each measurement says all of it again, so
// a chip that lost its supply in between, or was used by another program, does no harm.
type sensor struct {
	guard *drivers.Guard
	fixed int // the measurement time; 0: what suits the light
}

var _ drivers.Sensor = (*sensor)(nil)

// Sense measures, which takes 180 ms, twice that in the dark and half as much more in sunlight.
func (s *sensor) Sense(ctx context.Context) ([]drivers.Reading, error) {
	var value float64
	err := s.guard.Do(ctx, func() (err error) {
		if s.fixed > 0 {
			value, err = s.within(s.fixed)
			return err
		}
		if value, err = s.within(normal); err == errSaturated {
			value, err = s.within(shortest)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return []drivers.Reading{{Property: property().Name, Value: home.NumberOf(value), Time: time.Now()}}, nil
}

// errSaturated is what all ones say.
var errSaturated = errors.New("it reads as all ones: there is more light than it can measure, or SDA is stuck high")

// within measures in a time, and once more with half steps where it is dark. Zero is also what a measurement
// reads as that another program, or a dip of the supply, has ended: it is believed when
// it comes twice. The light may be switched on in between: then all begins anew, once.
func (s *sensor) within(time int) (float64, error) {
	whole, half := mode{onceHigh, time}, mode{onceHalf, time}
	for range 2 {
		first, err := s.measure(whole)
		if err != nil {
			return 0, err
		}
		if first == saturated {
			break
		}
		if value := lux(first, whole); value >= dark {
			return value, nil
		}
		second, err := s.measure(half)
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
func (s *sensor) measure(m mode) (int, error) {
	for _, opcode := range []byte{powerOn, reset, timeHigh | byte(m.time>>5), timeLow | byte(m.time&0x1F), m.opcode} {
		if err := s.guard.Write(opcode); err != nil { // one opcode in a transfer
			return 0, err
		}
	}
	if err := s.guard.Wait(longest * time.Duration(m.time) / normal); err != nil {
		return 0, err
	}
	b, err := s.guard.Read(2)
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

// Close has nothing to release: the chip switches itself off.
func (s *sensor) Close() error { return nil }
