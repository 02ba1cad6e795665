package simboard

import "slices"

// kind is what is known of a fault.
type kind struct {
	fault  Fault
	effect effect
	of     func(s *seat) bool // the parts that can have it
}

// effect is what a fault does to a device whose driver is right.
type effect int

const (
	noticed  effect = iota // the driver says that something is wrong
	silent                 // no driver can notice it: what it says is wrong
	harmless               // the driver knows it, and what it says is right
	once                   // it happens at one moment; at most the device is opened again, and then it is right
)

// kinds are the faults there are. What chips of some kind really answer is here by the name
// of the chip.
func kinds() []kind {
	return []kind{
		{Absent, noticed, every},
		{BusError, noticed, every},
		{Hang, noticed, every},
		{Stuck, noticed, every},
		{Noisy, silent, measures},
		{Drifting, silent, measures},
		{Frozen, silent, measures},
		{Checksum, noticed, chips("sht3x", "sht4x", "aht20", "scd4x", "pms5003", "ds18b20", "dht22", "dht11")},
		{PowerOn, noticed, chips("ds18b20")},
		{Zeros, noticed, chips("ds18b20", "ads1015", "ads1115", "aht20", "bme280", "bmp280", "ina219", "ina226", "lm75", "mcp9808",
			"scd4x", "sht3x", "sht4x", "tmp102")}, // a BH1750 that reads as zeros is one in the dark
		{Skipped, noticed, chips("bme280", "bmp280")},
		{NoCO2, noticed, chips("scd4x")},
		{Bogus, noticed, chips("dht22", "dht11")},
		{Busy, harmless, chips("aht20")},
		{Negative, harmless, chips("bme280")},
		{LowBits, harmless, chips("lm75")},
		{Clone, harmless, chips("bmp280", "ina226", "dht22")},
		{OverRange, silent, chips("ads1015", "ads1115", "bh1750", "ina219", "ina226", "dht22")},
		{Periodic, once, chips("ads1015", "ads1115", "bh1750", "bme280", "bmp280", "ina219", "ina226", "mcp9808", "scd4x", "sht3x",
			"tmp102")},
		{Asleep, once, chips("bh1750", "ina219", "ina226", "lm75", "mcp9808", "scd4x", "tmp102", "pms5003", "pca9685")},
		{Passive, once, chips("pms5003")},
		{BrownOut, once, onBus},
		{Flaky, silent, onBus},
		{Welded, silent, chips("relay")},
		{Bouncing, silent, (*seat).switches},
		{Unplugged, noticed, onBus},
	}
}

func every(*seat) bool   { return true }
func onBus(s *seat) bool { return s.part.Bus != "" }
func measures(s *seat) bool {
	return !chips("relay", "pwm", "pca9685", "ssd1306", "sh1106")(s) && !s.switches()
}

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
	return slices.ContainsFunc(kinds(), func(k kind) bool { return k.fault == f && k.of(s) })
}
