// Package bme280 reads Bosch's BME280, which measures temperature, humidity and
// air pressure on I2C, and the BMP280, which has no humidity.
//
//	kitchen.climate: {driver: bme280, bus: I2C1, address: 0x76}
//	attic.air:       {driver: bmp280, address: 0x77}
//
// Options: bus (default I2C1), address (0x76, the default, or 0x77: the level at
// the chip's pin SDO). Datasheets: BST-BME280-DS002, BST-BMP280-DS001.
package bme280

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/bmxx80"

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
	part := drivers.ChipPart(d, chip, 0x76, 0x77)
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

// sensor measures in forced mode: the chip sleeps in between (§3.3.3).
type sensor struct {
	part       drivers.Part
	properties []home.Property
	guard      *drivers.Guard
	chip       *bmxx80.Dev
}

var _ drivers.Sensor = (*sensor)(nil)

func open(ctx context.Context, board drivers.Board, part drivers.Part, properties []home.Property) (drivers.Device, error) {
	bus, err := board.I2C(part.Bus)
	if err != nil {
		return nil, err
	}
	s := &sensor{part: part, properties: properties, guard: drivers.NewGuard(bus, part)}
	err = s.guard.Do(ctx, func() error {
		if err := identify(s.guard, part); err != nil {
			return err
		}
		opts := bmxx80.DefaultOpts
		s.chip, err = bmxx80.NewI2C(s.guard, part.Address, &opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// identify refuses other chips at the address: the library would take the one for the
// other. Register id: §5.4.1, and §4.3.1 of the BMP280.
func identify(bus *drivers.Guard, part drivers.Part) error {
	id, err := bus.Read(1, 0xD0)
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
	var e physic.Env
	err := s.guard.Do(ctx, func() error {
		if err := s.unchanged(); err != nil {
			return err
		}
		return s.chip.Sense(&e)
	})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	values := map[string]float64{
		"temperature": e.Temperature.Celsius(),
		"humidity":    float64(e.Humidity) / float64(physic.PercentRH),
		"pressure":    float64(e.Pressure) / float64(100*physic.Pascal),
	}
	readings := make([]drivers.Reading, len(s.properties))
	for i, p := range s.properties {
		v := drivers.Round(values[p.Name], 2) // the resolution is 0.01 °C, 0.008 % and, with four samples, 0.006 hPa
		if v < *p.Min || v > *p.Max {
			return nil, fmt.Errorf("%v measures a %s of %v %s, which it cannot: it is damaged, or the bus is disturbed",
				s.part, p.Name, v, p.Unit)
		}
		readings[i] = drivers.Reading{Property: p.Name, Value: home.NumberOf(v), Time: now}
	}
	return readings, nil
}

// unchanged refuses a chip that has lost its settings in a dip of its supply: it
// would tell the same humidity for ever. Register ctrl_hum: §5.4.3. All other settings, so
// all that a BMP280 has, are written with each measurement.
func (s *sensor) unchanged() error {
	if s.part.Chip != "bme280" {
		return nil
	}
	var oversampling [1]byte
	if err := s.guard.Tx(s.part.Address, []byte{0xF2}, oversampling[:]); err != nil {
		return err
	}
	if oversampling[0]&7 != byte(bmxx80.DefaultOpts.Humidity) {
		return errors.New("the chip has restarted and lost its settings: check its supply if that comes again")
	}
	return nil
}

// Close has nothing to release: the chip sleeps by itself.
func (s *sensor) Close() error { return nil }
