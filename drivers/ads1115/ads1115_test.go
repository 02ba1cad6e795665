package ads1115

import (
	"math"
	"testing"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	wrong := []string{"", "address: 0x4c, a0: moisture", "a0: Moisture", "a0: moisture, range: 3.3", "a4: moisture", "a0: one, a1: one"}
	for name, one := range map[string]struct {
		driver  drivers.Driver
		options string
	}{
		"ads1115": {New, "address: 0x4b, range: 4.096, a0: moisture"},
		"ads1015": {New1015, "range: 6.144, a3: moisture"},
	} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, drivertest.Case{Driver: one.driver, Options: one.options, Wrong: wrong,
				Resolution: map[string]float64{"moisture": 1e-6}})
		})
	}
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "range: 4.096, a0: one, a1: two, a2: three, a3: four, a2_a3: between", map[string]drivertest.Range{
		"one":   {Least: 0, Most: 4.0959, Within: 0.0000625, Quantity: "input0"},
		"two":   {Least: 0, Most: 3.3, Within: 0.0000625, Quantity: "input1"},
		"three": {Least: 0, Most: 0.2, Within: 0.0000625, Quantity: "input2"},
		"four":  {Least: 0, Most: 3.3, Within: 0.0000625, Quantity: "input3"},
	})
	drivertest.Sweep(t, New1015, "range: 4.096, a0: one", map[string]drivertest.Range{
		"one": {Least: 0, Most: 4.0939, Within: 0.001, Quantity: "input0"},
	})
}

// The codes of table 3 (§9.5.4), and the steps of the ranges (table 1).
func TestDecode(t *testing.T) {
	for _, one := range []struct {
		raw  uint16
		gain uint16
		want float64
	}{
		{0x7FFF, 1, 4.095875}, {0x0001, 1, 0.000125}, {0, 1, 0}, {0xFFFF, 1, -0.000125}, {0x8000, 1, -4.096},
		{0x0001, 0, 0.000188}, {0x0001, 2, 0.000063}, {0x0010, 3, 0.0005}, {0x0010, 4, 0.00025}, {0x0010, 5, 0.000125},
	} {
		if got := decode([]byte{byte(one.raw >> 8), byte(one.raw)}, one.gain); got != one.want {
			t.Errorf("%#04x in range %d is %v, want %v", one.raw, one.gain, got, one.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(byte(0x7F), byte(0xFF), uint16(1))
	f.Fuzz(func(t *testing.T, a, b byte, gain uint16) {
		gain %= 6
		if v := decode([]byte{a, b}, gain); math.Abs(v) > fullScale(gain) {
			t.Errorf("%x %x in range %d is %v V", a, b, gain, v)
		}
	})
}
