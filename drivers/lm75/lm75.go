// Package lm75 reads the LM75 and its many likes, which measure temperature on I2C: LM75A
// and B, TMP75, TMP105, TMP175, TMP275, DS75, DS7505, MCP9800.
//
//	attic.air: {driver: lm75, bus: I2C1, address: 0x48, bits: 12}
//
// Options:
//
//	bus      default I2C1
//	address  0x48, the default, to 0x4f: the levels at the pins A0 to A2
//	bits     9, 10, 11 or 12, of a chip that can choose (TMP75 and its family, DS7505, MCP9800);
//	         without it the chip is left as it is, 9 bits or what it has
//
// Wiring: VDD to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3
// (pin 5); dtparam=i2c_arm=on. The kernel has a driver of its own
// (dtoverlay=i2c-sensor,lm75): use one of the two, not both.
//
// The register of the temperature is the same in all of them: the highest bits of 16, in
// steps of 0.5 °C with 9 bits to 0.0625 °C with 12. Accuracy at most ±2 °C from -25 to
// 100 °C and ±3 °C from -55 to 125 °C (LM75B), ±2 °C from -40 to 125 °C (TMP75, SBOS288). The chip converts all the time, so
// that a reading is up to 0.3 s old. It cannot say what it is. Datasheets: LM75B of NXP,
// TMP75 of Texas Instruments (SBOS288).
package lm75

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

const (
	temperature   = 0
	configuration = 1
	limit         = 3 // overtemperature, 80 °C after power-up

	shutDown   = 1 << 0
	resolution = 3 << 5 // of those that can choose
)

// slowest is the longest conversion with 12 bits (TMP75; a TMP105 takes less).
const slowest = 300 * time.Millisecond

// New decodes the options of an LM75.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "lm75")
	bits := d.Int("bits", 0, 9, 12)
	return drivers.Polled{
		Part:       part,
		Properties: []home.Property{drivers.Number("temperature", "°C", -55, 128)},
		Every:      30 * time.Second,
		Chip: func(bus *drivers.Guard) ([]float64, error) {
			return measure(bus, bits)
		},
	}.Spec()
}

// measure sets the chip up when it is not as wished, as after a loss of the supply or
// when another program has shut it down, and then waits for a conversion.
func measure(bus *drivers.Guard, bits int) ([]float64, error) {
	settings, err := bus.Read(1, configuration)
	if err != nil {
		return nil, err
	}
	if settings[0] == 0xFF {
		return nil, errOnes
	}
	wanted := settings[0] &^ shutDown
	if bits > 0 {
		wanted = byte(bits-9) << 5
	}
	if settings[0]&(shutDown|resolution) != wanted&(shutDown|resolution) {
		if err := choose(bus, wanted); err != nil {
			return nil, err
		}
	}
	b, err := bus.Read(2, temperature)
	if err == nil && (b[0]|b[1] == 0 || b[0]&b[1] == 0xFF) { // it may not have converted yet since its power came
		b, err = again(bus, b)
	}
	if err != nil {
		return nil, err
	}
	if bits == 0 {
		bits = bitsOf(wanted, b)
	}
	return []float64{celsius(defined(b, bits))}, nil
}

// again reads a temperature of all zeros, 0 °C, or of all ones, -0.5 °C of nine bits, once more. It is one when
// the chip's limit reads as something else: a chip without power, and SDA that is held low, read as zeros
// everywhere; a chip that is gone reads as ones.
func again(bus *drivers.Guard, was []byte) ([]byte, error) {
	if err := bus.Wait(slowest); err != nil {
		return nil, err
	}
	b, err := bus.Read(2, temperature)
	if err != nil || !bytes.Equal(b, was) {
		return b, err
	}
	most, err := bus.Read(2, limit)
	switch {
	case err != nil || !bytes.Equal(most, was):
		return b, err
	case was[0] == 0:
		return nil, errors.New("it reads as zeros: SDA is held low, or the chip has no power or is damaged")
	}
	return nil, errOnes
}

// errOnes is what a bus says on which nobody answers.
var errOnes = errors.New("it reads as ones: SDA is stuck high, or the chip is damaged")

// bitsOf is the resolution of a chip that was left as it is: what its configuration says, when it can
// choose; else 11 (LM75A, LM75B), or 9 (LM75) when there are ones where the former has none.
// Those of an LM75 are undefined, so that one may be taken for the former: that is within its resolution.
func bitsOf(settings byte, b []byte) int {
	switch chosen := int(settings & resolution >> 5); {
	case chosen > 0:
		return 9 + chosen
	case b[1]&0x1F != 0:
		return 9
	}
	return 11
}

// defined is the temperature's register without what lies below the resolution.
func defined(b []byte, bits int) []byte { return []byte{b[0], b[1] &^ (0xFF >> (bits - 8))} }

// choose writes the configuration, and reads it back.
func choose(bus *drivers.Guard, wanted byte) error {
	if err := bus.Write(configuration, wanted); err != nil {
		return err
	}
	got, err := bus.Read(1, configuration)
	if err != nil {
		return err
	}
	if got[0]&0x7F != wanted&0x7F { // bit 7 begins a conversion of some
		return fmt.Errorf("its configuration stays %#02x, expected %#02x: leave bits out for a chip that cannot choose", got[0], wanted)
	}
	return bus.Wait(slowest)
}

// celsius is the value of the register.
func celsius(b []byte) float64 { return float64(int16(uint16(b[0])<<8|uint16(b[1]))>>4) / 16 }
