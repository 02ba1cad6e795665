package pca9685

import (
	"strings"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

// dipping is a board on which something happens before a transfer.
type dipping struct {
	drivers.Board
	left int
	then func()
}

func (d *dipping) I2C(name string) (i2c.Bus, error) {
	bus, err := d.Board.I2C(name)
	return dippingBus{bus, d}, err
}

type dippingBus struct {
	i2c.Bus
	on *dipping
}

func (b dippingBus) Tx(addr uint16, w, r []byte) error {
	if b.on.left--; b.on.left == 0 {
		b.on.then()
	}
	return b.Bus.Tx(addr, w, r)
}

// A chip that restarts between any two transfers of a command sleeps: it takes what is written, and reads
// it back, and lights nothing. That is an error.
func TestRestartsWithinACommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n := 1; ; n++ {
			rig := drivertest.NewRig(t, New, "out0: sofa")
			board := &dipping{Board: rig.Board}
			dev, err := rig.Spec.Open(t.Context(), board)
			if err != nil {
				t.Fatal(err)
			}
			board.left, board.then = n, func() { _ = rig.Board.Fault(drivertest.Device, simboard.BrownOut) }
			readings, err := dev.(drivers.Actuator).Set(t.Context(), "sofa", home.NumberOf(50))
			if board.left > 0 {
				return
			}
			if err == nil && board.left < 0 { // with the last of all it has been seen to be awake
				t.Errorf("it restarts before transfer %d: %v, %v", n, readings, err)
			}
		}
	})
}

// Another program that turns the levels of the outputs round makes 20 % of 80 %: that is an error, and opening it again
// puts it right, also where a running chip is to be kept.
func TestAnotherProgramsLevels(t *testing.T) {
	for _, options := range []string{"out0: sofa", "out0: sofa, on_start: keep", "out0: sofa, on_start: keep, active_low: true"} {
		synctest.Test(t, func(t *testing.T) {
			rig := drivertest.NewRig(t, New, options)
			dev := rig.Open(t)
			if _, err := dev.(drivers.Actuator).Set(t.Context(), "sofa", home.NumberOf(20)); err != nil {
				t.Fatal(err)
			}
			bus, err := rig.Board.I2C("I2C1")
			was := make([]byte, 1)
			if err == nil {
				err = bus.Tx(0x40, []byte{mode2}, was)
			}
			if err == nil {
				err = bus.Tx(0x40, []byte{mode2, was[0] ^ invert}, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			if readings, err := dev.(drivers.Sensor).Sense(t.Context()); err == nil || !strings.Contains(err.Error(), "active_low") {
				t.Errorf("%s, turned round: %v, %v", options, readings, err)
			}
			if readings, err := rig.Open(t).(drivers.Sensor).Sense(t.Context()); err != nil || readings[0].Value != home.NumberOf(20) {
				t.Errorf("%s, opened again: %v, %v", options, readings, err)
			}
		})
	}
}
