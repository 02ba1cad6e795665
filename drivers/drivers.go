// Package drivers says what a driver is and what it is handed.
//
// A driver is a folder below this one, named as in the configuration. It
// decodes its options into a [Spec] without touching any hardware; [Spec.Open]
// is called later, and again after each failure, with the [Board] of the machine
// or of the simulation. The driver cannot tell which of the two it has.
//
// What is opened is a [Device]; it says by the interfaces it has what it can do:
// be read ([Sensor]), tell by itself ([Listener]), be set ([Actuator]).
package drivers

import (
	"context"
	"fmt"
	"time"

	"hogar/gateway/home"
)

// Driver decodes the options of one device's entry. Faults go to the decoder;
// the Spec is used only when there are none.
type Driver func(d *home.Decoder) Spec

// Spec is what an entry of the configuration describes, checked but not opened.
type Spec struct {
	Properties []home.Property
	Parts      []Part        // what it occupies on the board
	Every      time.Duration // default time between two readings; 0: it is not polled
	Timeout    time.Duration // longest time that Sense or Set may take; 0: 5 s of machine time
	Open       func(ctx context.Context, board Board) (Device, error)
	// Doubts says what this machine will do otherwise than the options ask for, as the kernel's
	// files show it. It opens nothing. nil: nothing is known.
	Doubts func(files Files) []string
}

// Part is what a device occupies: a chip on a bus, a pin, or something of the
// kernel's. Two devices may not have the same.
type Part struct {
	Chip    string // what sits there, as the simulation must answer: bme280, relay, contact
	Bus     string // I2C bus: I2C1; empty for a pin
	Address uint16 // I2C address, 7 bits
	Pin     string // GPIO17; empty for a chip on a bus
	Kernel  string // what a driver of the kernel serves: w1/28-0316a27902ff, hwmon/cpu_thermal/temp1, pwm/pwmchip0/1
}

// String shows what is where: bme280 at 0x76 on I2C1, relay at GPIO17.
func (p Part) String() string {
	if p.Bus != "" {
		return fmt.Sprintf("%s at %#x on %s", p.Chip, p.Address, p.Bus)
	}
	return p.Chip + " at " + p.Pin + p.Kernel
}

// Device is an opened device. Its methods are called by one goroutine at a time.
type Device interface {
	// Close releases what Open took. An actuator goes to its safe state first.
	Close() error
}

// Sensor is a device that can be read.
type Sensor interface {
	Device
	// Sense measures now. An error makes the device offline with that reason
	// until a later Open and Sense succeed.
	Sense(ctx context.Context) ([]Reading, error)
}

// Listener is a device that tells by itself.
type Listener interface {
	Device
	// Listen calls emit with the present state and then with each change, until
	// ctx ends (it returns nil then) or the device fails. emit waits only when
	// 1,024 readings are not yet on the disk.
	Listen(ctx context.Context, emit func(Reading)) error
}

// Actuator is a device that can be set.
type Actuator interface {
	Device
	// Set drives one property and returns what it reads back, so that a state is
	// seen and not assumed. The value has passed [home.Property.Accept].
	Set(ctx context.Context, property string, value home.Value) ([]Reading, error)
}

// Reading is one value of one property, as a driver sees it.
type Reading struct {
	Property string
	Value    home.Value
	Time     time.Time // machine time of the measurement; zero: now
}
