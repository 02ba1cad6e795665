package aht20

import (
	"testing"

	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "bus: I2C1",
		Wrong:      []string{"address: 0x39", "bus: 1"},
		Resolution: map[string]float64{"temperature": 0.01, "humidity": 0.01},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "", map[string]drivertest.Range{
		"temperature": {Least: -40, Most: 85, Within: 0.0051},
		"humidity":    {Least: 0, Most: 100, Within: 0.0051},
	})
}
