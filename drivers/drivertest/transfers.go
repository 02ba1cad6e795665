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
			more = at(t, c, n, func(rig *Rig, board *counting) {
				board.then = func() { rig.fault(t, fault) }
			})
			if t.Failed() {
				t.Fatalf("with %s before transfer %d", fault, n)
			}
		}
	}
}

// onceDisturbed: a transfer that reads as zeros or ones, as when a line hangs for a moment, makes no value of them.
func onceDisturbed(t *testing.T, c Case) {
	for _, reads := range []byte{0x00, 0xFF} {
		for n, more := 1, true; more && n < 60; n++ {
			more = at(t, c, n, func(_ *Rig, board *counting) { board.reads = &reads })
			if t.Failed() {
				t.Fatalf("with transfer %d read as %#02x", n, reads)
			}
		}
	}
}

// at lets something happen with the transfer n, and reports whether there was one.
func at(t *testing.T, c Case, n int, happen func(*Rig, *counting)) bool {
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
	board.left = n
	happen(rig, board)
	got, err := work()
	if err == nil && board.left <= 0 {
		compareReadings(t, want, got)
	}
	return board.left <= 0
}

// counting is a board on whose buses something happens before a transfer.
type counting struct {
	drivers.Board
	left  int
	then  func() // before it; nil: nothing
	reads *byte  // what it reads as; nil: what there is
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
	b.board.left--
	now := b.board.left == 0
	if now && b.board.then != nil {
		b.board.then()
	}
	err := b.Bus.Tx(addr, w, r)
	if now && b.board.reads != nil {
		for i := range r {
			r[i] = *b.board.reads
		}
	}
	return err
}
