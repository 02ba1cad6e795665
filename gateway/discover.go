package gateway

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"hogar/drivers/mqtt"
	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/control"
	"hogar/gateway/home"
)

// found is what a generation knows of the discovered devices. It is safe for concurrent use.
type found struct {
	names *dialect.Names
	ways  map[string]bool // by which discovered devices may be known

	mu sync.Mutex
	at map[string]spot // by device: where it is
}

// spot is where a discovered device is, and what was discovered of it.
type spot struct {
	link *link
	mqtt.Discovered
}

// link returns where a discovered device is; nil when it is not there.
func (f *found) link(device string) *link {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at[device].link
}

// here lists the devices that are somewhere.
func (f *found) here() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.at))
}

// on lists the devices that are on a link.
func (f *found) on(l *link) (list []mqtt.Discovered) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.at {
		if p.link == l {
			list = append(list, p.Discovered)
		}
	}
	return list
}

// move notes where a device is from now on and returns where it was.
func (f *found) move(d mqtt.Discovered, to *link) (was *link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was = f.at[d.Name].link
	f.at[d.Name] = spot{to, d}
	return was
}

// forget notes that a device is nowhere.
func (f *found) forget(device string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.at, device)
}

// newFound gives discovered devices their names: those of the configuration, else those
// that they had in the run before. What was found before the reload, if it goes on, is not lost; old
// may be nil.
func (g *gateway) newFound(plan *Plan, old *found) *found {
	if old != nil {
		return &found{names: old.names, ways: old.ways, at: maps.Clone(old.at)}
	}
	f := &found{ways: make(map[string]bool), at: make(map[string]spot)}
	o := dialect.NamesOptions{Taken: plan.taken(), Given: make(map[string]string), Known: make(map[string]dialect.Known)}
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

// connect returns the link to a broker: the one that is kept, or a new one on which nothing happens
// before it runs.
func (g *gateway) connect(ctx context.Context, gen *generation, b broker, kept *link) *link {
	l := kept
	if l == nil {
		labels, sleeps := added(gen.plan)
		l = &link{files: stamps(b.Files()...)}
		var handlers []mqtt.Handler
		if b.export != "" {
			l.exports = g.newExporter(gen.plan, b.export)
			handlers = l.exports.handlers()
		}
		l.connection = mqtt.NewWith(mqtt.Options{Broker: b.Broker, Gateway: gen.plan.Config.Gateway, Topics: b.topics, Sources: b.sources, Handlers: handlers,
			Names: gen.found.names, Labels: labels, Sleeps: sleeps, Accept: source{g.hub, home.ClassMQTT}.Accept, Last: g.hub.Last, Log: g.o.Log,
			Stream:   func() mqtt.Accept { return classed(home.ClassMQTT, g.hub.Stream()) },
			Discover: func(d mqtt.Discovered) { l.discovered(g, d) }})
	}
	l.gen, l.ctx = gen, ctx
	if l.exports != nil && !g.o.NoMQTT {
		gen.devices.Go(func() { l.exports.run(ctx, l.connection) })
	}
	return l
}

// doorsAt makes the doors of the devices at a broker: of those on plain topics, and of those that
// were discovered there before, which can be commanded before they have been announced again.
func (g *gateway) doorsAt(gen *generation, b broker, l *link, doors map[string]control.Device) {
	for name, t := range b.topics {
		properties := []home.Property{t.Property()}
		doors[name] = control.Device{Properties: properties, Actuator: settable(properties, topicActuator{l.connection, name}), Verify: topicVerify}
	}
	for _, d := range gen.found.on(l) {
		doors[d.Name] = g.doorTo(gen, l, d)
	}
	for _, s := range b.sources {
		for _, known := range g.hub.Devices("#") {
			if known.Via == b.Via(s) && gen.found.keeps(known) && gen.found.link(known.Name) != l {
				d := mqtt.Discovered{Name: known.Name, Properties: known.Properties}
				doors[d.Name] = g.doorTo(gen, l, d)
				gen.found.move(d, l)
			}
		}
	}
}

// doorTo furnishes a discovered device and makes its door. A device whose safety cannot
// be applied cannot be set.
func (g *gateway) doorTo(gen *generation, l *link, found mqtt.Discovered) control.Device {
	name, properties := found.Name, found.Properties
	var faults home.Faults
	f := gen.plan.furnish(name, properties, gen.plan.house(), &faults)
	d := control.Device{Properties: properties, Actuator: topicActuator{l.connection, name}, Verify: topicVerify, Reapply: f.reapply, Safety: f.safety}
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
	g.hub.Filter(name, properties, withSpans(f.filters, found))
	g.hub.ExpectOf(name, f.staleAfter)
	return d
}

// discovered takes a device that came, has changed or has left. It is called by the
// connection's goroutine, before the house is told.
func (g *gateway) discovered(ctx context.Context, gen *generation, l *link, d mqtt.Discovered) {
	if d.Removed {
		if gen.found.link(d.Name) != l {
			return // it has moved elsewhere meanwhile
		}
		gen.found.forget(d.Name)
		g.control.Remove(d.Name)
		g.hub.Filter(d.Name, nil, nil)
		g.hub.ExpectOf(d.Name, 0)
		return
	}
	g.control.Add(d.Name, g.doorTo(gen, l, d))
	switch was := gen.found.move(d, l); was {
	case l:
	case nil:
		gen.devices.Go(func() { g.report("control", g.control.Serve(ctx, d.Name)) })
	default:
		was.connection.Forget(d.Name)
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
