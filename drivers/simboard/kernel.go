package simboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// placeKernel makes the files of a part that a driver of the kernel serves.
func (b *Board) placeKernel(s *seat) error {
	class, rest, _ := strings.Cut(s.part.Kernel, "/")
	place, channel, _ := strings.Cut(rest, "/")
	switch class {
	case "w1":
		b.thermometer(s, place)
		return nil
	case "hwmon", "iio":
		return b.channel(s, class, place, channel)
	case "pwm":
		n, err := strconv.Atoi(channel)
		if err != nil {
			return fmt.Errorf("%q is no channel of a pwm chip", channel)
		}
		return b.dimmer(s, "sys/class/pwm/"+place, n)
	case "dev":
		b.ports["/"+s.part.Kernel] = s
		return nil
	}
	return fmt.Errorf("the simulation knows no %q in the kernel", s.part.Kernel)
}

// channel is one of a chip of the classes hwmon and iio. The chip stands where it
// is found by its name and by its place on a bus.
func (b *Board) channel(s *seat, class, chip, channel string) error {
	folders := map[string]string{"hwmon": "sys/class/hwmon/hwmon", "iio": "sys/bus/iio/devices/iio:device"}
	at := "sys/bus/i2c/devices/" + chip + map[string]string{"hwmon": "/hwmon/hwmon9", "iio": "/iio:device9"}[class]
	kind := strings.TrimPrefix(channel, "in_")
	q, ok := quantities(class)[kind]
	if !ok {
		q, ok = quantities(class)[strings.TrimRight(kind, "0123456789")]
	}
	if !ok {
		return fmt.Errorf("the simulation knows no channel %q of %s", channel, class)
	}
	around, steps := b.air(s), 1e3
	if q.by < 0.1 { // kPa have three decimals, shares of all more
		steps = 1e6
	}
	read := func() (string, error) {
		return strconv.FormatFloat(math.Round(around(q.name)*q.by*steps)/steps, 'f', -1, 64) + "\n", nil
	}
	folder := b.files.chip(folders[class], chip)
	for _, folder := range []string{folder, at} {
		b.files.text(s, folder+"/name", chip+"\n")
		b.files.add(folder+"/"+channel+"_input", file{seat: s, read: read})
	}
	return nil
}

// quantities are what the kinds of channels measure, and in which part of the
// world's unit (Documentation/hwmon/sysfs-interface, testing/sysfs-bus-iio).
func quantities(class string) map[string]quantity {
	if class == "hwmon" {
		return map[string]quantity{"temp": {"temperature", 1e3}, "humidity": {"humidity", 1e3}, "in": {"voltage", 1e3},
			"curr": {"current", 1e3}, "fan": {"fan", 1}, "power": {"power", 1e6}}
	}
	return map[string]quantity{"temp": {"temperature", 1e3}, "humidityrelative": {"humidity", 1e3}, "voltage": {"voltage", 1e3},
		"current": {"current", 1e3}, "illuminance": {"illuminance", 1}, "pressure": {"pressure", 0.1}, "power": {"power", 1e3},
		"temp_object": {"temperature", 1e3}, "temp_ambient": {"temperature", 1e3}, "concentration_co2": {"co2", 1e-4}, "massconcentration_pm1": {"pm1", 1},
		"massconcentration_pm2p5": {"pm25", 1}, "massconcentration_pm4": {"pm25", 1}, "massconcentration_pm10": {"pm10", 1}, "distance": {"distance", 1e-2}}
}

type quantity struct {
	name string
	by   float64
}
