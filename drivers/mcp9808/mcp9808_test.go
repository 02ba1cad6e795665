package mcp9808

import (
	"testing"

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
