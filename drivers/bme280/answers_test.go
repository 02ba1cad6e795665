package bme280

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
)

// registers puts bytes at consecutive registers.
func registers(at byte, bytes ...byte) map[byte]byte {
	m := make(map[byte]byte)
	for i, b := range bytes {
		m[at+byte(i)] = b
	}
	return m
}

// reads opens a device whose chip shows these registers, and measures once.
func reads(t *testing.T, driver drivers.Driver, shown ...map[byte]byte) (map[string]float64, error) {
	t.Helper()
	all := make(map[byte]byte)
	for _, m := range shown {
		maps.Copy(all, m)
	}
	rig := drivertest.NewRig(t, driver, "")
	dev, err := rig.Spec.Open(t.Context(), altered{rig.Board, all})
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	readings, err := dev.(drivers.Sensor).Sense(t.Context())
	values := make(map[string]float64)
	for _, r := range readings {
		values[r.Property] = r.Value.Number()
	}
	return values, err
}

// The trimming and the measurement of the example of BST-BMP280-DS001 §3.12, with a humidity.
func example() []map[byte]byte {
	return []map[byte]byte{
		registers(0x88, 0x70, 0x6B, 0x43, 0x67, 0x18, 0xFC, 0x7D, 0x8E, 0x43, 0xD6, 0xD0, 0x0B, 0x27, 0x0B, 0x8C, 0x00, 0xF9, 0xFF,
			0x8C, 0x3C, 0xF8, 0xC6, 0x70, 0x17, 0x00, 75),
		registers(0xE1, 0x72, 0x01, 0, 313>>4, 313&0xF|50&0xF<<4, 50>>4, 30),
		registers(0xF7, 0x65, 0x5A, 0xC0, 0x7E, 0xED, 0x00, 0x6E, 0x3C),
	}
}

// H4 and H5 have a sign: Linux bmp280-core.c (sign_extend32), zephyr #112381, esphome/issues
// #6174, adafruit CircuitPython_BME280 #19. Humidities by Bosch's formula in double, computed apart.
func TestNegativeTrimming(t *testing.T) {
	for _, one := range []struct {
		name       string
		e4, e5, e6 byte
		percent    float64
	}{
		{"H4 313, H5 50", 0x13, 0x29, 0x03, 46.08},
		{"H4 313, H5 -1", 0x13, 0xF9, 0xFF, 46.99},
		{"H4 313, H5 -30", 0x13, 0x29, 0xFE, 47.51},
		{"H4 329, H5 -6", 0x14, 0xA9, 0xFF, 41.24},
	} {
		t.Run(one.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := reads(t, New, append(example(), registers(0xE4, one.e4, one.e5, one.e6))...)
				want := map[string]float64{"temperature": 25.08, "pressure": 1006.53, "humidity": one.percent}
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Error(err, diff)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // the same formula, computed apart
		got, err := reads(t, New, append(example(), registers(0xE4, 0xFE, 0x22, 0x03), registers(0xFD, 0x1F, 0x40))...)
		if h := got["humidity"]; err != nil || h != 55.93 {
			t.Errorf("with H4 = -30, raw 8000 is %v %%, %v, want 55.93 %%", h, err)
		}
	})
}

// A chip in the field, whose owner's thermometer showed 21.6 °C: esphome/issues #3383.
func TestChipInTheField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := reads(t, NewBMP, append(example(), registers(0x88, 0x93, 0x6E, 0xA4, 0x68, 50, 0), registers(0xFA, 0x7F, 0x11, 0x80))...)
		if got["temperature"] != 21.58 || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// What a chip shows and what is no measurement: skipped (Linux BMP280_*_SKIPPED; 26.46 °C and
