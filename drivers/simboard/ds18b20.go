package simboard

import (
	"fmt"
	"math"
	"time"
)

// thermometer is a DS18B20 behind the kernel's driver: steps of 1/16 °C after the 750 ms of
// a conversion with 12 bits. The file w1_slave has the nine bytes and what they mean, and
// nothing when no answer had a right checksum; temperature has thousandths
// (drivers/w1/slaves/w1_therm.c).
func (b *Board) thermometer(s *seat, id string) {
	around := b.air(s)
	file := func(name string, show func(scratchpad) string) {
		b.files.add("sys/bus/w1/devices/"+id+"/"+name, file{seat: s, read: func() (string, error) {
			time.Sleep(750 * time.Millisecond)
			if s.fault.is() == Checksum {
				return "", nil
			}
			return show(scratchpadOf(s.fault.is(), around("temperature"))), nil
		}})
	}
	file("w1_slave", scratchpad.slave)
	file("temperature", func(p scratchpad) string { return fmt.Sprintf("%d\n", p.milli()) })
}

// scratchpad is what a DS18B20 holds (datasheet 19-7487, figure 9).
type scratchpad [9]byte

// scratchpadOf is what it holds after a conversion; or, with a fault, without one.
func scratchpadOf(f Fault, celsius float64) scratchpad {
	p := scratchpad{2: 0x4B, 3: 0x46, 4: 0x7F, 5: 0xFF, 7: 0x10}
	switch sixteenths := int16(math.Round(min(max(celsius, -55), 125) * 16)); f {
	case Zeros:
		return scratchpad{}
	case PowerOn:
		p[0], p[1], p[6] = 0x50, 0x05, 0x0C
	default:
		p[0], p[1], p[6] = byte(sixteenths), byte(sixteenths>>8), byte(16-sixteenths&15)
	}
	p[8] = maxim(p[:8])
	return p
}

// milli is the temperature in thousandths, cut.
func (p scratchpad) milli() int { return int(int16(uint16(p[1])<<8|uint16(p[0]))) * 1000 / 16 }

// slave is the file w1_slave.
func (p scratchpad) slave() string {
	return fmt.Sprintf("% x : crc=%02x YES\n% x t=%d\n", p[:], p[8], p[:], p.milli())
}

// maxim is the checksum of 1-wire: polynomial 0x31, the lowest bit first, begun with 0.
func maxim(b []byte) (crc byte) {
	for _, c := range b {
		crc ^= c
		for range 8 {
			carry := crc & 1
			crc = crc>>1 ^ carry*0x8C
		}
	}
	return crc
}
