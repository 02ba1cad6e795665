package drivertest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

func listen(t *testing.T, c Case) {
	rig := NewRig(t, c.Driver, c.Options)
	dev, ok := rig.Open(t).(drivers.Listener)
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	var readings []drivers.Reading
	done := make(chan error, 1)
	go func() { done <- dev.Listen(ctx, func(r drivers.Reading) { readings = append(readings, r) }) }()
	first := 1
	if rig.Spec.Properties[0].Type == home.TypeEvent {
		first = 0 // what is momentary has no present state
	}
	synctest.Wait()
	if len(readings) != first {
		t.Errorf("at the begin %d readings, want %d: %v", len(readings), first, readings)
	}
	for n, act := range []func(string) error{rig.Board.Press, rig.Board.Release} {
		if err := act(rig.Spec.Parts[0].Pin); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second) // longer than any debouncing
		synctest.Wait()
		if want := first + n + 1; len(readings) != want {
			t.Errorf("after edge %d there are %d readings, want %d: %v", n+1, len(readings), want, readings)
		}
	}
	check(t, c, rig, readings)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Listen returns %v when its context ends", err)
	}
}

// trials are what a property is set to in turn.
func trials(p home.Property) []home.Value {
	switch {
	case p.Settable && p.Type == home.TypeBoolean:
		return []home.Value{home.BooleanOf(true), home.BooleanOf(false), home.BooleanOf(true)}
	case p.Settable && p.Type == home.TypeNumber:
		least, most := home.NumberOf(*p.Min), home.NumberOf(*p.Max)
		return []home.Value{most, least, home.NumberOf((*p.Min + *p.Max) / 2), most}
	}
	if p.Settable && p.Type == home.TypeText {
		return []home.Value{home.TextOf("one"), home.TextOf(""), home.TextOf("Ä long text\nof two lines, the second of which is long")}
	}
	return nil
}

func set(t *testing.T, c Case) {
	rig := NewRig(t, c.Driver, c.Options)
	dev, ok := rig.Open(t).(drivers.Actuator)
	if !ok {
		return
	}
	for _, p := range rig.Spec.Properties {
		if p.Momentary { // what it does may ask for a device that has run for a while
			time.Sleep(5 * time.Minute)
		}
		for _, want := range trials(p) {
			readings, err := dev.Set(t.Context(), p.Name, want)
			if p.Momentary {
				if err != nil || len(readings) > 0 {
					t.Errorf("set %s to %v: %v, %v; it leaves no state", p.Name, want, readings, err)
				}
				continue
			}
			if err != nil || len(readings) != 1 || readings[0].Value != want {
				t.Errorf("set %s to %v: %v, %v", p.Name, want, readings, err)
			}
			check(t, c, rig, readings)
		}
	}
	if _, err := dev.Set(t.Context(), "no_such_property", home.BooleanOf(true)); err == nil {
		t.Error("a property that it does not have can be set")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dev.Set(ctx, rig.Spec.Properties[0].Name, home.BooleanOf(true)); err == nil {
		t.Error("set with a context that has ended")
	}
}
