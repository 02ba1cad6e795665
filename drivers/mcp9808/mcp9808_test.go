package mcp9808

import (
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "address: 0x1f",
		Wrong:      []string{"address: 0x20", "address: 24.0", "bus: I2C"},
		Resolution: map[string]float64{"temperature": 0.0625},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "", map[string]drivertest.Range{"temperature": {Least: -40, Most: 125, Within: 0.0625 / 2}})
}

// registers is a board with a chip whose temperature register is fixed.
type registers struct {
	drivers.Board
	i2c.Bus
	temperature [2]byte
}

func (r registers) I2C(string) (i2c.Bus, error) { return r, nil }
func (r registers) String() string              { return "I2C1" }

func (r registers) Tx(_ uint16, w, b []byte) error {
	copy(b, map[byte][]byte{5: r.temperature[:], manufacturer: {0, microchip}, device: {this, 0}}[w[0]])
	return nil
}

// Equation 5-1 (§5.1.3.1), by hand: without its three highest bits, which are alerts, and the sign, the upper byte
// times 16 and the lower by 16; below zero that is what is missing to 256. The frozen one is 256 - (14*16 + 108/16).
func TestEquation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for bytes, want := range map[[2]byte]float64{
			{0x00, 0x00}: 0, {0x01, 0x94}: 25.25, {0xC1, 0x94}: 25.25, {0xE1, 0x94}: 25.25, {0x07, 0xD0}: 125, {0x00, 0x01}: 0.0625,
			{0x1F, 0xFF}: -0.0625, {0x1E, 0x6C}: -25.25, {0x3E, 0x6C}: -25.25, {0x1D, 0x80}: -40,
		} {
			spec, _ := drivertest.Decode(New, "")
			dev, err := spec.Open(t.Context(), registers{temperature: bytes})
			if err != nil {
				t.Fatal(err)
			}
			readings, err := dev.(drivers.Sensor).Sense(t.Context())
			if err != nil || len(readings) != 1 || readings[0].Value.Number() != want {
				t.Errorf("% x is %v, %v; want %v °C", bytes, readings, err, want)
			}
		}
	})
}
