package drivers

import (
	"context"
	"fmt"
	"math"
	"time"

	"hogar/gateway/home"
)

// Polled is a sensor whose driver keeps nothing between two measurements: it is
// asked, it answers. So nothing is open that could be left behind, and where the
// chip keeps nothing either, losing its supply in between does no harm.
type Polled struct {
	Part       Part // where it is, for its errors
	More       []Part
	Properties []home.Property // of numbers
	Every      time.Duration   // as in [Spec]
	Timeout    time.Duration   // as in [Spec]
	// Prepare, where there is one, is called with each opening.
	Prepare func(ctx context.Context, board Board) error
	// Measure measures now and returns a value for each property, in their order,
	// rounded to the sensor's resolution. A chip on a bus has Chip instead.
	Measure func(ctx context.Context, board Board) ([]float64, error)
	// Chip is Measure of a chip on a bus: it is lent the way to it until the measurement's time is over.
	Chip func(chip *Guard) ([]float64, error)
}

// Spec is the sensor as the gateway wants it.
func (p Polled) Spec() Spec {
	return Spec{Properties: p.Properties, Parts: append([]Part{p.Part}, p.More...), Every: p.Every, Timeout: p.Timeout,
		Open: func(ctx context.Context, board Board) (Device, error) {
			if p.Prepare != nil {
				if err := p.Prepare(ctx, board); err != nil {
					return nil, err
				}
			}
			one := &polled{p, board}
			if p.Chip != nil {
				bus, err := board.I2C(p.Part.Bus)
				if err != nil {
					return nil, err
				}
				g := NewGuard(bus, p.Part)
				one.Measure = func(ctx context.Context, _ Board) ([]float64, error) { return g.values(ctx, p.Chip) }
			}
			return one, nil
		}}
}

// polled is a [Polled] on a board.
type polled struct {
	Polled
	board Board
}

var _ Sensor = (*polled)(nil)

// Sense makes one measurement. A value that the sensor cannot measure is an error.
func (p *polled) Sense(ctx context.Context) ([]Reading, error) {
	values, err := p.Measure(ctx, p.board)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	readings := make([]Reading, len(p.Properties))
	for i, property := range p.Properties {
		v := values[i]
		if property.Min != nil && v < *property.Min || property.Max != nil && v > *property.Max {
			return nil, fmt.Errorf("%v measures a %s of %v %s, which it cannot: it is damaged, or the bus is disturbed",
				p.Part, property.Name, v, property.Unit)
		}
		readings[i] = Reading{Property: property.Name, Value: home.NumberOf(v), Time: now}
	}
	return readings, nil
}

// Close has nothing to release.
func (p *polled) Close() error { return nil }

// OnBus is work with a chip on a bus beside its measurements: it is lent the way to it until ctx ends.
func OnBus(part Part, work func(*Guard) ([]float64, error)) func(context.Context, Board) ([]float64, error) {
	return func(ctx context.Context, board Board) ([]float64, error) {
		bus, err := board.I2C(part.Bus)
		if err != nil {
			return nil, err
		}
		return NewGuard(bus, part).values(ctx, work)
	}
}

// values is what work measures within [Guard.Do].
func (g *Guard) values(ctx context.Context, work func(*Guard) ([]float64, error)) (values []float64, err error) {
	err = g.Do(ctx, func() error {
		values, err = work(g)
		return err
	})
	return values, err
}

// Chip is what sits there: ads1115.
func (g *Guard) Chip() string { return g.part.Chip }

// Write sends bytes to the guarded chip.
func (g *Guard) Write(b ...byte) error { return g.Tx(g.part.Address, b, nil) }

// Try sends bytes that the guarded chip may well refuse, as one that sleeps does. Unlike
// that of [Guard.Write], its error is not the operation's unless it is returned.
func (g *Guard) Try(b ...byte) error { return g.tx(g.part.Address, b, nil) }

// Read sends w to the guarded chip, where there is any, and then reads n bytes.
func (g *Guard) Read(n int, w ...byte) ([]byte, error) {
	r := make([]byte, n)
	err := g.Tx(g.part.Address, w, r)
	return r, err
}

// Register reads a register of two bytes, high byte first, of a chip that sends no checksum. When it reads as
// zeros or ones, as it does when a line hangs for a moment, it is read once more, and that counts.
func (g *Guard) Register(number byte) ([]byte, error) {
	b, err := g.Read(2, number)
	if err == nil && (b[0]|b[1] == 0 || b[0]&b[1] == 0xFF) {
		return g.Read(2, number)
	}
	return b, err
}

// Number describes a property that is a number, with its unit and its limits.
func Number(name, unit string, least, most float64) home.Property {
	return home.Property{Name: name, Type: home.TypeNumber, Unit: unit, Min: &least, Max: &most}
}

// Round rounds to decimal places, so that no value shows more than its sensor
// can tell apart.
func Round(f float64, places int) float64 {
	by := math.Pow10(places)
	return math.Round(f*by) / by
}
