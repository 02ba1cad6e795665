//go:build !linux

package board

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"hogar/drivers"
)

func refuse(what string) error {
	return fmt.Errorf("%s: only Linux has the buses and pins of a Raspberry Pi, this is %s; run with --simulate: %w",
		what, runtime.GOOS, errors.ErrUnsupported)
}

func (b *Board) openBus(name, _ string) (sharedBus, error) {
	return nil, refuse("i2c bus " + name)
}

func (b *Board) openLine(o drivers.LineOptions, _ string, _ uint32) (drivers.Line, error) {
	return nil, refuse("take " + o.Pin)
}

// Lines is refused here.
func (b *Board) Lines() ([]drivers.LineInfo, error) { return nil, refuse("list the pins") }

// Probe is refused here.
func (b *Board) Probe(bus string, _ uint16) error { return refuse("probe i2c bus " + bus) }

// Serial is refused here.
func (b *Board) Serial(path string, _ int) (drivers.Port, error) {
	return nil, refuse("serial port " + path)
}

// system has no calls here.
type system struct{}

func (system) ask(uintptr, uint, unsafe.Pointer) error { return errors.ErrUnsupported }

func (system) tell(uintptr, uint, uintptr) error { return errors.ErrUnsupported }
