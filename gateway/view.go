package gateway

import (
	"context"
	"errors"
	"slices"

	"hogar/gateway/home"
)

// Devices implements [api.House] and [bridge.House]: devices with their readings
// and what commands made of them, then groups and scenes.
func (g *gateway) Devices(pattern string) []home.DeviceState {
	found := g.hub.Devices(pattern)
	repeated := g.repeated()
	for i, d := range found {
		found[i].Repeated = repeated[d.Name]
		for _, s := range g.control.Desired(d.Name) {
			name := home.Join(d.Name, s.Property)
			if i := slices.IndexFunc(d.Readings, func(r home.LastReading) bool { return r.Name == name }); i >= 0 {
				d.Readings[i].Desired = s.Value
			}
		}
	}
	return append(found, g.control.Wholes(pattern)...)
}

// repeated counts by device the measurements that came only when they were repeated.
func (g *gateway) repeated() map[string]uint64 {
	counts := make(map[string]uint64)
	gen := g.get()
	if gen == nil {
		return counts
	}
	for name, r := range gen.runners {
		counts[name] = r.repeated.Load()
	}
	return counts
}

// May implements [bridge.House].
func (g *gateway) May(source, verb, device, property string) bool {
	return g.control.May(source, verb, device, property)
}

// Measure has a device measured now and returns when the house has its readings.
// name is the device's, or that of one of its properties.
func (g *gateway) Measure(ctx context.Context, name string) error {
	gen := g.get()
	device, property, known := resolver{gen.plan.house(), gen.plan.wholes(), g.hub.Has}.Resolve(name)
	r := gen.runners[device]
	switch {
	case !known:
		return errors.New("there is no such device; `hogar devices` lists them")
	case gen.plan.wholes()[device]:
		return errors.New("it is a group or a scene; measure one of its devices")
	case r == nil && gen.found.link(device) != nil:
		return g.askDiscovered(ctx, gen.found.link(device).connection, device, property)
	case r == nil:
		return errors.New("it tells by itself and cannot be asked to measure")
	}
	switch err := r.measure(ctx); {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("it does not answer in time")
	case err != nil:
		return err
	}
	return g.hub.Do(ctx, func() {}) // the readings are applied before it
}
