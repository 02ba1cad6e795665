package simboard

import (
	"math"
	"time"
)

// tmp102 is a Texas Instruments TMP102 (datasheet SBOS397): pointer register,
// temperature and configuration, 12 and 13 bits, conversions by themselves and
// one at a time. The alert output is left out; its limits can be written.
type tmp102 struct {
	pointer byte
	reg     [4]uint16
	first   time.Time // when the first conversion after power-up is over
	warm    bool      // it has been asked since power-up
	ready   time.Time // of a single conversion
}

const (
	tmpTemperature   = 0
	tmpConfiguration = 1
	tmpOneShot       = 1 << 15
	tmpShutdown      = 1 << 8
	tmpExtended      = 1 << 4
	tmpConversion    = 35 * time.Millisecond // the longest (§7.5)
)

func (c *tmp102) power() { *c = tmp102{reg: [4]uint16{0, 0x60A0, 0x4B00, 0x5000}} } // §7.5.3, §7.5.4

func (c *tmp102) feel(f Fault) {
	switch f {
	case Asleep:
		c.reg[tmpConfiguration] |= tmpShutdown
	case Periodic: // with 13 bits
		c.reg[tmpConfiguration] = c.reg[tmpConfiguration]&^tmpShutdown | tmpExtended
	}
}

func (c *tmp102) tx(now time.Time, around air, w, r []byte) error {
	if !c.warm {
		c.warm, c.first = true, now.Add(tmpConversion)
	}
	if len(w) > 0 {
		c.pointer = w[0] & 3
	}
	if len(w) == 3 && c.pointer != tmpTemperature {
		c.write(now, uint16(w[1])<<8|uint16(w[2]))
	}
	c.convert(now, around)
	for i := range r {
		r[i] = byte(c.reg[c.pointer] >> (8 * (1 - i&1)))
	}
	return nil
}

func (c *tmp102) write(now time.Time, value uint16) {
	if c.pointer != tmpConfiguration {
		c.reg[c.pointer] = value
		return
	}
	if value&tmpOneShot != 0 && value&tmpShutdown != 0 {
		c.ready = now.Add(tmpConversion)
	}
	// R1, R0 and AL cannot be written (§7.5.3).
	c.reg[tmpConfiguration] = value&^0xE020&^0x000F | c.reg[tmpConfiguration]&0x6020
}

// convert shows the temperature as of the last finished conversion.
func (c *tmp102) convert(now time.Time, around air) {
	configuration := c.reg[tmpConfiguration]
	single := configuration&tmpShutdown != 0
	if single && (c.ready.IsZero() || now.Before(c.ready)) || now.Before(c.first) {
		return
	}
	c.ready = time.Time{}
	if single {
		c.reg[tmpConfiguration] |= tmpOneShot // reads 1 when the conversion is done
	}
	counts := math.Round(around("temperature") / 0.0625)
	if configuration&tmpExtended != 0 {
		c.reg[tmpTemperature] = uint16(int16(min(max(counts, -880), 2400)))<<3 | 1
		return
	}
	c.reg[tmpTemperature] = uint16(int16(min(max(counts, -880), 2047))) << 4
}
