package simboard

import (
	"math"
	"time"

	"hogar/drivers"
)

// scd4x is a Sensirion SCD41 (datasheet SCD4x, §3.5 to §3.10): periodic
// measurements every 5 s or 30 s and single ones, their status, altitude, pressure, offset,
// calibration by itself and by force, sleep, serial number, what it is. Commands that are not
// allowed while it measures are not acknowledged, nor is a read within the time of a
// command; asleep, it acknowledges nothing. Before a calibration
// it must have measured for three minutes. What was persisted is left out.
type scd4x struct {
	mood
	busy     time.Time // until then nothing is acknowledged
	answer   []byte
	asleep   bool
	interval time.Duration // of its measurements; 0: it makes none
	began    time.Time     // since when it has measured; zero: not since its power came
	next     time.Time     // when the next measurement is there; zero: none is coming
	data     []byte        // the last one, until it is read
	offset   float64       // that it subtracts from the temperature, in °C
	shift    float64       // ppm that a forced calibration has added
	altitude uint16        // in m
}

// scdOffset is how much the chip is warmer than the air, and its offset at first (§3.7.1), in °C.
const scdOffset = 4

func (c *scd4x) power() { *c = scd4x{mood: c.mood, offset: scdOffset, shift: c.shift} }

func (c *scd4x) feel(f Fault) {
	switch f {
	case Asleep:
		c.asleep, c.interval, c.next, c.data = true, 0, time.Time{}, nil
	case Periodic:
		c.interval, c.next, c.data = scdSlow, time.Now().Add(scdSlow), nil
	default:
		c.mood.feel(f)
	}
}

const (
	scdInterval = 5 * time.Second
	scdSlow     = 30 * time.Second
)

func (c *scd4x) tx(now time.Time, around air, w, r []byte) error {
	if now.Before(c.busy) || c.asleep && (len(w) < 2 || w[0] != 0x36 || w[1] != 0xF6) {
		return errBusy
	}
	if !c.next.IsZero() && !now.Before(c.next) {
		c.data = c.measurement(around)
		switch c.interval {
		case 0:
			c.next = time.Time{}
		default:
			c.next = c.next.Add(now.Sub(c.next)/c.interval*c.interval + c.interval)
		}
	}
	if len(w) > 0 {
		if err := c.obey(now, around, w); err != nil {
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

// measurement is what there is now.
func (c *scd4x) measurement(around air) []byte {
	ppm := min(max(math.Round(around("co2")+c.shift), 1), 40000)
	if c.fault == NoCO2 {
		ppm = 0
	}
	return checked(uint16(ppm), share(around("temperature")+scdOffset-c.offset+45, 175), share(around("humidity"), 100))
}

// obey carries out a command. c.answer is what a read then gets.
func (c *scd4x) obey(now time.Time, around air, w []byte) error {
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
		c.interval, c.next, c.data, c.busy = 0, time.Time{}, nil, now.Add(500*time.Millisecond)
	case command == 0xE000 && given(w):
	case c.interval > 0:
		return errNack
	case command == 0x36F6: // is not acknowledged (§3.10.4)
		c.asleep, c.busy = false, now.Add(30*time.Millisecond)
		return errNack
	default:
		return c.obeyIdle(now, around, command, w)
	}
	return nil
}

// obeyIdle carries out what is allowed only while it does not measure.
func (c *scd4x) obeyIdle(now time.Time, around air, command int, w []byte) error {
	if measures := command == 0x21B1 || command == 0x21AC || command == 0x219D; measures && c.began.IsZero() {
		c.began = now
	}
	switch {
	case command == 0x21B1:
		c.interval, c.next = scdInterval, now.Add(scdInterval)
	case command == 0x21AC:
		c.interval, c.next = scdSlow, now.Add(scdSlow)
	case command == 0x219D:
		c.next, c.busy = now.Add(scdInterval), now.Add(scdInterval)
	case command == 0x36E0:
		c.asleep = true
	case command == 0x2318:
		c.answer = checked(uint16(math.Round(c.offset * 65535 / 175)))
	case command == 0x2322:
		c.answer = checked(c.altitude)
	case command == 0x3682:
		c.answer = checked(0xF896, 0x9F07, 0x3BBE)
	case command == 0x202F:
		c.answer = checked(0x1408)
	case !given(w):
		return errNack
	case command == 0x2427:
		c.altitude = uint16(w[2])<<8 | uint16(w[3])
	case command == 0x2416: // calibrates itself or not
	case command == 0x241D:
		c.offset = 175 * float64(int(w[2])<<8|int(w[3])) / 65535
	case command == 0x362F && (c.began.IsZero() || now.Sub(c.began) < 3*time.Minute):
		c.answer, c.busy = checked(0xFFFF), now.Add(400*time.Millisecond)
	case command == 0x362F:
		was := around("co2") + c.shift
		c.shift = float64(int(w[2])<<8|int(w[3])) - around("co2")
		c.answer, c.busy = checked(uint16(0x8000+int(math.Round(around("co2")+c.shift-was)))), now.Add(400*time.Millisecond)
	default:
		return errNack
	}
	return nil
}

// given reports whether a command has its word.
func given(w []byte) bool { return len(w) == 5 && drivers.CRC8(w[2:4]) == w[4] }
