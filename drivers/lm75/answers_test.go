package lm75

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
)

// chip has registers of two bytes, the configuration one; some bits of that stay as they are.
type chip struct {
	drivers.Board
	i2c.Bus
	reg     [4]uint16
	fixed   byte // bits of the configuration that cannot be written
	pointer byte
}

func (c *chip) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *chip) Tx(_ uint16, w, r []byte) error {
	if len(w) > 0 {
		c.pointer = w[0] & 3
	}
	if len(w) == 2 && c.pointer == configuration {
		c.reg[1] = c.reg[1]&uint16(c.fixed) | uint16(w[1]&^c.fixed)
	}
	switch len(r) {
	case 1:
		r[0] = byte(c.reg[c.pointer])
	case 2:
		r[0], r[1] = byte(c.reg[c.pointer]>>8), byte(c.reg[c.pointer])
	}
	return nil
}

func measured(t *testing.T, options string, c *chip) (float64, error) {
	t.Helper()
	spec, faults := drivertest.Decode(New, options)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
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

// A classic LM75 has nine bits, and says nothing of the other seven: Linux lm75.c shifts them
// out by the resolution of the chip's name (9 for lm75, 11 for lm75b, 12 for the TMP family).
func TestUndefinedBits(t *testing.T) {
	for _, one := range []struct {
		options string
		config  byte
		raw     uint16
		want    float64
	}{
		{"bits: 9", 0, 0x1970, 25}, {"bits: 9", 0, 0x197F, 25}, {"bits: 9", 0, 0xE77F, -25}, {"bits: 9", 0, 0xC97F, -55},
		{"", 0, 0x1970, 25}, {"", 0, 0x197F, 25}, {"", 0, 0xE77F, -25}, {"", 0, 0x007F, 0}, {"", 0, 0x00FF, 0.5},
		{"bits: 11", 0x40, 0x7EFF, 126.875}, {"bits: 12", 0x60, 0x194F, 25.25},
		{"", 0x20, 0x197F, 25.25}, {"", 0x60, 0x197F, 25.4375}, // what its configuration says
		// An LM75B's and a TMP75's own examples, from memory.
		{"", 0, 0x7D00, 125}, {"", 0, 0x0080, 0.5}, {"", 0, 0xFF80, -0.5}, {"", 0, 0xC900, -55},
		{"", 0, 0x7EE0, 126.875}, {"", 0, 0xFFE0, -0.125}, {"", 0, 0xC920, -54.875}, {"bits: 12", 0x60, 0x7FF0, 127.9375},
	} {
		synctest.Test(t, func(t *testing.T) {
			got, err := measured(t, one.options, &chip{reg: [4]uint16{one.raw, uint16(one.config), 0x4B00, 0x5000}})
			if got != one.want || err != nil {
				t.Errorf("%04x with %q and configuration %#02x: %v, %v, want %v", one.raw, one.options, one.config, got, err, one.want)
			}
		})
	}
}

// Zeros everywhere are no 0 °C, and ones no measurement; 0 °C is one where the limits are there.
func TestDeadBus(t *testing.T) {
	for _, options := range []string{"", "bits: 9", "bits: 12"} {
		synctest.Test(t, func(t *testing.T) {
			got, err := measured(t, options, &chip{fixed: 0xFF})
			if err == nil || options == "bits: 12" && !strings.Contains(err.Error(), "stays 0x00") ||
				options != "bits: 12" && !strings.Contains(err.Error(), "reads as zeros") {
				t.Errorf("%q, zeros: %v, %v", options, got, err)
			}
			ones := &chip{reg: [4]uint16{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF}, fixed: 0xFF}
			if got, err := measured(t, options, ones); err == nil || !strings.Contains(err.Error(), "reads as ones") {
				t.Errorf("%q, ones: %v, %v", options, got, err)
			}
			cold := &chip{reg: [4]uint16{0, 0, 0x4B00, 0x5000}}
			if got, err := measured(t, options, cold); got != 0 || err != nil {
				t.Errorf("%q, 0 °C: %v, %v", options, got, err)
			}
		})
	}
}

// One that another program has shut down shows the temperature of that time: it is woken, and
// keeps its other settings.
func TestAsleep(t *testing.T) {
	for _, options := range []string{"", "bits: 12"} {
		synctest.Test(t, func(t *testing.T) {
			rig := drivertest.NewRig(t, New, options)
			dev := rig.Open(t).(drivers.Sensor)
			for _, celsius := range []float64{20, 30} {
				rig.World.Hold("kitchen", "temperature", celsius)
				time.Sleep(time.Second)
				readings, err := dev.Sense(t.Context())
				if err != nil || readings[0].Value.Number() != celsius {
					t.Errorf("%q: %v, %v, want %v", options, readings, err, celsius)
				}
				if err := rig.Board.Fault(drivertest.Device, simboard.Asleep); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c := &chip{reg: [4]uint16{0x1900, 0x1B, 0x4B00, 0x5000}} // asleep, with a fault queue and the other polarity
		if got, err := measured(t, "", c); got != 25 || err != nil || c.reg[1] != 0x1A {
			t.Errorf("%v, %v, configuration %s", got, err, fmt.Sprintf("%#02x", c.reg[1]))
		}
	})
}
