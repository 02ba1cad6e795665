package rules

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// value is plain, or computed when the step is done.
type value struct {
	plain home.Value
	prog  *expr.Program
	tree  *tree // of an object with something computed in it
}

func (v value) eval(e *expr.Env) home.Value {
	if v.prog != nil {
		return v.prog.Eval(e)
	}
	if v.tree != nil {
		got, _ := home.ParseValue(v.tree.eval(e)) // a tree is always JSON
		return got
	}
	return v.plain
}

// Literal reads a scalar as JSON has it: a number, true, false, null, else a
// text. What stands in quotes is always a text.
func Literal(n *home.Node) home.Value {
	if n.Kind != home.NodeScalar {
		return home.Value{}
	}
	if n.Quote {
		return home.TextOf(n.Text)
	}
	switch n.Text {
	case "true":
		return home.BooleanOf(true)
	case "false":
		return home.BooleanOf(false)
	case "null", "~", "":
		return home.Value{}
	}
	if f, err := strconv.ParseFloat(n.Text, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) &&
		(n.Text[0] == '-' || n.Text[0] == '.' || n.Text[0] >= '0' && n.Text[0] <= '9') {
		return home.NumberOf(f)
	}
	return home.TextOf(n.Text)
}

// setting is one property to be set.
type setting struct {
	name, device string
	prop         home.Property
	value        value
}

// settings reads {NAME: VALUE, …}; a group stands for its devices.
func (l *loader) settings(n *home.Node, s *expr.Scope) []setting {
	if n.Kind != home.NodeMap {
		l.faults.At(n, "write {hall.lamp.state: on}", "%s, expected a map of names and values", n.Describe())
		return nil
	}
	if i := commaSlip(n); i >= 0 {
		l.decoder(n)
		return nil
	}
	if len(n.Pairs) == 0 {
		l.faults.At(n, "write {hall.lamp.state: on}", "nothing is set")
	}
	var list []setting
	for _, p := range n.Pairs {
		device, property := home.Split(p.Key)
		members, isGroup := s.Groups[device]
		if !isGroup {
			members = []string{device}
		}
		for _, member := range members {
			one, ok := l.setting(p, home.Join(member, property), s)
			if !ok {
				break // of a group one fault is enough
			}
			if slices.ContainsFunc(list, func(o setting) bool { return o.name == one.name }) {
				l.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: one.name + " is set twice"})
			}
			list = append(list, one)
		}
	}
	return list
}

func (l *loader) setting(p home.Pair, name string, s *expr.Scope) (setting, bool) {
	device, property := home.Split(name)
	prop, ok := l.house.Property(name)
	if !ok {
		l.unknownName(p, name)
		return setting{}, false
	}
	if expr.MayCome(l.house, device) {
		l.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Warning: true, Message: home.NotYet(name), Hint: near(name, l.house.Names())})
	}
	if !prop.Settable {
		l.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: name + " cannot be set: it is only read"})
		return setting{}, false
	}
	v, ok := l.settingValue(p.Value, prop, s)
	prop.Name = property
	return setting{name: name, device: device, prop: prop, value: v}, ok
}

func (l *loader) settingValue(n *home.Node, prop home.Property, s *expr.Scope) (value, bool) {
	if src, offset, computed := formula(n); computed {
		prog, faults := expr.Compile(src, expr.Want{Property: &prop}, s)
		l.add(n, offset, faults)
		return value{prog: prog}, prog != nil
	}
	if (prop.Type == home.TypeObject || prop.Type == "") && n.Kind == home.NodeMap {
		t := body(l, n, s)
		return value{tree: &t}, true
	}
	if prop.Type == "" && n.Kind == home.NodeScalar {
		return value{plain: Literal(n)}, true
	}
	text, ok := l.text(n, prop.Name, string(prop.Type))
	if !ok {
		return value{}, false
	}
	got, err := prop.Accept(home.TextOf(text))
	if err != nil {
		hint := near(text, prop.Options)
		if _, named := l.house.Property(text); named {
			hint = "computed values begin with =, as in: = " + text
		}
		l.faults.At(n, hint, "%s: %s", prop.Name, err)
		return value{}, false
	}
	return value{plain: got}, true
}

// unknownName tells what was probably meant by the key of p.
func (l *loader) unknownName(p home.Pair, name string) {
	names := l.house.Names()
	device, property := home.Split(name)
	f := home.Fault{Path: p.Value.Path, OnKey: true, Message: "there is no " + name, Hint: near(name, names)}
	switch {
	case l.house.Device(name):
		f.Message = name + " is a device"
		f.Hint = "name one of its properties"
	case l.house.Device(device):
		f.Message = device + " has no property " + property
		var own []string
		for _, s := range names {
			if d, prop := home.Split(s); d == device && !l.house.Device(s) {
				own = append(own, prop)
			}
		}
		f.Hint = near(property, own)
	}
	l.faults.Add(f)
}

// tree is the body of a message: a value, a list or a map.
type tree struct {
	value value
	list  []tree
	keys  []string // of a map, as long as list
	isMap bool
}

// body reads a value, or a list or map of such, plain or computed.
func body(l *loader, n *home.Node, s *expr.Scope) tree {
	switch n.Kind {
	case home.NodeMap:
		t := tree{isMap: true}
		if commaSlip(n) >= 0 {
			l.decoder(n)
			return t
		}
		for _, p := range n.Pairs {
			t.keys = append(t.keys, p.Key)
			t.list = append(t.list, body(l, p.Value, s))
		}
		return t
	case home.NodeList:
		t := tree{list: []tree{}}
		for _, item := range n.Items {
			t.list = append(t.list, body(l, item, s))
		}
		return t
	}
	return tree{value: l.anyValue(n, s)}
}

// anyValue reads a plain or computed value of any type.
func (l *loader) anyValue(n *home.Node, s *expr.Scope) value {
	if n.Slip != "" && n.Kind == home.NodeNull {
		l.text(n, "the value", "a value")
		return value{}
	}
	src, offset, computed := formula(n)
	if !computed {
		return value{plain: Literal(n)}
	}
	prog, faults := expr.Compile(src, expr.Want{Any: true}, s)
	l.add(n, offset, faults)
	return value{prog: prog}
}

// eval makes what encoding/json writes; unknown becomes null.
func (t tree) eval(e *expr.Env) json.RawMessage {
	switch {
	case t.isMap:
		dst := []byte{'{'}
		for i, one := range t.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(home.TextOf(t.keys[i]).AppendJSON(dst), ':')
			dst = append(dst, one.eval(e)...)
		}
		return append(dst, '}')
	case t.list != nil:
		dst := []byte{'['}
		for i, one := range t.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, one.eval(e)...)
		}
		return append(dst, ']')
	}
	return t.value.eval(e).AppendJSON(nil)
}
