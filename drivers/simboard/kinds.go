package simboard

import "slices"

// kind is what is known of a fault.
type kind struct {
	fault  Fault
	effect effect
	of     func(s *seat) bool // the parts that can have it; nil: those with a chip that says so in models.go
}

// effect is what a fault does to a device whose driver is right.
type effect int

const (
	noticed  effect = iota // the driver says that something is wrong
	silent                 // no driver can notice it: what it says is wrong
	harmless               // the driver knows it, and what it says is right
	once                   // it happens at one moment; at most the device is opened again, and then it is right
)

// kinds are the faults there are.
func kinds() []kind {
	return []kind{
		{Absent, noticed, every},
		{BusError, noticed, every},
		{Hang, noticed, every},
		{Stuck, noticed, every},
		{Noisy, silent, measures},
		{Drifting, silent, measures},
		{Frozen, silent, measures},
		{Checksum, noticed, nil},
		{PowerOn, noticed, nil},
		{Zeros, noticed, nil},
		{Skipped, noticed, nil},
		{NoCO2, noticed, nil},
		{Bogus, noticed, nil},
		{Busy, harmless, nil},
		{Negative, harmless, nil},
		{LowBits, harmless, nil},
		{Clone, harmless, nil},
		{OverRange, silent, nil},
		{Periodic, once, nil},
		{Asleep, once, nil},
		{Passive, once, nil},
		{BrownOut, once, onBus},
		{Flaky, silent, onBus},
		{Welded, silent, nil},
		{Bouncing, silent, (*seat).switches},
		{Unplugged, noticed, onBus},
	}
}

func every(*seat) bool   { return true }
func onBus(s *seat) bool { return s.part.Bus != "" }
func measures(s *seat) bool {
	return !slices.Contains([]string{"relay", "pwm", "pca9685", "ssd1306", "sh1106"}, s.part.Chip) && !s.switches()
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

// has reports whether a fault has an effect.
func (f Fault) has(e effect) bool {
	return slices.ContainsFunc(kinds(), func(k kind) bool { return k.fault == f && k.effect == e })
}

// Silent reports whether no driver can notice the fault: what it says is wrong, and
// nothing says so.
func (f Fault) Silent() bool { return f.has(silent) }

// Harmless reports whether a driver that knows the chip reads it as if nothing were wrong.
func (f Fault) Harmless() bool { return f.has(harmless) }

// Once reports whether the fault happens at one moment. The part is whole afterwards, with other
// settings than before.
func (f Fault) Once() bool { return f.has(once) }

// can reports whether a part can have a fault.
func (s *seat) can(f Fault) bool {
	return slices.ContainsFunc(kinds(), func(k kind) bool {
		if k.of == nil {
			return k.fault == f && slices.Contains(modelOf(s.part.Chip).faults, f)
		}
		return k.fault == f && k.of(s)
	})
}
