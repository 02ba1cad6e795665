// Package bme280 reads Bosch's BME280, which measures temperature, humidity and
// air pressure on I2C, and the BMP280, which has no humidity.
//
//	kitchen.climate: {driver: bme280, bus: I2C1, address: 0x76}
//	attic.air:       {driver: bmp280, address: 0x77}
//
// Options: bus (default I2C1), address (0x76, the default, or 0x77: the level at
// the chip's pin SDO). Datasheets: BST-BME280-DS002, BST-BMP280-DS001.
//
// It speaks to the chip itself: periph's driver loses the sign of two trimming values and takes
// a measurement that was skipped for one. All settings are written with each measurement
// and read back after it, so that a chip that restarts in between does no harm.
package bme280

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// New decodes the options of a BME280.
func New(d *home.Decoder) drivers.Spec { return spec(d, "bme280", properties()) }

// NewBMP decodes the options of a BMP280.
func NewBMP(d *home.Decoder) drivers.Spec {
	return spec(d, "bmp280", slices.DeleteFunc(properties(), func(p home.Property) bool { return p.Name == "humidity" }))
}

func spec(d *home.Decoder, chip string, properties []home.Property) drivers.Spec {
	part := drivers.ChipPart(d, chip)
	return drivers.Spec{
		Properties: properties,
		Parts:      []drivers.Part{part},
		Every:      30 * time.Second,
		Open: func(ctx context.Context, board drivers.Board) (drivers.Device, error) {
			return open(ctx, board, part, properties)
		},
	}
}

// properties are the operating ranges of datasheet §1.2 to §1.4.
func properties() []home.Property {
	return []home.Property{
		drivers.Number("temperature", "°C", -40, 85),
		drivers.Number("humidity", "%", 0, 100),
		drivers.Number("pressure", "hPa", 300, 1100),
	}
}

// Registers (§5.3), and how they are set: four samples of each, no filter, one
// measurement and then sleep (§3.3.3, §3.4).
const (
	trimmingFirst  = 0x88
	identity       = 0xD0
	reset          = 0xE0
	trimmingSecond = 0xE1
	ctrlHum        = 0xF2
	status         = 0xF3
	ctrlMeas       = 0xF4
	configuration  = 0xF5
	data           = 0xF7

	resetWord    = 0xB6
	copying      = 1 << 0 // in status: the trimming values are not there yet
	measuring    = 1 << 3
	fourSamples  = 3
	samples      = fourSamples<<5 | fourSamples<<2
	forced       = 1
	filter       = 7 << 2
	startTime    = 2 * time.Millisecond  // after a reset (§1.1)
	longest      = 30 * time.Millisecond // of a measurement with four samples each (§9.1)
	skipped20    = 0x80000               // what is shown of a quantity that was not measured
	skipped16    = 0x8000                // (§5.4.7 to §5.4.9)
	settingsRead = data + 8 - ctrlHum

	beyond = 10.0 // %, three times the tolerance (§1.2): humidity so far beyond 0 or 100 % is none
)

// sensor measures in forced mode: the chip sleeps in between.
type sensor struct {
	part       drivers.Part
	properties []home.Property
	guard      *drivers.Guard
}

var _ drivers.Sensor = (*sensor)(nil)

func open(ctx context.Context, board drivers.Board, part drivers.Part, properties []home.Property) (drivers.Device, error) {
	bus, err := board.I2C(part.Bus)
	if err != nil {
		return nil, err
	}
	s := &sensor{part: part, properties: properties, guard: drivers.NewGuard(bus, part)}
	if err := s.guard.Do(ctx, s.begin); err != nil {
		return nil, err
	}
	return s, nil
}

// begin resets the chip, which another program or a dip of its supply may have left in any state.
func (s *sensor) begin() error {
	if err := identify(s.guard, s.part); err != nil {
		return err
	}
	if err := s.guard.Write(reset, resetWord); err != nil {
		return err
	}
	if err := s.guard.Wait(startTime); err != nil {
		return err
	}
	return s.until(copying)
}

// trim reads the trimming values. They are read with each measurement: they have no checksum, and a chip
// may be replaced by another in between.
func (s *sensor) trim() (trimming, error) {
	first, err := s.guard.Read(26, trimmingFirst)
	if err != nil {
		return trimming{}, err
	}
	var second []byte
	if s.humid() {
		if second, err = s.guard.Read(7, trimmingSecond); err != nil {
			return trimming{}, err
		}
	}
	return newTrimming(first, second)
}

// humid reports whether the chip measures humidity.
func (s *sensor) humid() bool { return s.part.Chip == "bme280" }

