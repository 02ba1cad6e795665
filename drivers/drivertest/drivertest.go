// Package drivertest is what every driver keeps to, as one test:
//
//	func TestContract(t *testing.T) {
//		drivertest.Run(t, drivertest.Case{Driver: New, Options: "pin: GPIO17", ...})
//	}
//
// It runs on a simulated board, in a bubble of testing/synctest: waits cost
// nothing, and a goroutine that is left over fails the test.
package drivertest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

// Device is the name that the driver's device has in the test; its room is the kitchen.
const Device = "kitchen.tested"

// Case is a driver under test.
type Case struct {
	Driver     drivers.Driver
	Options    string             // as in the configuration: "pin: GPIO17, active_low: true"
	Wrong      []string           // options that it must refuse
	Resolution map[string]float64 // by property: its readings are multiples of this
	Unseen     []simboard.Fault   // what the chip gives no means to notice
}

// Run tests the contract.
func Run(t *testing.T, c Case) {
	t.Run("options", func(t *testing.T) { options(t, c) })
	bubble := func(name string, test func(*testing.T, Case)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { test(t, c) }) })
	}
	bubble("description", description)
	bubble("abilities", abilities)
	bubble("open twice", openTwice)
	for _, fault := range []simboard.Fault{simboard.Absent, simboard.BusError, simboard.Hang} {
		bubble("open with "+string(fault), func(t *testing.T, c Case) { openFails(t, c, fault) })
	}
	spec, _ := Decode(c.Driver, c.Options)
	can := possible(t, c)
	bubble("garbage", garbage)
	if spec.Parts != nil && spec.Parts[0].Bus != "" {
		bubble("between transfers", betweenTransfers)
		bubble("once disturbed", onceDisturbed)
	}
	for _, fault := range can {
		switch {
		case slices.Contains(c.Unseen, fault) || fault == simboard.Stuck && spec.Parts[0].Bus == "":
			// a pin that keeps its level is a pin like any other
		case fault.Silent():
			bubble("goes on with "+string(fault), func(t *testing.T, c Case) { goesOn(t, c, fault) })
		case fault.Harmless(), fault.Once():
			bubble("garbage: "+string(fault), func(t *testing.T, c Case) { recovers(t, c, fault) })
			if fault.Once() {
				bubble("garbage in the midst: "+string(fault), func(t *testing.T, c Case) { inTheMidst(t, c, fault) })
			}
		default:
			bubble("fails with "+string(fault), func(t *testing.T, c Case) { senseFails(t, c, fault) })
		}
	}
	bubble("sense: context", senseContext)
	bubble("listen", listen)
	bubble("set", set)
}

// possible are the faults that the device can have.
func possible(t *testing.T, c Case) []simboard.Fault {
	if _, faults := Decode(c.Driver, c.Options); len(faults) > 0 {
		return nil // told by options
	}
	return NewRig(t, c.Driver, c.Options).Board.Kinds(Device)
}

// goesOn: a fault that cannot be noticed does no more harm than wrong values, which are
// within what the device declares; at most it is opened again.
func goesOn(t *testing.T, c Case, fault simboard.Fault) {
	rig := NewRig(t, c.Driver, c.Options)
	dev := rig.Open(t)
	rig.works(t, dev)
	rig.fault(t, fault)
	sensor, ok := dev.(drivers.Sensor)
	if !ok {
		return
	}
	for range 5 {
		time.Sleep(max(rig.Spec.Every, time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), rig.timeout())
		readings, err := sensor.Sense(ctx)
		cancel()
		if err == nil {
			check(t, c, rig, readings)
			continue
		}
		if !strings.Contains(err.Error(), rig.place()) {
			t.Errorf("error %q does not say where: %s", err, rig.place())
		}
		_ = dev.Close()
		sensor = rig.Open(t).(drivers.Sensor)
		dev = sensor
	}
	rig.fault(t, simboard.NoFault)
	rig.works(t, rig.reopened(t, dev))
}

// reopened closes a device and opens it again.
func (r *Rig) reopened(t *testing.T, dev drivers.Device) drivers.Device {
	_ = dev.Close()
	return r.Open(t)
}

func options(t *testing.T, c Case) {
	if _, faults := Decode(c.Driver, c.Options); len(faults) > 0 {
		t.Errorf("%q is refused: %v", c.Options, faults)
	}
	for _, wrong := range append([]string{c.Options + ", no_such_key: 1"}, c.Wrong...) {
		if _, faults := Decode(c.Driver, wrong); len(faults) == 0 {
			t.Errorf("%q is accepted", wrong)
		}
	}
}

func description(t *testing.T, c Case) {
	spec := NewRig(t, c.Driver, c.Options).Spec
	if len(spec.Properties) == 0 || len(spec.Parts) == 0 || spec.Open == nil {
		t.Errorf("the spec lacks properties, parts or Open: %+v", spec)
	}
	seen := make(map[string]bool)
	for _, p := range spec.Properties {
		if err := home.CheckWord(p.Name); err != nil {
			t.Errorf("property: %v", err)
		}
		if seen[p.Name] {
			t.Errorf("two properties are called %s", p.Name)
		}
		seen[p.Name] = true
		if !slices.Contains(home.Types(), string(p.Type)) {
			t.Errorf("%s is of type %q", p.Name, p.Type)
		}
		if p.Type != home.TypeNumber && (p.Unit != "" || p.Min != nil || p.Max != nil) {
			t.Errorf("%s is no number and has a unit or limits", p.Name)
		}
		if p.Type == home.TypeNumber && !p.Momentary && c.Resolution[p.Name] == 0 {
			t.Errorf("the case lacks the resolution of %s", p.Name)
		}
	}
}

