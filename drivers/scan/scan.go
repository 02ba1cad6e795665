// Package scan looks what is on a board: chips on the I2C buses, sensors on 1-wire,
// what drivers of the kernel serve, PWM channels, and the pins. For what hogar has a
// driver it writes the lines of a configuration.
//
// Nothing is changed. An address on a bus is asked as i2cdetect asks it; then chips
// that can say what they are are asked for it by reads, and by commands that only
// tell a number or a status. Addresses that a driver of the kernel serves are left
// alone. A gateway that is running is not disturbed.
package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"hogar/drivers"
)

// Board is what can be looked at.
type Board interface {
	drivers.Board
	drivers.Inventory
}

// The classes of what is found.
const (
	I2C   = "i2c"
	W1    = "w1"
	HWMon = "hwmon"
	IIO   = "iio"
	PWM   = "pwm"
	GPIO  = "gpio"
)

// Finding is one thing that was found.
type Finding struct {
	Class  string `json:"class"`
	Place  string `json:"place"`            // where: 0x76 on I2C1, GPIO17, 28-0316a27902ff
	Chip   string `json:"chip,omitempty"`   // what it is; several when it may be any of them; empty: unknown
	By     string `json:"by,omitempty"`     // how that is known: chip id 0x60; empty: by its address only
	Holder string `json:"holder,omitempty"` // who has it: a device, a driver of the kernel, another program
	Value  string `json:"value,omitempty"`  // what it shows now
	Note   string `json:"note,omitempty"`   // what to know, or to do
	Name   string `json:"name,omitempty"`   // a name for the device, to be changed
	Entry  string `json:"entry,omitempty"`  // of a configuration: {driver: bme280, address: 0x76}; empty: no driver fits, or it is held
}

// Report is all that was found.
type Report struct {
	Findings []Finding
	Problems []string // what could not be looked at, and what to do
}

// Look looks at a board until ctx ends, which is its error. known are the parts of
// devices that are configured already, by the devices' names; it may be nil.
func Look(ctx context.Context, board Board, known map[string][]drivers.Part) (Report, error) {
	l := &look{ctx: ctx, board: board, files: board.Files(), known: known, names: make(map[string]int)}
	for _, step := range []func() error{l.buses, l.wires, l.kernel, l.pwm, l.lines} {
		if err := ctx.Err(); err != nil {
			return Report{}, err
		}
		if err := step(); err != nil {
			l.report.Problems = append(l.report.Problems, err.Error())
		}
	}
	return l.report, ctx.Err()
}

// look is one look at a board.
type look struct {
	ctx    context.Context
	board  Board
	files  drivers.Files
	known  map[string][]drivers.Part
	names  map[string]int // how many of each name were given
	report Report
}

// found notes a finding. One that a driver fits and nobody holds gets a name.
func (l *look) found(f Finding, kind string) {
	if f.Holder != "" {
		f.Entry = ""
	}
	if f.Entry != "" {
		l.names[kind]++
		f.Name = "room." + kind
		if n := l.names[kind]; n > 1 {
			f.Name += fmt.Sprint(n)
		}
	}
	l.report.Findings = append(l.report.Findings, f)
}

// holder returns the configured device that has a part as mine tells, or "".
func (l *look) holder(mine func(drivers.Part) bool) string {
	var names []string
	for name, parts := range l.known {
		if slices.ContainsFunc(parts, mine) {
			names = append(names, name)
		}
	}
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

// First and last address of a chip; the others have a meaning of their own.
const (
	firstAddress = 0x08
	lastAddress  = 0x77
)

// buses looks at all addresses of all I2C buses.
func (l *look) buses() error {
	names, err := l.board.Buses()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("there is no I2C bus: switch it on with sudo raspi-config nonint do_i2c 0, and load the module i2c-dev")
	}
	var faults []error
	for _, bus := range names {
		for address := uint16(firstAddress); address <= lastAddress; address++ {
			if err := l.ctx.Err(); err != nil {
				return err
			}
			err := l.address(bus, address)
			if err != nil {
				faults = append(faults, err)
				break // the bus, and not the chip
			}
		}
	}
	return errors.Join(faults...)
}

// address looks at one address. An error means that the bus cannot be used.
func (l *look) address(bus string, address uint16) error {
	f := Finding{Class: I2C, Place: fmt.Sprintf("%#02x on %s", address, bus)}
	if name, at := l.served(bus, address); name != "" {
		f.Chip, f.By, f.Holder = name, "the kernel's driver", "the kernel"
		f.Note = "read it with driver: kernel, at: " + at
		l.found(f, "")
		return nil
	}
	err := l.board.Probe(bus, address)
	switch {
	case errors.Is(err, drivers.ErrAbsent):
		return nil
	case errors.Is(err, syscall.EBUSY):
		f.Holder = "the kernel"
		l.found(f, "")
		return nil
	case errors.Is(err, syscall.ETIMEDOUT):
		return fmt.Errorf("%s hangs: a chip, or a short, holds a line of it low: %w", bus, err)
	case err != nil:
		return err
	}
	f.Holder = l.holder(func(p drivers.Part) bool { return p.Bus == bus && p.Address == address })
	who, err := l.identify(bus, address)
	if err != nil {
		f.Note = err.Error()
	}
	f.Chip, f.By = strings.Join(who.chips, " or "), who.by
	f.Note = cmp.Or(f.Note, who.note)
	if len(who.chips) > 0 {
		if kind, ok := drivenBy()[who.chips[0]]; ok {
			f.Entry = entry(bus, address, who.chips[0])
			l.found(f, kind)
			return nil
		}
	}
	l.found(f, "")
	return nil
}

// entry is the configuration of a chip on a bus. The bus on the header goes without saying.
func entry(bus string, address uint16, chip string) string {
	text := "{driver: " + chip
	if bus != "I2C1" {
		text += ", bus: " + bus
	}
	if !alone(chip) {
		text += fmt.Sprintf(", address: %#02x", address)
	}
	switch chip {
	case "ads1115":
		text += ", a0: voltage0"
	case "pca9685":
		text += ", out0: light0"
	}
	return text + "}"
}

// served returns what the kernel calls the chip that one of its drivers serves at an
// address, and its place.
func (l *look) served(bus string, address uint16) (name, at string) {
	at = fmt.Sprintf("%s-%04x", strings.TrimPrefix(bus, "I2C"), address)
	name, err := drivers.ReadText(l.files, "sys/bus/i2c/devices/"+at+"/name")
	if err != nil {
		return "", ""
	}
	return name, at
}
