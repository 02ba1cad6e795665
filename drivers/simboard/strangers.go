package simboard

import (
	"time"

	"hogar/drivers"
)

// Chips that no driver of hogar's is for, and that sit on people's buses all the same. They
// are here for what a byte that is meant for another chip does to them.

// tca9548a is a Texas Instruments TCA9548A (datasheet SCPS207): the last byte written says
// which of eight channels are on, and each byte read is that.
type tca9548a struct{ mask byte }

func (c *tca9548a) power() { c.mask = 0 }

func (c *tca9548a) tx(_ time.Time, _ air, w, r []byte) error {
	if len(w) > 0 {
		c.mask = w[len(w)-1]
	}
	for i := range r {
		r[i] = c.mask
	}
	return nil
}

// htu21d is a Measurement Specialties HTU21D (datasheet HPC199): measurements without holding
// the bus, the user register, a soft reset.
type htu21d struct {
	asked
	user byte
}

func (c *htu21d) power() { *c = htu21d{user: 0x02} }

func (c *htu21d) tx(now time.Time, around air, w, r []byte) error {
	switch {
	case len(w) == 0:
		return c.tell(now, r)
	case w[0] == 0xFE:
		c.power()
	case w[0] == 0xF3:
		c.answer, c.ready = checked(share(around("temperature")+46.85, 175.72)), now.Add(50*time.Millisecond)
	case w[0] == 0xF5:
		c.answer, c.ready = checked(share(around("humidity")+6, 125)), now.Add(16*time.Millisecond)
	case w[0] == 0xE6 && len(w) == 2:
		c.user = w[1]
	case w[0] == 0xE7:
		c.answer, c.ready = []byte{c.user}, now
	default:
		return errNack
	}
	return c.tell(now, r)
}

// pcf8591 is an NXP PCF8591 (datasheet rev. 7, §8): the first byte written is its mode, the
// others what its output shows; a read gives what was converted before, and converts.
type pcf8591 struct {
	mode, output byte
	channel      byte
	converted    byte
}

func (c *pcf8591) power() { *c = pcf8591{converted: 0x80} }

func (c *pcf8591) tx(_ time.Time, _ air, w, r []byte) error {
	for i, b := range w {
		if i > 0 {
			c.output = b
			continue
		}
		c.mode, c.channel = b, b&3
	}
	inputs, channels := [4]byte{17, 99, 140, 255}, byte(4)
	if c.mode&0x30 == 0x30 {
		channels = 2
	}
	for i := range r {
		r[i] = c.converted
		c.converted = inputs[c.channel]
		if c.mode&0x04 != 0 {
			c.channel = (c.channel + 1) % channels
		}
	}
	return nil
}

// stranger is a chip of which nobody knows what a byte does to it: it remembers all.
type stranger struct {
	answer []byte // over and over; nil: it refuses reads
	wrote  []byte
}

func (c *stranger) power() { c.wrote = nil }

func (c *stranger) tx(_ time.Time, _ air, w, r []byte) error {
	c.wrote = append(c.wrote, w...)
	if len(r) > 0 && len(c.answer) == 0 {
		return errNack
	}
	for i := range r {
		r[i] = c.answer[i%len(c.answer)]
	}
	return nil
}

func strange(answer ...byte) func() chip { return func() chip { return &stranger{answer: answer} } }

// words16 is a chip with registers of 16 bits, of which only the numbers are known.
type words16 struct {
	reg     map[byte]uint16
	pointer byte
}

func (c *words16) power() { c.pointer = 0 }

func (c *words16) tx(_ time.Time, _ air, w, r []byte) error {
	if len(w) > 0 {
		c.pointer = w[0]
	}
	if len(w) == 3 {
		c.reg[w[0]] = uint16(w[1])<<8 | uint16(w[2])
	}
	for i := range r {
		r[i] = byte(c.reg[c.pointer] >> (8 * (1 - i&1)))
	}
	return nil
}

// texas is a chip of Texas Instruments', with its configuration and its number.
func texas(configuration, number uint16) func() chip {
	return func() chip {
		return &words16{reg: map[byte]uint16{0: configuration, 0xFE: 0x5449, 0xFF: number}}
	}
}

// bytes8 is a chip with registers of a byte that counts on.
type bytes8 struct {
	reg     [256]byte
	pointer byte
}

func (c *bytes8) power() { c.pointer = 0 }

func (c *bytes8) tx(_ time.Time, _ air, w, r []byte) error {
	for i, b := range w {
		if i == 0 {
			c.pointer = b
			continue
		}
		c.reg[c.pointer] = b
		c.pointer++
	}
	for i := range r {
		r[i] = c.reg[c.pointer]
		c.pointer++
	}
	return nil
}

// numbered8 is one with a number in its first register.
func numbered8(id byte) func() chip {
	return func() chip { return &bytes8{reg: [256]byte{0: id, 0x31: 0x36, 0x32: 0x6B}} }
}

// strangers are their models. The numbers of Texas Instruments' chips are those that other
// drivers check: Adafruit_INA3221, tinygo's ina260, Adafruit_HDC1000; of the BMP388 ESPHome's bmp3xx_base.h.
func strangers() []model {
	return []model{
		{"bmp388", numbered8(0x50), nil, drivers.Span(0x76, 0x77)},
		{"bmp390", numbered8(0x60), nil, drivers.Span(0x76, 0x77)},
		{"ds3231", numbered8(0x12), nil, drivers.Span(0x68, 0x68)},
		{"htu21d", func() chip { return &htu21d{} }, nil, drivers.Span(0x40, 0x40)},
		{"ina260", texas(0x6127, 0x2270), nil, drivers.Span(0x40, 0x4f)},
		{"ina3221", texas(0x7127, 0x3220), nil, drivers.Span(0x40, 0x43)},
		{"mcp3421", strange(0x01, 0xF4, 0x10), nil, drivers.Span(0x68, 0x6f)},             // each byte is its mode
		{"mcp4725", strange(0xC0, 0x80, 0x00, 0x08, 0x00), nil, drivers.Span(0x60, 0x67)}, // two bytes are its output
		{"ms5611", strange(0), nil, drivers.Span(0x76, 0x77)},                             // each byte is a command
		{"pca9633", strange(0x11, 0x05), nil, drivers.Span(0x60, 0x6f)},                   // E4 counts on from register 4: its second output
		{"pcf8574", strange(0xFF), nil, drivers.Span(0x20, 0x27)},                         // each byte is its outputs
		{"pcf8574a", strange(0xFF), nil, drivers.Span(0x38, 0x3f)},
		{"pcf8591", func() chip { return &pcf8591{} }, nil, drivers.Span(0x48, 0x4f)},
		{"tca9548a", func() chip { return &tca9548a{} }, nil, drivers.Span(0x70, 0x77)},
		{"tea5767", strange(0x2F, 0x0E, 0xB1, 0x90, 0x00), nil, drivers.Span(0x60, 0x60)}, // each byte tunes it
	}
}
