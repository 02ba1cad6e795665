package simboard

import "slices"

// kind is what is known of a fault.
type kind struct {
	fault  Fault
	silent bool               // no driver can notice it
	of     func(s *seat) bool // the parts that can have it
}

// kinds are the faults there are. What chips of some kind really answer is here by the name
// of the chip.
func kinds() []kind {
	return []kind{
		{Absent, false, every},
		{BusError, false, every},
		{Hang, false, every},
		{Stuck, false, every},
		{Noisy, true, measures},
		{Drifting, true, measures},
		{Frozen, true, measures},
		{Checksum, false, chips("sht3x", "sht4x", "aht20", "scd4x", "pms5003", "ds18b20", "dht22", "dht11")},
		{PowerOn, false, chips("ds18b20")},
		{Zeros, false, chips("ds18b20")},
		{BrownOut, true, onBus},
		{Flaky, true, onBus},
		{Welded, true, chips("relay")},
		{Bouncing, true, (*seat).switches},
		{Unplugged, false, onBus},
	}
}

func every(*seat) bool      { return true }
func onBus(s *seat) bool    { return s.part.Bus != "" }
func measures(s *seat) bool { return !chips("relay", "pwm", "pca9685", "ssd1306")(s) && !s.switches() }

// chips are the parts with one of these chips.
func chips(names ...string) func(*seat) bool {
	return func(s *seat) bool { return slices.Contains(names, s.part.Chip) }
}

// switches reports whether the part is something that switches an input.
func (s *seat) switches() bool {
	return slices.Contains([]string{"motion", "door", "opening", "contact", "button"}, s.part.Chip)
}

// Faults lists the faults there are.
func Faults() (all []Fault) {
	for _, k := range kinds() {
		all = append(all, k.fault)
	}
	return all
}

// Silent reports whether no driver can notice the fault: what it says is wrong, and
// nothing says so.
func (f Fault) Silent() bool {
	return slices.ContainsFunc(kinds(), func(k kind) bool { return k.fault == f && k.silent })
}

// can reports whether a part can have a fault.
func (s *seat) can(f Fault) bool {
	return slices.ContainsFunc(kinds(), func(k kind) bool { return k.fault == f && k.of(s) })
}
