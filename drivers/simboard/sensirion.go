package simboard

import (
	"math"
	"syscall"
	"time"

	"hogar/drivers"
)

// errBusy is a chip that measures and does not answer to its address meanwhile.
var errBusy = syscall.ENXIO

// asked is a chip that is told to measure once and then read: what has its
// answer, and when.
type asked struct {
	answer []byte
	ready  time.Time
}

// tell hands out the answer, once; before its time nobody answers.
func (c *asked) tell(now time.Time, r []byte) error {
	if len(r) == 0 {
		return nil
	}
	if c.answer == nil || now.Before(c.ready) {
		return errBusy
	}
	copy(r, c.answer)
	c.answer = nil
	return nil
}

// sht3x is a Sensirion SHT3x (datasheet SHT3x-DIS): single shots without clock
// stretching in three repeatabilities (§4.3), the end of periodic ones (§4.8), status (§4.11), soft reset
// (§4.9). While it measures periodically a single shot is refused.
type sht3x struct {
	asked
	periodic, heater bool
}

// warmer is what the heater adds, in °C.
const warmer = 3

func (c *sht3x) power() { *c = sht3x{} }

func (c *sht3x) feel(f Fault) {
	if f == Periodic {
		c.periodic, c.heater, c.answer = true, true, nil
	}
}

func (c *sht3x) tx(now time.Time, around air, w, r []byte) error {
	if len(w) == 0 {
		return c.tell(now, r)
	}
	if len(w) < 2 || now.Before(c.ready) {
		return errNack
	}
	warm := 0.0
	if c.heater {
		warm = warmer
	}
	took, measures := map[uint16]float64{0x2400: 15.5, 0x240B: 6.5, 0x2416: 4.5}[uint16(w[0])<<8|uint16(w[1])] // §2.2
	switch {
	case measures && c.periodic:
		return errNack
	case measures:
		c.ready = now.Add(time.Duration(took * float64(time.Millisecond)))
		c.answer = checked(share(around("temperature")+warm+45, 175), share(around("humidity"), 100))
	case w[0] == 0x30 && w[1] == 0x93:
		c.periodic = false
	case w[0] == 0xF3 && w[1] == 0x2D:
		c.answer, c.ready = checked(0x8010), now
	case w[0] == 0x30 && w[1] == 0xA2:
		c.power()
	default:
		return errNack
	}
	return c.tell(now, r)
}

// sht4x is a Sensirion SHT4x: the commands of its datasheet §4.5 but the heater.
type sht4x struct{ asked }

func (c *sht4x) power() { *c = sht4x{} }

func (c *sht4x) tx(now time.Time, around air, w, r []byte) error {
	if len(w) == 0 {
		return c.tell(now, r)
	}
	if now.Before(c.ready) {
		return errNack
	}
	took, measures := map[byte]float64{0xFD: 8.3, 0xF6: 4.5, 0xE0: 1.6}[w[0]] // §3.2
	switch {
	case measures:
		c.ready = now.Add(time.Duration(took * float64(time.Millisecond)))
		c.answer = checked(share(around("temperature")+45, 175), share(around("humidity")+6, 125))
	case w[0] == 0x89:
		c.answer, c.ready = checked(0x1234, 0x5678), now // serial number
	case w[0] == 0x94:
		c.power()
	default:
		return errNack
	}
	return c.tell(now, r)
}

// share is the part that v has of all, as 16 bits.
func share(v, all float64) uint16 { return uint16(math.Round(min(max(v/all, 0), 1) * 65535)) }

// checked are words with their checksums.
func checked(words ...uint16) (b []byte) {
	for _, w := range words {
		b = append(b, byte(w>>8), byte(w))
		b = append(b, drivers.CRC8(b[len(b)-2:]))
	}
	return b
}
