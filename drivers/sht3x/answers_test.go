package sht3x

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
)

// chip answers the same to each read; tx may refuse.
type chip struct {
	drivers.Board
	i2c.Bus
	answer []byte
	tx     func(w []byte) error
}

func (c *chip) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *chip) Tx(_ uint16, w, r []byte) error {
	if c.tx != nil && len(w) > 0 {
		if err := c.tx(w); err != nil {
			return err
		}
	}
	copy(r, c.answer)
	return nil
}

func measured(t *testing.T, c *chip) (string, error) {
	t.Helper()
	spec, _ := drivertest.Decode(New, "")
	dev, err := spec.Open(t.Context(), c)
	if err != nil {
		return "", err
	}
	readings, err := dev.(drivers.Sensor).Sense(t.Context())
	if err != nil {
		return "", err
	}
	return fmt.Sprint(readings[0].Value, " ", readings[1].Value), nil
}

// be ef 92 is the datasheet's example of a checksum (from memory), the values are by the formula of
// ESPHome's sht3xd.cpp.
func TestBeef(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got, err := measured(t, &chip{answer: []byte{0xBE, 0xEF, 0x92, 0xBE, 0xEF, 0x92}}); got != "85.52 74.58" || err != nil {
			t.Error(got, err)
		}
	})
}

// A bus that reads as zeros or ones is no value, with and without right checksums; nor is a
// sensor whose element is at its end.
func TestDeadBus(t *testing.T) {
	for says, answer := range map[string][]byte{
		"wrong checksum 0x00":  make([]byte, 6),
		"wrong checksum 0xff":  {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
		"temperature of -45 ":  frame(0, 0),
		"temperature of 130 ":  frame(0xFFFF, 0xFFFF),
		"temperature of -45":   frame(0, 0x8000),
		"wrong checksum 0x93 ": {0xBE, 0xEF, 0x93, 0xBE, 0xEF, 0x92},
	} {
		synctest.Test(t, func(t *testing.T) {
			if got, err := measured(t, &chip{answer: answer}); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("% x: %v, %v, want %q", answer, got, err, says)
			}
		})
	}
}

// Left measuring periodically by another program, a chip refuses single shots until 3093 (Linux sht3x.c) or
// 30A2 (ESPHome sht3xd.cpp after an error).
func TestPeriodicMode(t *testing.T) {
	for _, ends := range []string{"3093", "30a2"} {
		synctest.Test(t, func(t *testing.T) {
			periodic, resets := true, 0
			c := &chip{answer: []byte{0xBE, 0xEF, 0x92, 0xBE, 0xEF, 0x92}}
			c.tx = func(w []byte) error {
				command := fmt.Sprintf("%x", w)
				periodic = periodic && command != ends
				if command == "30a2" {
					resets++
				}
				if periodic && slices.Contains([]string{"2400", "3093"}, command) {
					return syscall.EIO
				}
				return nil
			}
			if got, err := measured(t, c); got != "85.52 74.58" || err != nil {
				t.Error(ends, got, err)
			}
			if resets != 1 {
				t.Errorf("%d resets", resets)
			}
		})
	}
}

// Another program begins periodic measurements and heats while the device is open: no
// reading is lost, and none is that of the heater.
func TestPeriodicModeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		rig.World.Hold("kitchen", "temperature", 20)
		dev := rig.Open(t).(drivers.Sensor)
		for range 3 {
			readings, err := dev.Sense(t.Context())
			if err != nil || readings[0].Value.Number() != 20 {
				t.Fatal(readings, err)
			}
			if err := rig.Board.Fault(drivertest.Device, simboard.Periodic); err != nil {
				t.Fatal(err)
			}
		}
	})
}