// until waits until the chip is no longer busy with something.
func (s *sensor) until(busy byte) error {
	for {
		is, err := s.guard.Read(1, status)
		if err != nil || is[0]&busy == 0 {
			return err
		}
	}
}

// identify refuses other chips at the address. Register id: §5.4.1, and §4.3.1 of the
// BMP280, of which 56 and 57 were samples.
func identify(bus *drivers.Guard, part drivers.Part) error {
	id, err := bus.Read(1, identity)
	if err != nil {
		return err
	}
	is := map[byte]string{0x60: "bme280", 0x56: "bmp280", 0x57: "bmp280", 0x58: "bmp280"}[id[0]]
	switch {
	case is == part.Chip:
		return nil
	case is == "bmp280":
		return fmt.Errorf("this is a BMP280, which cannot measure humidity; many boards sold as BME280 are (chip id %#x): write driver: bmp280", id[0])
	case is == "bme280":
		return fmt.Errorf("this is a BME280, which measures humidity, too (chip id %#x): write driver: bme280", id[0])
	}
	return fmt.Errorf("this is no %s: its id is %#x", strings.ToUpper(part.Chip), id[0])
}

// Sense makes one measurement, which takes about 30 ms.
func (s *sensor) Sense(ctx context.Context) ([]drivers.Reading, error) {
	var values map[string]float64
	err := s.guard.Do(ctx, func() (err error) {
		values, err = s.measure()
		return err
	})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	readings := make([]drivers.Reading, len(s.properties))
	for i, p := range s.properties {
		v := drivers.Round(values[p.Name], 2) // the resolution is 0.01 °C, 0.008 % and, with four samples, 0.006 hPa
		if !(v >= *p.Min && v <= *p.Max) {    // nor no number
			return nil, fmt.Errorf("%v measures a %s of %v %s, which it cannot: it is damaged, or the bus is disturbed",
				s.part, p.Name, v, p.Unit)
		}
		readings[i] = drivers.Reading{Property: p.Name, Value: home.NumberOf(v), Time: now}
	}
	return readings, nil
}

// measure writes all settings, lets the chip measure, and reads settings and data in one
// transfer, so that they belong together (§4).
func (s *sensor) measure() (map[string]float64, error) {
	settings := []byte{configuration, 0, ctrlMeas, samples | forced}
	if s.humid() { // it takes effect with the next write to ctrl_meas (§5.4.3)
		settings = append([]byte{ctrlHum, fourSamples}, settings...)
	}
	if err := s.guard.Write(settings...); err != nil {
		return nil, err
	}
	if err := s.guard.Wait(longest); err != nil {
		return nil, err
	}
	if err := s.until(measuring | copying); err != nil {
		return nil, err
	}
	trimming, err := s.trim()
	if err != nil {
		return nil, err
	}
	b, err := s.guard.Read(settingsRead, ctrlHum)
	if err != nil {
		return nil, err
	}
	if s.humid() && b[0]&7 != fourSamples || b[ctrlMeas-ctrlHum]&^3 != samples || b[configuration-ctrlHum]&filter != 0 {
		return nil, errors.New("the chip has restarted and lost its settings: check its supply if that comes again")
	}
	return s.decode(b[data-ctrlHum:], trimming)
}

// decode turns the registers F7 to FE into °C, hPa and %. What the chip has not measured is
// an error.
func (s *sensor) decode(b []byte, by trimming) (map[string]float64, error) {
	word := func(b []byte) int { return int(b[0])<<12 | int(b[1])<<4 | int(b[2])>>4 }
	p, t, h := word(b), word(b[3:]), int(b[6])<<8|int(b[7])
	if t == skipped20 || p == skipped20 || s.humid() && h == skipped16 {
		return nil, errors.New("the chip has not measured but shows what it shows after a restart: check its supply if that comes again")
	}
	if s.humid() && (h == 0 || h == 0xFFFF) {
		return nil, fmt.Errorf("its humidity reads %#04x, which is none: it is damaged, or the bus is disturbed", h)
	}
	celsius, fine := by.temperature(float64(t))
	values := map[string]float64{"temperature": celsius, "pressure": by.pressure(float64(p), fine)}
	if s.humid() {
		percent := by.humidity(float64(h), fine)
		if percent < -beyond || percent > 100+beyond {
			return nil, fmt.Errorf("its humidity of %.0f %% is none: it is damaged, or the bus is disturbed", percent)
		}
		values["humidity"] = min(max(percent, 0), 100) // as Bosch's formula does
	}
	return values, nil
}

// Close has nothing to release: the chip sleeps by itself.
func (s *sensor) Close() error { return nil }
