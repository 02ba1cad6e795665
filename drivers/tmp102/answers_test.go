package tmp102

import (
	"strings"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

// chip has registers of two bytes; those that are fixed cannot be written.
type chip struct {
	drivers.Board
	i2c.Bus
	reg     [4]uint16
	fixed   bool
	pointer byte
}

func (c *chip) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *chip) Tx(_ uint16, w, r []byte) error {
	if len(w) > 0 {
		c.pointer = w[0] & 3
	}
	if len(w) == 3 && !c.fixed {
		c.reg[c.pointer] = uint16(w[1])<<8 | uint16(w[2])
	}
	for i := range r {
		r[i] = byte(c.reg[c.pointer] >> (8 * (1 - i&1)))
	}
	return nil
}

func measured(t *testing.T, c *chip) (float64, error) {
	t.Helper()
	spec, _ := drivertest.Decode(New, "")
	dev, err := spec.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	readings, err := dev.(drivers.Sensor).Sense(t.Context())
	if err != nil {
		return 0, err
	}
	return readings[0].Value.Number(), nil
}

// Of periph's tmp102_test.go, and of the datasheet's table (7ff0, ffc0; from memory).
func TestVectors(t *testing.T) {
	for raw, want := range map[uint16]float64{0x6400: 100, 0x5000: 80, 0x1900: 25, 0xE700: -25, 0xC900: -55, 0x7FF0: 127.9375, 0xFFC0: -0.25, 0: 0} {
		synctest.Test(t, func(t *testing.T) {
			if got, err := measured(t, &chip{reg: [4]uint16{raw}}); got != want || err != nil {
				t.Errorf("%04x is %v, %v, want %v", raw, got, err, want)
			}
		})
	}
}

// What is no measurement: a bus that reads as zeros or ones, a conversion that never ends, an LM75, which has no such
// configuration, and 13 bits, which another program asked for.
func TestWhatIsNoMeasurement(t *testing.T) {
	for says, c := range map[string]*chip{
		"configuration is 0x0000": {fixed: true},
		"configuration is 0xffff": {reg: [4]uint16{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF}, fixed: true},
		"configuration is 0x61a0": {reg: [4]uint16{0x1900, 0x61A0}, fixed: true},
		"no TMP102":               {reg: [4]uint16{0x1900, 0x6060}, fixed: true},
		"reads 0x4b01":            {reg: [4]uint16{0x4B01}},
	} {
		synctest.Test(t, func(t *testing.T) {
			if got, err := measured(t, c); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, %v, want %q", got, err, says)
			}
		})
	}
}
