// Package scan looks what is on a board: chips on the I2C buses, sensors on 1-wire,
// what drivers of the kernel serve, PWM channels, and the pins. For what hogar has a
// driver it writes the lines of a configuration.
//
// [Look] changes nothing: an address on a bus is asked as i2cdetect asks it, and what sits
// there is named by its address, but for an AHT20, which is known by what a read gives. [Probe]
// also puts questions to chips, for which it must write: a register's number or a command
// that tells a number or a status. Each is safe for the other chips that people have at that
// address (questions in ask.go). Both leave alone addresses that a driver of the
// kernel serves, and write to none that a device of the configuration uses.
package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
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
	return (&look{ctx: ctx, board: board, known: known}).all()
}

// Probe is [Look], and asks the chips that no device of known uses what they are. known must
// have all that a running gateway has.
func Probe(ctx context.Context, board Board, known map[string][]drivers.Part) (Report, error) {
	return (&look{ctx: ctx, board: board, known: known, questions: questions()}).all()
}

// all takes all steps.
func (l *look) all() (Report, error) {
	l.files, l.names, l.there = l.board.Files(), make(map[string]int), make(map[string][]uint16)
	for _, step := range []func() error{l.buses, l.wires, l.kernel, l.pwm, l.lines} {
		if err := l.ctx.Err(); err != nil {
			return Report{}, err
		}
		if err := step(); err != nil {
			l.report.Problems = append(l.report.Problems, err.Error())
		}
	}
	return l.report, l.ctx.Err()
}

// look is one look at a board.
type look struct {
	ctx       context.Context
	board     Board
	known     map[string][]drivers.Part
	questions []question // none: nothing is written

	files  drivers.Files
	above  map[string]string   // the bus on which a bus's multiplexer is
	there  map[string][]uint16 // what was found on a bus
	names  map[string]int      // how many of each name were given
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
	if l.above, err = l.muxes(); err != nil {
		return err
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

// muxes returns the bus on which the multiplexer is that a bus is a channel of, by the kernel's
// links: 1-0070/channel-0 is the adapter i2c-20.
func (l *look) muxes() (map[string]string, error) {
	files, err := l.files.Glob("sys/bus/i2c/devices/*-*/channel-*/i2c-dev/i2c-*")
	above := make(map[string]string)
	for _, file := range files {
		bus, _, _ := strings.Cut(strings.Split(file, "/")[4], "-")
		above["I2C"+strings.TrimPrefix(path.Base(file), "i2c-")] = "I2C" + bus
	}
	return above, err
}

// address looks at one address. An error means that the bus cannot be used.
func (l *look) address(bus string, address uint16) error {
	for above := l.above[bus]; above != ""; above = l.above[above] {
		if slices.Contains(l.there[above], address) {
			return nil // it is on that bus, which a channel of its multiplexer only makes longer
		}
	}
	if l.holder(func(p drivers.Part) bool { return p.Address == address && l.behind(bus, p.Bus) }) != "" {
		return nil // it is on the channel that the configuration names, where it is looked for
	}
	f := Finding{Class: I2C, Place: fmt.Sprintf("%#02x on %s", address, bus)}
	if name, at := l.served(bus, address); name != "" {
		l.there[bus] = append(l.there[bus], address)
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
		l.there[bus] = append(l.there[bus], address)
		f.Holder = "the kernel"
		l.found(f, "")
		return nil
	case errors.Is(err, syscall.ETIMEDOUT):
		return fmt.Errorf("%s hangs: a chip, or a short, holds a line of it low: %w", bus, err)
	case err != nil:
		return err
	}
	l.there[bus] = append(l.there[bus], address)
	mine := func(p drivers.Part) bool { return p.Bus == bus && p.Address == address }
	if f.Holder = l.holder(mine); f.Holder != "" {
		name, _, _ := strings.Cut(f.Holder, ",")
		parts := l.known[name]
		f.Chip, f.By = parts[slices.IndexFunc(parts, mine)].Chip, "the configuration"
		l.found(f, "")
		return nil
	}
	who, err := l.identify(bus, address)
	if err != nil {
		f.Note = err.Error()
	}
	f.Chip, f.By = strings.Join(who.chips, " or "), who.by
	f.Note = cmp.Or(f.Note, who.note)
	if len(who.chips) > 0 {
		if chip, ok := drivers.ChipNamed(who.chips[0]); ok {
			f.Entry = entry(bus, address, chip)
			l.found(f, chip.Use)
			return nil
		}
	}
	l.found(f, "")
	return nil
}

// behind reports whether other is a channel of a multiplexer on bus, also by way of others.
func (l *look) behind(bus, other string) bool {
	for above := l.above[other]; above != ""; above = l.above[above] {
		if above == bus {
			return true
		}
	}
	return false
}

// entry is the configuration of a chip on a bus. The bus on the header goes without saying.
func entry(bus string, address uint16, chip drivers.Chip) string {
	text := "{driver: " + chip.Driver
	if bus != "I2C1" {
		text += ", bus: " + bus
	}
	if len(chip.Addresses) > 1 {
		text += fmt.Sprintf(", address: %#02x", address)
	}
	switch chip.Name {
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
