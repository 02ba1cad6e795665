package gateway

import (
	"maps"
	"slices"

	"hogar/gateway/home"
)

// names is the house as the rules are checked against it.
type names struct {
	properties map[string]home.Property // by full name
	devices    map[string]bool
	known      map[string]bool // devices of which the properties are known
	open       bool            // devices may come that nobody knows yet
}

func (p *Plan) house() names {
	n := names{make(map[string]home.Property), make(map[string]bool), make(map[string]bool), p.discovers()}
	for name := range p.furnished {
		n.devices[name] = true
	}
	for name, c := range p.catalog {
		n.devices[name], n.known[name] = true, true
		for _, property := range c.Properties {
			n.properties[home.Join(name, property.Name)] = property
		}
	}
	for _, d := range p.devices {
		n.devices[d.Name], n.known[d.Name] = true, true
		for _, property := range d.properties() {
			n.properties[home.Join(d.Name, property.Name)] = property
		}
	}
	return n
}

// Property returns the property of a full name.
func (n names) Property(name string) (home.Property, bool) {
	p, ok := n.properties[name]
	return p, ok
}

// Open reports whether a device, of which nothing is known, may still be discovered.
func (n names) Open(device string) bool { return n.open && !n.known[device] }

// Device reports whether there is a device of that name.
func (n names) Device(name string) bool { return n.devices[name] }

// Names lists all full names and all devices.
func (n names) Names() []string {
	return slices.Sorted(slices.Values(slices.AppendSeq(slices.Collect(maps.Keys(n.properties)), maps.Keys(n.devices))))
}
