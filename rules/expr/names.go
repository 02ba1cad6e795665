package expr

import (
	"slices"
	"strings"

	"hogar/gateway/home"
)

// clockNames are the names that change as time passes.
var clockNames = map[string]struct {
	typ  typ
	eval eval
}{
	"now.time":      {typ{kind: typeTime}, nowTime},
	"now.hour":      {typ{typeNumber, &hours}, nowHour},
	"now.month":     {typ{typeNumber, &months}, nowMonth},
	"now.weekday":   {typ{typeChoice, &home.Property{Type: home.TypeChoice, Options: weekdays}}, nowWeekday},
	"sun.up":        {typ{kind: typeBoolean}, sunUp},
	"sun.elevation": {typ{kind: typeNumber}, sunElevation},
}

var (
	hours  = home.Property{Type: home.TypeNumber, Min: new(0.0), Max: new(23.0)}
	months = home.Property{Type: home.TypeNumber, Min: new(1.0), Max: new(12.0)}
)

func isSpecial(name string) bool {
	return name == "trigger" || name == "value" || name == "previous"
}

// name resolves a name and finds its type.
func (c *checker) name(n *node) typ {
	first, rest, dotted := strings.Cut(n.text, ".")
	switch {
	case isSpecial(n.text):
		return c.ofTrigger(n)
	case !dotted:
		return c.noName(n)
	case first == "message":
		if !c.scope.Message {
			return c.fault(n, "write: when: {message: {exchange: shop, key: order.placed}}", "this rule is not started by a message")
		}
		return typ{kind: typeAny}
	case first == "now" || first == "sun":
		return c.clock(n, first, rest)
	}
	p, ok := c.property(n)
	if !ok {
		return typ{}
	}
	if device, _ := home.Split(n.text); MayCome(c.scope.House, device) {
		c.warn(n, nearest(n.text, c.scope.House.Names()), "%s", home.NotYet(n.text))
	}
	c.reads(n)
	return typeOf(&p)
}

// property looks n up, and tells what is wrong with it.
func (c *checker) property(n *node) (home.Property, bool) {
	p, ok := c.scope.House.Property(n.text)
	switch {
	case !ok:
		c.noName(n)
		return p, false
	case p.Type == home.TypeEvent:
		c.fault(n, "write: when: {event: {"+n.text+": "+firstOf(p.Options)+"}}",
			"%s is momentary: it happens, and has no state", n.text)
		return p, false
	}
	return p, true
}

func (c *checker) reads(n *node) {
	n.slot = c.scope.Slots.Slot(n.text)
	if !slices.Contains(c.prog.Names, n.slot) {
		c.prog.Names = append(c.prog.Names, n.slot)
	}
}

func (c *checker) clock(n *node, first, rest string) typ {
	known, ok := clockNames[n.text]
	if !ok {
		list := map[string][]string{"now": {"time", "hour", "weekday", "month"}, "sun": {"up", "elevation"}}[first]
		hint := nearest(rest, list)
		if hint == "" {
			hint = "there is " + first + "." + strings.Join(list, ", "+first+".")
		}
		return c.fault(n, hint, "there is no %s", n.text)
	}
	if first == "sun" && !c.scope.Sun {
		c.fault(n, "write location: {latitude: …, longitude: …}", "%s needs the location of the house", n.text)
	}
	c.prog.Clock, c.prog.Wall = true, true
	return known.typ
}

func (c *checker) ofTrigger(n *node) typ {
	if n.text == "trigger" {
		if len(c.scope.Triggers) == 0 {
			return c.fault(n, "write id: word beside a trigger", "no trigger of this rule has an id")
		}
		return typ{typeChoice, &home.Property{Type: home.TypeChoice, Options: c.scope.Triggers}}
	}
	if c.scope.Value == nil {
		return c.fault(n, "name the property: a.b", "%s is there only when changed or event starts the rule", n.text)
	}
	return typeOf(c.scope.Value)
}

// noName tells that there is no such name, and what was probably meant.
func (c *checker) noName(n *node) typ {
	name := n.text
	names := c.scope.House.Names()
	device, property := home.Split(name)
	if devices, ok := c.scope.Groups[device]; ok && len(devices) > 0 {
		return c.fault(n, "write: any("+name+") or all("+name+")", "%s is a group", device)
	}
	if c.scope.House.Device(name) {
		hint := "name one of its properties"
		if i := slices.IndexFunc(names, func(s string) bool { return isOf(s, name) }); i >= 0 {
			hint = "name one of its properties, such as " + names[i]
		}
		return c.fault(n, hint, "%s is a device", name)
	}
	if home.CheckWord(strings.ReplaceAll(name, ".", "")) != nil && strings.ToLower(name) != name {
		if lower := strings.ToLower(name); slices.Contains(names, lower) {
			return c.fault(n, "write: "+lower, "names are written in lower case")
		}
	}
	if device != "" && c.scope.House.Device(device) {
		return c.fault(n, c.nearProperty(device, property, names), "%s has no property %s", device, property)
	}
	if device == "" {
		return c.fault(n, `a name has a dot: a.b; a text stands in quotes: "`+name+`"`, "there is no %s", name)
	}
	return c.fault(n, nearest(name, names), "there is no %s", name)
}

func isOf(name, device string) bool {
	d, _ := home.Split(name)
	return d == device
}

func (c *checker) nearProperty(device, property string, names []string) string {
	var own []string
	for _, s := range names {
		if d, p := home.Split(s); d == device && !c.scope.House.Device(s) {
			own = append(own, p)
		}
	}
	if hint := nearest(property, own); hint != "" || len(own) == 0 {
		return hint
	}
	return "it has " + strings.Join(own, ", ")
}
