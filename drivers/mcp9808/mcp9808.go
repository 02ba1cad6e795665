// Package mcp9808 reads Microchip's MCP9808, which measures temperature on I2C.
//
//	freezer.air: {driver: mcp9808, bus: I2C1, address: 0x18}
//
// Options: bus (default I2C1), address (0x18, the default, to 0x1f: the levels at
// the pins A0 to A2).
//
// Wiring: VDD to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3
// (pin 5); dtparam=i2c_arm=on. The kernel has a driver of its own
// (dtoverlay=i2c-sensor,jc42): use one of the two, not both.
//
// Accuracy: typically ±0.25 °C; at most ±0.5 °C from -20 to 100 °C, ±1 °C from -40 to
// 125 °C; resolution 0.0625 °C. Datasheet: DS25095A. The chip is spoken to by periph's driver, after
// it has said who it is; what it shows before its first conversion, 0 °C, is
// waited out.
package mcp9808

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/mcp9808"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Registers, and what they say (§5.1.4, §5.1.5).
const (
	manufacturer = 6
	device       = 7
	microchip    = 0x0054
	this         = 0x04 // the low byte is the revision

	conversion = 300 * time.Millisecond // 250 ms typical at 0.0625 °C (temperature characteristics); no longest is given
)

// New decodes the options of an MCP9808.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "mcp9808", 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f)
	return drivers.Polled{
		Part:       part,
		Properties: []home.Property{drivers.Number("temperature", "°C", -40, 125)},
		Every:      30 * time.Second,
		Measure: drivers.OnBus(part, func(bus *drivers.Guard) ([]float64, error) {
			return measure(bus, part.Address)
		}),
	}.Spec()
}

// measure sets the resolution again each time, so that a chip that lost it does
// no harm.
func measure(bus *drivers.Guard, address uint16) ([]float64, error) {
	if err := identify(bus); err != nil {
		return nil, err
	}
	chip, err := mcp9808.New(bus, &mcp9808.Opts{Addr: int(address), Res: mcp9808.Maximum})
	if err != nil {
		return nil, err
	}
	if err := bus.Wait(conversion); err != nil {
		return nil, err
	}
	var e physic.Env
	if err := chip.Sense(&e); err != nil {
		return nil, err
	}
	return []float64{drivers.Round(e.Temperature.Celsius(), 4)}, nil
}

// identify refuses other chips.
func identify(bus *drivers.Guard) error {
	maker, err := bus.Read(2, manufacturer)
	if err != nil {
		return err
	}
	id, err := bus.Read(2, device)
	if err != nil {
		return err
	}
	if got := int(maker[0])<<8 | int(maker[1]); got != microchip || id[0] != this {
		return fmt.Errorf("this is no MCP9808: manufacturer %#04x and device %#02x, expected %#04x and %#02x", got, id[0], microchip, this)
	}
	return nil
}
