package simboard

import (
	"math"
	"time"
)

// bh1750 is a Rohm BH1750FVI: the opcodes and the measurement times of its
// datasheet (technical note 11046EDT01, instruction set architecture).
type bh1750 struct {
	on      bool
	once    bool // power down after the measurement
	raw     uint16
	pending uint16
	ready   time.Time // zero: nothing is measured
	mtreg   byte      // how long it measures; 69 is the normal time
}

// Opcodes; continuous and one-time modes share their low bits.
const (
	bhPowerDown = 0x00
	bhPowerOn   = 0x01
	bhReset     = 0x07
	bhHigh      = 0x10 // 1 lx
	bhHigh2     = 0x11 // 0.5 lx
	bhLow       = 0x13 // 4 lx
	bhOnce      = 0x20
	bhTimeHigh  = 0x40 // three bits of the time
	bhTimeLow   = 0x60 // five bits of it

	bhNormal = 69
)

func (c *bh1750) power() { *c = bh1750{mtreg: bhNormal} }

func (c *bh1750) feel(f Fault) {
	switch f {
	case Asleep:
		c.on, c.ready = false, time.Time{}
	case Periodic:
		c.on, c.once, c.mtreg = true, false, 254
	}
}

func (c *bh1750) tx(now time.Time, around air, w, r []byte) error {
	if !c.ready.IsZero() && !now.Before(c.ready) {
		c.raw, c.ready = c.pending, time.Time{}
		c.on = c.on && !c.once
	}
	for _, opcode := range w {
		c.obey(now, around, opcode)
	}
	for i := range r {
		r[i] = byte(c.raw >> (8 * (1 - i&1)))
	}
	return nil
}

func (c *bh1750) obey(now time.Time, around air, opcode byte) {
	switch {
	case opcode == bhPowerDown:
		c.on, c.ready = false, time.Time{}
	case opcode == bhPowerOn:
		c.on = true
	case opcode == bhReset && c.on: // not accepted in power down
		c.raw = 0
	case opcode&^7 == bhTimeHigh:
		c.mtreg = c.mtreg&0x1F | opcode<<5
	case opcode&^0x1F == bhTimeLow:
		c.mtreg = c.mtreg&^0x1F | opcode&0x1F
	case c.on && opcode&^(bhOnce|bhHigh|3) == 0:
		counts, longest := around("illuminance")*1.2*float64(c.mtreg)/bhNormal, 180*time.Millisecond
		switch opcode &^ (bhHigh | bhOnce) {
		case bhHigh2 &^ bhHigh:
			counts *= 2
		case bhLow &^ bhHigh:
			counts, longest = math.Round(counts/4)*4, 24*time.Millisecond
		}
		c.once = opcode&bhOnce != 0
		c.pending = uint16(min(max(math.Round(counts), 0), math.MaxUint16))
		c.ready = now.Add(longest * time.Duration(c.mtreg) / bhNormal)
	}
}
