// Package ina219 reads Texas Instruments' INA219, which measures a direct
// current's voltage, current and power on I2C: a battery, a solar panel, a fan.
//
//	shed.battery: {driver: ina219, bus: I2C1, address: 0x40, shunt: 0.1}
//
// Options: bus (default I2C1), address (0x40, the default, to 0x4f: what the pins
// A0 and A1 are connected to), shunt (resistance in Ω between IN+ and IN-,
// default 0.1, as on most boards: 3.2 A at most).
//
// Wiring: the board's supply to 3.3 V (pin 1), GND to pin 9 and to the ground of
// what is measured, SDA to GPIO2 (pin 3), SCL to GPIO3 (pin 5); the load's plus
// through IN+ and IN-, up to 26 V. The kernel has a driver of its own
// (ina2xx): use one of the two, not both.
//
// Accuracy: ±0.5 % at 25 °C, ±1 % from -25 to 85 °C, that of the shunt, and an offset of up to
// 0.2 mV over it (§7.5, grade A); resolution 4 mV and 10 µV over the shunt (0.1 mA at 0.1 Ω). Each measurement is the mean of 16 samples, over
// 19 ms. A current beyond the range reads as its end.
//
// It speaks to the chip itself and divides by the shunt's resistance itself, so
// that nothing is to be calibrated or lost: periph's driver reads before the first
// conversion is over, and knows only the range up to 16 V. Datasheet: SBOS448G.
package ina219

import (
	"errors"
	"fmt"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Registers and bits (§8.6).
const (
	configuration = 0
	shuntVoltage  = 1
	busVoltage    = 2

	settings = 1<<13 | 3<<11 | 12<<7 | 12<<3 | 3 // 32 V, ±320 mV, 16 samples each, once
	longest  = 19 * time.Millisecond             // twice 16 samples of 586 µs (§7.5)
	ready    = 1 << 1                            // in the bus voltage: a conversion is over

	perVolt   = 1 / 0.004   // counts of the bus voltage
	perShuntV = 1 / 0.00001 // counts of the shunt voltage
	mostShunt = 0.32        // V
	mostBus   = 32.764      // V: 13 bits; the chip stands 26 V
)

// New decodes the options of an INA219.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "ina219")
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

func measure(chip *drivers.Guard, shunt float64) ([]float64, error) {
	if err := chip.Write(configuration, settings>>8, settings&0xFF); err != nil {
		return nil, err
	}
	if err := chip.Wait(longest); err != nil {
		return nil, err
	}
	if err := configured(chip); err != nil {
		return nil, err
	}
	over, err := chip.Register(shuntVoltage)
	if err != nil {
		return nil, err
	}
	bus, err := chip.Register(busVoltage)
	if err != nil {
		return nil, err
	}
	if word(bus)&ready == 0 {
		return nil, errors.New("the measurement is not over in its time: the chip is damaged")
	}
	if err := configured(chip); err != nil { // the bus may hang since
		return nil, err
	}
	return decode(word(over), word(bus), shunt), nil
}

// configured refuses a chip whose configuration is not, or no longer, what was written.
func configured(chip *drivers.Guard) error {
	is, err := chip.Read(2, configuration)
	if err == nil && word(is) != settings {
		err = fmt.Errorf("this is no INA219, or it has restarted: its configuration is %#04x, expected %#04x", word(is), settings)
	}
	return err
}

func word(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

// decode turns the two registers into V, A and W.
func decode(over, bus uint16, shunt float64) []float64 {
	volts := float64(bus>>3) / perVolt
	amperes := min(max(float64(int16(over))/perShuntV, -mostShunt), mostShunt) / shunt
	return []float64{drivers.Round(volts, 3), drivers.Round(amperes, 4), drivers.Round(volts*amperes, 3)}
}