func abilities(t *testing.T, c Case) {
	rig := NewRig(t, c.Driver, c.Options)
	dev := rig.Open(t)
	_, senses := dev.(drivers.Sensor)
	_, listens := dev.(drivers.Listener)
	_, sets := dev.(drivers.Actuator)
	if !senses && !listens {
		t.Error("nothing is ever known of the device: it is neither Sensor nor Listener")
	}
	if rig.Spec.Every > 0 && !senses {
		t.Error("it wants to be polled but is no Sensor")
	}
	if settable := slices.ContainsFunc(rig.Spec.Properties, func(p home.Property) bool { return p.Settable }); settable != sets {
		t.Errorf("a property is settable: %v; it is an Actuator: %v", settable, sets)
	}
}

// openTwice: a device is closed once, and that gives back all that opening took.
func openTwice(t *testing.T, c Case) {
	rig := NewRig(t, c.Driver, c.Options)
	for range 2 {
		dev, err := rig.Spec.Open(t.Context(), rig.Board)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		rig.works(t, dev)
		if err := dev.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

func openFails(t *testing.T, c Case, fault simboard.Fault) {
	rig := NewRig(t, c.Driver, c.Options)
	rig.fault(t, fault)
	begin := time.Now()
	dev, err := rig.Spec.Open(t.Context(), rig.Board)
	if err == nil { // it may leave the chip alone until it is used
		err = rig.use(t.Context(), dev)
		_ = dev.Close()
	} else if dev != nil {
		t.Error("a device comes with an error")
	}
	rig.failed(t, fault, err, begin)
	rig.fault(t, simboard.NoFault)
	rig.works(t, rig.Open(t))
}

// senseFails: what breaks later is told in time, and is mended by opening again.
func senseFails(t *testing.T, c Case, fault simboard.Fault) {
	rig := NewRig(t, c.Driver, c.Options)
	dev := rig.Open(t)
	rig.works(t, dev)
	rig.fault(t, fault)
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), rig.timeout())
	defer cancel()
	rig.failed(t, fault, rig.use(ctx, dev), begin)
	_ = dev.Close()
	rig.fault(t, simboard.NoFault)
	rig.works(t, rig.Open(t))
}

func (r *Rig) failed(t *testing.T, fault simboard.Fault, err error, begin time.Time) {
	t.Helper()
	if took := time.Since(begin); took > r.timeout() {
		t.Errorf("it took %v to notice the fault, longer than %v", took, r.timeout())
	}
	switch onBus := r.Spec.Parts[0].Bus != ""; {
	case err == nil:
		t.Error("no error")
	case fault == simboard.Absent && onBus && !errors.Is(err, drivers.ErrAbsent):
		t.Errorf("error %q is not ErrAbsent", err)
	case !strings.Contains(err.Error(), r.place()):
		t.Errorf("error %q does not say where: %s", err, r.place())
	}
}

// place is the bus or the pin of the device, or its place in the kernel.
func (r *Rig) place() string {
	part := r.Spec.Parts[0]
	return part.Bus + part.Pin + part.Kernel
}

func senseContext(t *testing.T, c Case) {
	rig := NewRig(t, c.Driver, c.Options)
	dev, ok := rig.Open(t).(drivers.Sensor)
	if !ok {
		return
	}
	begin := time.Now()
	readings, err := dev.Sense(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check(t, c, rig, readings)
	names := make(map[string]bool)
	for _, one := range readings {
		names[one.Property] = true
		if !one.Time.IsZero() && (one.Time.Before(begin) || one.Time.After(time.Now())) {
			t.Errorf("%s is of %v, which is not now", one.Property, one.Time)
		}
	}
	for _, p := range rig.Spec.Properties {
		if !names[p.Name] && !p.Momentary {
			t.Errorf("%s is declared and not read", p.Name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dev.Sense(ctx); rig.Spec.Parts[0].Bus != "" && !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// check holds readings against what the driver declares.
func check(t *testing.T, c Case, rig *Rig, readings []drivers.Reading) {
	t.Helper()
	for _, one := range readings {
		i := slices.IndexFunc(rig.Spec.Properties, func(p home.Property) bool { return p.Name == one.Property })
		if i < 0 {
			t.Errorf("%s is read and not declared", one.Property)
			continue
		}
		p := rig.Spec.Properties[i]
		if got, err := p.Accept(one.Value); err != nil || got != one.Value {
			t.Errorf("%s reads %v, against its description: %v", p.Name, one.Value, err)
		}
		if step := c.Resolution[p.Name]; step > 0 {
			n := one.Value.Number() / step
			if math.Abs(n-math.Round(n)) > 1e-6 || len(one.Value.String()) > 9 {
				t.Errorf("%s reads %v, no multiple of %v", p.Name, one.Value, step)
			}
		}
	}
}
