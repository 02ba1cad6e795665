// Package sht3x reads Sensirion's SHT30, SHT31 and SHT35, which measure
// temperature and humidity on I2C.
//
//	bath.climate: {driver: sht3x, bus: I2C1, address: 0x44}
//
// Options: bus (default I2C1), address (0x44, the default, or 0x45: the level at
// the chip's pin ADDR).
//
// Wiring: VIN to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3
// (pin 5); dtparam=i2c_arm=on. The kernel has a driver of its own
// (dtoverlay=i2c-sensor,sht3x): use one of the two, not both.
//
// Accuracy: SHT31 ±0.2 °C and ±2 %, SHT30 ±0.2 °C and ±2 %, SHT35 ±0.1 °C and
// ±1.5 %, at room temperature. Each answer is checked by its checksums. A
// measurement takes 16 ms, without stretching the clock. A chip that another program left measuring
// periodically, or with its heater on, is reset: at its opening, and when it refuses to measure. Datasheet: SHT3x-DIS,
// version 7.
package sht3x

import (
	"context"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

const (
	onceHigh  = 0x2400 // measure once, no clock stretching, high repeatability (§4.3)
	stop      = 0x3093 // end periodic measurements (§4.8)
	softReset = 0x30A2 // (§4.9); it switches the heater off

	longest  = 16 * time.Millisecond // of a measurement of high repeatability: 15.5 ms (§2.2)
	stopping = time.Millisecond
	starting = 2 * time.Millisecond // after a reset: 1.5 ms (§2.2)
)

// New decodes the options of an SHT3x.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "sht3x")
	return drivers.Polled{
		Part: part,
		Properties: []home.Property{ // §1, §2.1
			drivers.Number("temperature", "°C", -40, 125),
			drivers.Number("humidity", "%", 0, 100),
		},
		Every: 30 * time.Second,
		Prepare: func(ctx context.Context, board drivers.Board) error {
			_, err := drivers.OnBus(part, func(chip *drivers.Guard) ([]float64, error) { return nil, reset(chip) })(ctx, board)
			return err
		},
		Chip: measure,
	}.Spec()
}

// reset ends what another program has begun: periodic measurements first, since a chip that makes
// some may refuse all else.
func reset(chip *drivers.Guard) error {
	_ = chip.Try(stop>>8, stop&0xFF)
	if err := chip.Wait(stopping); err != nil {
		return err
	}
	if err := chip.Write(softReset>>8, softReset&0xFF); err != nil {
		return err
	}
	return chip.Wait(starting)
}

func measure(chip *drivers.Guard) ([]float64, error) {
	if chip.Try(onceHigh>>8, onceHigh&0xFF) != nil {
		if err := reset(chip); err != nil {
			return nil, err
		}
		if err := chip.Write(onceHigh>>8, onceHigh&0xFF); err != nil {
			return nil, err
		}
	}
	if err := chip.Wait(longest); err != nil {
		return nil, err
	}
	answer, err := chip.Read(6)
	if err != nil {
		return nil, err
	}
	return decode(answer)
}

// decode turns an answer into °C and % (§4.13).
func decode(answer []byte) ([]float64, error) {
	words, err := drivers.Words(answer)
	if err != nil {
		return nil, err
	}
	return []float64{
		drivers.Round(-45+175*float64(words[0])/65535, 2),
		drivers.Round(100*float64(words[1])/65535, 2),
	}, nil
}
