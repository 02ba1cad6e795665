package simboard

import (
	"math"
	"time"

	"hogar/drivers"
)

// scd4x is a Sensirion SCD40 (datasheet SCD4x, §3.5 to §3.9): periodic
// measurements every 5 s, their status, altitude, serial number. Commands that are
// not allowed while it measures are not acknowledged, nor is a read within the
// time of a command. Calibration and low power are left out.
type scd4x struct {
	busy     time.Time // until then nothing is acknowledged
	answer   []byte
	periodic bool
	next     time.Time // when the next measurement is there
	data     []byte    // the last one, until it is read
}

func (c *scd4x) power() { *c = scd4x{} }

const scdInterval = 5 * time.Second

func (c *scd4x) tx(now time.Time, around air, w, r []byte) error {
	if now.Before(c.busy) {
		return errBusy
	}
	for c.periodic && !now.Before(c.next) {
		c.data = checked(uint16(min(max(math.Round(around("co2")), 0), 40000)),
			share(around("temperature")+45, 175), share(around("humidity"), 100))
		c.next = c.next.Add(max(scdInterval, now.Sub(c.next)/scdInterval*scdInterval))
	}
	if len(w) > 0 {
		if err := c.obey(now, w); err != nil {
			return err
		}
	}
	if len(r) == 0 {
		return nil
	}
	if now.Before(c.busy) || c.answer == nil {
		return errBusy
	}
	copy(r, c.answer)
	c.answer = nil
	return nil
}

// obey carries out a command. c.answer is what a read then gets.
func (c *scd4x) obey(now time.Time, w []byte) error {
	if len(w) < 2 {
		return errNack
	}
	c.answer, c.busy = nil, now.Add(time.Millisecond)
	switch command := int(w[0])<<8 | int(w[1]); {
	case command == 0xE4B8:
		c.answer = checked(0x8000)
		if c.data != nil {
			c.answer = checked(0x8006)
		}
	case command == 0xEC05 && c.data != nil:
		c.answer, c.data = c.data, nil
	case command == 0x3F86:
		c.periodic, c.data, c.busy = false, nil, now.Add(500*time.Millisecond)
	case c.periodic:
		return errNack
	case command == 0x21B1:
		c.periodic, c.next = true, now.Add(scdInterval)
	case command == 0x2427 && len(w) == 5 && drivers.CRC8(w[2:4]) == w[4]:
	case command == 0x3682:
		c.answer = checked(0xF896, 0x9F07, 0x3BBE)
	default:
		return errNack
	}
	return nil
}
