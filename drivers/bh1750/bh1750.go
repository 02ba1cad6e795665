// Package bh1750 reads Rohm's BH1750FVI, which measures light on I2C.
//
//	hall.light: {driver: bh1750, bus: I2C1, address: 0x23}
//
// Options: bus (default I2C1), address (0x23, the default, or 0x5c: the level at
// the chip's pin ADDR). The chip has no way to say who it is.
//
// It speaks to the chip itself: periph's driver resets the chip where it should
// choose the mode, and reads before a measurement must be over. Datasheet:
// BH1750FVI technical note, rev. D.
package bh1750

import (
	"context"
	"math"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Opcodes (instruction set architecture), and what belongs to the mode.
const (
	powerOn     = 0x01
	onceHighRes = 0x20                   // one measurement in steps of 1 lx, then power down
	longest     = 180 * time.Millisecond // that it takes (electrical characteristics, tHR)
	perLux      = 1.2                    // counts
)

// New decodes the options of a BH1750.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "bh1750", 0x23, 0x5c)
	return drivers.Spec{
		Properties: []home.Property{property()},
		Parts:      []drivers.Part{part},
		Every:      10 * time.Second,
		Open: func(_ context.Context, board drivers.Board) (drivers.Device, error) {
			bus, err := board.I2C(part.Bus)
			if err != nil {
				return nil, err
			}
			return &sensor{address: part.Address, guard: drivers.NewGuard(bus, part)}, nil
		},
	}
}

// property: the 16 bits of the chip's counter end at 54,613 lx.
func property() home.Property {
	return home.Property{Name: "illuminance", Type: home.TypeNumber, Unit: "lx", Min: new(0.0), Max: new(54613.0)}
}

// sensor has no settings on the chip: each measurement says all of it again, so
// a chip that lost its supply in between does no harm.
type sensor struct {
	address uint16
	guard   *drivers.Guard
}

var _ drivers.Sensor = (*sensor)(nil)

// Sense makes one measurement, which takes 180 ms.
func (s *sensor) Sense(ctx context.Context) ([]drivers.Reading, error) {
	var counts [2]byte
	err := s.guard.Do(ctx, func() error {
		for _, opcode := range []byte{powerOn, onceHighRes} {
			if err := s.guard.Tx(s.address, []byte{opcode}, nil); err != nil {
				return err
			}
		}
		if err := s.guard.Wait(longest); err != nil {
			return err
		}
		return s.guard.Tx(s.address, nil, counts[:])
	})
	if err != nil {
		return nil, err
	}
	return []drivers.Reading{{Property: property().Name, Value: home.NumberOf(lux(counts)), Time: time.Now()}}, nil
}

// lux is a measurement in the chip's steps of 1 lx.
func lux(counts [2]byte) float64 {
	return math.Round(float64(int(counts[0])<<8|int(counts[1])) / perLux)
}

// Close has nothing to release: the chip switches itself off.
func (s *sensor) Close() error { return nil }
