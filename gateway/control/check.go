package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"hogar/gateway/home"
)

// check says why the command is not taken, as an outcome, or turns its values
// into the properties' own and returns nil. The lock is held.
func (c *Control) check(cmd *home.Command) *home.Outcome {
	d := c.devices[cmd.Device]
	if d == nil {
		return c.unknownDevice(cmd.Device)
	}
	if len(cmd.Set) == 0 {
		return rejected("the command sets nothing", "set at least one of "+strings.Join(d.settable(), ", "))
	}
	set := make(home.Settings, 0, len(cmd.Set))
	for _, s := range cmd.Set {
		p, problem := d.property(cmd.Device, s.Property)
		if problem != nil {
			return problem
		}
		v, err := p.Accept(s.Value)
		if err != nil {
			return rejected(fmt.Sprintf("%s: %v", home.Join(cmd.Device, p.Name), err), allowed(p))
		}
		set = append(set, home.Setting{Property: p.Name, Value: v})
	}
	cmd.Set = set
	if c.expired(cmd) {
		return &home.Outcome{Result: home.Expired, Error: "its time was over when it came"}
	}
	return nil
}

func rejected(problem, hint string) *home.Outcome {
	return &home.Outcome{Result: home.Rejected, Error: problem, Hint: hint}
}

func (c *Control) unknownDevice(name string) *home.Outcome {
	var settable []string
	for _, n := range slices.Sorted(maps.Keys(c.devices)) {
		if len(c.devices[n].settable()) > 0 {
			settable = append(settable, n)
		}
	}
	hint := "devices that can be set: " + strings.Join(settable, ", ")
	if near := home.Nearest(name, slices.Sorted(maps.Keys(c.devices))); near != "" {
		hint = "did you mean " + near + "?"
	}
	return rejected(fmt.Sprintf("there is no device %q", name), hint)
}

// property finds the settable property of that name.
func (d *device) property(device, name string) (home.Property, *home.Outcome) {
	for _, p := range d.Properties {
		if p.Name != name {
			continue
		}
		if !p.Settable || d.Actuator == nil {
			return p, rejected(home.Join(device, name)+" cannot be set", d.settableHint(device))
		}
		return p, nil
	}
	return home.Property{}, rejected(fmt.Sprintf("%s has no property %q", device, name), d.settableHint(device))
}

func (d *device) settable() []string {
	var names []string
	for _, p := range d.Properties {
		if p.Settable && d.Actuator != nil {
			names = append(names, p.Name)
		}
	}
	return names
}

func (d *device) settableHint(device string) string {
	if names := d.settable(); len(names) > 0 {
		return "what can be set: " + strings.Join(names, ", ")
	}
	return "nothing of " + device + " can be set"
}

// allowed says what values p takes.
func allowed(p home.Property) string {
	switch p.Type {
	case home.TypeBoolean:
		return "send on, off or toggle"
	case home.TypeNumber:
		if r := p.Range(); r != "" {
			return "send a number " + r
		}
		return "send a number"
	case home.TypeChoice:
		return "send one of " + strings.Join(p.Options, ", ")
	}
	return "send a value of type " + string(p.Type)
}
