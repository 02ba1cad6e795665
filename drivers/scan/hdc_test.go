package scan_test

import (
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/scan"
)

// hdc is an HDC1000 or HDC1080 (datasheets SNAS643 and SNAS672 §8.5, Adafruit_HDC1000), the only chip of its board: the number
// of the temperature's register begins a measurement, and until that is over its reading is refused.
type hdc struct {
	scan.Board
	i2c.Bus
	number  uint16
	pointer byte
	wrote   []string
}

func (c *hdc) Buses() ([]string, error)    { return []string{"I2C1"}, nil }
func (c *hdc) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *hdc) Probe(_ string, a uint16) error {
	if a != 0x40 {
		return drivers.ErrAbsent
	}
	return nil
}

func (c *hdc) Tx(_ uint16, w, r []byte) error {
	if len(w) > 0 {
		c.pointer = w[0]
	}
	if len(w) > 1 {
		c.wrote = append(c.wrote, string(w))
	}
	if len(r) > 0 && c.pointer < 2 {
		return syscall.ENXIO
	}
	register := map[byte]uint16{0x02: 0x1000, 0xFE: 0x5449, 0xFF: c.number}[c.pointer]
	for i := range r {
		r[i] = byte(register >> (8 * (1 - i&1)))
	}
	return nil
}

// An HDC1000 or HDC1080 has Texas Instruments' number and is no INA226. One that was last asked for its
// temperature refuses plain reads, as an HTU21D does, and is asked nothing.
func TestHumidityOfTexas(t *testing.T) {
	for _, one := range []struct {
		number  uint16
		pointer byte
		chip    string
		note    string
	}{
		{0x1000, 0x02, "hdc1000", "hdc100x"},
		{0x1050, 0x02, "hdc1080", "hdc100x"},
		{0x1050, 0xFF, "hdc1080", "hdc100x"},
		{0x1050, 0x00, "ina219 or ina226 or htu21d or pca9685", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &hdc{Board: newBoard(t, nil), number: one.number, pointer: one.pointer}
			got := onBus(t, probe(t, c, nil))
			if len(got) != 1 || got[0].Chip != one.chip || !strings.Contains(got[0].Note, one.note) {
				t.Fatalf("%04x with register %#02x is found as %+v", one.number, one.pointer, got)
			}
			if known := one.note != ""; known && got[0].Entry != "" || len(c.wrote) > 0 {
				t.Errorf("%04x: %q, wrote %q", one.number, got[0].Entry, c.wrote)
			}
		})
	}
}
