package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"hogar/gateway/home"
)

// Names is what the configuration is checked against.
type Names interface {
	Property(name string) (home.Property, bool) // by its full name
	Device(name string) bool
	Names() []string // all full names and all devices, for "did you mean"
}

// DecodeGroups reads groups: {downstairs: [hall.lamp, kitchen.lamp]}. more are
// the groups that the devices' own entries name, each with its devices. n may be nil.
func DecodeGroups(n *home.Node, more map[string][]string, names Names, faults *home.Faults) map[string][]string {
	groups := make(map[string][]string)
	d := home.NewDecoder(n, faults)
	for _, p := range d.Node.Pairs {
		checkWhole(p, "group", names, faults)
		members := d.Texts(p.Key)
		for i, m := range members {
			switch {
			case !names.Device(m):
				noDevice(item(p.Value, i), m, names, faults)
			case slices.Contains(members[:i], m):
				faults.At(item(p.Value, i), "", "%s is in the group twice", m)
			}
		}
		if len(members) == 0 {
			faults.At(p.Value, "like [hall.lamp, kitchen.lamp]", "%s is a group without devices", p.Key)
			continue
		}
		groups[p.Key] = members
	}
	for _, group := range slices.Sorted(maps.Keys(more)) {
		for _, m := range more[group] {
			if !slices.Contains(groups[group], m) {
				groups[group] = append(groups[group], m)
			}
		}
	}
	return groups
}

// noDevice tells that there is no such device, or none yet.
func noDevice(n *home.Node, device string, names Names, faults *home.Faults) {
	f := home.Fault{Path: n.Path, Message: "there is no device " + device, Hint: near(device, names.Names())}
	if open(names, device) {
		f.Message, f.Warning = home.NotYet(device), true
	}
	faults.Add(f)
}

// open reports whether a device, of which nothing is known, may still be discovered.
func open(names Names, device string) bool {
	o, ok := names.(interface{ Open(device string) bool })
	return ok && o.Open(device)
}

// item is the i-th item of a list, or the single value that stands for a list.
func item(n *home.Node, i int) *home.Node {
	if i < len(n.Items) {
		return n.Items[i]
	}
	return n
}

// checkWhole checks the name of a group or a scene.
func checkWhole(p home.Pair, what string, names Names, faults *home.Faults) {
	fault := func(hint, format string, args ...any) {
		faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	if err := home.CheckDevice(p.Key); err != nil {
		fault("", "the name of a %s: %v", what, err)
		return
	}
	if _, property := names.Property(p.Key); property || names.Device(p.Key) {
		fault("give it another name", "%s is the name of a %s and of a device or its property", p.Key, what)
	}
}

// DecodeScenes reads scenes: {wake_up: {bedroom.blind.position: 100}}. What a
// scene sets is checked by the rules, which have the same language; here are told
// only names that mean two things. n may be nil.
func DecodeScenes(n *home.Node, groups map[string][]string, names Names, faults *home.Faults) map[string]Scene {
	scenes := make(map[string]Scene)
	if n == nil || n.Kind != home.NodeMap {
		return scenes
	}
	for _, p := range n.Pairs {
		if _, is := groups[p.Key]; is {
			faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: p.Key + " is the name of a scene and of a group", Hint: "give it another name"})
		} else if home.CheckDevice(p.Key) == nil {
			checkWhole(p, "scene", names, faults)
		}
		scenes[p.Key] = decodeScene(p.Value, groups, names)
	}
	return scenes
}

func decodeScene(n *home.Node, groups map[string][]string, names Names) Scene {
	var scene Scene
	for _, p := range n.Pairs {
		device, property := home.Split(p.Key)
		members, group := groups[device]
		if !group {
			members = []string{device}
		}
		for _, m := range members {
			prop, ok := names.Property(home.Join(m, property))
			v, err := prop.Accept(home.TextOf(p.Value.Text))
			if !ok && open(names, m) && p.Value.Kind == home.NodeScalar && !strings.HasPrefix(p.Value.Text, "=") {
				scene.add(m, home.Setting{Property: property, Value: home.TextOf(p.Value.Text)})
				continue
			}
			if !ok || err != nil || p.Value.Kind != home.NodeScalar {
				scene.Computed = p.Key // or wrong, which the rules tell
				continue
			}
			scene.add(m, home.Setting{Property: property, Value: v})
		}
	}
	return scene
}

func (s *Scene) add(device string, set home.Setting) {
	i := slices.IndexFunc(s.Sets, func(w Wish) bool { return w.Device == device })
	if i < 0 {
		i = len(s.Sets)
		s.Sets = append(s.Sets, Wish{Device: device})
	}
	s.Sets[i].Set = append(s.Sets[i].Set, set)
}

// DecodeAccess reads access: {amqp:app: [hall.lamp], rule: {set: "#"}}; nil when
// it is absent.
func DecodeAccess(n *home.Node, faults *home.Faults) *Access {
	if n == nil {
		return nil
	}
	d := home.NewDecoder(n, faults)
	a := &Access{}
	for _, p := range d.Node.Pairs {
		checkSource(p, faults)
		g := Grant{Source: p.Key, Patterns: make(map[string][]string)}
		if p.Value.Kind == home.NodeMap {
			verbs := home.NewDecoder(p.Value, faults)
			for _, verb := range []string{VerbSet, VerbGet, VerbMeasure} {
				g.Patterns[verb] = verbs.Texts(verb)
			}
			verbs.Done()
		} else {
			g.Patterns[VerbSet] = d.Texts(p.Key)
		}
		for verb, patterns := range g.Patterns {
			checkPatterns(p, verb, patterns, faults)
		}
		a.Grants = append(a.Grants, g)
	}
	return a
}

func checkSource(p home.Pair, faults *home.Faults) {
	fault := func(hint, message string) {
		faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: message, Hint: hint})
	}
	kind, who, named := strings.Cut(p.Key, ":")
	known := make([]string, len(kinds))
	for i, k := range kinds {
		known[i] = k.name
	}
	switch {
	case !slices.Contains(known, kind):
		fault("write amqp:USER, cli:USER, web:USER, rule:NAME, mqtt, or the first word alone for all of them", "'"+p.Key+"' is no sender of commands")
	case named && who == "":
		fault("write "+kind+" for all of them", "'"+p.Key+"' names nobody")
	case p.Key == anonymous:
		fault("senders give the property user_id, which RabbitMQ checks", "who has no name has no rights")
	}
}

func checkPatterns(p home.Pair, verb string, patterns []string, faults *home.Faults) {
	for _, pattern := range patterns {
		for word := range strings.SplitSeq(pattern, ".") {
			if word == "*" || word == "#" || home.CheckWord(word) == nil {
				continue
			}
			at := p.Value
			if of := at.Get(verb); of != nil {
				at = of
			}
			faults.At(at, "like hall.lamp, hall.*.state or #", "'%s' is no pattern of names", pattern)
			break
		}
	}
}

// near is the hint for a name that does not exist.
func near(name string, names []string) string {
	if like := home.Nearest(name, names); like != "" {
		return "did you mean " + like + "?"
	}
	return ""
}
