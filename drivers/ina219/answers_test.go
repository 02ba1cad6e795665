package ina219

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

// chip has registers of two bytes. keeps is what of its configuration can be written.
type chip struct {
	drivers.Board
	i2c.Bus
	reg     [8]uint16
	keeps   uint16
	pointer byte
}

func (c *chip) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *chip) Tx(_ uint16, w, r []byte) error {
	if len(w) > 0 {
		c.pointer = w[0] & 7
	}
	if len(w) == 3 && c.pointer == configuration {
		c.reg[0] = c.reg[0]&^c.keeps | (uint16(w[1])<<8|uint16(w[2]))&c.keeps
	}
	for i := range r {
		r[i] = byte(c.reg[c.pointer] >> (8 * (1 - i&1)))
	}
	return nil
}

// Shunt and bus voltages are those of the datasheet's tables 7 and 8 (from memory), the steps those of Linux
// ina2xx.c. A current beyond the range is at its end; what is no measurement is an error: a bus that reads
// as zeros or ones, one that does not end, an INA226, whose upper bits of the configuration are 100.
func TestAnswers(t *testing.T) {
	ones := [8]uint16{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF}
	for name, one := range map[string]struct {
		options    string
		chip       *chip
		want, says string
	}{
		"the example":       {"shunt: 0.002", &chip{reg: [8]uint16{1: 0x07D0, 2: 0x5D98 | ready}, keeps: 0xFFFF}, "11.98 V 10 A 119.8 W", ""},
		"the lower end":     {"shunt: 0.1", &chip{reg: [8]uint16{1: 0x8300, 2: 0x5D98 | ready}, keeps: 0xFFFF}, "11.98 V -3.2 A -38.336 W", ""},
		"beyond it":         {"", &chip{reg: [8]uint16{1: 0x8000, 2: 0x5D98 | ready}, keeps: 0xFFFF}, "11.98 V -3.2 A -38.336 W", ""},
		"beyond the upper":  {"", &chip{reg: [8]uint16{1: 0x7FFF, 2: 0x5D98 | ready}, keeps: 0xFFFF}, "11.98 V 3.2 A 38.336 W", ""},
		"nothing connected": {"", &chip{reg: [8]uint16{1: 0, 2: ready}, keeps: 0xFFFF}, "0 V 0 A 0 W", ""},
		"not over":          {"", &chip{reg: [8]uint16{1: 0x07D0, 2: 0x5D98}, keeps: 0xFFFF}, "", "not over in its time"},
		"zeros":             {"", &chip{}, "", "configuration is 0x0000"},
		"ones":              {"", &chip{reg: ones}, "", "configuration is 0xffff"},
		"an INA226":         {"", &chip{reg: [8]uint16{0: 0x4127, 2: 0x2570}, keeps: 0x0FFF}, "", "no INA219"},
	} {
		synctest.Test(t, func(t *testing.T) {
			spec, faults := drivertest.Decode(New, one.options)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			dev, err := spec.Open(t.Context(), one.chip)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			readings, err := dev.(drivers.Sensor).Sense(t.Context())
			if err == nil {
				got = fmt.Sprint(readings[0].Value, " V ", readings[1].Value, " A ", readings[2].Value, " W")
			}
			if got != one.want || (err == nil) != (one.says == "") || err != nil && !strings.Contains(err.Error(), one.says) {
				t.Errorf("%s: %q, %v, want %q, %q", name, got, err, one.want, one.says)
			}
		})
	}
}
