package drivers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"hogar/gateway/home"
)

// busFunc is a bus that is a function.
type busFunc func(w, r []byte) error

func (busFunc) String() string                   { return "I2C1" }
func (busFunc) SetSpeed(physic.Frequency) error  { return nil }
func (f busFunc) Tx(_ uint16, w, r []byte) error { return f(w, r) }
func guarded(tx func(w, r []byte) error) *Guard  { return NewGuard(busFunc(tx), guardedPart) }
func forever(g *Guard) error                     { return until(g, func() bool { return false }) }
func until(g *Guard, done func() bool) (err error) {
	for !done() && err == nil {
		err = g.Tx(0x76, nil, nil)
	}
	return err
}

var guardedPart = Part{Chip: "bme280", Bus: "I2C1", Address: 0x76}

func TestGuardEndsLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guarded(func(_, _ []byte) error { return nil })
		begin := time.Now()
		err := g.Do(t.Context(), func() error { return forever(g) })
		if !errors.Is(err, errRunaway) || time.Since(begin) > time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := g.Do(ctx, func() error { return forever(g) }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with 20 ms: %v", err)
		}
		// The count begins anew with each operation.
		n := 0
		if err := g.Do(t.Context(), func() error { return until(g, func() bool { n++; return n > 100 }) }); err != nil {
			t.Error(err)
		}
	})
}

func TestGuardKeepsTheBusesError(t *testing.T) {
	for _, one := range []struct {
		name   string
		bus    error
		absent bool
		say    string
	}{
		{"ENXIO", fmt.Errorf("i2c: %w", syscall.ENXIO), true, "i2cdetect -y 1"},
		{"EREMOTEIO", fmt.Errorf("i2c: %w", remoteIO), true, "dtparam=i2c_arm=on"},
		{"only its text", errors.New("sysfs-i2c: remote I/O error"), true, "wiring"},
		{"absent by the board", fmt.Errorf("x: %w", ErrAbsent), true, "address"},
		{"timeout", syscall.ETIMEDOUT, false, "pull-ups"},
		{"other", syscall.EIO, false, "input/output error"},
	} {
		for how, work := range map[string]func(error) error{
			"handed on": func(err error) error { return err },
			"flattened": func(err error) error { return fmt.Errorf("chip: %v", err) },
			"swallowed": func(error) error { return nil },
		} {
			t.Run(one.name+" "+how, func(t *testing.T) {
				g := guarded(func(_, _ []byte) error { return one.bus })
				err := g.Do(t.Context(), func() error { return work(g.Tx(0x76, nil, nil)) })
				if !errors.Is(err, one.bus) || errors.Is(err, ErrAbsent) != one.absent ||
					!strings.Contains(err.Error(), one.say) || !strings.HasPrefix(err.Error(), "bme280 at 0x76 on I2C1: ") {
					t.Errorf("the error is %q", err)
				}
			})
		}
	}
}

func TestGuardOutsideOfAnOperation(t *testing.T) {
	g := guarded(func(_, _ []byte) error { t.Error("the bus is used"); return nil })
	if err := g.Tx(0x76, nil, nil); err == nil {
		t.Error("a transfer outside of Do")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Do(ctx, func() error { return g.Tx(0x76, nil, nil) }); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	own := errors.New("own")
	if err := g.Do(t.Context(), func() error { return own }); !errors.Is(err, own) {
		t.Errorf("an error of the driver's own: %v", err)
	}
	if g.SetSpeed(physic.Hertz) == nil || g.String() != "I2C1" {
		t.Error("SetSpeed or String")
	}
}

func TestParts(t *testing.T) {
	decode := func(read func(*home.Decoder) Part, pairs ...string) (Part, []home.Fault) {
		node := &home.Node{Path: []string{"devices", "a.b"}, Kind: home.NodeMap}
		for i := 0; i < len(pairs); i += 2 {
			node.Pairs = append(node.Pairs, home.Pair{Key: pairs[i], Value: &home.Node{
				Path: []string{"devices", "a.b", pairs[i]}, Kind: home.NodeScalar, Text: pairs[i+1]}})
		}
		var faults home.Faults
		d := home.NewDecoder(node, &faults)
		if Consumer(d) != "a.b" {
			t.Errorf("the consumer is %s", Consumer(d))
		}
		p := read(d)
		d.Done()
		return p, faults.List
	}
	chip := func(d *home.Decoder) Part { return ChipPart(d, "bh1750") }
	pin := func(d *home.Decoder) Part { return PinPart(d, "relay") }
	for _, one := range []struct {
		read  func(*home.Decoder) Part
		pairs []string
		want  Part
		fault string
	}{
		{chip, nil, Part{Chip: "bh1750", Bus: "I2C1", Address: 0x23}, ""},
		{chip, []string{"address", "0x5C", "bus", "I2C20"}, Part{Chip: "bh1750", Bus: "I2C20", Address: 0x5c}, ""},
		{chip, []string{"address", "92"}, Part{Chip: "bh1750", Bus: "I2C1", Address: 0x5c}, ""},
		{chip, []string{"address", "0x24"}, Part{}, "expected 0x23 or 0x5c"},
		{chip, []string{"bus", "/dev/i2c-1"}, Part{}, "expected I2C and a number"},
		{func(d *home.Decoder) Part { return ChipPart(d, "toaster") }, nil, Part{}, "no toaster is in the table of chips"},
		{pin, []string{"pin", "GPIO17"}, Part{Chip: "relay", Pin: "GPIO17"}, ""},
		{pin, []string{"pin", "17"}, Part{}, "GPIO17"},
		{pin, []string{"pin", "GPIO28"}, Part{}, "expected GPIO0 to GPIO27"},
		{pin, nil, Part{}, "pin is missing"},
	} {
		got, faults := decode(one.read, one.pairs...)
		switch {
		case one.fault == "" && (len(faults) > 0 || got != one.want):
			t.Errorf("%q: %v, %v", one.pairs, got, faults)
		case one.fault != "" && (len(faults) != 1 || !strings.Contains(faults[0].Error(), one.fault)):
			t.Errorf("%q: %v", one.pairs, faults)
		}
	}
}
