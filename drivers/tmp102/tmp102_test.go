package tmp102

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "address: 0x4b",
		Wrong:      []string{"address: 0x4c", "address: 72.0"},
		Resolution: map[string]float64{"temperature": 0.0625},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		dev := rig.Open(t).(drivers.Sensor)
		for c := -55.0; c <= 127; c += 0.37 {
			rig.World.Hold("kitchen", "temperature", c)
			readings, err := dev.Sense(t.Context())
			if err != nil || len(readings) != 1 || math.Abs(readings[0].Value.Number()-c) > 0.0625/2+1e-9 {
				t.Errorf("at %v °C: %v, %v", c, readings, err)
			}
		}
	})
}

// The examples of datasheet table 7-3 (12 bits), and what no TMP102 sends.
func TestCelsius(t *testing.T) {
	for _, one := range []struct {
		raw  uint16
		want float64
		bad  bool
	}{
		{raw: 0x7FF0, want: 127.9375}, {raw: 0x6400, want: 100}, {raw: 0x1900, want: 25}, {raw: 0x0040, want: 0.25},
		{raw: 0x0000}, {raw: 0xFFC0, want: -0.25}, {raw: 0xE700, want: -25}, {raw: 0xC900, want: -55},
		{raw: 0xFFFF, bad: true}, {raw: 0x1901, bad: true}, {raw: 0x8000, bad: true},
	} {
		got, err := celsius(one.raw)
		if got != one.want || (err != nil) != one.bad {
			t.Errorf("%#04x is %v, %v; want %v", one.raw, got, err, one.want)
		}
	}
}

func FuzzCelsius(f *testing.F) {
	f.Add(uint16(0x1900))
	f.Add(uint16(0xFFFF))
	f.Fuzz(func(t *testing.T, raw uint16) {
		c, err := celsius(raw)
		if p := property(); err == nil && (c < *p.Min || c > *p.Max) {
			t.Errorf("%#04x is %v °C", raw, c)
		}
	})
}

// foreign is a board on whose bus another chip answers: its second register is 0.
type foreign struct{ drivers.Board }

type foreignBus struct{ i2c.Bus }

func (f foreign) I2C(string) (i2c.Bus, error) { return foreignBus{}, nil }

func (foreignBus) Tx(_ uint16, w, r []byte) error {
	if w[0] == temperature && len(r) == 2 {
		r[0] = 0x19
	}
	return nil
}

func TestRefusesAnotherChip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev, err := drivertest.NewRig(t, New, "").Spec.Open(t.Context(), foreign{})
		if err == nil {
			_, err = dev.(drivers.Sensor).Sense(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "no TMP102") {
			t.Errorf("error %v", err)
		}
	})
}
