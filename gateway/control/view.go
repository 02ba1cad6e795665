package control

import (
	"cmp"
	"slices"

	"hogar/gateway/home"
)

// Wholes returns the groups and scenes whose name, or a property's, fits pattern
// (see [home.Match]), ordered by name, as things that are commanded like devices:
// with what can be set, and their devices. They have no readings of their own.
func (c *Control) Wholes(pattern string) []home.DeviceState {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []home.DeviceState
	add := func(d home.DeviceState) {
		fits := func(p home.Property) bool { return home.Match(pattern, home.Join(d.Name, p.Name)) }
		if home.Match(pattern, d.Name) || slices.ContainsFunc(d.Properties, fits) {
			d.Readings = []home.LastReading{}
			found = append(found, d)
		}
	}
	for name, members := range c.house.Groups {
		add(home.DeviceState{Name: name, Kind: home.Group, Members: members, Properties: c.settableOf(members)})
	}
	activate := []home.Property{{Name: Activate, Type: home.TypeChoice, Options: []string{"on"}, Settable: true}}
	for name, scene := range c.house.Scenes {
		d := home.DeviceState{Name: name, Kind: home.Scene, Properties: activate}
		for _, w := range scene.Sets {
			d.Members = append(d.Members, w.Device)
		}
		add(d)
	}
	slices.SortFunc(found, func(a, b home.DeviceState) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// settableOf returns what can be set at one of the devices at least, each name once.
// The lock is held.
func (c *Control) settableOf(devices []string) []home.Property {
	found := []home.Property{}
	for _, name := range devices {
		d := c.devices[name]
		if d == nil || d.Actuator == nil {
			continue
		}
		for _, p := range d.Properties {
			has := func(q home.Property) bool { return q.Name == p.Name }
			if p.Settable && !slices.ContainsFunc(found, has) {
				found = append(found, p)
			}
		}
	}
	return found
}

// Desired returns what the commands that were obeyed made of the device: its
// desired state. What it reports are its readings.
func (c *Control) Desired(device string) home.Settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.devices[device]
	if d == nil {
		return nil
	}
	var set home.Settings
	for _, p := range d.Properties {
		if s := c.fold.shown[name{device, p.Name}]; s != nil && s.Desired.Known() && !p.Momentary {
			set = append(set, home.Setting{Property: p.Name, Value: s.Desired})
		}
	}
	return set
}
