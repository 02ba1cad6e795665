package hcsr04

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
)

const options = "trigger: GPIO23, echo: GPIO24"

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    options + ", temperature: 12.5",
		Wrong:      []string{"", "trigger: GPIO23", "trigger: GPIO23, echo: 24", "trigger: GPIO23, echo: GPIO23", options + ", temperature: 100", "trigger: GPIO23, echo: mcp23017/3"},
		Resolution: map[string]float64{"distance": 0.1},
	})
}

// The model knows how warm the air is, the driver what it was told.
func TestReadsBackTheWorld(t *testing.T) {
	for options, celsius := range map[string]float64{options: 20, options + ", temperature: -10": -10} {
		synctest.Test(t, func(t *testing.T) {
			rig := drivertest.NewRig(t, New, options)
			dev := rig.Open(t).(drivers.Sensor)
			rig.World.Hold("kitchen", "temperature", celsius)
			for cm := 2.0; cm <= 400; cm += 3.7 {
				rig.World.Hold("kitchen", "distance", cm)
				readings, err := dev.Sense(t.Context())
				if err != nil || math.Abs(readings[0].Value.Number()-cm) > 0.0501 {
					t.Errorf("at %v cm: %v, %v", cm, readings, err)
				}
			}
			rig.World.Hold("kitchen", "distance", 900)
			if readings, err := dev.Sense(t.Context()); err != nil || readings[0].Value.Known() {
				t.Errorf("with nothing there: %v, %v", readings, err)
			}
		})
	}
}

// An expander may ask, and not hear.
func TestTriggerOfAnExpander(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "trigger: mcp23017/3, echo: GPIO24")
		rig.World.Hold("kitchen", "temperature", 20)
		rig.World.Hold("kitchen", "distance", 100)
		if readings, err := rig.Open(t).(drivers.Sensor).Sense(t.Context()); err != nil || readings[0].Value.Number() != 100 {
			t.Errorf("%v, %v", readings, err)
		}
	})
}

// An echo that stays high, as of a sensor that hangs (pslab's pull request 209), ends and says so.
func TestEchoThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, options)
		dev := rig.Open(t).(drivers.Sensor)
		_ = rig.Board.Drive("GPIO24", true)
		_ = rig.Board.Fault(drivertest.Device, simboard.Stuck)
		begin := time.Now()
		if readings, err := dev.Sense(t.Context()); err == nil || !strings.Contains(err.Error(), "stays high") || time.Since(begin) > time.Second {
			t.Errorf("%v, %v after %v", readings, err, time.Since(begin))
		}
	})
}

func TestDisturbancesAreNoEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, options)
		dev := rig.Open(t).(drivers.Sensor)
		rig.World.Hold("kitchen", "temperature", 20)
		rig.World.Hold("kitchen", "distance", 100)
		for range 5 {
			_, _ = rig.Board.Drive("GPIO24", true), rig.Board.Drive("GPIO24", false)
		}
		_ = rig.Board.Release("GPIO24")
		if readings, err := dev.Sense(t.Context()); err != nil || readings[0].Value.Number() != 100 {
			t.Errorf("after edges: %v, %v", readings, err)
		}
		_ = rig.Board.Fault(drivertest.Device, simboard.Stuck)
		if readings, err := dev.Sense(t.Context()); err == nil || !strings.Contains(err.Error(), "no echo") {
			t.Errorf("without an echo: %v, %v", readings, err)
		}
	})
}
