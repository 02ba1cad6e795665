package sht4x

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

// chip answers the same to each read.
type chip struct {
	drivers.Board
	i2c.Bus
	answer []byte
}

func (c *chip) I2C(string) (i2c.Bus, error)    { return c, nil }
func (c *chip) Tx(_ uint16, _, r []byte) error { copy(r, c.answer); return nil }

// be ef 92 is the datasheet's example of a checksum (from memory), the values are by the formula of
// ESPHome's sht4x.cpp. Humidity beyond the ends is cut there; all else at the ends, and a bus that reads as
// zeros or ones, is no value.
func TestAnswers(t *testing.T) {
	for _, one := range []struct {
		answer     []byte
		want, says string
	}{
		{[]byte{0xBE, 0xEF, 0x92, 0xBE, 0xEF, 0x92}, "85.52 87.23", ""},
		{frame(0x6666, 0), "25 0", ""},
		{frame(0x6666, 0xFFFF), "25 100", ""},
		{make([]byte, 6), "", "wrong checksum 0x00"},
		{[]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, "", "wrong checksum 0xff"},
		{frame(0, 0), "", "temperature of -45"},
		{frame(0xFFFF, 0xFFFF), "", "temperature of 130"},
	} {
		synctest.Test(t, func(t *testing.T) {
			spec, _ := drivertest.Decode(New, "")
			dev, err := spec.Open(t.Context(), &chip{answer: one.answer})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			readings, err := dev.(drivers.Sensor).Sense(t.Context())
			if err == nil {
				got = fmt.Sprint(readings[0].Value, " ", readings[1].Value)
			}
			if got != one.want || (err == nil) != (one.says == "") || err != nil && !strings.Contains(err.Error(), one.says) {
				t.Errorf("% x: %q, %v, want %q, %q", one.answer, got, err, one.want, one.says)
			}
		})
	}
}
