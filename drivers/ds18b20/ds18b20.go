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
// (parasitic power) need dtoverlay=w1-gpio,pullup=1. Linux 5.9 or newer.
//
// Accuracy: ±0.5 °C from -10 to 85 °C; resolution 0.0625 °C. A measurement takes
// 750 ms, during which the other sensors on the wire wait. The kernel checks the
// checksum. Right after its power came the sensor shows 85 °C: that is refused
// unless it was about as warm before. Datasheet: DS18B20, 19-7487 rev. 6.
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
	near    = 5.0  // °C that a measurement may be from the one before to be believed all the same
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
			return &sensor{part: part, files: board.Files(), file: folder + name + "/temperature"}, nil
		},
	}
}

// property: the operating range.
func property() home.Property { return drivers.Number("temperature", "°C", -55, 125) }

type sensor struct {
	part  drivers.Part
	files drivers.Files
	file  string
	last  float64 // the measurement before
	known bool    // there was one
}

var _ drivers.Sensor = (*sensor)(nil)

// Sense makes one measurement, which takes 750 ms.
func (s *sensor) Sense(ctx context.Context) ([]drivers.Reading, error) {
	celsius, err := s.measure(ctx)
	if err == nil && s.suspect(celsius) {
		if celsius, err = s.measure(ctx); err == nil && s.suspect(celsius) {
			err = errors.New("it shows 85 °C, as it does before its first measurement: check its supply and the resistor of 4.7 kΩ")
		}
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

// suspect reports whether a measurement is the value at power-on, as far as one
// can tell.
func (s *sensor) suspect(celsius float64) bool {
	return celsius == powerOn && !(s.known && math.Abs(s.last-powerOn) <= near)
}

func (s *sensor) measure(ctx context.Context) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	milli, err := drivers.ReadNumber(s.files, s.file)
	if err != nil {
		return 0, drivers.Missing(err, s.advice())
	}
	return milli / 1000, nil
}

// advice says what to do when the sensor is not there.
func (s *sensor) advice() string {
	there, err := s.files.Glob(folder + "*-*/temperature")
	if err != nil || len(there) == 0 {
		return "no sensor is connected, or dtoverlay=w1-gpio is missing in config.txt"
	}
	for i, name := range there {
		there[i] = strings.TrimSuffix(strings.TrimPrefix(name, folder), "/temperature")
	}
	return "check its wires; connected are " + strings.Join(there, ", ")
}

// Close has nothing to release.
func (s *sensor) Close() error { return nil }
