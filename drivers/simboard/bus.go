package simboard

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"hogar/drivers"
)

// air is what is around a chip: a [world.World.Quantity] of its room, now.
type air func(quantity string) float64

// chip is the model of a chip, as its registers show it.
type chip interface {
	// tx answers a transfer at a machine time: first w is written, then r read.
	tx(now time.Time, around air, w, r []byte) error
	// power switches it off and on: it forgets its settings.
	power()
}

// model makes the chips of one kind.
type model struct {
	name      string
	make      func() chip
	faults    []Fault  // that not every chip has
	addresses []uint16 // that it can have; nil: those of its row in [drivers.Chips]
}

// newChip returns the model of a part, or nil.
func newChip(p drivers.Part) chip {
	m := modelOf(p.Chip)
	if row, ok := drivers.ChipNamed(p.Chip); ok && m.addresses == nil {
		m.addresses = row.Addresses
	}
	if m.make == nil || !slices.Contains(m.addresses, p.Address) {
		return nil
	}
	c := m.make()
	c.power()
	return c
}

// errNack is a chip that does not acknowledge what it is sent.
var errNack = syscall.EIO

// bus is an I2C bus.
type bus struct {
	name  string
	chips map[uint16]*socket // as New made them
	fault *switchboard       // of the whole bus
	cutAt *seat              // the part at which it was unplugged, if so; guarded by Board.faults
}

func newBus(name string) *bus {
	return &bus{name: name, chips: make(map[uint16]*socket), fault: newSwitchboard()}
}

var _ i2c.Bus = (*bus)(nil)

// socket is a chip in its place.
type socket struct {
	seat *seat
	air  air

	mu     sync.Mutex
	chip   chip
	absent bool // when last asked
	count  int  // transfers with a bad wire
}

// errRemote is how a Pi's bus reports what no chip acknowledges (EREMOTEIO).
const errRemote = syscall.Errno(121)

// loose is from one transfer that a bad wire spoils to the next.
const loose = 199

// spoiled reports whether a bad wire spoils this transfer. Called with mu held.
func (s *socket) spoiled() bool {
	s.count++
	return s.count%loose == 0
}

// String names the bus.
func (b *bus) String() string { return b.name }

// SetSpeed accepts any speed: the models do not care.
func (b *bus) SetSpeed(physic.Frequency) error { return nil }

// Tx makes one transfer with the chip at addr.
func (b *bus) Tx(addr uint16, w, r []byte) error {
	s := b.chips[addr]
	err := b.fault.err()
	switch {
	case s == nil && err == nil:
		err = syscall.ENXIO
		fallthrough
	case s == nil:
		return fmt.Errorf("%s: %w", b.name, err)
	case err == nil:
		err = s.seat.fault.err()
	}
	s.mu.Lock()
	back := s.absent && err == nil
	s.absent = errors.Is(err, syscall.ENXIO)
	if back {
		s.chip.power()
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", b.name, err)
	}
	switch s.seat.fault.is() {
	case Stuck:
		copy(r, bytes.Repeat([]byte{0xFF}, len(r)))
		return nil
	case Zeros:
		clear(r)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seat.fault.is() == Flaky && s.spoiled() {
		return fmt.Errorf("%s: %w", b.name, errRemote)
	}
	err = s.chip.tx(time.Now(), s.air, w, r)
	if s.seat.fault.is() == Checksum && len(r) > 0 {
		r[len(r)-1] ^= 0x10
	}
	return err
}

// Chip shows all that the model of a device's chip on a bus holds, for tests that hold it against what it held before;
// "" when the device has none.
func (b *Board) Chip(device string) string {
	for _, s := range b.parts[device] {
		if on := b.buses[s.part.Bus]; on != nil {
			at := on.chips[s.part.Address]
			at.mu.Lock()
			defer at.mu.Unlock()
			return fmt.Sprintf("%+v", at.chip)
		}
	}
	return ""
}
