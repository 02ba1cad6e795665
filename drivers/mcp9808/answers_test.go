package mcp9808

import (
	"strings"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

// chip has registers of two bytes; the configuration may be locked.
type chip struct {
	drivers.Board
	i2c.Bus
	reg     [16]uint16
	locked  bool
	pointer byte
}

func (c *chip) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *chip) Tx(_ uint16, w, r []byte) error {
	if len(w) > 0 {
		c.pointer = w[0] & 15
	}
	if len(w) == 3 && !c.locked {
		c.reg[c.pointer] = word(w[1:])
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

// Of periph's mcp9808_test.go, and of the datasheet (c194 and 1d80, from memory).
func TestVectors(t *testing.T) {
	for raw, want := range map[uint16]float64{0x00A0: 10, 0x1F60: -10, 0x3FF0: -1, 0xC194: 25.25, 0x1D80: -40, 0x0000: 0} {
		synctest.Test(t, func(t *testing.T) {
			got, err := measured(t, &chip{reg: [16]uint16{temperature: raw, manufacturer: microchip, device: 0x0400}})
			if got != want || err != nil {
				t.Errorf("%04x is %v, %v, want %v", raw, got, err, want)
			}
		})
	}
}

// What is no measurement: one that another program has locked asleep shows the temperature of that time; a bus
// that reads as zeros or ones; another chip.
func TestWhatIsNoMeasurement(t *testing.T) {
	ones := &chip{locked: true}
	for i := range ones.reg {
		ones.reg[i] = 0xFFFF
	}
	for says, c := range map[string]*chip{
		"stays asleep":         {reg: [16]uint16{configuration: 0x0180, temperature: 0xC194, manufacturer: microchip, device: 0x0400}, locked: true},
		"manufacturer 0x0000":  {},
		"manufacturer 0xffff":  ones,
		"device 0x05":          {reg: [16]uint16{temperature: 0xC194, manufacturer: microchip, device: 0x0500}},
		"measures a temperatu": {reg: [16]uint16{temperature: 0x0FF0, manufacturer: microchip, device: 0x0400}},
	} {
		synctest.Test(t, func(t *testing.T) {
			if got, err := measured(t, c); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, %v, want %q", got, err, says)
			}
		})
	}
}
