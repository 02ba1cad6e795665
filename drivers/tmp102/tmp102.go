// Package tmp102 reads Texas Instruments' TMP102, which measures temperature on I2C.
//
//	attic.air: {driver: tmp102, bus: I2C1, address: 0x48}
//
// Options: bus (default I2C1), address (0x48, the default, to 0x4b: what the
// chip's pin ADD0 is connected to).
//
// Wiring: V+ to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3
// (pin 5); dtparam=i2c_arm=on. The kernel has a driver of its own
// (dtoverlay=i2c-sensor,tmp102): use one of the two, not both.
//
// Accuracy: typically ±0.5 °C; at most ±2 °C from -25 to 85 °C, ±3 °C from -40 to
// 125 °C (SBOS397F, features); resolution 0.0625 °C.
//
// It speaks to the chip itself: periph's driver hides that the configuration
// could not be read. Datasheet: SBOS397.
package tmp102

import (
	"context"
	"fmt"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Registers and bits (§7.5.2, §7.5.3).
const (
	temperature   = 0
	configuration = 1

	oneShot    = 1 << 15               // begins a conversion; reads 1 when it is over
	resolution = 3 << 13               // of a TMP102 these two always read 1
	shutdown   = 1 << 8                // sleep between the conversions
	unused     = 0xF                   // always read 0
	conversion = 35 * time.Millisecond // the longest (§6.5)
	perDegree  = 16                    // counts
)

// New decodes the options of a TMP102.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "tmp102", 0x48, 0x49, 0x4a, 0x4b)
	return drivers.Spec{
		Properties: []home.Property{property()},
		Parts:      []drivers.Part{part},
		Every:      30 * time.Second,
		Open: func(_ context.Context, board drivers.Board) (drivers.Device, error) {
			bus, err := board.I2C(part.Bus)
			if err != nil {
				return nil, err
			}
			return &sensor{address: part.Address, guard: drivers.NewGuard(bus, part)}, nil
		},
	}
}

// property: from the lower end of the operating range (§6.3) to that of the 12 bits.
func property() home.Property {
	return home.Property{Name: "temperature", Type: home.TypeNumber, Unit: "°C", Min: new(-55.0), Max: new(127.9375)}
}

// sensor lets the chip sleep and asks for one conversion at a time, so a chip
// that lost its supply in between does no harm.
type sensor struct {
	address uint16
	guard   *drivers.Guard
}

var _ drivers.Sensor = (*sensor)(nil)

// Sense makes one conversion, which takes 35 ms.
func (s *sensor) Sense(ctx context.Context) ([]drivers.Reading, error) {
	var celsius float64
	err := s.guard.Do(ctx, func() (err error) {
		celsius, err = s.measure()
		return err
	})
	if err != nil {
		return nil, err
	}
	return []drivers.Reading{{Property: property().Name, Value: home.NumberOf(celsius), Time: time.Now()}}, nil
}

func (s *sensor) measure() (float64, error) {
	const settings = oneShot | resolution | shutdown
	if err := s.guard.Tx(s.address, []byte{configuration, settings >> 8, settings & 0xFF}, nil); err != nil {
		return 0, err
	}
	if err := s.guard.Wait(conversion); err != nil {
		return 0, err
	}
	is, err := s.read(configuration)
	if err != nil {
		return 0, err
	}
	if is&^0x20 != settings { // bit 5 is the alert's state
		return 0, fmt.Errorf("this is no TMP102, or it has restarted: its configuration is %#04x, expected %#04x", is, settings)
	}
	raw, err := s.read(temperature)
	if err != nil {
		return 0, err
	}
	return celsius(raw)
}

func (s *sensor) read(register byte) (uint16, error) {
	var b [2]byte
	err := s.guard.Tx(s.address, []byte{register}, b[:])
	return uint16(b[0])<<8 | uint16(b[1]), err
}

// celsius decodes 12 bits in two's complement, steps of 0.0625 °C (§7.3.1).
func celsius(raw uint16) (float64, error) {
	c := float64(int16(raw)>>4) / perDegree
	if raw&unused != 0 || c < *property().Min {
		return 0, fmt.Errorf("its temperature register reads %#04x, which is none: the bus is disturbed", raw)
	}
	return c, nil
}

// Close has nothing to release: the chip sleeps.
func (s *sensor) Close() error { return nil }
