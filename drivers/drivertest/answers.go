package drivertest

import (
	"context"
	"math"
	"testing"
	"time"

	"hogar/drivers"
	"hogar/drivers/simboard"
)

// attempts is how often a device is asked, and opened again when it fails, until it must
// be well with a fault that does no harm.
const attempts = 3

// recovers: what a real chip answers now and then, or after another program has used it,
// costs at most a reading and one opening. What is read is right all the time.
func recovers(t *testing.T, c Case, fault simboard.Fault) {
	rig := NewRig(t, c.Driver, c.Options)
	dev, ok := rig.Open(t).(drivers.Sensor)
	if !ok {
		return
	}
	for _, p := range rig.Spec.Properties {
		rig.World.Hold(room(), p.Name, rig.World.Quantity(room(), p.Name))
	}
	ctx, cancel := context.WithTimeout(t.Context(), rig.timeout())
	defer cancel()
	before, err := dev.Sense(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rig.fault(t, fault)
	if !rig.same(t, c, dev, before) {
		_ = dev.Close()
		if dev = rig.Open(t).(drivers.Sensor); !rig.same(t, c, dev, before) {
			t.Errorf("with %s it is not well after it was opened again", fault)
		}
	}
	rig.same(t, c, rig.reopened(t, dev).(drivers.Sensor), before) // what is only read at opening
	rig.fault(t, simboard.NoFault)
	rig.works(t, rig.Open(t))
}

// same asks a device some times, and reports whether it ever answers. What it answers must be
// what it answered before.
func (r *Rig) same(t *testing.T, c Case, dev drivers.Sensor, before []drivers.Reading) bool {
	for range attempts {
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), r.timeout())
		readings, err := dev.Sense(ctx)
		cancel()
		if err != nil {
			continue
		}
		check(t, c, r, readings)
		compareReadings(t, before, readings)
		return true
	}
	return false
}

func compareReadings(t *testing.T, want, got []drivers.Reading) {
	t.Helper()
	for i, now := range got {
		was, is := want[i].Value, now.Value
		if was.Known() != is.Known() || math.Abs(was.Number()-is.Number()) > 0.51+math.Abs(was.Number())/50 {
			t.Errorf("%s reads %v, want %v", now.Property, is, was)
		}
	}
}

// inTheMidst: a dip of the supply, or another program, in the midst of a measurement makes
// neither an old value a new one nor a wrong one: it is an error, or what there is now.
func inTheMidst(t *testing.T, c Case, fault simboard.Fault) {
	rig := NewRig(t, c.Driver, c.Options)
	dev, ok := rig.Open(t).(drivers.Sensor)
	if !ok || rig.Spec.Properties[0].Settable {
		return
	}
	at := make(map[string]float64)
	for _, p := range rig.Spec.Properties {
		at[p.Name] = rig.World.Quantity(room(), p.Name)
	}
	sense := func(share float64) ([]drivers.Reading, error) {
		for name, value := range at {
			rig.World.Hold(room(), name, value*share)
		}
		time.Sleep(max(rig.Spec.Every, time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), rig.timeout())
		defer cancel()
		return dev.Sense(ctx)
	}
	want, err := sense(1.1)
	begin := time.Now()
	if err == nil {
		_, err = dev.Sense(t.Context())
	}
	took := time.Since(begin)
	for share := 0.0; share < 1 && err == nil; share += 0.09 {
		if _, err = sense(1); err != nil { // what it shows until then
			break
		}
		timer := time.AfterFunc(max(rig.Spec.Every, time.Second)+time.Duration(share*float64(took)), func() {
			_ = rig.Board.Fault(Device, fault)
		})
		if got, failed := sense(1.1); failed == nil {
			compareReadings(t, want, got)
		}
		timer.Stop()
		_ = dev.Close()
		dev = rig.Open(t).(drivers.Sensor)
	}
	if err != nil {
		t.Error(err)
	}
}
