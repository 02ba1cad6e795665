// Package kernel reads any sensor that a driver of the Linux kernel serves, by its
// hwmon or IIO channels: the processor's temperature, a fan's speed, and some
// hundred chips on I2C and SPI.
//
//	rack.cpu:       {driver: kernel, name: cpu_thermal, channels: temp1}
//	garage.climate: {driver: kernel, at: 1-0044, channels: [temp1, humidity1]}
//	garden.light:   {driver: kernel, name: tsl2563, channels: in_illuminance0, property: light}
//
// Options:
//
//	name      what the kernel calls the chip, where there is only one of the kind: cat
//	          /sys/class/hwmon/*/name /sys/bus/iio/devices/*/name lists them
//	at        instead: where it is, as in /sys/bus/i2c/devices: 1-0044 is address 0x44 on bus 1
//	channels  one or several: temp1 of hwmon is its file temp1_input; in_temp of IIO its in_temp_input,
//	          or in_temp_raw with in_temp_offset and in_temp_scale
//	property  the name of the one property; else it is called after what the channel measures, with the
//	          channel's number from the second of a kind on: temperature, temperature2
//
// Known are of hwmon temp, humidity, in (voltage), curr, power, energy and fan; of
// IIO temp, temp_object and temp_ambient, humidityrelative, pressure, illuminance, voltage, current, power,
// resistance, concentration_co2, concentration_voc, massconcentration_pm1, _pm2p5, _pm4 and _pm10, and distance.
// Readings come in °C, %, hPa, lx, V, A, W, kWh, rpm, Ω, ppm, ppb, µg/m³ and m, with three
// decimals, below 1 with six digits. A resistance without a scale is no reading: an SGP40 gives
// ticks there. Its in_concentration_voc is an index from 0 to 500 without a unit: write name: sgp40.
//
// A chip on I2C gets its driver by an overlay, dtoverlay=i2c-sensor,sht3x say, or by
// root: echo sht3x 0x44 > /sys/bus/i2c/devices/i2c-1/new_device. Then no driver of
// hogar's own may speak to it. Accuracy: the chip's. Source: the kernel's
// Documentation/hwmon/sysfs-interface.rst and ABI/testing/sysfs-bus-iio.
package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"regexp"
	"strings"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// channel is one file to be read.
type channel struct {
	class string // hwmon or iio
	name  string // temp1, in_temp
	kind
}

