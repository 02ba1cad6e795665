package ina226

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

// chip has registers of two bytes. Those that are fixed cannot be written.
type chip struct {
	drivers.Board
	i2c.Bus
	reg     map[byte]uint16
	fixed   bool
	pointer byte
}

func (c *chip) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *chip) Tx(_ uint16, w, r []byte) error {
	if len(w) > 0 {
		c.pointer = w[0]
	}
	if len(w) == 3 && !c.fixed {
		c.reg[c.pointer] = uint16(w[1])<<8 | uint16(w[2])
	}
	for i := range r {
		r[i] = byte(c.reg[c.pointer] >> (8 * (1 - i&1)))
	}
	return nil
}

func measured(t *testing.T, options string, c *chip) (string, error) {
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
		return "", err
	}
	return fmt.Sprint(readings[0].Value, " V ", readings[1].Value, " A"), nil
}

// Shunt and bus voltage are those of the datasheet's example (configure, measure, calculate; from
// memory); the numbers of the Silergy SQ52201 are of meshtastic/firmware #10247.
func TestMakers(t *testing.T) {
	for name, ids := range map[string][2]uint16{"INA226": {0x5449, 0x2260}, "a later one": {0x5449, 0x2261}, "SQ52201": {0x190F, 0}, "without numbers": {0, 0}} {
		synctest.Test(t, func(t *testing.T) {
			got, err := measured(t, "shunt: 0.002", &chip{reg: map[byte]uint16{0xFE: ids[0], 0xFF: ids[1], 6: 8, 1: 0x1F40, 2: 0x2570}})
			if got != "11.98 V 10 A" || err != nil {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		})
	}
}

// What is no measurement of an INA226: others of Texas Instruments with their numbers (INA3221:
// Adafruit_INA3221; INA260: tinygo registers.go; HDC1000/1080: Adafruit_HDC1000), a dead bus, one that does not end.
func TestWhatIsNoMeasurement(t *testing.T) {
	ones := make(map[byte]uint16)
	for r := range 256 {
		ones[byte(r)] = 0xFFFF
	}
	for says, c := range map[string]*chip{
		"an INA3221":            {reg: map[byte]uint16{0xFE: 0x5449, 0xFF: 0x3220, 6: 8}},
		"an INA260":             {reg: map[byte]uint16{0xFE: 0x5449, 0xFF: 0x2270, 6: 8}},
		"an HDC1080":            {reg: map[byte]uint16{0xFE: 0x5449, 0xFF: 0x1050, 6: 8}},
		"an HDC1000":            {reg: map[byte]uint16{0xFE: 0x5449, 0xFF: 0x1000, 6: 8}},
		"configuration is 0x00": {reg: map[byte]uint16{}, fixed: true},
		"is 0xffff":             {reg: ones, fixed: true},
		"not over in its time":  {reg: map[byte]uint16{0xFE: 0x5449, 0xFF: 0x2260}},
	} {
		synctest.Test(t, func(t *testing.T) {
			if got, err := measured(t, "", c); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, %v, want %q", got, err, says)
			}
		})
	}
}

// A current beyond the range is at its end, on both sides.
func TestBeyondTheRange(t *testing.T) {
	for raw, want := range map[uint16]string{0x7FFF: "11.98 V 0.8192 A", 0x8000: "11.98 V -0.8192 A"} {
		synctest.Test(t, func(t *testing.T) {
			got, err := measured(t, "", &chip{reg: map[byte]uint16{0xFE: 0x5449, 0xFF: 0x2260, 6: 8, 1: raw, 2: 0x2570}})
			if got != want || err != nil {
				t.Errorf("%04x: %v, %v, want %v", raw, got, err, want)
			}
		})
	}
}

// A dip of the supply in the midst of a measurement is noticed.
func TestRestartInTheMidst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		dev := rig.Open(t).(drivers.Sensor)
		go func() {
			time.Sleep(20 * time.Millisecond)
			_ = rig.Board.Fault(drivertest.Device, simboard.BrownOut)
		}()
		if got, err := dev.Sense(t.Context()); err == nil || !strings.Contains(err.Error(), "restarted") {
			t.Errorf("%v, %v", got, err)
		}
	})
}
