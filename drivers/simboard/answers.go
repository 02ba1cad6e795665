package simboard

// The answers that real chips give and that are no measurement, or that look as if they
// were none. [Periodic], [Asleep] and [Passive] happen once, as [BrownOut] does.
const (
	Skipped   Fault = "skipped"       // a BME280 shows the values of a measurement that it skipped: 80000, 8000
	NoCO2     Fault = "no_co2"        // an SCD4x without enough current measures 0 ppm, and the rest well
	Busy      Fault = "busy"          // an AHT20 takes 150 ms, and what it answers until then has a wrong checksum
	Negative  Fault = "negative_trim" // a BME280 whose trimming values H4 and H5 are below zero
	OverRange Fault = "over_range"    // there is more than it can measure
	LowBits   Fault = "low_bits"      // the bits of an LM75 that its resolution does not define are ones
	Clone     Fault = "clone"         // a compatible chip with another maker's numbers; a DHT22 that sends them in its own way
	Periodic  Fault = "periodic"      // another program makes it measure by itself, with settings of its own
	Asleep    Fault = "asleep"        // another program has sent it to sleep
	Passive   Fault = "passive"       // another program makes a PMS5003 send only what it is asked for
	Bogus     Fault = "bogus"         // a DHT22 or DHT11 sends 0.1 °C and 1 %, or 0 °C and 1 %, which is no measurement
)

// beyond is more than anything measures, in any unit.
const beyond = 1e6

// moody is a model that can answer as the faults of this file say.
type moody interface {
	// feel is called with each fault, and with NoFault when it is mended.
	feel(f Fault)
}

// mood is the fault that a model has, until the next. Losing its power does not mend it.
type mood struct{ fault Fault }

func (m *mood) feel(f Fault) { m.fault = f }

// suffer hands a fault to the chip.
func (s *socket) suffer(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == BrownOut {
		s.chip.power()
	}
	if m, ok := s.chip.(moody); ok {
		m.feel(f)
	}
}
