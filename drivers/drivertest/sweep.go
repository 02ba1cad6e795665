package drivertest

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/simboard/world"
)

// Range is what a property must read right over, and how nearly.
type Range struct {
	Least, Most, Within float64
	Quantity            string // of the world; "": called like the property
}

// sweepSteps is into how many parts [Sweep] cuts a range.
const sweepSteps = 40

// Sweep lets the world go through the ranges of all properties, up in one and
// down in the next, and compares what is read, at the driver's own pace, with
// what there is.
func Sweep(t *testing.T, driver drivers.Driver, options string, ranges map[string]Range) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rig := NewRig(t, driver, options)
		dev := rig.Open(t).(drivers.Sensor)
		worst := make(map[string]float64)
		for step := range sweepSteps + 1 {
			want := make(map[string]float64)
			for i, p := range rig.Spec.Properties {
				r, ok := ranges[p.Name]
				if !ok {
					continue
				}
				at := float64(step) / sweepSteps
				if i%2 == 1 {
					at = 1 - at
				}
				want[p.Name] = r.Least + (r.Most-r.Least)*at
				quantity := r.Quantity
				if quantity == "" {
					quantity = p.Name
				}
				rig.World.Hold(room(), quantity, want[p.Name])
			}
			time.Sleep(rig.Spec.Every)
			readings, err := dev.Sense(t.Context())
			if err != nil {
				t.Fatalf("at %v: %v", want, err)
			}
			compare(t, readings, want, ranges, worst)
		}
		t.Logf("largest differences: %.4v", worst)
	})
}

// room is that of [Device].
func room() string { return world.RoomOf(Device) }

func compare(t *testing.T, readings []drivers.Reading, want map[string]float64, ranges map[string]Range, worst map[string]float64) {
	t.Helper()
	for _, r := range readings {
		w, ok := want[r.Property]
		if !ok {
			continue
		}
		delete(want, r.Property)
		off := math.Abs(r.Value.Number() - w)
		worst[r.Property] = max(worst[r.Property], off)
		if off > ranges[r.Property].Within+1e-9 {
			t.Errorf("%s reads %v at %v", r.Property, r.Value, w)
		}
	}
	for name := range want {
		t.Errorf("%s is not read", name)
	}
}
