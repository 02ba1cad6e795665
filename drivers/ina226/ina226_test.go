package ina226

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "address: 0x4f, shunt: 0.1",
		Wrong:      []string{"address: 0x50", "shunt: 0", "shunt: R100"},
		Resolution: map[string]float64{"voltage": 0.001, "current": 0.0001, "power": 0.001},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "", map[string]drivertest.Range{
		"voltage": {Least: 0, Most: 36, Within: 0.00125/2 + 0.0005},
		"current": {Least: -0.819, Most: 0.819, Within: 0.0000125 + 0.00005},
	})
}

// The datasheet's example: 11.98 V and 20 mV over 2 mΩ are 10 A and 119.8 W
// (configure, measure, calculate).
func TestDecode(t *testing.T) {
	if diff := cmp.Diff([]float64{11.98, 10, 119.8}, decode(0x1F40, 0x2570, 0.002)); diff != "" {
		t.Error(diff)
	}
	// §7.1.2: -80 mV is 8300.
	if got := decode(0x8300, 0, 0.1)[1]; got != -0.8 {
		t.Errorf("-80 mV over 0.1 Ω is %v A", got)
	}
}
