// Package contact listens to a pin that something switches: a motion sensor, the
// reed at a door, a button, a float, a rain sensor.
//
//	hall.motion: {driver: contact, pin: GPIO27, property: occupancy, debounce: 50ms}
//	hall.door:   {driver: contact, pin: GPIO22, property: contact, pull: up, active_low: true}
//	hall.button: {driver: contact, pin: GPIO23, property: action, pull: up, active_low: true}
//
// Options:
//
//	pin         GPIO27: the processor's number
//	property    what it tells; default contact. occupancy, motion, presence: somebody is there. contact:
//	            the door is closed, as Zigbee2MQTT has it. open, opening: it is not. action: a button, which tells press and release
//	            and has no state. Any other word is on while the pin is active.
//	pull        up, down or none (default): the resistor inside the processor. A bare contact needs one.
//	active_low  true where a closed contact connects the pin to ground; default false
//	debounce    shorter changes are ignored; default 30ms, up to 10s
package contact

import (
	"context"
	"fmt"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// What a button tells.
const (
	press   = "press"
	release = "release"
)

// New decodes the options of a contact.
func New(d *home.Decoder) drivers.Spec {
	p := home.Property{Name: d.Text("property", "contact"), Type: home.TypeBoolean}
	if p.Name == "action" {
		p.Type, p.Options = home.TypeEvent, []string{press, release}
	}
	if err := home.CheckWord(p.Name); err != nil {
		d.Fault("property", "", "property: %v", err)
	}
	part := drivers.PinPart(d, kind(p.Name))
	o := drivers.LineOptions{
		Pin:       part.Pin,
		Consumer:  drivers.Consumer(d),
		ActiveLow: d.Bool("active_low", false),
		Pull:      drivers.Pull(d.Word("pull", "none", "up", "down", "none")),
		Debounce:  d.Duration("debounce", 30*time.Millisecond, 0, 10*time.Second),
	}
	return drivers.Spec{
		Properties: []home.Property{p},
		Parts:      []drivers.Part{part},
		Open: func(_ context.Context, board drivers.Board) (drivers.Device, error) {
			line, err := board.Line(o)
			if err != nil {
				return nil, fmt.Errorf("contact at %s: %w", o.Pin, err)
			}
			return &contact{pin: o.Pin, property: p, line: line}, nil
		},
	}
}

// kind says what is at the pin, for the simulation.
func kind(property string) string {
	switch property {
	case "occupancy", "motion", "presence":
		return "motion"
	case "contact":
		return "door"
	case "open", "opening":
		return "opening"
	case "action":
		return "button"
	}
	return "contact"
}

type contact struct {
	pin      string
	property home.Property
	line     drivers.Line
}

var _ drivers.Listener = (*contact)(nil)

// Listen tells the present level, unless it is a button, and then each edge.
func (c *contact) Listen(ctx context.Context, emit func(drivers.Reading)) error {
	active, err := c.line.Get()
	if err != nil {
		return fmt.Errorf("contact at %s: %w", c.pin, err)
	}
	if c.property.Type != home.TypeEvent {
		emit(c.reading(drivers.Edge{Active: active, Time: time.Now()}))
	}
	for {
		edge, err := c.line.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("contact at %s: %w", c.pin, err)
		}
		emit(c.reading(edge))
	}
}

func (c *contact) reading(e drivers.Edge) drivers.Reading {
	v := home.BooleanOf(e.Active)
	switch {
	case c.property.Type == home.TypeEvent && e.Active:
		v = home.TextOf(press)
	case c.property.Type == home.TypeEvent:
		v = home.TextOf(release)
	}
	return drivers.Reading{Property: c.property.Name, Value: v, Time: e.Time}
}

// Close releases the pin.
func (c *contact) Close() error {
	if err := c.line.Close(); err != nil {
		return fmt.Errorf("close contact at %s: %w", c.pin, err)
	}
	return nil
}
