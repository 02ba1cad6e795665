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
// 125 °C; resolution 0.0625 °C. Datasheet: DS25095A. With each measurement the chip says who it is and is
// set up anew, so that one that has restarted, or was put to sleep or to coarse steps by another program, does no
// harm; what it shows before its first conversion, 0 °C, is waited out.
package mcp9808

import (
	"errors"
	"fmt"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Registers, and what they say (§5.1).
const (
	configuration = 1
	temperature   = 5
	manufacturer  = 6
	device        = 7
	resolution    = 8

	microchip = 0x0054
	this      = 0x04   // the low byte is the revision
	asleep    = 1 << 8 // in configuration
	finest    = 3      // of the resolutions: 0.0625 °C

	conversion = 300 * time.Millisecond // 250 ms typical at 0.0625 °C (temperature characteristics); no longest is given
)

// New decodes the options of an MCP9808.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "mcp9808")
	return drivers.Polled{
		Part:       part,
		Properties: []home.Property{drivers.Number("temperature", "°C", -40, 125)},
		Every:      30 * time.Second,
		Chip:       measure,
	}.Spec()
}

func measure(chip *drivers.Guard) ([]float64, error) {
	if err := identify(chip); err != nil {
		return nil, err
	}
	if err := chip.Write(configuration, 0, 0); err != nil {
		return nil, err
	}
	if err := chip.Write(resolution, finest); err != nil {
		return nil, err
	}
	if err := chip.Wait(conversion); err != nil {
		return nil, err
	}
	is, err := chip.Read(2, configuration)
	if err != nil {
		return nil, err
	}
	if word(is)&asleep != 0 {
		return nil, errors.New("it stays asleep, and shows an old temperature: another program has locked it (§5.2.3); switch its power off and on")
	}
	raw, err := chip.Register(temperature)
	if err == nil && celsius(word(raw)) == 0 { // it may have restarted, and not have converted since
		if err = chip.Wait(conversion); err == nil {
			raw, err = chip.Register(temperature)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := identify(chip); err != nil { // a bus that hangs since reads as 0 or -0.06 °C
		return nil, err
	}
	return []float64{celsius(word(raw))}, nil
}

func word(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

// celsius decodes 13 bits with a sign, steps of 0.0625 °C; the upper three are alerts (§5.1.3).
func celsius(raw uint16) float64 { return float64(int16(raw<<3)>>3) / 16 }

// identify refuses other chips.
func identify(chip *drivers.Guard) error {
	maker, err := chip.Read(2, manufacturer)
	if err != nil {
		return err
	}
	id, err := chip.Read(2, device)
	if err != nil {
		return err
	}
	if got := word(maker); got != microchip || id[0] != this {
		return fmt.Errorf("this is no MCP9808: manufacturer %#04x and device %#02x, expected %#04x and %#02x", got, id[0], microchip, this)
	}
	return nil
}
