package simboard

import (
	"math"
	"time"
)

// lm75 is a Texas Instruments TMP75 (datasheet SBOS288), the LM75 with 9 to 12 bits to
// choose from: pointer, temperature, configuration of one byte, limits. It converts
// all the time unless it is shut down. The alert output is left out.
type lm75 struct {
	mood
	pointer byte
	reg     [4]uint16
	begin   time.Time // of the conversion that runs
}

func (c *lm75) power() { *c = lm75{mood: c.mood, reg: [4]uint16{0, 0, 0x4B00, 0x5000}} }

func (c *lm75) feel(f Fault) {
	if f == Asleep {
		c.reg[1] |= 1 << 8
		return
	}
	c.mood.feel(f)
}

func (c *lm75) tx(now time.Time, around air, w, r []byte) error {
	if c.begin.IsZero() {
		c.begin = now
	}
	if len(w) > 0 {
		c.pointer = w[0] & 3
	}
	switch {
	case len(w) >= 2 && c.pointer == 1:
		c.reg[1] = uint16(w[1]&0x7F) << 8
	case len(w) == 3 && c.pointer > 1:
		c.reg[c.pointer] = uint16(w[1])<<8 | uint16(w[2])
	}
	c.convert(now, around)
	undefined := uint16(0)
	if c.fault == LowBits && c.pointer == 0 {
		undefined = 0x7F >> (c.reg[1] >> 13 & 3)
	}
	for i := range r {
		r[i] = byte((c.reg[c.pointer] | undefined) >> (8 * (1 - i&1)))
		if c.pointer == 1 { // one byte
			r[i] = byte(c.reg[1] >> 8)
		}
	}
	return nil
}

// convert shows the temperature when a conversion is over: 37.5 ms with 9 bits, twice that
// with each more (the longest of the datasheet's table).
func (c *lm75) convert(now time.Time, around air) {
	settings := c.reg[1] >> 8
	if settings&1 != 0 {
		c.begin = now
		return
	}
	bits := settings >> 5 & 3
	if now.Sub(c.begin) < 37500*time.Microsecond<<bits {
		return
	}
	c.begin = now
	step := math.Exp2(float64(3 - bits)) // of 1/16 °C
	c.reg[0] = uint16(int16(math.Round(min(max(around("temperature"), -55), 127.9375)*16/step)*step)) << 4
}
