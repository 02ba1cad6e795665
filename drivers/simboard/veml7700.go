package simboard

import (
	"math"
	"time"
)

// veml7700 is a Vishay VEML7700 (datasheet 84286, rev. 1.7; application note 84323): seven registers of 16 bits, the
// lower byte first. It measures all the time unless it is shut down, as after power-up. The interrupt is left out.
type veml7700 struct {
	pointer byte
	reg     [7]uint16
	begin   time.Time // of the measurement that runs
}

func (c *veml7700) power() { *c = veml7700{reg: [7]uint16{0: 0x0001}} }

func (c *veml7700) feel(f Fault) {
	switch f {
	case Asleep:
		c.reg[0] |= 1
	case Periodic: // gain 1/4 and 400 ms, with pauses of 4 s
		c.reg[0], c.reg[3] = 0x1880, 0x0007
	}
}

func (c *veml7700) tx(now time.Time, around air, w, r []byte) error {
	if len(w) > 0 {
		c.pointer = w[0]
	}
	if len(w) == 3 && c.pointer <= 3 {
		c.reg[c.pointer] = uint16(w[1]) | uint16(w[2])<<8
		c.begin = now
	}
	c.measure(now, around)
	for i := range r {
		r[i] = 0xFF // beyond its registers and its two bytes it does not answer
		if int(c.pointer) < len(c.reg) && i < 2 {
			r[i] = byte(c.reg[c.pointer] >> (8 * i))
		}
	}
	return nil
}

// measure shows the light when a measurement is over: with a gain of 2 and 800 ms a count is 0.0042 lx.
func (c *veml7700) measure(now time.Time, around air) {
	times := map[uint16]float64{0b1100: 25, 0b1000: 50, 0b0000: 100, 0b0001: 200, 0b0010: 400, 0b0011: 800}
	ms, ok := times[c.reg[0]>>6&0xF]
	took := time.Duration(ms)*time.Millisecond + 2500*time.Microsecond
	if c.reg[3]&1 != 0 {
		took += 500 * time.Millisecond << (c.reg[3] >> 1 & 3)
	}
	if c.reg[0]&1 != 0 || !ok {
		c.begin = now
	}
	if now.Sub(c.begin) < took {
		return
	}
	gain := [4]float64{1, 2, 0.125, 0.25}[c.reg[0]>>11&3]
	counts := bent(around("illuminance")) / 0.0042 * (ms / 800) * (gain / 2)
	c.reg[4], c.begin = uint16(min(max(math.Round(counts), 0), math.MaxUint16)), now
}

// bent is what the chip sees of some lux: less than there is the brighter it is. The application note has the way back
// as a polynomial, which rises all the way; it is cut into halves.
func bent(lux float64) float64 {
	low, high := 0.0, 200_000.0
	for range 60 {
		x := (low + high) / 2
		if 6.0135e-13*math.Pow(x, 4)-9.3924e-9*math.Pow(x, 3)+8.1488e-5*x*x+1.0023*x < lux {
			low = x
		} else {
			high = x
		}
	}
	return low
}
