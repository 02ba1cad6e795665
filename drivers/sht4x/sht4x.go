// Package sht4x reads Sensirion's SHT40, SHT41 and SHT45, which measure
// temperature and humidity on I2C.
//
//	bedroom.climate: {driver: sht4x, bus: I2C1, address: 0x44}
//
// Options: bus (default I2C1), address (0x44, the default, 0x45 or 0x46: part of
// the chip's order code, SHT40-AD1B, -BD1B or -CD1B).
//
// Wiring: VIN to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3
// (pin 5); dtparam=i2c_arm=on. The kernel has a driver of its own
// (dtoverlay=i2c-sensor,sht4x): use one of the two, not both.
//
// Accuracy: SHT40 ±0.2 °C and ±1.8 %, SHT45 ±0.1 °C and ±1 %, at room
// temperature. Each answer is checked by its checksums. The heater is never
// used. Datasheet: SHT4x, version 6.
package sht4x

import (
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

const (
	high    = 0xFD                 // measure with high precision (§4.5)
	longest = 9 * time.Millisecond // that takes: 8.3 ms (§3.2)
)

// New decodes the options of an SHT4x.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "sht4x")
	return drivers.Polled{
		Part: part,
		Properties: []home.Property{ // §2
			drivers.Number("temperature", "°C", -40, 125),
			drivers.Number("humidity", "%", 0, 100),
		},
		Every: 30 * time.Second,
		Chip:  measure,
	}.Spec()
}

func measure(chip *drivers.Guard) ([]float64, error) {
	if err := chip.Write(high); err != nil {
		return nil, err
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

// decode turns an answer into °C and % (§4.6). Humidity reaches beyond 0 and
// 100 % by the chip's tolerance, and is cut there as the datasheet advises.
func decode(answer []byte) ([]float64, error) {
	words, err := drivers.Words(answer)
	if err != nil {
		return nil, err
	}
	return []float64{
		drivers.Round(-45+175*float64(words[0])/65535, 2),
		min(max(drivers.Round(-6+125*float64(words[1])/65535, 2), 0), 100),
	}, nil
}
