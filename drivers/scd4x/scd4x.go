// Package scd4x reads Sensirion's SCD40 and SCD41, which measure carbon dioxide,
// temperature and humidity on I2C.
//
//	bedroom.air: {driver: scd4x, bus: I2C1, altitude: 450}
//
// Options: bus (default I2C1), altitude (of the house in m, 0 to 3000, default 0:
// thin air reads too low). The address is always 0x62.
//
// Wiring: VDD to 3.3 V (pin 1; it draws up to 205 mA for moments), GND to pin 9,
// SDA to GPIO2 (pin 3), SCL to GPIO3 (pin 5); dtparam=i2c_arm=on. It does not
// stretch the clock for what this driver asks.
//
// Accuracy: SCD40 ±50 ppm and ±5 % from 400 to 2,000 ppm; SCD41 ±50 ppm and ±2.5 % up to
// 1,000, ±50 ppm and ±3 % up to 2,000, ±40 ppm and ±5 % up to 5,000 ppm; temperature ±0.8 °C and
// humidity ±6 % at 15 to 35 °C, warmed by the chip itself, which subtracts 4 °C. The chip measures every 5 s and calibrates itself
// by the lowest value of a week: air the room now and then. Each answer is checked
// by its checksums. The first reading comes 5 s after opening.
//
// It speaks to the chip itself: periph's driver reads in the same transfer in
// which it asks, and the chip wants 1 ms in between. Datasheet: SCD4x, version 1.4.
package scd4x

import (
	"context"
	"errors"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Commands (§3.5 to §3.8).
const (
	start       = 0x21B1
	stop        = 0x3F86
	read        = 0xEC05
	ready       = 0xE4B8
	setAltitude = 0x2427

	execution = time.Millisecond       // of all commands but stop
	stopping  = 500 * time.Millisecond // of stop
	poll      = 250 * time.Millisecond
	longest   = 6 * time.Second // until a measurement is there: 5 s
)

// New decodes the options of an SCD4x.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "scd4x", 0x62)
	altitude := uint16(d.Int("altitude", 0, 0, 3000))
	return drivers.Polled{
		Part: part,
		Properties: []home.Property{ // §1
			drivers.Number("co2", "ppm", 0, 40000),
			drivers.Number("temperature", "°C", -10, 60),
			drivers.Number("humidity", "%", 0, 100),
		},
		Every:   30 * time.Second,
		Timeout: 10 * time.Second,
		Prepare: func(ctx context.Context, board drivers.Board) error {
			_, err := drivers.OnBus(part, func(chip *drivers.Guard) ([]float64, error) { return nil, begin(chip, altitude) })(ctx, board)
			return err
		},
		Measure: drivers.OnBus(part, measure),
	}.Spec()
}

// begin lets the chip measure every 5 s, whatever it did before.
func begin(chip *drivers.Guard, altitude uint16) error {
	if err := send(chip, stop, stopping); err != nil {
		return err
	}
	high, low := byte(altitude>>8), byte(altitude&0xFF)
	if err := chip.Write(setAltitude>>8, setAltitude&0xFF, high, low, drivers.CRC8([]byte{high, low})); err != nil {
		return err
	}
	if err := chip.Wait(execution); err != nil {
		return err
	}
	return send(chip, start, execution)
}

// measure takes the latest measurement, waiting for it where it must.
func measure(chip *drivers.Guard) ([]float64, error) {
	for range longest / poll {
		status, err := ask(chip, ready, 1)
		if err != nil {
			return nil, err
		}
		if status[0]&0x07FF != 0 {
			words, err := ask(chip, read, 3)
			if err != nil {
				return nil, err
			}
			return decode(words), nil
		}
		if err := chip.Wait(poll); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the chip does not measure: it has restarted, check its supply if that comes again")
}

// decode turns a measurement into ppm, °C and % (§3.5.2).
func decode(words []uint16) []float64 {
	return []float64{
		float64(words[0]),
		drivers.Round(-45+175*float64(words[1])/65535, 2),
		drivers.Round(100*float64(words[2])/65535, 2),
	}
}

// send sends a command and waits while the chip carries it out.
func send(chip *drivers.Guard, command uint16, d time.Duration) error {
	if err := chip.Write(byte(command>>8), byte(command&0xFF)); err != nil {
		return err
	}
	return chip.Wait(d)
}

// ask sends a command and reads the words of the answer.
func ask(chip *drivers.Guard, command uint16, words int) ([]uint16, error) {
	if err := send(chip, command, execution); err != nil {
		return nil, err
	}
	answer, err := chip.Read(3 * words)
	if err != nil {
		return nil, err
	}
	return drivers.Words(answer)
}
