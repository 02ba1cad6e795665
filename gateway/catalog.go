package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"hogar/gateway/control"
	"hogar/gateway/home"
)

// WriteCatalog writes the discovered ones of devices as a catalog file.
func WriteCatalog(w io.Writer, devices []home.DeviceState) error {
	var b bytes.Buffer
	b.WriteString("# Discovered devices, for catalog: in the configuration. Made by hogar devices --catalog.\ndevices:")
	count := 0
	for _, d := range devices {
		if d.ID == "" {
			continue
		}
		count++
		fmt.Fprintf(&b, "\n  %s:\n    id: %s\n    via: %s\n    label: %s\n    driver: %s\n    properties:", d.Name, quoted(d.ID), quoted(d.Via), quoted(d.Label), d.Driver)
		for _, p := range d.Properties {
			fmt.Fprintf(&b, "\n      - %s", quoted(p))
		}
	}
	if count == 0 {
		b.WriteString(" {}")
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

// quoted is v as JSON, which YAML reads, too.
func quoted(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // texts and properties always encode
	return bytes.TrimSpace(b.Bytes())
}

// planCatalog reads the file of discovered devices.
func (p *Plan) planCatalog(d *home.Decoder) {
	if d == nil {
		return
	}
	if devices := d.Map("devices"); devices != nil {
		for _, pair := range devices.Node.Pairs {
			if err := home.CheckDevice(pair.Key); err != nil {
				d.Faults.Add(home.Fault{Path: pair.Value.Path, OnKey: true, Message: err.Error()})
				continue
			}
			entry := devices.Map(pair.Key)
			if entry == nil {
				continue
			}
			c := home.Catalog{ID: entry.Text("id", ""), Via: entry.Text("via", ""), Label: entry.Text("label", ""), Driver: entry.Text("driver", "")}
			for _, n := range entry.List("properties") {
				c.Properties = append(c.Properties, home.DecodeProperty(home.NewDecoder(n, d.Faults)))
			}
			entry.Done()
			p.catalog[pair.Key] = c
		}
	}
	d.Done()
}

// checkCatalog finds devices that the configuration has with a driver of its own, and what
// the configuration adds to one and does not fit.
func (p *Plan) checkCatalog(faults *home.Faults) {
	for _, d := range p.devices {
		if _, ok := p.catalog[d.Name]; ok {
			faults.Add(home.Fault{Path: []string{"devices", d.Name}, OnKey: true, Warning: true, Hint: "take one of them out",
				Message: fmt.Sprintf("%s is in the catalog as a discovered device, too", d.Name)})
			delete(p.catalog, d.Name)
		}
	}
	house := p.house()
	for _, name := range slices.Sorted(maps.Keys(p.catalog)) {
		p.furnish(name, p.catalog[name].Properties, house, faults)
	}
	for _, name := range slices.Sorted(maps.Keys(p.furnished)) {
		if _, ok := p.catalog[name]; !ok {
			filters := p.furnished[name].Filters
			decodeFilters(filters, name, filtered(filters), faults)
		}
	}
}

// filtered are the properties that have filters, of a device that nobody knows yet: a number may
// have every filter.
func filtered(filters *home.Node) (list []home.Property) {
	if filters != nil {
		for _, pair := range filters.Pairs {
			list = append(list, home.Property{Name: pair.Key, Type: home.TypeNumber})
		}
	}
	return list
}

// plain is a device of the catalog in a house that is simulated: its values are what
// they are set to.
type plain struct {
	device     string
	properties []home.Property
}

// Set makes the value that of the property.
func (x plain) Set(_ context.Context, property string, v home.Value) ([]home.Event, error) {
	ev := home.Event{Kind: home.KindReading, Device: x.device, Property: property, Value: v}
	for _, p := range x.properties {
		if p.Name == property {
			ev.Unit = p.Unit
			if p.Type == home.TypeEvent {
				ev.Kind = home.KindEvent
			}
		}
	}
	return []home.Event{ev}, nil
}

// simulateCatalog makes the doors to the devices of the catalog, where their sources are
// not contacted. All their properties can be set, so that a person can play the sensor.
func (g *gateway) simulateCatalog(gen *generation, doors map[string]control.Device) {
	for name, c := range gen.plan.catalog {
		properties := slices.Clone(c.Properties)
		for i := range properties {
			properties[i].Settable = true
		}
		c.Properties = properties
		var faults home.Faults
		f := gen.plan.furnish(name, properties, gen.plan.house(), &faults) // which check has told
		doors[name] = control.Device{Properties: properties, Actuator: plain{name, properties}, Safety: f.safety, Reapply: f.reapply}
		g.hub.Filter(name, properties, f.filters)
		gen.simulated[name] = c
	}
}
