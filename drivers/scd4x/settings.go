package scd4x

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"hogar/drivers"
	"hogar/gateway/home"
)

// settings are what the options ask of the chip.
type settings struct {
	altitude        int      // m
	pressure        int      // hPa; 0: the altitude counts
	selfCalibration *bool    // nil: as the chip has it
	offset          *float64 // °C; nil: as the chip has it
	single          bool
}

func decodeSettings(d *home.Decoder) settings {
	s := settings{altitude: d.Int("altitude", 0, 0, 3000), single: d.Bool("single_shot", false)}
	own := func(key string) bool { return d.Get(key) != nil }
	if pressure := d.Int("pressure", 1013, 700, 1200); own("pressure") {
		s.pressure = pressure
	}
	if own("pressure") && own("altitude") {
		d.Fault("pressure", "leave one of them out", "both altitude and pressure are given, of which the chip uses one")
	}
	if on := d.Bool("self_calibration", true); own("self_calibration") {
		s.selfCalibration = &on
	}
	if offset := d.Number("temperature_offset", 4, 0, 20); own("temperature_offset") {
		s.offset = &offset
	}
	return s
}

// setting is a command with its word, and the command that reads it back; 0: there is none.
type setting struct{ command, word, get uint16 }

// words are what is written at each opening.
func (s settings) words() []setting {
	all := []setting{{setAltitude, uint16(s.altitude), 0}}
	switch {
	case s.pressure > 0: // what reads it back is of later chips
		all = []setting{{setPressure, uint16(s.pressure), 0}}
	case s.altitude > 0:
		all[0].get = getAltitude
	}
	if s.selfCalibration != nil {
		all = append(all, setting{setSelfCalibration, map[bool]uint16{true: 1}[*s.selfCalibration], 0})
	}
	if s.offset != nil {
		all = append(all, setting{setOffset, uint16(math.Round(*s.offset * 65535 / 175)), getOffset}) // §3.7.1
	}
	return all
}

// property is what a forced calibration is asked for by: the carbon dioxide that there is.
func property() home.Property {
	p := drivers.Number("calibrate", "ppm", 400, 2000)
	p.Settable, p.Momentary = true, true
	return p
}

// calibrated is the device that can be calibrated by force, too.
func (s settings) calibrated(spec drivers.Spec) drivers.Spec {
	open, part := spec.Open, spec.Parts[0]
	spec.Properties = append(slices.Clone(spec.Properties), property())
	spec.Open = func(ctx context.Context, board drivers.Board) (drivers.Device, error) {
		device, err := open(ctx, board)
		if err != nil {
			return nil, err
		}
		return &calibratable{device.(drivers.Sensor), board, part, s}, nil
	}
	return spec
}

// calibratable is a sensor whose property calibrate can be set.
type calibratable struct {
	drivers.Sensor
	board    drivers.Board
	part     drivers.Part
	settings settings
}

var _ drivers.Actuator = (*calibratable)(nil)

// Set calibrates the chip: from now on, what it measures now is value. It lasts a second, and
// the next measurement comes 5 s later. There is nothing to read back.
func (c *calibratable) Set(ctx context.Context, name string, value home.Value) ([]drivers.Reading, error) {
	if name != property().Name {
		return nil, fmt.Errorf("%v has no property %s that can be set", c.part, name)
	}
	_, err := drivers.OnBus(c.part, func(chip *drivers.Guard) ([]float64, error) {
		return nil, c.settings.force(chip, uint16(math.Round(value.Number())))
	})(ctx, c.board)
	return nil, err
}

// force calibrates the chip (§3.8.1) and lets it go on.
func (s settings) force(chip *drivers.Guard, ppm uint16) error {
	if err := s.stop(chip); err != nil {
		return err
	}
	if err := sendWord(chip, calibrate, ppm); err != nil {
		return err
	}
	if err := chip.Wait(calibrating); err != nil {
		return err
	}
	b, err := chip.Read(3)
	if err != nil {
		return err
	}
	words, err := drivers.Words(b)
	if err != nil {
		return err
	}
	if words[0] == failed {
		return errors.New("the chip refuses the calibration: it must have measured in this air for three minutes before")
	}
	if s.single {
		return nil
	}
	return send(chip, start, execution)
}
