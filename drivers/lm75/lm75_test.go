package lm75

import (
	"testing"

	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	for _, options := range []string{"", "address: 0x4f, bits: 12"} {
		drivertest.Run(t, drivertest.Case{
			Driver:     New,
			Options:    options,
			Wrong:      []string{"address: 0x47", "bits: 8", "bits: 13", "bits: many"},
			Resolution: map[string]float64{"temperature": 0.0625},
		})
	}
}

func TestReadsBackTheWorld(t *testing.T) {
	for options, step := range map[string]float64{"": 0.5, "bits: 9": 0.5, "bits: 10": 0.25, "bits: 11": 0.125, "bits: 12": 0.0625} {
		drivertest.Sweep(t, New, options, map[string]drivertest.Range{"temperature": {Least: -55, Most: 125, Within: step / 2}})
	}
}

// The examples of the TMP75's datasheet, with 12 bits, and of the LM75B's, with 11.
func TestCelsius(t *testing.T) {
	for word, want := range map[[2]byte]float64{
		{0x7F, 0xF0}: 127.9375, {0x64, 0x00}: 100, {0x50, 0x00}: 80, {0x4B, 0x00}: 75, {0x32, 0x00}: 50, {0x19, 0x00}: 25,
		{0x00, 0x40}: 0.25, {0x00, 0x00}: 0, {0xFF, 0xC0}: -0.25, {0xE7, 0x00}: -25, {0xC9, 0x00}: -55,
		{0x7F, 0x00}: 127, {0x7E, 0xE0}: 126.875, {0x7D, 0x00}: 125, {0x00, 0x20}: 0.125, {0xFF, 0xE0}: -0.125, {0xC9, 0x20}: -54.875,
	} {
		if got := celsius(word[:]); got != want {
			t.Errorf("% x is %v °C, want %v", word, got, want)
		}
	}
}
