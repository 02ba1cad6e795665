// Package simboard is a machine's buses and pins as [drivers.Board] describes
// them, with nothing behind but a [world.World]: chips that answer register by
// register, pins that relays hang on and people trip. A driver cannot tell it
// from the real board.
//
// The chips are those of the parts of the configured devices; what a chip or pin
// is follows from [drivers.Part].Chip:
//
//	on a bus      the chips in models.go, register by register, with the times of their datasheets
//	at a pin      relay: an output that the world is told of
//	              motion: an input, active while somebody is in the room
//	              door: an input, active except while the room's door is open; opening: the opposite
//	              contact, button: an input at rest, until it is pressed
//	              hcsr04 and hcsr04_echo: a trigger and its echo
//	              dht22, dht11, pwm: files of the kernel, as below
//	in the kernel w1/…, hwmon/…, iio/…, pwm/…: files that measure when they are read; dev/…: a serial
//	              port, at which a PMS5003 sends
//
// Faults are put in with [Board.Fault], and taken out with [NoFault]; each harms the parts of
// its device and nothing else, but for [Unplugged]. [Board.Wear] puts them in at random.
package simboard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/simboard/world"
)

// pace is how often the inputs look at the world, in machine time.
const pace = 50 * time.Millisecond

// patience is how long a transfer or a pin may hang before the board gives it
// up, in machine time.
const patience = time.Second

// Board is a simulated board. Its methods are safe for concurrent use.
type Board struct {
	world *world.World
	now   func() time.Time
	buses map[string]*bus    // as New made them
	parts map[string][]*seat // by device, as New made them
	files *files

	dimmers map[string]map[int]*seat // channels of PWM chips, as New made them
	ports   map[string]*seat         // what is at serial ports, as New made them

	wear   atomic.Pointer[wear] // as Wear said
	faults sync.Mutex           // of those who change faults

	mu     sync.Mutex
	pins   map[string]*pin // the pins, and all that is in them and their lines
	meters map[*seat]*pms  // at serial ports
}

var (
	_ drivers.Board     = (*Board)(nil)
	_ drivers.Inventory = (*Board)(nil)
)

// seat is the place of one part on the board.
type seat struct {
	device string
	part   drivers.Part
	fault  *switchboard
}

// New makes a board with the parts of each device, by the devices' names. now is
// house time: it is what the world is told before each look at it.
func New(w *world.World, now func() time.Time, parts map[string][]drivers.Part) (*Board, error) {
	b := &Board{world: w, now: now, buses: map[string]*bus{"I2C1": newBus("I2C1")},
		parts: make(map[string][]*seat), files: &files{named: make(map[string]file)},
		dimmers: make(map[string]map[int]*seat), ports: make(map[string]*seat), pins: make(map[string]*pin)}
	for i := range 28 {
		name := fmt.Sprintf("GPIO%d", i)
		b.pins[name] = &pin{name: name}
	}
	for _, device := range slices.Sorted(maps.Keys(parts)) {
		for _, part := range parts[device] {
			s := &seat{device: device, part: part, fault: newSwitchboard()}
			if err := b.place(s); err != nil {
				return nil, fmt.Errorf("simulate %s: %w", device, err)
			}
			b.parts[device] = append(b.parts[device], s)
		}
	}
	return b, nil
}

// place puts one part onto the board.
func (b *Board) place(s *seat) error {
	if s.part.Kernel != "" {
		return b.placeKernel(s)
	}
	if s.part.Bus == "" {
		p := b.pins[s.part.Pin]
		if _, _, ok := drivers.ChipLine(s.part.Pin); ok && p == nil { // an expander has as many as are used
			p = &pin{name: s.part.Pin}
			b.pins[p.name] = p
		}
		switch {
		case p == nil:
			return fmt.Errorf("the board has no pin %q", s.part.Pin)
		case p.seat != nil:
			return fmt.Errorf("%s has %s already", s.part.Pin, p.seat.device)
		}
		p.seat = s
		return b.connect(s)
	}
	model := newChip(s.part)
	if model == nil {
		return fmt.Errorf("the simulation has no model of a %q at %#x", s.part.Chip, s.part.Address)
	}
	if drives, ok := model.(driven); ok {
		drives.drive(func(output int, share float64) {
			b.world.Advance(b.now())
			b.world.Dim(fmt.Sprintf("%s.%d", s.device, output), share)
		})
	}
	on := b.buses[s.part.Bus]
	if on == nil {
		on = newBus(s.part.Bus)
		b.buses[s.part.Bus] = on
	}
	if there := on.chips[s.part.Address]; there != nil {
		return fmt.Errorf("%#x on %s has %s already", s.part.Address, on.name, there.seat.device)
	}
	on.chips[s.part.Address] = &socket{seat: s, air: b.air(s), chip: model}
	return nil
}

// connect makes what is at a pin.
func (b *Board) connect(s *seat) error {
	switch s.part.Chip {
	case "relay", "motion", "door", "opening", "contact", "button", "hcsr04", "hcsr04_echo":
		return nil
	case "dht22":
		b.dht(s, dht22Frame)
		return nil
	case "dht11":
		b.dht(s, dht11Frame)
		return nil
	case "pwm":
		if n, ok := pwmOf(s.part.Pin); ok {
			return b.dimmer(s, pwmPlace, n)
		}
		return fmt.Errorf("%s has no pwm", s.part.Pin)
	}
	return fmt.Errorf("the simulation knows no %q at a pin", s.part.Chip)
}

// I2C lends a bus: I2C1, and those that parts are on.
func (b *Board) I2C(name string) (i2c.Bus, error) {
	if on := b.buses[name]; on != nil {
		return on, nil
	}
	return nil, fmt.Errorf("the board has no bus %s: it has %v", name, slices.Sorted(maps.Keys(b.buses)))
}

// Run lets the inputs follow the world, and so makes the edges that come by
// themselves, until ctx ends; then it returns nil. It looks every 50 ms of machine time.
func (b *Board) Run(ctx context.Context) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		if w := b.wear.Load(); w != nil {
			w.act(b, b.now())
		}
		b.look()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Close takes all faults out, so that nothing hangs, and closes the lines that
// are still held.
func (b *Board) Close() error {
	for _, name := range b.Names() {
		_ = b.Fault(name, NoFault) // the name is known
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.pins {
		if p.line != nil {
			p.line.release()
		}
	}
	return nil
}

// air returns what a part measures of what is around it, at the house time of the question.
func (b *Board) air(s *seat) air {
	room := world.RoomOf(s.device)
	return func(quantity string) float64 {
		now := b.now()
		b.world.Advance(now)
		return s.fault.spoil(quantity, b.world.Quantity(room, quantity), now)
	}
}
