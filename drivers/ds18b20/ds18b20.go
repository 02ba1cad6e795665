// Package ds18b20 reads Maxim's DS18B20, which measures temperature on 1-wire,
// through the kernel's driver.
//
//	boiler.flow: {driver: ds18b20, id: 28-0316a27902ff}
//
// Options: id (what the kernel calls the sensor, from its serial number: ls
// /sys/bus/w1/devices lists those that are connected). DS1822 (22-), DS18S20 (10-),
// DS1825 (3b-) and DS28EA00 (42-) are read alike.
//
// Wiring: all sensors side by side, VDD to 3.3 V (pin 1), GND to pin 9, DQ to
// GPIO4 (pin 7), and one resistor of 4.7 kΩ between DQ and 3.3 V. In config.txt
// dtoverlay=w1-gpio, with ,gpiopin=N for another pin. Sensors on two wires
// (parasitic power) need dtoverlay=w1-gpio-pullup,extpullup=N instead: a transistor at
// GPIO N that gives them the full 3.3 V while they measure.
//
// Accuracy: ±0.5 °C from -10 to 85 °C; resolution 0.0625 °C. A measurement takes
// 750 ms, during which the other sensors on the wire wait. It is read with the nine bytes
// that the sensor holds (w1_slave), of which the kernel checks the checksum. They show
// what is no measurement, though its checksum is right: nine zeros, which a wire at ground
// reads as, and 85 °C or 127.94 °C with byte 6 at 0C, which is the sensor before its first
// measurement and one whose supply fell (the same rule is in the kernel, drivers/w1/slaves/w1_therm.c,
// W1_THERM_CHECK_RESULT, off by default). A DS18S20 that shows 85 °C is believed when it was
// about as warm before. Some counterfeits hold 25 °C before their first measurement, and
// that looks like one. Datasheet: DS18B20, 19-7487 rev. 6.
package ds18b20

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

const (
	folder  = "sys/bus/w1/devices/"
	powerOn = 85.0 // what the temperature register holds first (table 1)
	near    = 5.0  // °C that a DS18S20 may be from the one before to be believed all the same
)

var id = regexp.MustCompile(`^(10|22|28|3b|42)-[0-9a-f]{12}$`)

// New decodes the options of a DS18B20.
func New(d *home.Decoder) drivers.Spec {
	d.Require("id")
	name := d.Text("id", "28-000000000000")
	if !id.MatchString(name) {
		d.Fault("id", "ls /sys/bus/w1/devices lists the sensors", "id is '%s', expected 28- and twelve hexadecimal digits in lower case", name)
	}
	part := drivers.Part{Chip: "ds18b20", Kernel: "w1/" + name}
	return drivers.Spec{
		Properties: []home.Property{property()},
		Parts:      []drivers.Part{part},
		Every:      time.Minute,
		Timeout:    20 * time.Second, // others on the wire may come first
		Open: func(_ context.Context, board drivers.Board) (drivers.Device, error) {
			return &sensor{part: part, files: board.Files(), id: name}, nil
		},
	}
}

// property: the operating range.
func property() home.Property { return drivers.Number("temperature", "°C", -55, 125) }

type sensor struct {
	part  drivers.Part
	files drivers.Files
	id    string
	last  float64 // the measurement before
	known bool    // there was one
}

var _ drivers.Sensor = (*sensor)(nil)

// Sense makes one measurement, which takes 750 ms; what is none is asked for once more.
func (s *sensor) Sense(ctx context.Context) ([]drivers.Reading, error) {
	celsius, err := s.measure(ctx)
	if errors.Is(err, errUnmeasured) {
		celsius, err = s.measure(ctx)
	}
	if p := property(); err == nil && (celsius < *p.Min || celsius > *p.Max) {
		err = fmt.Errorf("it shows %v °C, which it cannot measure", celsius)
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", s.part, err)
	}
	s.last, s.known = celsius, true
	return []drivers.Reading{{Property: property().Name, Value: home.NumberOf(celsius), Time: time.Now()}}, nil
}

func (s *sensor) measure(ctx context.Context) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	celsius, err := Read(s.files, s.id)
	if err != nil {
		return 0, drivers.Missing(err, s.advice())
	}
	if celsius == powerOn && strings.HasPrefix(s.id, "10-") && !(s.known && math.Abs(s.last-powerOn) <= near) {
		return 0, fmt.Errorf("%w: it shows 85 °C, as it does at its power-up: check its supply and the resistor of 4.7 kΩ", errUnmeasured)
	}
	return celsius, nil
}

// advice says what to do when the sensor is not there.
func (s *sensor) advice() string {
	there, err := s.files.Glob(folder + "*-*/w1_slave")
	if err != nil || len(there) == 0 {
		return "no sensor is connected, or dtoverlay=w1-gpio is missing in config.txt"
	}
	for i, name := range there {
		there[i] = strings.TrimSuffix(strings.TrimPrefix(name, folder), "/w1_slave")
	}
	return "check its wires; connected are " + strings.Join(there, ", ")
}

// Close has nothing to release.
func (s *sensor) Close() error { return nil }
