// Package relay switches a pin: a relay board, a transistor, a LED, a buzzer with
// its own tone.
//
//	hall.lamp: {driver: relay, pin: GPIO17, active_low: true, on_start: off, on_exit: keep}
//
// Options:
//
//	pin         GPIO17: the processor's number
//	active_low  true for a board that switches on at a low level, as most relay boards do; default false
//	on_start    off (default), on, or keep: the state when the gateway starts; keep leaves a pin that
//	            is an output as it is. The level is set together with the direction: nothing clicks.
//	on_exit     keep (default), off or on: the state when the gateway stops. keep and on hold where the kernel
//	            leaves a released pin as it is, which Raspberry Pi OS's does, but with dtparam=strict_gpiod; Debian's
//	            own and others make it an input
//	property    the name of its one property; default state
//
// A device that is opened again after an error goes back to the last state it
// was set to, not to on_start.
package relay

import (
	"context"
	"fmt"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// New decodes the options of a relay.
func New(d *home.Decoder) drivers.Spec {
	o := options{
		part:      drivers.PinPart(d, "relay"),
		consumer:  drivers.Consumer(d),
		activeLow: d.Bool("active_low", false),
		onStart:   d.Word("on_start", "off", "off", "on", "keep"),
		onExit:    d.Word("on_exit", "keep", "off", "on", "keep"),
		property:  d.Text("property", "state"),
	}
	if err := home.CheckWord(o.property); err != nil {
		d.Fault("property", "", "property: %v", err)
	}
	last := new(memory)
	return drivers.Spec{
		Properties: []home.Property{{Name: o.property, Type: home.TypeBoolean, Settable: true}},
		Parts:      []drivers.Part{o.part},
		Open: func(_ context.Context, board drivers.Board) (drivers.Device, error) {
			return open(board, o, last)
		},
		Doubts: o.doubts,
	}
}

type options struct {
	part            drivers.Part
	consumer        string
	activeLow       bool
	onStart, onExit string
	property        string
}

// memory is what a relay was set to last, kept from one Open to the next. A Set
// that failed is not in it: who wished it was told so, and it must not act later.
type memory struct{ set, active bool }

type relay struct {
	options
	line drivers.Line
	last *memory
}

var (
	_ drivers.Sensor   = (*relay)(nil)
	_ drivers.Actuator = (*relay)(nil)
)

func open(board drivers.Board, o options, last *memory) (drivers.Device, error) {
	initial := o.onStart == "on"
	if last.set {
		initial = last.active
	}
	line, err := board.Line(drivers.LineOptions{Pin: o.part.Pin, Consumer: o.consumer, Output: true,
		Initial: initial, Keep: o.onStart == "keep" && !last.set, ActiveLow: o.activeLow})
	if err != nil {
		return nil, fmt.Errorf("relay at %s: %w", o.part.Pin, err)
	}
	return &relay{options: o, line: line, last: last}, nil
}

// Sense reads the pin back, without moving it.
func (r *relay) Sense(context.Context) ([]drivers.Reading, error) {
	active, err := r.line.Get()
	if err != nil {
		return nil, fmt.Errorf("read relay at %s: %w", r.part.Pin, err)
	}
	return []drivers.Reading{{Property: r.property, Value: home.BooleanOf(active), Time: time.Now()}}, nil
}

// Set switches, and returns what the pin then shows.
func (r *relay) Set(ctx context.Context, property string, value home.Value) ([]drivers.Reading, error) {
	if property != r.property || value.Kind() != home.Boolean {
		return nil, fmt.Errorf("relay at %s cannot set %s to %s: it has %s, on or off", r.part.Pin, property, value, r.property)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("set relay at %s: %w", r.part.Pin, err)
	}
	if err := r.line.Set(value.Boolean()); err != nil {
		return nil, fmt.Errorf("set relay at %s: %w", r.part.Pin, err)
	}
	readings, err := r.Sense(ctx)
	if err != nil {
		return nil, err
	}
	if readings[0].Value != value {
		return readings, fmt.Errorf("relay at %s was set %s but its pin stays %s: something else drives the pin, or it is shorted",
			r.part.Pin, value, readings[0].Value)
	}
	*r.last = memory{set: true, active: value.Boolean()}
	return readings, nil
}

// Close brings the relay into its state on_exit and releases the pin. Whether the level of a released
// pin stays is the kernel's business; see doubts.
func (r *relay) Close() error {
	var err error
	if r.onExit != "keep" {
		err = r.line.Set(r.onExit == "on")
	}
	if e := r.line.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("close relay at %s: %w", r.part.Pin, err)
	}
	return nil
}