var (
	placeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@-]*$`)
)

// New decodes the options of a chip of the kernel's.
func New(d *home.Decoder) drivers.Spec {
	place := decodePlace(d)
	channels, properties := decodeChannels(d, place)
	p := drivers.Polled{Properties: properties, Every: 30 * time.Second, Timeout: 10 * time.Second}
	for i, c := range channels {
		part := drivers.Part{Chip: "kernel", Kernel: c.class + "/" + place.name + "/" + c.name}
		if i == 0 {
			p.Part = part
			continue
		}
		p.More = append(p.More, part)
	}
	p.Measure = func(ctx context.Context, board drivers.Board) ([]float64, error) {
		values := make([]float64, len(channels))
		for i, c := range channels {
			var err error
			if err = ctx.Err(); err == nil {
				values[i], err = c.read(board.Files(), place)
			}
			if err != nil {
				return nil, fmt.Errorf("kernel at %s/%s/%s: %w", c.class, place.name, c.name, err)
			}
		}
		return values, nil
	}
	return p.Spec()
}

// place is where a chip is.
type place struct {
	name  string // of the chip, or its place on the bus
	onBus bool   // the latter
}

func decodePlace(d *home.Decoder) place {
	name, at := d.Text("name", ""), d.Text("at", "")
	p, key := place{name, false}, "name"
	if at != "" {
		p, key = place{at, true}, "at"
	}
	switch {
	case name == "" && at == "":
		d.Fault("", "cat /sys/class/hwmon/*/name /sys/bus/iio/devices/*/name lists the names", "name or at is missing")
	case name != "" && at != "":
		d.Fault("at", "", "there are both name and at, expected one of them")
	case !placeName.MatchString(p.name):
		d.Fault(key, "", "%s is '%s', which is no name of the kernel's", key, p.name)
	}
	return p
}

func decodeChannels(d *home.Decoder, at place) (channels []channel, properties []home.Property) {
	d.Require("channels")
	taken := make(map[string]bool)
	for _, name := range d.Texts("channels") {
		c, number, ok := channelOf(name)
		c = c.of(at.name)
		if !ok {
			d.Fault("channels", "temp1, humidity1, in0 of hwmon; in_temp, in_illuminance0 of IIO", "'%s' is no known channel", name)
			continue
		}
		if taken[c.property] {
			c.property += number
		}
		if taken[c.property] {
			d.Fault("channels", "name each channel once", "two channels would be called %s", c.property)
		}
		taken[c.property] = true
		channels = append(channels, c)
	}
	if own := d.Text("property", ""); own != "" {
		if err := home.CheckWord(own); err != nil {
			d.Fault("property", "", "property: %v", err)
		}
		if len(channels) > 1 {
			d.Fault("property", "make a device for each", "property is given and there are several channels")
		}
		if len(channels) > 0 {
			channels[0].property = own
		}
	}
	for _, c := range channels {
		least, most := limits(c.unit)
		properties = append(properties, home.Property{Name: c.property, Type: home.TypeNumber, Unit: c.unit, Min: least, Max: most})
	}
	return channels, properties
}

// channelOf reads a channel's name: that of a kind, and what of its digits is no part of that.
func channelOf(name string) (c channel, number string, ok bool) {
	class, kinds := "hwmon", hwmon()
	word, in := strings.CutPrefix(name, "in_")
	if in {
		class, kinds = "iio", iio()
	}
	for least := strings.TrimRight(word, "0123456789"); len(word) >= len(least) && word != ""; word = word[:len(word)-1] {
		if k, ok := kinds[word]; ok {
			return channel{class, name, k}, name[len(name)-len(number):], true
		}
		number += " " // counts the digits
	}
	return channel{}, "", false
}

// vocIndex is the chip whose concentration is none.
const vocIndex = "sgp40"

// of is the channel as a chip has it.
func (c channel) of(chip string) channel {
	if chip == vocIndex && c.property == "voc" {
		c.kind = kind{"voc_index", "", 1}
	}
	return c
}

// places are the decimals that a reading shows: three, and below 1 as many as six digits take.
func places(v float64) int {
	if v == 0 || math.Abs(v) >= 1 {
		return 3
	}
	return min(5-int(math.Floor(math.Log10(math.Abs(v)))), 15)
}

// read reads the channel once.
func (c channel) read(files drivers.Files, p place) (float64, error) {
	folder, err := c.find(files, p)
	if err != nil {
		return 0, err
	}
	if c.property == "voc" {
		if name, err := drivers.ReadText(files, path.Join(folder, "name")); err == nil && name == vocIndex {
			return 0, errors.New("an sgp40 has an index here and no concentration: write name: sgp40, and no at")
		}
	}
	return c.readIn(files, folder)
}

// readIn reads the channel in its chip's folder.
func (c channel) readIn(files drivers.Files, folder string) (float64, error) {
	v, err := drivers.ReadNumber(files, path.Join(folder, c.name+"_input"))
	if c.class == "iio" && errors.Is(err, fs.ErrNotExist) {
		v, err = c.raw(files, folder)
	}
	if err != nil {
		return 0, drivers.Missing(err, "the chip has no such channel: ls /"+folder)
	}
	if fault, err := drivers.ReadNumber(files, path.Join(folder, c.name+"_fault")); err == nil && fault != 0 {
		return 0, fmt.Errorf("the kernel says that the sensor is broken or not connected (%s_fault)", c.name)
	}
	return drivers.Round(c.dewed(v*c.by), places(v*c.by)), nil
}

// errTicks is a raw resistance that nothing makes Ω of.
var errTicks = errors.New("the kernel gives no scale, so that these are ticks of the chip and no Ω")

// raw is (raw + offset) · scale; either may be one for all channels of the kind.
func (c channel) raw(files drivers.Files, folder string) (float64, error) {
	v, err := drivers.ReadNumber(files, path.Join(folder, c.name+"_raw"))
	if err != nil {
		return 0, err
	}
	with := func(what string, none float64) (float64, error) {
		for _, name := range []string{c.name, strings.TrimRight(c.name, "0123456789")} {
			f, err := drivers.ReadNumber(files, path.Join(folder, name+what))
			if !errors.Is(err, fs.ErrNotExist) {
				return f, err
			}
		}
		return none, nil
	}
	offset, err := with("_offset", 0)
	if err != nil {
		return 0, err
	}
	scale, err := with("_scale", 1)
	if err == nil && scale == 0 {
		return 0, errors.New("its scale is 0, which makes nothing of what it measures: the kernel's driver has lost the chip, or its settings")
	}
	if err == nil && c.property == "resistance" {
		if scale, err = with("_scale", math.NaN()); math.IsNaN(scale) {
			err = errTicks
		}
	}
	return (v + offset) * scale, err
}

// find looks for the chip's folder, whose number may change with each start.
func (c channel) find(files drivers.Files, p place) (string, error) {
	pattern := map[string]string{"hwmon": "sys/class/hwmon/hwmon*/name", "iio": "sys/bus/iio/devices/iio:device*/name"}[c.class]
	if p.onBus {
		pattern = "sys/bus/*/devices/" + p.name + map[string]string{"hwmon": "/hwmon/hwmon*/name", "iio": "/iio:device*/name"}[c.class]
	}
	names, err := files.Glob(pattern)
	if err != nil {
		return "", err
	}
	var found, there []string
	var unread error // of a chip that is in the way of no other
	for _, file := range names {
		name, err := drivers.ReadText(files, file)
		if err != nil {
			unread = err
			continue
		}
		there = append(there, name)
		if p.onBus || name == p.name {
			found = append(found, path.Dir(file))
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("there are %d such chips: write at: instead of name:, 1-0044 for the one at 0x44 on bus 1", len(found))
	case unread != nil:
		return "", unread
	case p.onBus:
		return "", fmt.Errorf("%w there, or the kernel has no driver for it: is its overlay in config.txt?", drivers.ErrAbsent)
	}
	return "", fmt.Errorf("%w to that name: is its overlay in config.txt? There are %s", drivers.ErrAbsent, cmp.Or(strings.Join(there, ", "), "none"))
}
