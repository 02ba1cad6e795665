// Package ina226 reads Texas Instruments' INA226, which measures a direct
// current's voltage, current and power on I2C, finer than an INA219 and up to 36 V.
//
//	roof.panel: {driver: ina226, bus: I2C1, address: 0x40, shunt: 0.01}
//
// Options: bus (default I2C1), address (0x40, the default, to 0x4f: what the pins
// A0 and A1 are connected to), shunt (resistance in Ω between IN+ and IN-,
// default 0.1: 0.8 A at most; boards have R100, R010 or R002 printed on it).
//
// Wiring: the board's supply to 3.3 V (pin 1), GND to pin 9 and to the ground of
// what is measured, SDA to GPIO2 (pin 3), SCL to GPIO3 (pin 5); VBUS to the
// load's plus, which goes through IN+ and IN-. The kernel has a driver of its own
// (ina2xx): use one of the two, not both.
//
// Accuracy at 25 °C: at most ±0.1 % and ±7.5 mV of the voltage; ±0.1 %, ±10 µV over the
// shunt and the shunt's own of the current (§5.5). Resolution 1.25 mV, and 2.5 µV over the
// shunt. Each measurement is the mean of 16 samples, over 39 ms. A current beyond
// the range reads as its end.
//
// Compatible chips with other makers' numbers (Silergy SQ52201) are read as well: what is asked is whether
// the configuration reads back. Other chips of Texas Instruments at these addresses are named.
//
// It divides by the shunt's resistance itself, so that nothing is to be calibrated
// or lost. periph has no driver. Datasheet: SBOS547B.
package ina226

import (
	"errors"
	"fmt"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Registers and bits (§7.1).
const (
	configuration = 0x00
	shuntVoltage  = 0x01
	busVoltage    = 0x02
	mask          = 0x06
	manufacturer  = 0xFE // reads 5449, TI
	die           = 0xFF // reads 2260
	texas         = 0x5449

	settings = 1<<14 | 2<<9 | 4<<6 | 4<<3 | 3 // 16 samples of 1.1 ms each, once
	longest  = 39 * time.Millisecond          // twice 16 samples of 1.21 ms (§5.5)
	ready    = 1 << 3                         // in mask: a conversion is over

	busStep   = 0.00125   // V
	shuntStep = 0.0000025 // V
	mostBus   = 40.96     // V; the chip stands 36 V
	mostShunt = 0.08192   // V
)

// New decodes the options of an INA226.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "ina226")
	shunt := d.Number("shunt", 0.1, 0.0001, 10)
	most := drivers.Round(mostShunt/shunt, 4)
	return drivers.Polled{
		Part: part,
		Properties: []home.Property{
			drivers.Number("voltage", "V", 0, mostBus),
			drivers.Number("current", "A", -most, most),
			drivers.Number("power", "W", -mostBus*most, mostBus*most),
		},
		Every: 10 * time.Second,
		Chip: func(chip *drivers.Guard) ([]float64, error) {
			return measure(chip, shunt)
		},
	}.Spec()
}

// others are the chips of Texas Instruments that can be at the same addresses, by what register die reads:
// ina3221 of the kernel and Adafruit_INA3221, tinygo's ina260, Adafruit_HDC1000.
func others() map[uint16]string {
	return map[uint16]string{0x3220: "INA3221", 0x2270: "INA260", 0x1000: "HDC1000", 0x1050: "HDC1080"}
}

// identify refuses chips that are known to be others.
func identify(chip *drivers.Guard) error {
	maker, err := read(chip, manufacturer)
	if err != nil {
		return err
	}
	is, err := read(chip, die)
	if err != nil {
		return err
	}
	if name := others()[is]; maker == texas && name != "" {
		return fmt.Errorf("this is no INA226 but an %s (register %#02x reads %#04x), for which there is no driver here; "+
			"if the kernel has one for it, write driver: kernel", name, die, is)
	}
	return nil
}

// measure asks for one measurement. The configuration is read back afterwards: that of another
// chip or of one that has restarted in between is another.
func measure(chip *drivers.Guard, shunt float64) ([]float64, error) {
	if err := identify(chip); err != nil {
		return nil, err
	}
	if err := chip.Write(configuration, settings>>8, settings&0xFF); err != nil {
		return nil, err
	}
	if err := chip.Wait(longest); err != nil {
		return nil, err
	}
	if err := configured(chip); err != nil {
		return nil, err
	}
	flags, err := read(chip, mask)
	if err != nil {
		return nil, err
	}
	if flags&ready == 0 {
		return nil, errors.New("the measurement is not over in its time: the chip has restarted, or is damaged")
	}
	over, err := read(chip, shuntVoltage)
	if err != nil {
		return nil, err
	}
	bus, err := read(chip, busVoltage)
	if err != nil {
		return nil, err
	}
	if err := configured(chip); err != nil { // it may have restarted since, and show zeros
		return nil, err
	}
	return decode(over, bus, shunt), nil
}

// configured refuses a chip whose configuration is not, or no longer, what was written.
func configured(chip *drivers.Guard) error {
	is, err := read(chip, configuration)
	if err == nil && is != settings {
		err = fmt.Errorf("this is no INA226, or it has restarted: its configuration is %#04x, expected %#04x", is, settings)
	}
	return err
}

func read(chip *drivers.Guard, register byte) (uint16, error) {
	b, err := chip.Register(register)
	return uint16(b[0])<<8 | uint16(b[1]), err
}

// decode turns the two registers into V, A and W (§7.1.2, §7.1.3).
func decode(over, bus uint16, shunt float64) []float64 {
	volts := float64(bus) * busStep
	amperes := float64(int16(over)) * shuntStep / shunt
	return []float64{drivers.Round(volts, 3), drivers.Round(amperes, 4), drivers.Round(volts*amperes, 3)}
}
