package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"hogar/gateway/home"
)

// normalise turns the values into the properties' own, where that is possible, so
// that the same wish is the same command. The lock is held.
func (c *Control) normalise(cmd *home.Command) {
	devices := append([]string{cmd.Device}, c.house.Groups[cmd.Device]...)
	set := make(home.Settings, len(cmd.Set))
	for i, s := range cmd.Set {
		set[i] = c.accepted(devices, s)
	}
	cmd.Set = set
	cmd.Anew = c.differs(cmd)
}

// differs reports whether doing the command a second time would differ from doing
// it once. The lock is held.
func (c *Control) differs(cmd *home.Command) bool {
	wishes := slices.Concat(c.house.Scenes[cmd.Device].Sets, []Wish{{cmd.Device, cmd.Set}})
	for _, member := range c.house.Groups[cmd.Device] {
		wishes = append(wishes, Wish{member, cmd.Set})
	}
	return slices.ContainsFunc(wishes, func(w Wish) bool {
		return slices.ContainsFunc(w.Set, func(s home.Setting) bool { return s.Value == home.Toggle || c.momentary(w.Device, s.Property) })
	})
}

// momentary reports whether a property is one that leaves no state. The lock is held.
func (c *Control) momentary(device, property string) bool {
	d := c.devices[device]
	return d != nil && slices.ContainsFunc(d.Properties, func(p home.Property) bool { return p.Name == property && p.Momentary })
}

// accepted is s as the first of the devices that has the property takes it.
func (c *Control) accepted(devices []string, s home.Setting) home.Setting {
	for _, name := range devices {
		d := c.devices[name]
		if d == nil {
			continue
		}
		for _, p := range d.Properties {
			if v, err := p.Accept(s.Value); p.Name == s.Property && err == nil {
				return home.Setting{Property: s.Property, Value: v}
			}
		}
	}
	return s
}

// check says why the command, which has been normalised, is not taken, as an
// outcome, or else returns what is to be carried out: it, or its parts. The lock
// is held.
func (c *Control) check(j *job) ([]*job, *home.Outcome) {
	cmd := &j.cmd
	if problem := c.authorise(cmd); problem != nil {
		return nil, problem
	}
	whole := c.isWhole(cmd.Device)
	var parts []home.Command
	var problem *home.Outcome
	if whole {
		parts, problem = c.split(cmd)
	} else {
		problem = c.checkDevice(cmd)
	}
	if problem == nil {
		problem = c.checkLife(cmd)
	}
	switch {
	case problem != nil:
		return nil, problem
	case whole:
		return c.fanOut(j, parts), nil
	}
	j.todo = cmd.Set
	return []*job{j}, nil
}

// checkLife looks at the deadline, and whether the command may be done twice. The
// lock is held.
func (c *Control) checkLife(cmd *home.Command) *home.Outcome {
	if expired(cmd) {
		return &home.Outcome{Result: home.Expired, Error: "its time was over when it came"}
	}
	if cmd.Redelivered && cmd.OwnID && cmd.Anew {
		return &home.Outcome{Result: home.Undecided, Error: "it was delivered before without an id, and may have acted then",
			Hint: "give commands that toggle a message_id"}
	}
	if !cmd.OwnID {
		return c.crowded(cmd.Source)
	}
	return nil
}

// checkDevice looks whether the device can do what is asked for. The lock is held.
func (c *Control) checkDevice(cmd *home.Command) *home.Outcome {
	d := c.devices[cmd.Device]
	if d == nil {
		return c.unknownDevice(cmd.Device)
	}
	if len(cmd.Set) == 0 {
		return rejected("the command sets nothing", "set at least one of "+strings.Join(d.settable(), ", "))
	}
	for _, s := range cmd.Set {
		p, problem := d.property(cmd.Device, s.Property)
		if problem != nil {
			return problem
		}
		if _, err := p.Accept(s.Value); err != nil {
			return rejected(fmt.Sprintf("%s: %v", home.Join(cmd.Device, p.Name), err), allowed(p))
		}
		if problem := d.Safety.allows(cmd.Device, s); problem != nil {
			return problem
		}
	}
	return nil
}

func rejected(problem, hint string) *home.Outcome {
	return &home.Outcome{Result: home.Rejected, Error: problem, Hint: hint}
}

func (c *Control) unknownDevice(name string) *home.Outcome {
	var settable []string // and groups, and scenes
	for _, n := range slices.Sorted(maps.Keys(c.devices)) {
		if len(c.devices[n].settable()) > 0 {
			settable = append(settable, n)
		}
	}
	for whole := range c.house.Groups {
		settable = append(settable, whole)
	}
	for whole := range c.house.Scenes {
		settable = append(settable, whole)
	}
	slices.Sort(settable)
	hint := "devices that can be set: " + strings.Join(settable, ", ")
	if near := home.Nearest(name, append(slices.Sorted(maps.Keys(c.devices)), settable...)); near != "" {
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

// sets reports whether the property can be set.
func (d *device) sets(property string) bool { return slices.Contains(d.settable(), property) }

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
