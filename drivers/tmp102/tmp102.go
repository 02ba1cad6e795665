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
	part := drivers.ChipPart(d, "tmp102")
	return drivers.Polled{
		Part:       part,
		Properties: []home.Property{property()},
		Every:      30 * time.Second,
		Chip:       measure,
	}.Spec()
}

// property: from the lower end of the operating range (§6.3) to that of the 12 bits.
func property() home.Property { return drivers.Number("temperature", "°C", -55, 127.9375) }

// measure lets the chip make one conversion, which takes 35 ms, and sleep before and after it, so one
// that lost its supply in between does no harm.
func measure(chip *drivers.Guard) ([]float64, error) {
	const settings = oneShot | resolution | shutdown
	if err := chip.Write(configuration, settings>>8, settings&0xFF); err != nil {
		return nil, err
	}
	if err := chip.Wait(conversion); err != nil {
		return nil, err
	}
	if err := keeps(chip, settings); err != nil {
		return nil, err
	}
	raw, err := chip.Register(temperature)
	if err != nil {
		return nil, err
	}
	if err := keeps(chip, settings); err != nil { // it may have restarted since, and show 0 °C
		return nil, err
	}
	c, err := celsius(word(raw))
	return []float64{c}, err
}

// keeps refuses a chip whose configuration is not, or no longer, what was written, with the conversion over.
func keeps(chip *drivers.Guard, settings uint16) error {
	is, err := chip.Read(2, configuration)
	if err == nil && word(is)&^0x20 != settings { // bit 5 is the alert's state
		err = fmt.Errorf("this is no TMP102, or it has restarted: its configuration is %#04x, expected %#04x", word(is), settings)
	}
	return err
}

func word(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

// celsius decodes 12 bits in two's complement, steps of 0.0625 °C (§7.3.1).
func celsius(raw uint16) (float64, error) {
	c := float64(int16(raw)>>4) / perDegree
	if raw&unused != 0 || c < *property().Min {
		return 0, fmt.Errorf("its temperature register reads %#04x, which is none: the bus is disturbed", raw)
	}
	return c, nil
}
