package simboard

import (
	"math"
	"time"

	"hogar/drivers"
)

// aht20 is an Aosong AHT20 (datasheet version 1.0, §5.3 and §5.4): status,
// calibration, one measurement at a time.
type aht20 struct {
	mood
	calibrated bool
	answer     [6]byte
	ready      time.Time
}

const (
	ahtBusy       = 0x80
	ahtCalibrated = 0x08
)

func (c *aht20) power() { *c = aht20{mood: c.mood} }

func (c *aht20) tx(now time.Time, around air, w, r []byte) error {
	if len(w) > 0 {
		switch w[0] {
		case 0x71: // status, which each answer begins with
		case 0xBE:
			c.calibrated = true
		case 0xBA:
			c.power()
		case 0xAC:
			c.measure(now, around)
		default:
			return errNack
		}
	}
	status := byte(0x10)
	if c.calibrated {
		status |= ahtCalibrated
	}
	if now.Before(c.ready) {
		status |= ahtBusy
	}
	answer := append([]byte{status}, c.answer[1:]...)
	crc := drivers.CRC8(answer)
	if status&ahtBusy != 0 && c.fault == Busy {
		crc ^= 0xEC
	}
	copy(r, append(answer, crc))
	return nil
}

// measure: 20 bits of humidity, 20 of temperature (§6). Air is never so dry that the
// humidity is 0.
func (c *aht20) measure(now time.Time, around air) {
	part := func(v float64) uint64 { return uint64(math.Round(min(max(v, 0), 1-0x1p-20) * 0x1p20)) }
	both := max(part(around("humidity")/100), 1)<<20 | part((around("temperature")+50)/200)
	for i := range 5 {
		c.answer[1+i] = byte(both >> (8 * (4 - i)))
	}
	c.ready = now.Add(80 * time.Millisecond)
	if c.fault == Busy {
		c.ready = now.Add(150 * time.Millisecond)
	}
}
