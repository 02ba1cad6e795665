package simboard

import (
	"math"
	"time"
)

// ads1115 is a Texas Instruments ADS1115 (datasheet SBAS444D), or an ADS1015
// (SBAS473E), which has the upper 12 bits and is faster: pointer, conversion,
// configuration, single and continuous conversions. Its oscillator is as slow as
// it may be. The comparator is left out; its limits can be written.
type ads1115 struct {
	bits    int
	rates   [8]float64 // samples a second (§9.6.3, DR)
	pointer byte
	reg     [4]uint16
	ready   time.Time // when the conversion that runs is over; zero: none runs
}

func newADS1115() chip {
	return &ads1115{bits: 16, rates: [8]float64{8, 16, 32, 64, 128, 250, 475, 860}}
}

func newADS1015() chip {
	return &ads1115{bits: 12, rates: [8]float64{128, 250, 490, 920, 1600, 2400, 3300, 3300}}
}

func (c *ads1115) power() {
	c.pointer, c.ready = 0, time.Time{}
	c.reg = [4]uint16{0, 0x8583, 0x8000, 0x7FFF} // §9.6
}

// feel: continuous conversions of the fourth input in the narrowest range.
func (c *ads1115) feel(f Fault) {
	if f == Periodic {
		c.reg[1], c.ready = 0xFE83, time.Time{}
	}
}

func (c *ads1115) tx(now time.Time, around air, w, r []byte) error {
	c.settle(now, around)
	if len(w) > 0 {
		c.pointer = w[0] & 3
	}
	if len(w) == 3 && c.pointer > 0 {
		c.write(now, uint16(w[1])<<8|uint16(w[2]))
	}
	for i := range r {
		r[i] = byte(c.reg[c.pointer] >> (8 * (1 - i&1)))
	}
	return nil
}

func (c *ads1115) write(now time.Time, value uint16) {
	c.reg[c.pointer] = value
	if c.pointer != 1 {
		return
	}
	const idle, single = 1 << 15, 1 << 8
	if value&single == 0 || value&idle != 0 {
		c.ready = now.Add(time.Duration(1.1 * float64(time.Second) / c.rates[value>>5&7]))
	}
	c.reg[1] |= idle
	if !c.ready.IsZero() {
		c.reg[1] &^= idle
	}
}

// settle shows the conversion whose time is over; a continuous one goes on.
func (c *ads1115) settle(now time.Time, around air) {
	if c.ready.IsZero() || now.Before(c.ready) {
		return
	}
	single := [][2]int{{0, 1}, {0, 3}, {1, 3}, {2, 3}, {0, -1}, {1, -1}, {2, -1}, {3, -1}}[c.reg[1]>>12&7]
	volts := around("input" + string(rune('0'+single[0])))
	if single[1] >= 0 {
		volts -= around("input" + string(rune('0'+single[1])))
	}
	full := []float64{6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256}[c.reg[1]>>9&7]
	step := float64(int(1) << (16 - c.bits))
	counts := math.Round(volts/full*32768/step) * step
	c.reg[0] = uint16(int16(min(max(counts, -32768), 32768-step)))
	if c.reg[1]&(1<<8) != 0 {
		c.ready = time.Time{}
		c.reg[1] |= 1 << 15
	}
}
