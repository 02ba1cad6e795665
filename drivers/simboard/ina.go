package simboard

import (
	"maps"
	"math"
	"time"
)

// inaShunt is the resistance that the simulated boards have, in Ω.
const inaShunt = 0.1

// ina is a Texas Instruments INA219 (datasheet SBOS448G) or INA226 (SBOS547B):
// configuration with triggered and continuous modes, the averaging and its time,
// shunt and bus voltage, and the current and power that follow from the
// calibration. Alerts are left out.
type ina struct {
	mood
	inaKind
	pointer byte
	reg     map[byte]uint16
	ready   time.Time // when the conversion that runs is over; zero: none runs
}

// inaKind is what differs.
type inaKind struct {
	first     map[byte]uint16 // registers at power-up
	shunt     float64         // V, of a step
	most      float64         // V over the shunt
	took      func(configuration uint16) time.Duration
	bus       func(volts float64) uint16
	calibrate float64 // divisor of shunt voltage and calibration
}

func newINA219() chip {
	// Of 12 bits and their averaging, the longest times (§7.5, §8.6.2.1).
	once := func(setting uint16) float64 {
		if setting < 8 {
			return []float64{93, 163, 304, 586}[setting&3]
		}
		return 586 * math.Exp2(float64(setting&7))
	}
	return &ina{inaKind: inaKind{
		first: map[byte]uint16{0: 0x399F, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0},
		shunt: 0.00001, most: 0.32, calibrate: 4096,
		took: func(c uint16) time.Duration {
			return time.Duration((once(c>>7&15) + once(c>>3&15)) * float64(time.Microsecond))
		},
		bus: func(volts float64) uint16 { return uint16(math.Round(min(max(volts, 0), 32.764)/0.004))<<3 | 2 },
	}}
}

func newINA226() chip {
	times := []float64{0.154, 0.224, 0.365, 0.646, 1.21, 2.328, 4.572, 9.068} // ms, the longest (SBOS547B, §5.5)
	samples := []float64{1, 4, 16, 64, 128, 256, 512, 1024}
	return &ina{inaKind: inaKind{
		first: map[byte]uint16{0: 0x4127, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 0xFE: 0x5449, 0xFF: 0x2260},
		shunt: 0.0000025, most: 0.0819175, calibrate: 2048,
		took: func(c uint16) time.Duration {
			return time.Duration(samples[c>>9&7] * (times[c>>6&7] + times[c>>3&7]) * float64(time.Millisecond))
		},
		bus: func(volts float64) uint16 { return uint16(math.Round(min(max(volts, 0), 40.95875) / 0.00125)) },
	}}
}

func (c *ina) is226() bool { return c.first[0xFE] != 0 }

func (c *ina) power() {
	c.pointer, c.ready, c.reg = 0, time.Time{}, maps.Clone(c.first)
	if c.fault == Clone { // a Silergy SQ52201
		c.reg[0xFE], c.reg[0xFF] = 0x190F, 0
	}
}

// feel: a clone is another chip, which has never been asked.
func (c *ina) feel(f Fault) {
	switch f {
	case Asleep:
		c.reg[0] &^= 7
		c.ready = time.Time{}
		return
	case Periodic:
		c.reg[0], c.ready = c.first[0], time.Time{}
		return
	}
	other := f == Clone || c.fault == Clone
	c.mood.feel(f)
	if other {
		c.power()
	}
}

func (c *ina) tx(now time.Time, around air, w, r []byte) error {
	c.settle(now, around)
	if len(w) > 0 {
		if _, ok := c.reg[w[0]]; !ok {
			return errNack
		}
		c.pointer = w[0]
	}
	if len(w) == 3 {
		c.write(now, uint16(w[1])<<8|uint16(w[2]))
	}
	for i := range r {
		r[i] = byte(c.reg[c.pointer] >> (8 * (1 - i&1)))
	}
	if len(r) > 0 && c.pointer == 6 {
		c.reg[6] &^= 1 << 3 // reading the flag clears it
	}
	return nil
}

func (c *ina) write(now time.Time, value uint16) {
	switch {
	case c.pointer == 0 && value&(1<<15) != 0:
		c.power() // a reset
	case c.pointer == 0:
		c.reg[0] = value
		c.ready = time.Time{}
		if mode := value & 7; mode != 0 && mode != 4 { // power down; an INA219's 4 is "ADC off"
			c.ready = now.Add(c.took(value))
			c.reg[2] &^= c.conversionFlag()
			c.reg[6] &^= 1 << 3
		}
	case c.pointer == 5:
		c.reg[5] = value
	}
}

// conversionFlag is in the bus voltage of an INA219 only.
func (c *ina) conversionFlag() uint16 {
	if c.is226() {
		return 0
	}
	return 2
}

// settle shows the conversion whose time is over; a continuous one goes on.
func (c *ina) settle(now time.Time, around air) {
	if c.ready.IsZero() || now.Before(c.ready) {
		return
	}
	over := min(max(around("current")*inaShunt, -c.most), c.most)
	counts := int16(math.Round(over / c.shunt))
	c.reg[1], c.reg[2] = uint16(counts), c.bus(around("voltage"))
	current := float64(counts) * float64(c.reg[5]) / c.calibrate
	c.reg[4] = uint16(int16(min(max(current, -32768), 32767)))
	if c.is226() {
		c.reg[6] |= 1 << 3
		c.reg[3] = uint16(min(math.Abs(current)*float64(c.reg[2])/20000, 65535)) // SBOS547B, §7.1.4
	} else {
		c.reg[3] = uint16(min(math.Abs(current)*float64(c.reg[2]>>3)/5000, 65535)) // §8.5.1
	}
	if c.reg[0]&4 == 0 {
		c.ready = time.Time{}
	}
}
