package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hogar/drivers"
	"hogar/drivers/dht22"
	"hogar/drivers/ds18b20"
	"hogar/drivers/kernel"
	"hogar/gateway/home"
)

// thermometers are the families of 1-wire that the driver ds18b20 reads.
var thermometers = regexp.MustCompile(`^(10|22|28|3b|42)-`)

// wires looks at 1-wire. Each sensor is read, which takes most of a second: who holds one
// in a hand sees which it is.
func (l *look) wires() error {
	var ids []string
	for _, name := range []string{"w1_slave", "temperature"} {
		files, err := l.files.Glob("sys/bus/w1/devices/*-*/" + name)
		if err != nil {
			return err
		}
		for _, file := range files {
			id := path.Base(path.Dir(file))
			if (name == "temperature" || thermometers.MatchString(id)) && !slices.Contains(ids, id) { // others have a w1_slave, too
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		f := Finding{Class: W1, Place: id}
		if thermometers.MatchString(id) {
			f.Chip, f.By, f.Entry = "ds18b20", "its family", fmt.Sprintf("{driver: ds18b20, id: %s}", id)
		}
		celsius, err := l.thermometer(id)
		if err != nil {
			f.Note = err.Error()
		} else {
			f.Value = showValue(celsius, "°C")
		}
		f.Holder = l.holder(func(p drivers.Part) bool { return p.Kernel == "w1/"+id })
		l.found(f, "probe")
		if err := l.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// thermometer reads a sensor as its driver does, or one of another family by what the kernel makes of it.
func (l *look) thermometer(id string) (celsius float64, err error) {
	celsius, err = ds18b20.Read(l.files, id)
	if errors.Is(err, fs.ErrNotExist) {
		celsius, err = drivers.ReadNumber(l.files, "sys/bus/w1/devices/"+id+"/temperature")
		celsius /= 1000
	}
	return celsius, err
}

// kernel looks at the chips of hwmon and IIO.
func (l *look) kernel() error {
	chips, err := kernel.Find(l.files)
	for _, c := range chips {
		if strings.HasPrefix(c.Name, "dht11") {
			l.dht(c)
			continue
		}
		l.channels(c, slices.ContainsFunc(chips, func(o kernel.Chip) bool { return o.Name == c.Name && o.Folder != c.Folder }))
	}
	return err
}

// channels is a chip with channels. twice: there is another of its name.
func (l *look) channels(c kernel.Chip, twice bool) {
	f := Finding{Class: c.Class, Place: c.Name, Chip: c.Name, By: "the kernel's driver"}
	if c.At != "" {
		f.Place += " at " + c.At
	}
	var names, values []string
	for _, channel := range c.Channels {
		if channel.Err != nil {
			f.Note = channel.Err.Error()
			continue
		}
		names = append(names, channel.Name)
		values = append(values, channel.Name+" "+showValue(channel.Value, channel.Unit))
	}
	f.Value = strings.Join(values, ", ")
	where := "name: " + c.Name
	if twice && c.At != "" {
		where = "at: " + c.At
	}
	if len(names) > 0 {
		f.Entry = fmt.Sprintf("{driver: kernel, %s, channels: [%s]}", where, strings.Join(names, ", "))
	}
	f.Holder = l.holder(func(p drivers.Part) bool {
		return p.Chip == "kernel" && (strings.HasPrefix(p.Kernel, c.Class+"/"+c.Name+"/") || c.At != "" && strings.HasPrefix(p.Kernel, c.Class+"/"+c.At+"/"))
	})
	l.found(f, strings.ReplaceAll(home.Fold(c.Name, ""), ".", "_"))
}

// dht is a DHT22 or DHT11, which the kernel cannot tell apart.
func (l *look) dht(c kernel.Chip) {
	cells, _ := l.files.ReadFile(c.Folder + "/of_node/gpios") // without it the pin is not known
	pin := dht22.PinOf(cells)
	f := Finding{Class: c.Class, Place: pin, Chip: "dht22 or dht11", By: "the kernel's driver"}
	if pin != "" {
		f.Entry = fmt.Sprintf("{driver: dht22, pin: %s}", pin)
	}
	f.Holder = l.holder(func(p drivers.Part) bool { return pin != "" && p.Pin == pin })
	l.found(f, "climate")
}

func showValue(v float64, unit string) string {
	return strings.TrimSpace(strconv.FormatFloat(v, 'f', -1, 64) + " " + unit)
}

// pwm looks at the chips of the kernel's PWM.
func (l *look) pwm() error {
	var seen []string
	for _, pattern := range []string{"sys/bus/platform/devices/*.pwm/pwm/pwmchip*/npwm", "sys/class/pwm/pwmchip*/npwm"} {
		files, err := l.files.Glob(pattern)
		if err != nil {
			return err
		}
		for _, file := range files {
			folder := path.Dir(file)
			chip := path.Base(folder)
			if slices.Contains(seen, chip) {
				continue
			}
			seen = append(seen, chip)
			n, err := drivers.ReadNumber(l.files, file)
			if err != nil {
				return err
			}
			l.pwmChip(chip, folder, int(n))
		}
	}
	return nil
}

// pwmChip is one chip. One of a Raspberry Pi's own has its pins.
func (l *look) pwmChip(chip, folder string, channels int) {
	f := Finding{Class: PWM, Place: chip, Value: fmt.Sprintf("%d channels", channels), Entry: fmt.Sprintf("{driver: pwm, chip: %s, channel: 0}", chip)}
	own := ""
	if parts := strings.Split(folder, "/"); parts[1] == "bus" {
		own = parts[4]
	}
	if strings.HasSuffix(own, "20c000.pwm") || own == "1f00098000.pwm" {
		f.Note = "of GPIO12, GPIO13, GPIO18 and GPIO19, where an overlay has given them to it"
		f.Entry = "{driver: pwm, pin: GPIO18}"
	}
	pins := []string{"GPIO12", "GPIO13", "GPIO18", "GPIO19"}
	f.Holder = l.holder(func(p drivers.Part) bool {
		return p.Chip == "pwm" && (strings.HasPrefix(p.Kernel, "pwm/"+chip+"/") || own != "" && slices.Contains(pins, p.Pin))
	})
	l.found(f, "light")
}

// lines looks at the pins. Those of the header are all told, of other chips those that are
// named or held.
func (l *look) lines() error {
	lines, err := l.board.Lines()
	for _, line := range lines {
		if line.Line > 27 && !line.Header && !line.Used && line.Name == "" {
			continue
		}
		f := Finding{Class: GPIO, Place: line.Pin(), Value: "input"}
		if line.Output {
			f.Value = "output"
		}
		if !line.Header && line.Place != "" && line.Place != line.Chip {
			f.Note = "at " + line.Place
		}
		if line.Name != "" && line.Name != f.Place {
			f.Chip = line.Name
		}
		f.Holder = l.holder(func(p drivers.Part) bool { return p.Pin == f.Place })
		if line.Used {
			f.Holder = line.Consumer
			if f.Holder == "" {
				f.Holder = "somebody without a name"
			}
		}
		l.found(f, "")
	}
	return err
}
