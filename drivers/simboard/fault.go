package simboard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"hogar/drivers/simboard/world"
	"hogar/gateway/home"
)

// Fault is something that is wrong with a device, or with a bus.
type Fault string

// The faults. Of a bus there are [Unplugged] and [Hang].
const (
	NoFault   Fault = ""
	Absent    Fault = "absent"       // nothing answers; when it comes back it has lost its settings
	BusError  Fault = "nak"          // each transfer, and each use of the pin, fails
	Hang      Fault = "hang"         // each takes a second and then fails: a line is held
	Stuck     Fault = "stuck"        // a chip reads as all ones; a pin keeps its level
	Noisy     Fault = world.Noisy    // what it measures jumps about
	Drifting  Fault = world.Drifting // what it measures goes away from what there is, by the hour
	Frozen    Fault = world.Frozen   // it measures the same for ever
	Checksum  Fault = "crc"          // what it sends has a wrong checksum
	PowerOn   Fault = "power_on"     // a DS18B20 shows 85 °C, as before its first measurement
	Zeros     Fault = "zeros"        // all that is read is zero, checksums included: the wire is at ground
	BrownOut  Fault = "brown_out"    // the supply dips once: the chip loses its settings, and goes on
	Welded    Fault = "welded"       // the relay's contacts stay closed, whatever its pin does
	Bouncing  Fault = "bouncing"     // each change of a contact is a burst of changes
	Flaky     Fault = "flaky"        // now and then nobody acknowledges a transfer: a wire is bad
	Unplugged Fault = "unplugged"    // the bus of the device is cut: nothing on it answers
)

// ParseFault reads a fault's name; "none" is [NoFault].
func ParseFault(name string) (Fault, error) {
	if name == "none" {
		return NoFault, nil
	}
	var names []string
	for _, f := range Faults() {
		if string(f) == name {
			return f, nil
		}
		names = append(names, string(f))
	}
	names = append(names, "none")
	hint := "there are " + strings.Join(names, ", ") + ", which mends"
	if near := home.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return NoFault, fmt.Errorf("there is no fault %q (%s)", name, hint)
}

// Kinds lists the faults that a device, or a bus, can have; none when there is no such.
func (b *Board) Kinds(name string) (kinds []Fault) {
	if b.buses[name] != nil {
		return []Fault{Hang, Unplugged}
	}
	for _, f := range Faults() {
		if slices.ContainsFunc(b.parts[name], func(s *seat) bool { return s.can(f) }) {
			kinds = append(kinds, f)
		}
	}
	return kinds
}

// Fault breaks a device, or a bus by its name, or mends it with [NoFault]. A bus that was
// unplugged at a device is mended there, or by its name.
func (b *Board) Fault(name string, f Fault) error {
	if f != NoFault && !slices.Contains(Faults(), f) {
		return fmt.Errorf("there is no fault %q", f)
	}
	if on := b.buses[name]; on != nil {
		b.faults.Lock()
		defer b.faults.Unlock()
		return on.harm(f)
	}
	seats, known := b.parts[name]
	if !known {
		hint := ""
		if near := home.Nearest(name, b.Names()); near != "" {
			hint = " (did you mean " + near + "?)"
		}
		return fmt.Errorf("the simulation has no device %s%s", name, hint)
	}
	b.faults.Lock()
	defer b.faults.Unlock()
	kinds := b.Kinds(name)
	if f != NoFault && !slices.Contains(kinds, f) {
		texts := make([]string, len(kinds))
		for i, k := range kinds {
			texts[i] = string(k)
		}
		return fmt.Errorf("%s is a %s, which cannot be %s: it can be %s", name, seats[0].part.Chip, f, strings.Join(texts, ", "))
	}
	for _, s := range seats {
		if f == NoFault || s.can(f) {
			b.harm(s, f)
		}
	}
	return nil
}

// harm breaks one part.
func (b *Board) harm(s *seat, f Fault) {
	on := b.buses[s.part.Bus]
	if on != nil {
		on.chips[s.part.Address].suffer(f)
	}
	if s.part.Chip == "pms5003" {
		b.meter(s).feel(f)
	}
	switch {
	case f.Once():
		return
	case f == Unplugged:
		_ = on.harm(f) // it is one of a bus
		on.cutAt = s
		return
	case f == NoFault && on != nil && on.cutAt == s:
		_ = on.harm(f)
	}
	s.fault.set(f)
	if s.part.Chip == "relay" { // it may weld, or come loose
		b.tellAgain(s)
	}
}

// harm breaks a bus, or mends it.
func (b *bus) harm(f Fault) error {
	b.cutAt = nil
	switch f {
	case NoFault, Hang:
		b.fault.set(f)
	case Unplugged:
		b.fault.set(Absent)
	default:
		return fmt.Errorf("%s is a bus, which cannot be %s: it can be hang, unplugged", b.name, f)
	}
	return nil
}

// Broken tells what is broken now, by device and by bus.
func (b *Board) Broken() map[string]Fault {
	broken := make(map[string]Fault)
	for name, on := range b.buses {
		switch f := on.fault.is(); f {
		case NoFault:
		case Absent:
			broken[name] = Unplugged
		default:
			broken[name] = f
		}
	}
	for name, seats := range b.parts {
		for _, s := range seats {
			if f := s.fault.is(); f != NoFault {
				broken[name] = f
			}
		}
	}
	return broken
}

// Names lists the devices and buses that can be broken.
func (b *Board) Names() []string {
	return slices.Sorted(slices.Values(slices.AppendSeq(slices.Collect(maps.Keys(b.parts)), maps.Keys(b.buses))))
}

// switchboard holds the fault of one part.
type switchboard struct {
	mu      sync.Mutex
	fault   Fault
	changed chan struct{} // closed with each change
	lie     *world.Lie    // what is measured
}

func newSwitchboard() *switchboard {
	return &switchboard{changed: make(chan struct{}), lie: world.NewLie(string(NoFault))}
}

func (s *switchboard) set(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.lie = f, world.NewLie(string(f))
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *switchboard) get() (Fault, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault, s.changed
}

// err makes the error of a fault, after the time that it takes; nil for those
// that do not show as errors. A nil switchboard has no fault.
func (s *switchboard) err() error {
	if s == nil {
		return nil
	}
	fault, changed := s.get()
	switch fault {
	case Absent:
		return syscall.ENXIO
	case BusError:
		return syscall.EIO
	case Hang:
		t := time.NewTimer(patience)
		defer t.Stop()
		select {
		case <-t.C:
		case <-changed:
		}
		return syscall.ETIMEDOUT
	}
	return nil
}

// is returns the fault that holds now.
func (s *switchboard) is() Fault {
	if s == nil {
		return NoFault
	}
	fault, _ := s.get()
	return fault
}

// deaf reports whether a pin does not see the world.
func (s *switchboard) deaf() bool {
	return slices.Contains([]Fault{Absent, BusError, Hang, Stuck}, s.is())
}

// spoil makes of what there is what the part measures, at a house time.
func (s *switchboard) spoil(quantity string, value float64, now time.Time) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == OverRange {
		return beyond
	}
	return s.lie.Of(quantity, value, now)
}
