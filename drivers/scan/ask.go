package scan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hogar/drivers"
)

// To know chips apart something has to be written: the number of a register that is then read, or
// a command. The same byte is an instruction to another chip: the channels of a
// multiplexer, a converter's mode, a sensor's power. So a question is put only where
// plain reads have shown that such a chip is not there.

// manner is how a chip answers to plain reads, before anything was written.
type manner int

const (
	mute   manner = iota // it refuses them, as chips do that wait for a command
	same                 // each byte is the same, as of a multiplexer or an expander
	paired               // two bytes in turn, as a register of 16 bits
	varied               // bytes that differ otherwise
)

// plain is how many bytes are read to see the manner. Those of a sensor of Bosch's reach from
// whatever register it was asked for last into its trimming. It is odd, so that what goes
// on where it was, as a converter does, begins the next read with the other of two bytes.
const plain = 161

// mannerOf reads without having written. A chip that converts with each read shows
// what it converts; one with registers its last one over and over, or those that follow.
func mannerOf(g *drivers.Guard) manner {
	b, err := g.Read(plain)
	if err != nil {
		return mute
	}
	m := same
	for i := range b {
		switch {
		case i >= 2 && b[i] != b[i-2]:
			return varied
		case i >= 1 && b[i] != b[i-1]:
			m = paired
		}
	}
	if m == paired {
		if again, err := g.Read(2); err != nil || again[0] != b[0] || again[1] != b[1] {
			return varied
		}
	}
	return m
}

// question is what is asked at some addresses of a chip that behaves so.
type question struct {
	first, last uint16
	of          []manner
	chips       []string // that would answer
	also        []string // that may answer, and may not
	writes      [][]byte // all that is written for it
	ask         func(*drivers.Guard) (who identity, ok bool)
}

// questions are put in turn until one is answered. The numbers are those of the datasheets.
//
// At 0x40 to 0x47 an HTU21D or Si7021, whose reset is FE, is mute; so are an SHT3x and an SHT4x. At
// 0x48 to 0x4f a PCF8591, whose mode is each byte that is written, reads as what it converts, which never begins anew with
// the first of two bytes. At 0x62 an LED driver or another chip with registers is not mute. At 0x76 and 0x77 a
// multiplexer, whose channels are the byte that is written, reads as that byte over and over.
// Everywhere else nothing is written: at 0x5c 00 switches a BH1750 off, at 0x60 to 0x6f a byte sets
// converters and radios, at 0x70 to 0x75 there are multiplexers.
func questions() []question {
	registers, texas := []manner{same, paired, varied}, [][]byte{{0x00}, {0x02}, {0xFE}, {0xFF}}
	modes := [][]byte{{0x00}, {0x01}, {0xFE}}
	return []question{
		{0x18, 0x1f, registers, []string{"mcp9808"}, nil, [][]byte{{0x06}}, register(0x06, 2, map[uint16]string{0x0054: "mcp9808"})},
		{0x40, 0x47, registers, []string{"ina226"}, []string{"ina219", "ina3221", "ina260", "hdc1080"}, texas, ti},
		{0x40, 0x47, registers, nil, []string{"pca9685"}, modes, outputs},
		{0x44, 0x45, []manner{mute}, []string{"sht3x"}, nil, [][]byte{{0xF3, 0x2D}}, words(1, "sht3x", 0xF3, 0x2D)}, // its status
		{0x44, 0x46, []manner{mute}, []string{"sht4x"}, nil, [][]byte{{0x89}}, words(2, "sht4x", 0x89)},             // its serial number
		{0x48, 0x4f, []manner{paired}, nil, []string{"ads1115", "ads1015", "tmp102", "lm75"}, [][]byte{{0x01}, {0x02}, {0x03}}, limits},
		{0x48, 0x4f, []manner{paired}, []string{"ina226"}, []string{"ina219", "ina3221", "ina260", "hdc1080"}, texas, ti},
		{0x48, 0x4f, []manner{paired}, nil, []string{"pca9685"}, modes, outputs},
		{0x5a, 0x5b, registers, []string{"ccs811"}, nil, [][]byte{{0x20}}, register(0x20, 1, map[uint16]string{0x81: "ccs811"})},
		{0x62, 0x62, []manner{mute}, []string{"scd4x"}, nil, [][]byte{{0xE4, 0xB8}}, words(1, "scd4x", 0xE4, 0xB8)}, // whether data is ready
		{0x76, 0x77, []manner{paired, varied}, []string{"bme280", "bmp280"}, []string{"bmp180", "bme680"}, [][]byte{{0xD0}}, register(0xD0, 1, bosch())},
		{0x76, 0x77, []manner{paired, varied}, []string{"bmp388"}, []string{"bmp390"}, [][]byte{{0x00}}, register(0x00, 1, map[uint16]string{0x50: "bmp388", 0x60: "bmp390"})},
	}
}

// Question is what [Probe] writes at some addresses.
type Question struct {
	First, Last   uint16
	Writes, Chips string // 00, 02; a bme280
}

// Asked lists all that [Probe] writes.
func Asked() (all []Question) {
	for _, q := range questions() {
		var writes []string
		for _, w := range q.writes {
			writes = append(writes, fmt.Sprintf("% X", w))
		}
		all = append(all, Question{q.first, q.last, strings.Join(writes, " or "), strings.Join(slices.Concat(q.chips, q.also), ", ")})
	}
	return all
}

