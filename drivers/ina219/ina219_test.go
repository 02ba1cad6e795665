package ina219

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
		Resolution: map[string]float64{"voltage": 0.004, "current": 0.0001, "power": 0.001},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "", map[string]drivertest.Range{
		"voltage": {Least: 0, Most: 26, Within: 0.002},
		"current": {Least: -3.2, Most: 3.2, Within: 0.00005},
	})
}

// The datasheet's example: 11.98 V and 20 mV over 2 mΩ are 10 A and 119.8 W
// (§8.5.1, table 8).
func TestDecode(t *testing.T) {
	if diff := cmp.Diff([]float64{11.98, 10, 119.8}, decode(0x07D0, 0x5D98, 0.002)); diff != "" {
		t.Error(diff)
	}
	// Table 7: codes of the shunt voltage.
	for code, volts := range map[uint16]float64{0x7D00: 0.32, 0x8300: -0.32, 0xFFFF: -0.00001, 0x0001: 0.00001, 0: 0} {
		if got := decode(code, 0, 0.1)[1]; got != volts*10 {
			t.Errorf("%#04x is %v A, want %v", code, got, volts*10)
		}
	}
}
