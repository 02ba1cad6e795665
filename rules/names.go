package rules

import (
	"slices"
	"strings"

	"hogar/gateway/home"
)

// variable is one of vars:, kept by the engine.
type variable struct {
	home.Property
	start home.Value
}

// holds reports whether v is a value of the variable as it is now.
func (v *variable) holds(value home.Value) bool {
	got, err := v.Accept(value)
	return err == nil && got == value
}

// names is the house together with the variables.
type names struct {
	House
	vars []*variable
}

// Variables reads vars: and returns what is right in it, as properties of the
// device [home.Vars]; [Load] tells what is not. n may be nil.
func Variables(n *home.Node) []home.Property {
	l := &loader{house: &names{}, faults: &home.Faults{}}
	l.loadVars(n)
	var list []home.Property
	for _, v := range l.house.vars {
		list = append(list, v.Property)
	}
	return list
}

// Variable returns the present value of a variable; unknown: there is none.
func (e *Engine) Variable(name string) home.Value {
	if w := e.names[nameKey{home.Vars, name}]; w != nil && w.slot >= 0 {
		return e.env.Slots[w.slot].Value
	}
	return home.Value{}
}

func (n *names) find(name string) *variable {
	word, ok := strings.CutPrefix(name, home.Vars+".")
	if !ok {
		return nil
	}
	i := slices.IndexFunc(n.vars, func(v *variable) bool { return v.Name == word })
	if i < 0 {
		return nil
	}
	return n.vars[i]
}

// Property looks among the variables first.
func (n *names) Property(name string) (home.Property, bool) {
	if v := n.find(name); v != nil {
		return v.Property, true
	}
	return n.House.Property(name)
}

// Names has the variables, too.
func (n *names) Names() []string {
	list := slices.Clone(n.House.Names())
	for _, v := range n.vars {
		list = append(list, home.Join(home.Vars, v.Name))
	}
	return list
}

// loadVars reads vars: a name and its first value, or a map of options and start.
func (l *loader) loadVars(n *home.Node) {
	if n == nil || n.Kind == home.NodeNull {
		return
	}
	if n.Kind != home.NodeMap {
		l.faults.At(n, "write guests: off", "%s, expected a map of variables", n.Describe())
		return
	}
	for _, p := range n.Pairs {
		if err := home.CheckWord(p.Key); err != nil {
			l.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: "the name of a variable: " + err.Error()})
		}
		if v := l.variable(p); v != nil {
			l.house.vars = append(l.house.vars, v)
		}
	}
}

func (l *loader) variable(p home.Pair) *variable {
	v := &variable{Property: home.Property{Name: p.Key, Settable: true}}
	switch p.Value.Kind {
	case home.NodeScalar:
		v.start = Literal(p.Value)
		switch v.start.String() {
		case "on", "true", "off", "false":
			if !p.Value.Quote {
				v.start = home.BooleanOf(v.start.String() == "on" || v.start.String() == "true")
			}
		}
		v.Type = map[home.ValueKind]home.Type{home.Number: home.TypeNumber, home.Boolean: home.TypeBoolean,
			home.Text: home.TypeText}[v.start.Kind()]
		return v
	case home.NodeMap:
		d := l.decoder(p.Value)
		d.Require("options", "start")
		v.Type, v.Options = home.TypeChoice, d.Texts("options")
		if len(v.Options) > 0 {
			v.start = home.TextOf(d.Word("start", v.Options[0], v.Options...))
		}
		d.Done()
		return v
	}
	l.faults.At(p.Value, "write guests: off, or house: {options: [day, night], start: day}",
		"%s, expected the first value of %s", p.Value.Describe(), p.Key)
	return nil
}

// loadScenes checks scenes: a name and settings, plain or computed.
func (l *loader) loadScenes(n *home.Node) {
	l.scenes = make(map[string]*home.Node)
	if n == nil || n.Kind == home.NodeNull {
		return
	}
	if n.Kind != home.NodeMap {
		l.faults.At(n, "write wake_up: {hall.lamp.state: on}", "%s, expected a map of scenes", n.Describe())
		return
	}
	s := l.scope()
	for _, p := range n.Pairs {
		if err := home.CheckDevice(p.Key); err != nil {
			l.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: "the name of a scene: " + err.Error()})
		}
		l.settings(p.Value, &s)
		l.scenes[p.Key] = p.Value
	}
}
