package sht3x

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "bus: I2C1, address: 0x45",
		Wrong:      []string{"address: 0x46", "address: 68.5", "bus: 1"},
		Resolution: map[string]float64{"temperature": 0.01, "humidity": 0.01},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "", map[string]drivertest.Range{
		"temperature": {Least: -40, Most: 125, Within: 0.0065},
		"humidity":    {Least: 0, Most: 100, Within: 0.0065},
	})
}

// The ends of the scale by §4.13, and what is between.
func TestDecode(t *testing.T) {
	for _, one := range []struct {
		temperature, humidity uint16
		want                  []float64
	}{
		{0x0000, 0x0000, []float64{-45, 0}},
		{0xFFFF, 0xFFFF, []float64{130, 100}},
		{0x6666, 0x8000, []float64{25, 50}},
	} {
		got, err := decode(frame(one.temperature, one.humidity))
		if diff := cmp.Diff(one.want, got); diff != "" || err != nil {
			t.Errorf("%#x %#x: %v (-want +got)\n%s", one.temperature, one.humidity, err, diff)
		}
	}
}

func frame(words ...uint16) (b []byte) {
	for _, w := range words {
		b = append(b, byte(w>>8), byte(w))
		b = append(b, drivers.CRC8(b[len(b)-2:]))
	}
	return b
}

func FuzzDecode(f *testing.F) {
	f.Add(frame(0x6666, 0x8000))
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 6 {
			return
		}
		v, err := decode(b)
		if err == nil && (v[0] < -45 || v[0] > 130 || v[1] < 0 || v[1] > 100) {
			t.Errorf("% x is %v", b, v)
		}
	})
}
