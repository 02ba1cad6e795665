package ads1115

import (
	"fmt"
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

// By the arithmetic of ESPHome's ads1115.cpp. A voltage beyond the range is at its end; a bus that reads as
// zeros or ones, and a chip with another program's configuration, measure nothing.
func TestAnswers(t *testing.T) {
	ones := [4]uint16{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF}
	for name, one := range map[string]struct {
		driver     drivers.Driver
		options    string
		chip       *chip
		want, says string
	}{
		"ads1115, the upper end":   {New, "range: 2.048", &chip{reg: [4]uint16{0x7FFF}}, "2.047938", ""},
		"ads1115, a step":          {New, "range: 2.048", &chip{reg: [4]uint16{0x0001}}, "0.000063", ""},
		"ads1115, a step below":    {New, "range: 2.048", &chip{reg: [4]uint16{0xFFFF}}, "-0.000063", ""},
		"ads1115, the lower end":   {New, "range: 2.048", &chip{reg: [4]uint16{0x8000}}, "-2.048", ""},
		"ads1115, nothing":         {New, "range: 2.048", &chip{}, "0", ""},
		"ads1015, the upper end":   {New1015, "range: 4.096", &chip{reg: [4]uint16{0x7FF0}}, "4.094", ""},
		"ads1015, a step":          {New1015, "range: 4.096", &chip{reg: [4]uint16{0x0010}}, "0.002", ""},
		"ads1015, a step below":    {New1015, "range: 4.096", &chip{reg: [4]uint16{0xFFF0}}, "-0.002", ""},
		"ads1015, the lower end":   {New1015, "range: 4.096", &chip{reg: [4]uint16{0x8000}}, "-4.096", ""},
		"zeros":                    {New, "", &chip{fixed: true}, "", "configuration is 00 00"},
		"ones":                     {New, "", &chip{reg: ones, fixed: true}, "", "configuration is ff ff"},
		"another program's range":  {New, "", &chip{reg: [4]uint16{0x1000, 0xFE83}, fixed: true}, "", "no ADS1115, or it has restarted"},
		"an ADS1015, restarted":    {New1015, "range: 2.048", &chip{reg: [4]uint16{0x1000, 0x8583}, fixed: true}, "", "no ADS1015, or it has restarted"},
		"as after power-up":        {New, "", &chip{reg: [4]uint16{0x1000, 0x8583}, fixed: true}, "", "has restarted"},
		"a conversion without end": {New, "", &chip{reg: [4]uint16{0x1000, 0x4583}, fixed: true}, "", "never becomes ready"},
	} {
		synctest.Test(t, func(t *testing.T) {
			spec, faults := drivertest.Decode(one.driver, "a0: one, "+one.options)
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
				got = fmt.Sprint(readings[0].Value)
			}
			if got != one.want || (err == nil) != (one.says == "") || err != nil && !strings.Contains(err.Error(), one.says) {
				t.Errorf("%s: %q, %v, want %q, %q", name, got, err, one.want, one.says)
			}
		})
	}
}
