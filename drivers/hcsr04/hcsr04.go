// Package hcsr04 reads the HC-SR04 (also JSN-SR04T), which measures a distance by
// the echo of ultrasound: the water in a tank, a car in the garage.
//
//	cellar.tank: {driver: hcsr04, trigger: GPIO23, echo: GPIO24}
//
// Options:
//
//	trigger      GPIO23: the processor's number of the pin that asks
//	echo         GPIO24: that of the pin that hears the answer; one of the header, as an expander reports
//	             an edge by I2C, late by more than the echo of a tank takes
//	temperature  of the air in °C, -40 to 60, default 20: each degree off makes an error of 0.17 %
//
// Wiring: VCC to 5 V (pin 2), GND to pin 6, Trig to the trigger's pin. Echo gives
// 5 V, which destroys a pin: through 1 kΩ to the echo's pin, and 2 kΩ from there to
// ground. The HC-SR04P and RCWL-1601 work with 3.3 V and need no divider.
//
// Accuracy: ±3 mm from 2 to 400 cm, over a cone of 15°; the readings jump where the
// surface is soft or tilted (a median filter helps). The time of the echo is that
// of the kernel's edges, so that a busy processor does no harm. Nothing within the range is a
// reading without a value. Datasheet: HC-SR04 of Elecfreaks (pulse of at least 10 µs, distance is time
// · speed of sound / 2, 60 ms between measurements).
package hcsr04

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

const (
	pulse    = 20 * time.Microsecond  // a JSN-SR04T does not hear the 10 that the others need
	answer   = 250 * time.Millisecond // some sensors hold the echo for 200 ms when they hear none
	nearest  = 100 * time.Microsecond // what is shorter, 1.7 cm, is a disturbance: the sensor measures from 2 cm on
	farthest = 25 * time.Millisecond  // beyond 4.3 m it is no echo: the sensor gives up after 38 ms
)

// New decodes the options of an HC-SR04.
func New(d *home.Decoder) drivers.Spec {
	trigger, echo := drivers.PinPartAt(d, "trigger", "hcsr04"), drivers.HeaderPartAt(d, "echo", "hcsr04_echo")
	if trigger.Pin == echo.Pin && trigger.Pin != "" {
		d.Fault("echo", "", "trigger and echo are both %s", echo.Pin)
	}
	speed := soundAt(d.Number("temperature", 20, -40, 60))
	consumer := drivers.Consumer(d)
	return drivers.Spec{
		Properties: []home.Property{property()},
		Parts:      []drivers.Part{trigger, echo},
		Every:      10 * time.Second,
		Open: func(_ context.Context, board drivers.Board) (drivers.Device, error) {
			out, err := board.Line(drivers.LineOptions{Pin: trigger.Pin, Consumer: consumer, Output: true})
			if err != nil {
				return nil, fmt.Errorf("%v: %w", trigger, err)
			}
			in, err := board.Line(drivers.LineOptions{Pin: echo.Pin, Consumer: consumer, Pull: drivers.PullNone})
			if err != nil {
				_ = out.Close() // nothing was done with it
				return nil, fmt.Errorf("%v: %w", trigger, err)
			}
			return &sensor{part: trigger, trigger: out, echo: in, speed: speed}, nil
		},
	}
}

func property() home.Property { return drivers.Number("distance", "cm", 0, 430) }

// soundAt is the speed of sound in air of a temperature, in m/s.
func soundAt(celsius float64) float64 { return 331.3 + 0.606*celsius }

type sensor struct {
	part          drivers.Part
	trigger, echo drivers.Line
	speed         float64 // m/s
}

var _ drivers.Sensor = (*sensor)(nil)

// Sense makes one measurement, which takes up to 40 ms.
func (s *sensor) Sense(ctx context.Context) ([]drivers.Reading, error) {
	d, err := s.measure(ctx)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", s.part, err)
	}
	cm := math.NaN() // which is no value: unknown
	if d <= farthest {
		cm = drivers.Round(min(d.Seconds()*s.speed/2*100, *property().Max), 1)
	}
	return []drivers.Reading{{Property: property().Name, Value: home.NumberOf(cm), Time: time.Now()}}, nil
}

// measure returns how long the echo took.
func (s *sensor) measure(ctx context.Context) (time.Duration, error) {
	if err := s.drain(ctx); err != nil {
		return 0, err
	}
	if err := s.ask(); err != nil {
		return 0, err
	}
	wait, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	var rise time.Time
	silence := "no echo: check that the sensor has its 5 V, and the wire of the echo"
	if high, err := s.echo.Get(); err == nil && high {
		silence = "its echo stays high: switch its supply off and on; check the divider at the echo"
	}
	for {
		edge, err := s.echo.Next(wait)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			return 0, errors.New(silence)
		case err != nil:
			return 0, err
		case edge.Active:
			rise, silence = edge.Time, "its echo began and does not end: switch its supply off and on"
		case !rise.IsZero():
			took := edge.Time.Sub(rise)
			if took < nearest {
				return 0, fmt.Errorf("its echo lasts %v, which is none, as the sensor measures from 2 cm on: "+
					"something is too near, or the wire of the echo is disturbed", took)
			}
			return took, nil
		}
	}
}

// ask makes the pulse. It may be longer, not shorter.
func (s *sensor) ask() error {
	if err := s.trigger.Set(true); err != nil {
		return err
	}
	time.Sleep(pulse)
	return s.trigger.Set(false)
}

// drain takes the edges that were left over, those of disturbances.
func (s *sensor) drain(ctx context.Context) error {
	for {
		now, cancel := context.WithTimeout(ctx, time.Millisecond)
		_, err := s.echo.Next(now)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
	}
}

// Close releases the pins.
func (s *sensor) Close() error {
	if err := errors.Join(s.trigger.Close(), s.echo.Close()); err != nil {
		return fmt.Errorf("close %v: %w", s.part, err)
	}
	return nil
}
