// Package scd4x reads Sensirion's SCD40 and SCD41, which measure carbon dioxide,
// temperature and humidity on I2C.
//
//	bedroom.air: {driver: scd4x, bus: I2C1, altitude: 450}
//
// Options, which are written to the chip at each opening and not to its memory:
//
//	bus                 default I2C1; the address is always 0x62
//	altitude            of the house in m, 0 to 3000, default 0: thin air reads too low
//	pressure            of the air in hPa, 700 to 1200, in place of the altitude
//	self_calibration    true or false; without it the chip stays as it is, and as sold it does
//	temperature_offset  how much warmer than the air it is, in °C, 0 to 20; without it the chip keeps its own, as sold 4
//	single_shot         true: an SCD41 measures once when it is read, and rests in between
//	forced_calibration  true: the device has the property calibrate, see below
//
// Setting calibrate to the carbon dioxide that there is, in ppm (420 out of doors), calibrates
// the chip for good. It must have measured in that air for three minutes.
//
// Wiring: VDD to 3.3 V (pin 1; it draws up to 205 mA for moments), GND to pin 9,
// SDA to GPIO2 (pin 3), SCL to GPIO3 (pin 5); dtparam=i2c_arm=on. It does not
// stretch the clock for what this driver asks.
//
// Accuracy: SCD40 ±50 ppm and ±5 % from 400 to 2,000 ppm; SCD41 ±50 ppm and ±2.5 % up to
// 1,000, ±50 ppm and ±3 % up to 2,000, ±40 ppm and ±5 % up to 5,000 ppm; temperature ±0.8 °C and
// humidity ±6 % at 15 to 35 °C, warmed by the chip itself, which subtracts 4 °C. The chip measures every 5 s and calibrates itself
// by the lowest value of a week: air the room now and then, or switch that off. Each answer is checked
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

// Commands (§3.5 to §3.10).
const (
	start              = 0x21B1
	stop               = 0x3F86
	single             = 0x219D
	read               = 0xEC05
	ready              = 0xE4B8
	setOffset          = 0x241D
	getOffset          = 0x2318
	setAltitude        = 0x2427
	getAltitude        = 0x2322
	setPressure        = 0xE000
	setSelfCalibration = 0x2416
	calibrate          = 0x362F
	wake               = 0x36F6
	variant            = 0x202F // not in the datasheet of then: ESPHome scd4x.cpp

	execution   = time.Millisecond // of all commands but these
	waking      = 30 * time.Millisecond
	stopping    = 500 * time.Millisecond
	calibrating = 400 * time.Millisecond
	measuring   = 5 * time.Second
	poll        = 250 * time.Millisecond
	longest     = 6 * time.Second // until a measurement is there: 5 s

	failed = 0xFFFF // a calibration
	scd40  = 0x0    // in the upper four bits of the variant; an SCD41 has 1, an SCD43 5
)

// New decodes the options of an SCD4x.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "scd4x")
	s := decodeSettings(d)
	p := drivers.Polled{
		Part: part,
		Properties: []home.Property{ // §1
			drivers.Number("co2", "ppm", 0, 40000),
			drivers.Number("temperature", "°C", -10, 60),
			drivers.Number("humidity", "%", 0, 100),
		},
		Every:   30 * time.Second,
		Timeout: 10 * time.Second,
		Prepare: func(ctx context.Context, board drivers.Board) error {
			_, err := drivers.OnBus(part, func(chip *drivers.Guard) ([]float64, error) { return nil, s.begin(chip) })(ctx, board)
			return err
		},
		Chip: s.measure,
	}
	if s.single {
		p.Every = 5 * time.Minute // for which the self-calibration of single shots is made
		p.Timeout = 15 * time.Second
	}
	spec := p.Spec()
	if d.Bool("forced_calibration", false) {
		return s.calibrated(spec)
	}
	return spec
}

// begin lets the chip measure every 5 s, or rest, whatever it did before: one that another program
// has sent to sleep is woken first, which it does not acknowledge (§3.10.4).
func (s settings) begin(chip *drivers.Guard) error {
	_ = chip.Try(wake>>8, wake&0xFF)
	if err := chip.Wait(waking); err != nil {
		return err
	}
	if err := s.stop(chip); err != nil {
		return err
	}
	if err := s.set(chip); err != nil {
		return err
	}
	if !s.single {
		return send(chip, start, execution)
	}
	is, err := ask(chip, variant, 1)
	if err != nil {
		return err
	}
	if is[0]>>12 == scd40 {
		return errors.New("this is an SCD40, which has no single shot: leave single_shot out")
	}
	return send(chip, single, measuring) // the first after power-up is not to be used (§3.10.1)
}

// set writes what the options ask for.
func (s settings) set(chip *drivers.Guard) error {
	for _, one := range s.words() {
		if err := sendWord(chip, one.command, one.word); err != nil {
			return err
		}
	}
	return nil
}

// kept refuses a chip that was set up for a single shot and has lost since what makes its values right.
func (s settings) kept(chip *drivers.Guard) error {
	if !s.single {
		return nil
	}
	for _, one := range s.words() {
		if one.get == 0 {
			continue
		}
		is, err := ask(chip, one.get, 1)
		if err != nil {
			return err
		}
		if is[0] != one.word {
			return errors.New("the chip has restarted and lost its settings: check its supply if that comes again")
		}
	}
	return nil
}

// stop ends periodic measurements, and waits for the end of a single one that may be under
// way since before a restart.
func (s settings) stop(chip *drivers.Guard) error {
	if !s.single {
		return send(chip, stop, stopping)
	}
	if chip.Try(stop>>8, stop&0xFF) == nil {
		return chip.Wait(stopping)
	}
	if err := chip.Wait(measuring); err != nil {
		return err
	}
	return send(chip, stop, stopping)
}

// measure takes the latest measurement, waiting for it where it must. One that measures by itself and
// restarts does so no more; for single shots the settings are written anew each time.
func (s settings) measure(chip *drivers.Guard) ([]float64, error) {
	if s.single {
		if err := s.set(chip); err != nil {
			return nil, err
		}
		if err := send(chip, single, measuring); err != nil {
			return nil, err
		}
	}
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
			if words[0] == 0 { // there is no air without it
				return nil, errors.New("it measures no CO2 at all: check the supply at VDD, of which it draws 205 mA for moments, " +
					"and its wires; else the chip is damaged")
			}
			return decode(words), s.kept(chip)
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

// sendWord sends a command with a word for the chip.
func sendWord(chip *drivers.Guard, command, word uint16) error {
	b := []byte{byte(word >> 8), byte(word & 0xFF)}
	if err := chip.Write(byte(command>>8), byte(command&0xFF), b[0], b[1], drivers.CRC8(b)); err != nil {
		return err
	}
	return chip.Wait(execution)
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
