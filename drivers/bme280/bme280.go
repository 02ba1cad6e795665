// Package bme280 reads Bosch's BME280, which measures temperature, humidity and
// air pressure on I2C.
//
//	kitchen.climate: {driver: bme280, bus: I2C1, address: 0x76}
//
// Options: bus (default I2C1), address (0x76, the default, or 0x77: the level at
// the chip's pin SDO). Datasheet: BST-BME280-DS002.
package bme280

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/bmxx80"

	"hogar/drivers"
	"hogar/gateway/home"
)

// New decodes the options of a BME280.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "bme280", 0x76, 0x77)
	return drivers.Spec{
		Properties: properties(),
		Parts:      []drivers.Part{part},
		Every:      30 * time.Second,
		Open: func(ctx context.Context, board drivers.Board) (drivers.Device, error) {
			return open(ctx, board, part)
		},
	}
}

// properties are the operating ranges of datasheet §1.1 to §1.3.
func properties() []home.Property {
	return []home.Property{
		{Name: "temperature", Type: home.TypeNumber, Unit: "°C", Min: new(-40.0), Max: new(85.0)},
		{Name: "humidity", Type: home.TypeNumber, Unit: "%", Min: new(0.0), Max: new(100.0)},
		{Name: "pressure", Type: home.TypeNumber, Unit: "hPa", Min: new(300.0), Max: new(1100.0)},
	}
}

// sensor measures in forced mode: the chip sleeps in between (§3.3.3).
type sensor struct {
	part  drivers.Part
	guard *drivers.Guard
	chip  *bmxx80.Dev
}

var _ drivers.Sensor = (*sensor)(nil)

func open(ctx context.Context, board drivers.Board, part drivers.Part) (drivers.Device, error) {
	bus, err := board.I2C(part.Bus)
	if err != nil {
		return nil, err
	}
	s := &sensor{part: part, guard: drivers.NewGuard(bus, part)}
	err = s.guard.Do(ctx, func() error {
		if err := identify(s.guard, part.Address); err != nil {
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

// identify refuses other chips at the address: the library would take a BMP280,
// which has no humidity, as well. Register id: §5.4.1.
func identify(bus *drivers.Guard, address uint16) error {
	var id [1]byte
	if err := bus.Tx(address, []byte{0xD0}, id[:]); err != nil {
		return err
	}
	switch id[0] {
	case 0x60:
		return nil
	case 0x56, 0x57, 0x58:
		return fmt.Errorf("this is a BMP280, which cannot measure humidity; many boards sold as BME280 are (chip id %#x)", id[0])
	}
	return fmt.Errorf("this is no BME280: its id is %#x, expected 0x60", id[0])
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
	values := [...]float64{
		e.Temperature.Celsius(),
		float64(e.Humidity) / float64(physic.PercentRH),
		float64(e.Pressure) / float64(100*physic.Pascal),
	}
	readings := make([]drivers.Reading, len(values))
	for i, p := range properties() {
		v := round(values[i])
		if v < *p.Min || v > *p.Max {
			return nil, fmt.Errorf("bme280 measures a %s of %v %s, which it cannot: it is damaged, or the bus is disturbed",
				p.Name, v, p.Unit)
		}
		readings[i] = drivers.Reading{Property: p.Name, Value: home.NumberOf(v), Time: now}
	}
	return readings, nil
}

// unchanged refuses a chip that has lost its settings in a dip of its supply: it
// would tell the same humidity for ever. Register ctrl_hum: §5.4.3.
func (s *sensor) unchanged() error {
	var oversampling [1]byte
	if err := s.guard.Tx(s.part.Address, []byte{0xF2}, oversampling[:]); err != nil {
		return err
	}
	if oversampling[0]&7 != byte(bmxx80.DefaultOpts.Humidity) {
		return errors.New("the chip has restarted and lost its settings: check its supply if that comes again")
	}
	return nil
}

// round keeps two decimals: the resolution is 0.01 °C, 0.008 % and, with four
// samples, 0.006 hPa (§1.1 to §1.3, §5.4.6 to §5.4.8).
func round(f float64) float64 { return math.Round(f*100) / 100 }

// Close has nothing to release: the chip sleeps by itself.
func (s *sensor) Close() error { return nil }
