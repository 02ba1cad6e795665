package simboard

import (
	"math"
	"time"
)

// mcp9808 is a Microchip MCP9808 (datasheet DS25095A, §5): pointer, limits,
// temperature with its flags, identity, resolution. It converts all the time
// unless it is shut down. Locks, hysteresis and the alert's pin are left out.
type mcp9808 struct {
	pointer    byte
	reg        [9]uint16
	begin      time.Time // of the conversion that runs
	resolution byte
}

const (
	mcpConfiguration = 1
	mcpUpper         = 2
	mcpLower         = 3
	mcpCritical      = 4
	mcpTemperature   = 5
	mcpResolution    = 8
	mcpShutdown      = 1 << 8
)

func (c *mcp9808) power() {
	*c = mcp9808{resolution: 3}
	c.reg[6], c.reg[7] = 0x0054, 0x0400
}

func (c *mcp9808) feel(f Fault) {
	switch f {
	case Asleep:
		c.reg[mcpConfiguration] |= mcpShutdown
	case Periodic:
		c.resolution = 0
	}
}

func (c *mcp9808) tx(now time.Time, around air, w, r []byte) error {
	if c.begin.IsZero() {
		c.begin = now
	}
	if len(w) > 0 {
		c.pointer = w[0] & 0xF
		if c.pointer > mcpResolution {
			return errNack
		}
	}
	switch {
	case len(w) == 2 && c.pointer == mcpResolution:
		c.resolution = w[1] & 3
	case len(w) == 3 && c.pointer >= mcpConfiguration && c.pointer <= mcpCritical:
		c.reg[c.pointer] = uint16(w[1])<<8 | uint16(w[2])
	}
	c.convert(now, around)
	if c.pointer == mcpResolution {
		for i := range r {
			r[i] = c.resolution
		}
		return nil
	}
	for i := range r {
		r[i] = byte(c.reg[c.pointer] >> (8 * (1 - i&1)))
	}
	return nil
}

// convert shows the temperature when a conversion is over; its time is that of
// the resolution (temperature characteristics).
func (c *mcp9808) convert(now time.Time, around air) {
	if c.reg[mcpConfiguration]&mcpShutdown != 0 {
		c.begin = now
		return
	}
	took := []time.Duration{30, 65, 130, 250}[c.resolution] * time.Millisecond
	if now.Sub(c.begin) < took {
		return
	}
	c.begin = now
	step := math.Exp2(float64(3 - c.resolution)) // of 1/16 °C
	counts := int16(math.Round(min(max(around("temperature"), -40), 125)*16/step) * step)
	value := uint16(counts) & 0x1FFF
	limit := func(reg int) int16 { return int16(c.reg[reg]<<3) >> 3 }
	for bit, flag := range []bool{counts < limit(mcpLower), counts > limit(mcpUpper), counts >= limit(mcpCritical)} {
		if flag {
			value |= 1 << (13 + bit)
		}
	}
	c.reg[mcpTemperature] = value
}