// bosch are the numbers of chips in register D0.
func bosch() map[uint16]string {
	return map[uint16]string{0x60: "bme280", 0x58: "bmp280", 0x57: "bmp280", 0x56: "bmp280", 0x55: "bmp180", 0x61: "bme680"}
}

// register asks for a register of size bytes, and is content with one of these values.
func register(number byte, size int, values map[uint16]string) func(*drivers.Guard) (identity, bool) {
	return func(g *drivers.Guard) (identity, bool) {
		b, err := g.Read(size, number)
		if err != nil {
			return identity{}, false
		}
		v := uint16(b[0])
		if size == 2 {
			v = v<<8 | uint16(b[1])
		}
		chip, ok := values[v]
		who := is(chip, "register %#02x is %#02x", number, v)
		who.note = map[string]string{"bmp388": noDriver("bmp380", ""), "bmp390": noDriver("bmp380", ""), "bmp180": noDriver("bmp180", ""),
			"bme680": noDriver("bme680", ""), "ccs811": noDriver("ccs811", "")}[chip]
		return who, ok
	}
}

// words asks for n words with checksums by a command.
func words(n int, chip string, command ...byte) func(*drivers.Guard) (identity, bool) {
	return func(g *drivers.Guard) (identity, bool) {
		if g.Write(command...) != nil || g.Wait(2*time.Millisecond) != nil {
			return identity{}, false
		}
		b, err := g.Read(3 * n)
		if err != nil {
			return identity{}, false
		}
		_, err = drivers.Words(b)
		return is(chip, "it answers to % X", command), err == nil
	}
}

// word reads a register of 16 bits.
func word(g *drivers.Guard, number byte) (uint16, error) {
	b, err := g.Read(2, number)
	return uint16(b[0])<<8 | uint16(b[1]), err
}

// ti: Texas Instruments' number is in FE, the chip's in FF. FE is asked for only where the
// configuration is that of such a chip; 399F is that of an INA219 at power-up, which has neither.
func ti(g *drivers.Guard) (identity, bool) {
	configuration, errFirst := word(g, 0x00) // an HDC1080 refuses: it measures
	if errFirst == nil && configuration == 0x399F {
		return is("ina219", "its configuration is that at power-up"), true
	}
	second, err := word(g, 0x02)
	if err != nil {
		return identity{}, false
	}
	looks := errFirst == nil && (configuration>>12 == 4 || configuration>>12 == 6 || configuration>>12 == 7)
	if !looks && (second == 0 || second&0x80FF != 0) { // an HDC1080's configuration has no such bits
		return identity{}, false
	}
	maker, err := word(g, 0xFE)
	if err != nil || maker != 0x5449 {
		return identity{}, false
	}
	chip, err := word(g, 0xFF)
	if err != nil {
		return identity{}, false
	}
	names := map[uint16]string{0x226: "ina226", 0x322: "ina3221", 0x227: "ina260", 0x100: "hdc1000", 0x105: "hdc1080"}
	who := is(names[chip>>4], "registers 0xfe and 0xff are 0x5449 and %#04x", chip)
	who.note = map[string]string{"ina3221": noDriver("ina3221", "which Raspberry Pi OS has no overlay of"), "ina260": "no driver here",
		"hdc1000": noDriver("hdc100x", ""), "hdc1080": noDriver("hdc100x", "")}[who.chips[0]]
	return who, who.chips[0] != ""
}

// limits: the comparator of an ADS1115 has -32768 and 32767 at power-up, that of a
// TMP102 and an LM75 75 °C and 80 °C; a TMP102 shows its 12 bits in its configuration, of
// which it has two bytes and an LM75 one.
func limits(g *drivers.Guard) (identity, bool) {
	low, err := word(g, 2)
	if err != nil {
		return identity{}, false
	}
	high, err := word(g, 3)
	if err != nil {
		return identity{}, false
	}
	configuration, err := g.Read(2, 1)
	switch {
	case err != nil:
		return identity{}, false
	case low == 0x8000 && high&0xFFF0 == 0x7FF0:
		who := is("ads1115", "its limits are those at power-up")
		who.note = "an ads1015 looks the same: write that driver if it is printed on the chip"
		return who, true
	case low>>8 == 0x4B && high>>8 == 0x50 && configuration[0]&0x60 == 0x60 && configuration[1]&0x0F == 0 && configuration[1] != 0 && configuration[0] != configuration[1]:
		return is("tmp102", "its limits and its 12 bits"), true
	case low>>8 == 0x4B && high>>8 == 0x50:
		return is("lm75", "its limits are those at power-up"), true
	}
	return identity{}, false
}

// outputs: a PCA9685 has three bits of MODE2 at zero, and a prescaler of at least 3, which is asked for last.
func outputs(g *drivers.Guard) (identity, bool) {
	mode1, err := g.Read(1, 0x00)
	if err != nil || mode1[0]&0x80 != 0 {
		return identity{}, false
	}
	mode2, err := g.Read(1, 0x01)
	if err != nil || mode2[0]&0xE0 != 0 || mode2[0]&0x04 == 0 {
		return identity{}, false
	}
	prescale, err := g.Read(1, 0xFE)
	return is("pca9685", "its modes and its prescaler are possible ones"), err == nil && prescale[0] >= 3 && prescale[0] != 0xFF
}
