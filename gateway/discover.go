package gateway

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"hogar/drivers/mqtt"
	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/control"
	"hogar/gateway/home"
)

// found is a generation's discovered devices. It is safe for concurrent use.
type found struct {
	names *dialect.Names
	ways  map[string]bool // by which discovered devices may be known

	mu sync.Mutex
	at map[string]*mqtt.Connection // by device: where it is
}

// connection returns where a discovered device is; nil when it is not there.
func (f *found) connection(device string) *mqtt.Connection {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at[device]
}

// move notes where a device is from now on, nil for nowhere, and returns where it was.
func (f *found) move(device string, to *mqtt.Connection) (was *mqtt.Connection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was = f.at[device]
	if f.at[device] = to; to == nil {
		delete(f.at, device)
	}
	return was
}

// names gives discovered devices their names: those of the configuration, else those
// that they had in the run before.
func (g *gateway) newFound(plan *Plan) *found {
	f := &found{ways: make(map[string]bool), at: make(map[string]*mqtt.Connection)}
	o := dialect.NamesOptions{Taken: make(map[string][]home.Property), Given: make(map[string]string), Known: make(map[string]dialect.Known)}
	for _, d := range plan.devices {
		o.Taken[d.Name] = d.properties()
	}
	for name := range plan.wholes() {
		o.Taken[name] = nil
	}
	for _, b := range plan.brokers {
		maps.Copy(o.Given, b.names)
		for _, s := range b.sources {
			f.ways[b.Via(s)] = true
		}
	}
	for name, c := range plan.catalog {
		if f.ways[c.Via] && c.ID != "" {
			o.Known[c.ID] = dialect.Known{Name: name, Via: c.Via, Label: c.Label}
		}
	}
	for _, d := range g.hub.Devices("#") {
		if d.ID != "" && f.ways[d.Via] {
			o.Known[d.ID] = dialect.Known{Name: d.Name, Via: d.Via, Label: d.Label}
		}
	}
	f.names = dialect.NewNames(o)
	return f
}

// keeps reports whether a device of the run before is still known under its name.
func (f *found) keeps(d home.DeviceState) bool {
	return d.ID != "" && f.ways[d.Via] && f.names.Of(d.ID).Name == d.Name
}

// connect makes the connection to a broker and, of the devices that were discovered there
// in the run before, what the door has to know: they can be commanded before they have
// been announced again.
func (g *gateway) connect(ctx context.Context, gen *generation, b broker, doors map[string]control.Device) *mqtt.Connection {
	labels, sleeps := make(map[string]string), make(map[string]bool)
	for name, d := range gen.plan.furnished {
		labels[name], sleeps[name] = d.Label, d.Sleeps
	}
	var exports *exporter
	var handlers []mqtt.Handler
	if b.export != "" {
		exports = g.newExporter(gen.plan, b.export)
		handlers = exports.handlers()
	}
	var c *mqtt.Connection
	c = mqtt.NewWith(mqtt.Options{Broker: b.Broker, Gateway: gen.plan.Config.Gateway, Topics: b.topics, Sources: b.sources, Handlers: handlers,
		Names: gen.found.names, Labels: labels, Sleeps: sleeps, Accept: source{g.hub, home.ClassMQTT}.Accept, Last: g.hub.Last, Log: g.o.Log,
		Stream:   func() mqtt.Accept { return classed(home.ClassMQTT, g.hub.Stream()) },
		Discover: func(d mqtt.Discovered) { g.discovered(ctx, gen, c, d) }})
	if exports != nil && !g.o.NoMQTT {
		gen.devices.Go(func() { exports.run(ctx, c) })
	}
	for name, t := range b.topics {
		properties := []home.Property{t.Property()}
		doors[name] = control.Device{Properties: properties, Actuator: settable(properties, topicActuator{c, name}), Verify: topicVerify}
	}
	for _, s := range b.sources {
		for _, d := range g.hub.Devices("#") {
			if d.Via == b.Via(s) && gen.found.keeps(d) {
				doors[d.Name] = g.doorTo(gen, c, d.Name, d.Properties, nil)
				gen.found.move(d.Name, c)
			}
		}
	}
	return c
}

// doorTo furnishes a discovered device and makes its door. A device whose safety cannot
// be applied cannot be set.
func (g *gateway) doorTo(gen *generation, c *mqtt.Connection, name string, properties []home.Property, expire map[string]time.Duration) control.Device {
	var faults home.Faults
	f := gen.plan.furnish(name, properties, gen.plan.house(), &faults)
	d := control.Device{Properties: properties, Actuator: topicActuator{c, name}, Verify: topicVerify, Reapply: f.reapply, Safety: f.safety}
	for _, fault := range faults.List {
		g.o.Log.Error("configuration does not fit the discovered device", "device", name, "error", fault.Error())
	}
	if faults.Failed() && gen.plan.furnished[name].Safety != nil {
		d.Safety = nil
		d.Properties = slices.Clone(properties)
		for i := range d.Properties {
			d.Properties[i].Settable = false
		}
		g.o.Log.Error("device cannot be set: its safety cannot be applied", "device", name)
	}
	g.hub.Filter(name, properties, withExpiry(f.filters, properties, expire))
	g.hub.ExpectOf(name, f.staleAfter)
	return d
}

// discovered takes a device that came, has changed or has left. It is called by the
// connection's goroutine, before the house is told.
func (g *gateway) discovered(ctx context.Context, gen *generation, c *mqtt.Connection, d mqtt.Discovered) {
	if d.Removed {
		if gen.found.connection(d.Name) != c {
			return // it has moved elsewhere meanwhile
		}
		gen.found.move(d.Name, nil)
		g.control.Remove(d.Name)
		g.hub.Filter(d.Name, nil, nil)
		g.hub.ExpectOf(d.Name, 0)
		return
	}
	g.control.Add(d.Name, g.doorTo(gen, c, d.Name, d.Properties, d.Expire))
	switch was := gen.found.move(d.Name, c); was {
	case c:
	case nil:
		gen.devices.Go(func() { g.report("control", g.control.Serve(ctx, d.Name)) })
	default:
		was.Forget(d.Name)
	}
}

// askDiscovered asks a discovered device for a property, or for all that it can be
// asked for, and returns when it has answered.
func (g *gateway) askDiscovered(ctx context.Context, c *mqtt.Connection, device, property string) error {
	var properties []string
	for _, d := range g.hub.Devices(device) {
		for _, p := range d.Properties {
			if property == "" || p.Name == property {
				properties = append(properties, p.Name)
			}
		}
	}
	follow := g.hub.FollowRaw()
	waits := make(map[string]bool)
	var refused error
	for _, p := range properties {
		if err := c.Ask(ctx, device, p); err != nil {
			refused = cmp.Or(refused, err)
			continue
		}
		waits[p] = true
	}
	if len(waits) == 0 {
		return cmp.Or(refused, errors.New("there is no such property"))
	}
	for len(waits) > 0 {
		ev, _, err := follow.Next(ctx)
		if err != nil {
			return errors.New("it does not answer in time")
		}
		if ev.Device == device && ev.Kind == home.KindReading {
			delete(waits, ev.Property)
		}
	}
	return nil
}
