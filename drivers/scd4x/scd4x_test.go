package scd4x

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "bus: I2C1, altitude: 450",
		Wrong:      []string{"address: 0x61", "altitude: -1", "altitude: 3001", "bus: 1"},
		Resolution: map[string]float64{"co2": 1, "temperature": 0.01, "humidity": 0.01},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "", map[string]drivertest.Range{
		"co2":         {Least: 400, Most: 5000, Within: 0.5},
		"temperature": {Least: -10, Most: 60, Within: 0.0065},
		"humidity":    {Least: 0, Most: 100, Within: 0.0065},
	})
}

// The datasheet's example (§3.5.2): 500 ppm, 25 °C, 37 %.
func TestDecode(t *testing.T) {
	words, err := drivers.Words([]byte{0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float64{500, 25, 37}, decode(words)); diff != "" {
		t.Error(diff)
	}
}

// A chip that was off for a moment does not measure; that is told, and opening it
// again helps.
func TestLostSupply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		dev := rig.Open(t).(drivers.Sensor)
		sense := func(d drivers.Device) error {
			begin := time.Now()
			_, err := d.(drivers.Sensor).Sense(t.Context())
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			return err
		}
		if err := sense(dev); err != nil {
			t.Fatal(err)
		}
		_ = rig.Board.Fault(drivertest.Device, simboard.Absent)
		if err := sense(dev); err == nil {
			t.Error("nothing is there and it works")
		}
		_ = rig.Board.Fault(drivertest.Device, simboard.NoFault)
		if err := sense(dev); err == nil || !strings.Contains(err.Error(), "restarted") {
			t.Errorf("after a loss of its supply: %v", err)
		}
		if err := sense(rig.Open(t)); err != nil {
			t.Error(err)
		}
	})
}