// 820.45 hPa in esphome/issues #3383), dead, and trimming values that were not there.
func TestWhatIsNoMeasurement(t *testing.T) {
	for says, shown := range map[string]map[byte]byte{
		"has not measured but shows": registers(0xF7, 0x80, 0, 0, 0x80, 0, 0, 0x80, 0),
		"has not measured":           registers(0xFA, 0x80, 0, 0),
		"not measured":               registers(0xF7, 0x80, 0, 0),
		"measured but shows":         registers(0xFD, 0x80, 0),
		"humidity reads 0x0000":      registers(0xFD, 0, 0),
		"humidity reads 0xffff":      registers(0xFD, 0xFF, 0xFF),
		"trimming values cannot be":  registers(0x88, make([]byte, 26)...),
		"trimming values":            registers(0x8E, 0xFF, 0xFF),
		"trimming values cannot":     registers(0x8A, 0, 0), // T2
		"trimming values cannot b":   registers(0x90, 0, 0), // P2
		"its trimming values":        registers(0xE1, 0, 0), // H2, without which all air is dry
		"its trimming":               registers(0xE1, make([]byte, 7)...),
		"humidity of -":              registers(0xFD, 0, 1),    // the end of the converter, which Bosch's formula cuts to 0 %
		"humidity of 251":            registers(0xFD, 0xFF, 0), // and to 100 %
		"id is 0x0":                  registers(0xD0, 0),
		"never becomes ready":        registers(0xF3, 1),
		"lost its settings":          registers(0xF4, 0),
		"and lost its settings":      registers(0xF5, 4<<2),
	} {
		synctest.Test(t, func(t *testing.T) {
			if got, err := reads(t, New, append(example(), shown)...); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, %v, want %q", got, err, says)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		got, err := reads(t, NewBMP, append(example(), registers(0xF7, 0x80, 0, 0, 0x80, 0, 0))...)
		if err == nil || !strings.Contains(err.Error(), "has not measured") {
			t.Errorf("bmp280: %v, %v", got, err)
		}
	})
}

// Samples of the BMP280 say 56 or 57; periph refuses them.
func TestSamplesOfTheBMP280(t *testing.T) {
	for _, id := range []byte{0x56, 0x57, 0x58} {
		synctest.Test(t, func(t *testing.T) {
			got, err := reads(t, NewBMP, append(example(), registers(0xD0, id))...)
			if diff := cmp.Diff(map[string]float64{"temperature": 25.08, "pressure": 1006.53}, got); diff != "" || err != nil {
				t.Error(id, err, diff)
			}
		})
	}
}

// The chip is reset, and asked for nothing before it has copied its trimming values: ESPHome
// bme280_base.cpp, setup().
func TestResetAtOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		bus := &watched{copies: 3}
		dev, err := rig.Spec.Open(t.Context(), watchedBoard{rig.Board, bus})
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		want := []string{"d0", "e0 b6", "f3", "f3", "f3", "f3"}
		if diff := cmp.Diff(want, bus.asked); diff != "" {
			t.Error(diff)
		}
	})
}

// A dip of the supply in the midst of a measurement, and another program's settings before one.
func TestRestartInTheMidst(t *testing.T) {
	for _, driver := range []drivers.Driver{New, NewBMP} {
		synctest.Test(t, func(t *testing.T) {
			rig := drivertest.NewRig(t, driver, "")
			dev := rig.Open(t).(drivers.Sensor)
			go func() {
				time.Sleep(15 * time.Millisecond)
				_ = rig.Board.Fault(drivertest.Device, simboard.BrownOut)
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if got, err := dev.Sense(ctx); err == nil || !strings.Contains(err.Error(), "lost its settings") {
				t.Errorf("%v, %v", got, err)
			}
			if _, err := dev.Sense(ctx); err != nil {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// watched notes what is written, and shows that trimming values are still copied for some time.
type watched struct {
	i2c.Bus
	asked  []string
	copies int
}

func (w *watched) Tx(addr uint16, out, in []byte) error {
	w.asked = append(w.asked, strings.TrimSpace(strings.Join(hex(out), " ")))
	err := w.Bus.Tx(addr, out, in)
	if len(out) == 1 && out[0] == 0xF3 && w.copies > 0 {
		w.copies--
		in[0] |= 1
	}
	return err
}

func hex(b []byte) (texts []string) {
	const digits = "0123456789abcdef"
	for _, c := range b {
		texts = append(texts, string(digits[c>>4])+string(digits[c&15]))
	}
	return texts
}

type watchedBoard struct {
	drivers.Board
	bus *watched
}

func (b watchedBoard) I2C(name string) (i2c.Bus, error) {
	bus, err := b.Board.I2C(name)
	b.bus.Bus = bus
	return b.bus, err
}
