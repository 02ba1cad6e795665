package kernel

import (
	"errors"
	"path"
	"slices"
	"strings"

	"hogar/drivers"
)

// Chip is one that a driver of the kernel serves.
type Chip struct {
	Class    string // hwmon or iio
	Name     string // as the kernel calls it: cpu_thermal
	At       string // its place on a bus: 1-0044; empty: it is on none, or unknown
	Folder   string
	Channels []Channel
}

// Channel is one channel of a [Chip] that this package can read.
type Channel struct {
	Name           string // temp1, in_temp
	Property, Unit string
	Value          float64
	Err            error // why it could not be read just now
}

// Find lists the chips of hwmon and IIO with the channels that can be read, and reads each once.
func Find(files drivers.Files) ([]Chip, error) {
	var chips []Chip
	for _, class := range []struct{ name, pattern, onBus string }{
		{"hwmon", "sys/class/hwmon/hwmon*/name", "sys/bus/i2c/devices/*/hwmon/hwmon*/name"},
		{"iio", "sys/bus/iio/devices/iio:device*/name", "sys/bus/i2c/devices/*/iio:device*/name"},
	} {
		at := make(map[string]string) // by the folder's name
		onBus, err := files.Glob(class.onBus)
		if err != nil {
			return nil, err
		}
		for _, file := range onBus {
			at[path.Base(path.Dir(file))] = strings.Split(file, "/")[4]
		}
		names, err := files.Glob(class.pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range names {
			name, err := drivers.ReadText(files, file)
			if err != nil {
				continue // it has just been unplugged
			}
			folder := path.Dir(file)
			c := Chip{Class: class.name, Name: name, At: at[path.Base(folder)], Folder: folder}
			if c.Channels, err = c.channelsIn(files); err != nil {
				return nil, err
			}
			chips = append(chips, c)
		}
	}
	return chips, nil
}

// channelsIn reads the known channels in the chip's folder.
func (chip Chip) channelsIn(files drivers.Files) ([]Channel, error) {
	class, folder := chip.Class, chip.Folder
	var names []string
	for _, suffix := range []string{"_input", "_raw"} {
		found, err := files.Glob(folder + "/*" + suffix)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if name := strings.TrimSuffix(path.Base(file), suffix); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	var channels []Channel
	for _, name := range names {
		c, _, ok := channelOf(name)
		if !ok || c.class != class {
			continue
		}
		c = c.of(chip.Name)
		v, err := c.readIn(files, folder)
		if errors.Is(err, errTicks) {
			continue
		}
		channels = append(channels, Channel{Name: name, Property: c.property, Unit: c.unit, Value: v, Err: err})
	}
	return channels, nil
}
