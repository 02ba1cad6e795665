package gateway

import (
	"context"

	"hogar/gateway/control"
	"hogar/gateway/home"
)

// varsHouse is the house with the variables of the rules as one more device.
type varsHouse struct {
	names
	vars []home.Property
}

// Property returns the property of a full name, a variable's too.
func (h varsHouse) Property(name string) (home.Property, bool) {
	if device, property := home.Split(name); device == home.Vars {
		for _, v := range h.vars {
			if v.Name == property {
				return v, true
			}
		}
	}
	return h.names.Property(name)
}

// varsDriver is what the catalog says drives the variables.
const varsDriver = "variable"

// varsDoor makes the variables a device that can be set.
func varsDoor(vars []home.Property) control.Device {
	return control.Device{Properties: vars, Actuator: variables{}}
}

// variables is the actuator of the variables: a record is all that it takes.
type variables struct{}

// Set returns the record that sets the variable, and the reading that tells of it.
func (variables) Set(_ context.Context, property string, v home.Value) ([]home.Event, error) {
	return []home.Event{
		{Kind: home.KindReading, Device: home.Vars, Property: property, Value: v},
		{Kind: home.KindVariable, Name: property, Value: v},
	}, nil
}

// furnishVars tells the catalog of the variables and, where it differs from what
// was told last, their values.
func (g *gateway) furnishVars(plan *Plan) []home.Event {
	events := []home.Event{
		{Kind: home.KindCatalog, Device: home.Vars, Catalog: &home.Catalog{Driver: varsDriver, Properties: plan.vars}},
		{Kind: home.KindStatus, Device: home.Vars, State: home.Online},
	}
	for _, v := range plan.vars {
		if ev, news := g.rules.told(v.Name); news {
			events = append(events, ev)
		}
	}
	return events
}

// told returns the reading of a variable, and whether it is news. The engine's
// value counts, which may be newer than the record at hand: rules set it at once.
func (r *ruleset) told(variable string) (ev home.Event, news bool) {
	v := r.engine.Variable(variable)
	return home.Event{Kind: home.KindReading, Device: home.Vars, Property: variable, Value: v},
		v.Known() && r.hub.Last(home.Vars, variable) != v
}
