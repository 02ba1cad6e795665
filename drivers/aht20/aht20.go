// Package aht20 reads Aosong's AHT20 (also AHT21 and DHT20), which measures
// temperature and humidity on I2C.
//
//	cellar.climate: {driver: aht20, bus: I2C1}
//
// Options: bus (default I2C1). The address is always 0x38, so there can be one on
// a bus.
//
// Wiring: VIN to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3
// (pin 5); dtparam=i2c_arm=on. The kernel has a driver of its own
// (dtoverlay=i2c-sensor,aht10): use one of the two, not both.
//
// Accuracy: ±0.3 °C and ±2 % at room temperature; the chip warms itself when it
// is asked more often than every 2 s. Each answer is checked by its checksum.
// Datasheet: AHT20, version 1.0 (2020).
//
// It speaks to the chip itself: periph's driver judges the checksum of an answer that is not
// ready yet, takes a humidity of 0 for one, and asks for the status by a write that has left
// chips busy for good.
package aht20

import (
	"errors"
	"fmt"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Commands and the bits of the status (§5.3, §5.4).
const (
	initialize = 0xBE // with 08 00
	trigger    = 0xAC // with 33 00
	softReset  = 0xBA

	busy       = 1 << 7
	calibrated = 1 << 3

	calibration = 10 * time.Millisecond
	restart     = 20 * time.Millisecond
	conversion  = 80 * time.Millisecond
	step        = 10 * time.Millisecond
	steps       = 18 // until 250 ms after the trigger
)

// errAgain is an answer that a chip gives now and then, and not twice.
var errAgain = errors.New("the chip stays busy, or measures a humidity of 0: check its supply; " +
	"if that comes again, switch its power off and on")

// New decodes the options of an AHT20.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "aht20")
	return drivers.Polled{
		Part: part,
		Properties: []home.Property{ // tables 1 and 2
			drivers.Number("temperature", "°C", -40, 85),
			drivers.Number("humidity", "%", 0, 100),
		},
		Every: 30 * time.Second,
		Chip:  measure,
	}.Spec()
}

// measure takes 80 ms, and 10 ms more when the chip has to be calibrated first (§5.4), as
// after a loss of its supply. A chip that stays busy or measures no humidity at all is reset
// and asked once more.
func measure(chip *drivers.Guard) ([]float64, error) {
	values, err := once(chip)
	if !errors.Is(err, errAgain) {
		return values, err
	}
	if err := chip.Write(softReset); err != nil {
		return nil, err
	}
	if err := chip.Wait(restart); err != nil {
		return nil, err
	}
	return once(chip)
}

func once(chip *drivers.Guard) ([]float64, error) {
	status, err := chip.Read(1)
	if err != nil {
		return nil, err
	}
	if status[0]&calibrated == 0 {
		if err := chip.Write(initialize, 0x08, 0x00); err != nil {
			return nil, err
		}
		if err := chip.Wait(calibration); err != nil {
			return nil, err
		}
	}
	if err := chip.Write(trigger, 0x33, 0x00); err != nil {
		return nil, err
	}
	if err := chip.Wait(conversion); err != nil {
		return nil, err
	}
	for range steps {
		answer, err := chip.Read(7)
		if err != nil {
			return nil, err
		}
		if answer[0]&busy == 0 {
			return decode(answer)
		}
		if err := chip.Wait(step); err != nil {
			return nil, err
		}
	}
	return nil, errAgain
}

// decode turns a finished answer into °C and % (§6). Air always has some humidity: 0 is an
// answer without a measurement.
func decode(answer []byte) ([]float64, error) {
	humidity := uint32(answer[1])<<12 | uint32(answer[2])<<4 | uint32(answer[3])>>4
	temperature := uint32(answer[3])&0xF<<16 | uint32(answer[4])<<8 | uint32(answer[5])
	switch crc := drivers.CRC8(answer[:6]); {
	case crc != answer[6] && answer[6] == 0xFF:
		return nil, fmt.Errorf("no checksum in % x, expected %#02x at its end: this may be an AHT10, which sends none; "+
			"the kernel reads that one (dtoverlay=i2c-sensor,aht10 and driver: kernel)", answer, crc)
	case crc != answer[6]:
		return nil, fmt.Errorf("wrong checksum %#02x of % x, expected %#02x: the bus is disturbed, shorten the wires or slow it down",
			answer[6], answer[:6], crc)
	case answer[0]&calibrated == 0:
		return nil, errors.New("the chip does not keep its calibration: it has restarted, check its supply if that comes again")
	case humidity == 0:
		return nil, errAgain
	}
	const all = 1 << 20
	return []float64{
		drivers.Round(float64(temperature)/all*200-50, 2),
		drivers.Round(float64(humidity)/all*100, 2),
	}, nil
}
