package drivertest

import (
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/simboard"
)

// betweenTransfers: a chip that restarts, or from which on the bus hangs, between any two transfers
// of a measurement or of a command has not measured what it then shows. That is an error, or what there is.
func betweenTransfers(t *testing.T, c Case) {
	for _, fault := range []simboard.Fault{simboard.BrownOut, simboard.Absent, simboard.Zeros, simboard.Stuck} {
		if slices.Contains(c.Unseen, fault) || !slices.Contains(possible(t, c), fault) {
			continue
		}
		for n, more := 1, true; more && n < 60; n++ {
			more = at(t, c, fault, n)
		}
	}
}

// at lets a fault come before the transfer n, and reports whether there was one.
func at(t *testing.T, c Case, fault simboard.Fault, n int) bool {
	rig := NewRig(t, c.Driver, c.Options)
	board := &counting{Board: rig.Board}
	dev, err := rig.Spec.Open(t.Context(), board)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	for _, p := range rig.Spec.Properties {
		rig.World.Hold(room(), p.Name, rig.World.Quantity(room(), p.Name))
	}
	work := func() ([]drivers.Reading, error) { return dev.(drivers.Sensor).Sense(t.Context()) }
	if a, ok := dev.(drivers.Actuator); ok && rig.Spec.Properties[0].Type != "text" {
		p := rig.Spec.Properties[0]
		if trials(p) == nil {
			return false
		}
		work = func() ([]drivers.Reading, error) { return a.Set(t.Context(), p.Name, trials(p)[2]) }
	}
	time.Sleep(max(rig.Spec.Every, time.Second))
	want, err := work()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(max(rig.Spec.Every, time.Second))
	board.left, board.then = n, func() { rig.fault(t, fault) }
	got, err := work()
	if err == nil && board.left <= 0 {
		compareReadings(t, want, got)
		if t.Failed() {
			t.Fatalf("with %s before transfer %d", fault, n)
		}
	}
	return board.left <= 0
}

// counting is a board on whose buses something happens before a transfer.
type counting struct {
	drivers.Board
	left int
	then func()
}

func (b *counting) I2C(name string) (i2c.Bus, error) {
	bus, err := b.Board.I2C(name)
	return countingBus{bus, b}, err
}

type countingBus struct {
	i2c.Bus
	board *counting
}

func (b countingBus) Tx(addr uint16, w, r []byte) error {
	if b.board.left--; b.board.left == 0 {
		b.board.then()
	}
	return b.Bus.Tx(addr, w, r)
}
