// Package pwm dims with one of the kernel's PWM channels: a LED strip behind a
// transistor, a fan with a PWM input, a passive buzzer, a heater on a solid state
// relay.
//
//	kitchen.counter_light: {driver: pwm, pin: GPIO18, on_start: off}
//	rack.fan:              {driver: pwm, pin: GPIO13, frequency: 25000, active_low: true, property: speed}
//	hall.buzzer:           {driver: pwm, pin: GPIO12, frequency: 2000, property: volume}
//	stage.light:           {driver: pwm, chip: pwmchip2, channel: 3}
//
// Options:
//
//	pin         GPIO12, GPIO13, GPIO18 or GPIO19: those of a Raspberry Pi that have PWM in hardware
//	chip, channel   instead: another chip of /sys/class/pwm, and which of its channels (default 0)
//	frequency   in Hz, 1 to 1000000, default 1000. A fan with four wires wants 25000; 50 drives a solid state relay
//	active_low  true where a low level switches on; default false
//	property    the name of its one property, a number from 0 to 100 %; default brightness
//	on_start    off (default), on, keep, or a number: what it is set to when the gateway starts;
//	            keep leaves a channel that is running as it is
//	on_exit     keep (default), off, on, or a number: the same when the gateway stops
//
// Opened again after an error it goes back to what it was set to last.
//
// Wiring: the pin drives a few mA: a LED with a resistor of 330 Ω, all else
// through a logic-level MOSFET. In config.txt dtoverlay=pwm,pin=18,func=2 for one
// pin, dtoverlay=pwm-2chan for GPIO18 and GPIO19 (GPIO12 and GPIO13 with
// pin=12,func=4,pin2=13,func2=4). Up to the Pi 4 GPIO12 and GPIO18 are one channel,
// and so are GPIO13 and GPIO19: only one of the two can be used. Analogue sound uses the
// same hardware. Who runs the gateway needs the group gpio, or udev's permission.
//
// The duty is set in steps of 1 ns of the period. Source: the kernel's
// Documentation/driver-api/pwm.rst, "Using PWMs with the sysfs interface".
package pwm

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// keep leaves the duty as it is.
const keep = -1

type options struct {
	part            drivers.Part
	chip            string // folder of the class; empty: that of the pin
	channel         int
	period          int // ns
	polarity        string
	property        home.Property
	onStart, onExit float64 // %, or keep
}

var chipName = regexp.MustCompile(`^pwmchip\d+$`)

// New decodes the options of a PWM channel.
func New(d *home.Decoder) drivers.Spec {
	o := options{
		period:   int(time.Second) / d.Int("frequency", 1000, 1, 1_000_000),
		polarity: "normal",
		property: drivers.Number(d.Text("property", "brightness"), "%", 0, 100),
		onStart:  level(d, "on_start", 0),
		onExit:   level(d, "on_exit", keep),
	}
	o.property.Settable = true
	if err := home.CheckWord(o.property.Name); err != nil {
		d.Fault("property", "", "property: %v", err)
	}
	if d.Bool("active_low", false) {
		o.polarity = "inversed"
	}
	o.place(d)
	last := new(memory)
	return drivers.Spec{
		Properties: []home.Property{o.property},
		Parts:      []drivers.Part{o.part},
		Open: func(ctx context.Context, board drivers.Board) (drivers.Device, error) {
			return open(ctx, board, o, last)
		},
	}
}

// place decodes where the channel is.
func (o *options) place(d *home.Decoder) {
	if d.Get("chip") == nil {
		o.part = drivers.HeaderPart(d, "pwm")
		if _, ok := channels()[o.part.Pin]; d.Get("pin") != nil && !ok {
			d.Fault("pin", "for other pins there is dtoverlay=pwm-gpio, with chip: instead of pin:",
				"%s has no PWM in hardware, expected GPIO12, GPIO13, GPIO18 or GPIO19", o.part.Pin)
		}
		return
	}
	if d.Get("pin") != nil {
		d.Fault("pin", "", "there are both pin and chip, expected one of them")
	}
	o.chip, o.channel = d.Text("chip", ""), d.Int("channel", 0, 0, 255)
	if !chipName.MatchString(o.chip) {
		d.Fault("chip", "ls /sys/class/pwm lists them", "chip is '%s', expected pwmchip and a number", o.chip)
	}
	o.part = drivers.Part{Chip: "pwm", Kernel: fmt.Sprintf("pwm/%s/%d", o.chip, o.channel)}
}

// level reads off, on, keep or a number of %.
func level(d *home.Decoder, key string, byDefault float64) float64 {
	n := d.Get(key)
	if n == nil {
		return byDefault
	}
	switch n.Text {
	case "off":
		return 0
	case "on":
		return 100
	case "keep":
		return keep
	}
	if f, err := strconv.ParseFloat(n.Text, 64); err == nil && f >= 0 && f <= 100 {
		return f
	}
	d.Fault(key, "", "%s is %s, expected off, on, keep or a number from 0 to 100", key, n.Describe())
	return byDefault
}

// memory is what the channel was set to last, kept from one Open to the next.
type memory struct {
	set     bool
	percent float64
}

type dimmer struct {
	options
	channel channel
	last    *memory
}

var (
	_ drivers.Sensor   = (*dimmer)(nil)
	_ drivers.Actuator = (*dimmer)(nil)
)

func open(ctx context.Context, board drivers.Board, o options, last *memory) (drivers.Device, error) {
	c, err := export(ctx, board.Files(), o)
	initial := o.onStart
	if last.set {
		initial = last.percent
	}
	if err == nil && initial == keep {
		var runs bool
		if runs, err = c.running(); err == nil && !runs {
			initial = 0
		}
	}
	if err == nil && initial != keep {
		err = c.drive(o, initial)
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", o.part, err)
	}
	return &dimmer{o, c, last}, nil
}

// Sense reads back what the kernel does.
func (p *dimmer) Sense(ctx context.Context) ([]drivers.Reading, error) {
	percent, err := 0.0, ctx.Err()
	if err == nil {
		percent, err = p.channel.percent(p.polarity)
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", p.part, err)
	}
	return []drivers.Reading{{Property: p.property.Name, Value: home.NumberOf(percent), Time: time.Now()}}, nil
}

// Set dims, and returns what the kernel then does.
func (p *dimmer) Set(ctx context.Context, property string, value home.Value) ([]drivers.Reading, error) {
	if property != p.property.Name || value.Kind() != home.Number {
		return nil, fmt.Errorf("%v cannot set %s to %s: it has %s, from 0 to 100 %%", p.part, property, value, p.property.Name)
	}
	err := ctx.Err()
	if err == nil {
		err = p.channel.drive(p.options, value.Number())
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", p.part, err)
	}
	readings, err := p.Sense(ctx)
	if err != nil {
		return nil, err
	}
	if off := readings[0].Value.Number() - value.Number(); off > tolerance || off < -tolerance {
		return readings, fmt.Errorf("%v was set to %s %% but stays at %s %%", p.part, value, readings[0].Value)
	}
	*p.last = memory{true, value.Number()}
	return readings, nil
}

// Close brings the channel to on_exit. It goes on with what it does.
func (p *dimmer) Close() error {
	if p.onExit == keep {
		return nil
	}
	if err := p.channel.drive(p.options, p.onExit); err != nil {
		return fmt.Errorf("close %v: %w", p.part, err)
	}
	return nil
}
