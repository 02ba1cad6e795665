// Package dht22 reads Aosong's DHT22 (AM2302) and DHT11, which measure temperature
// and humidity and speak over one wire with exact timing, through the kernel's
// driver.
//
//	laundry.climate: {driver: dht22, pin: GPIO4}
//
// Options: pin (GPIO4: the pin of the overlay).
//
// Wiring: VCC to 3.3 V (pin 1), GND to pin 9, DATA to the pin with a resistor of
// 4.7 to 10 kΩ to 3.3 V (boards have one). In config.txt, for each sensor,
// dtoverlay=dht11,gpiopin=4, for a DHT22 as well. The kernel holds the pin.
//
// Accuracy: DHT22 ±0.5 °C and ±2 % (at most ±5 %), resolution 0.1; DHT11 ±2 °C and
// ±5 % at 25 °C, resolution 1 (newer ones tell tenths). The sensor can be asked every
// 2 s. Its pulses are often misread, also by the kernel, which checks their sum; then
// it is asked again, up to three times. A Pi 5 reads hardly any: take an AHT20 or SHT4x there. A DHT11 below 0 °C is not understood by the
// kernel at all. Manuals: AM2302 and DHT11 of Aosong; kernel: drivers/iio/humidity/dht11.c.
package dht22

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"strings"
	"syscall"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

const (
	devices = "sys/bus/iio/devices/iio:device*"
	tries   = 3
	between = 2 * time.Second // two measurements, at least

	dew    = 102.0  // %, the most that is taken for 100 %
	wrap   = 3276.8 // °C: a clone sends FFF6 for -1.0, which the kernel takes for -3275.8
	frozen = 3200.0
)

// New decodes the options of a DHT22.
func New(d *home.Decoder) drivers.Spec {
	return spec(d, "dht22", drivers.Number("temperature", "°C", -40, 80), drivers.Number("humidity", "%", 0, 100))
}

// New11 decodes the options of a DHT11.
func New11(d *home.Decoder) drivers.Spec {
	return spec(d, "dht11", drivers.Number("temperature", "°C", 0, 60), drivers.Number("humidity", "%", 0, 100))
}

func spec(d *home.Decoder, chip string, properties ...home.Property) drivers.Spec {
	part := drivers.HeaderPart(d, chip)
	return drivers.Polled{
		Part:       part,
		Properties: properties,
		Every:      time.Minute,
		Timeout:    15 * time.Second,
		Measure: func(ctx context.Context, board drivers.Board) ([]float64, error) {
			values, err := measure(ctx, board.Files(), part)
			if err != nil {
				return nil, fmt.Errorf("%v: %w", part, err)
			}
			return values, nil
		},
	}.Spec()
}

// measure asks until the answer could be read.
func measure(ctx context.Context, files drivers.Files, part drivers.Part) ([]float64, error) {
	folder, err := find(files, part.Pin)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		values, err := read(files, folder)
		switch unread := errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, errBogus); {
		case !unread:
			return values, err
		case try == tries:
			return nil, fmt.Errorf("%w: asked %d times: check its supply, the wire and the resistor to 3.3 V%s%s", err, tries, frost(part.Chip), instead)
		}
		t := time.NewTimer(between)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
	}
}

// instead is what helps where nothing else does: a Pi 5 reads hardly any of these sensors.
const instead = "; a Pi often misreads these sensors, a Pi 5 most of all: an aht20 or sht4x on I2C does the same work"

// frost is one more reason why a chip cannot be read.
func frost(chip string) string {
	if chip == "dht11" {
		return "; below 0 °C the kernel cannot read this sensor"
	}
	return ""
}

// errBogus is a frame that is no measurement, though its sum is right.
var errBogus = errors.New("it sent a frame that is no measurement")

// read measures; the kernel keeps what it measured for the second value. What is no
// measurement (zeros, the sum of which is right, 0.1 °C with 1 %, 0 °C with 1 or 2 %), a little more than 100 % of a sensor in the dew, and a
// clone's two's complement below zero are as ESPHome's component dht has them.
func read(files drivers.Files, folder string) ([]float64, error) {
	var values []float64
	for _, name := range []string{"in_temp_input", "in_humidityrelative_input"} {
		milli, err := drivers.ReadNumber(files, path.Join(folder, name))
		if err != nil {
			return nil, err
		}
		values = append(values, drivers.Round(milli/1000, 1))
	}
	celsius, percent := &values[0], &values[1]
	switch {
	case *celsius == 0.1 && *percent == 1, *celsius == 0 && (*percent == 0 || *percent == 1 || *percent == 2):
		return nil, fmt.Errorf("%w (%v °C, %v %%)", errBogus, *celsius, *percent)
	case *percent > 100 && *percent <= dew:
		*percent = 100
	}
	if *celsius < -frozen {
		*celsius = drivers.Round(-wrap-*celsius, 1)
	}
	return values, nil
}

// find looks for the kernel's device at the pin: among those of the driver dht11
// the one whose node in the device tree has this pin, or the only one.
func find(files drivers.Files, pin string) (string, error) {
	names, err := files.Glob(devices + "/name")
	if err != nil {
		return "", err
	}
	var all []string
	var unread error // of a chip that is in the way of no other
	for _, file := range names {
		folder := path.Dir(file)
		name, err := drivers.ReadText(files, file)
		if err != nil {
			unread = err
			continue
		}
		if !strings.HasPrefix(name, "dht11") {
			continue
		}
		all = append(all, folder)
		cells, err := files.ReadFile(folder + "/of_node/gpios")
		if err == nil && PinOf(cells) == pin {
			return folder, nil
		}
		if err == nil {
			all = all[:len(all)-1] // it is at another pin
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	if unread != nil {
		return "", unread
	}
	return "", fmt.Errorf("%w: the kernel has no driver at the pin: write dtoverlay=dht11,gpiopin=%s into config.txt and restart",
		drivers.ErrAbsent, strings.TrimPrefix(pin, "GPIO"))
}

// PinOf decodes the property gpios of a node: controller, pin and flags, each of
// 32 bits.
func PinOf(cells []byte) string {
	if len(cells) != 12 {
		return ""
	}
	return fmt.Sprintf("GPIO%d", binary.BigEndian.Uint32(cells[4:]))
}
