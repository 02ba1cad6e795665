package control

import (
	"math"
	"strconv"
	"strings"
	"time"

	"hogar/gateway/home"
)

// The spans that safety: takes.
const (
	spanLeast = 100 * time.Millisecond
	spanMost  = 365 * 24 * time.Hour
)

// safetyDecoder reads the safety: of one device.
type safetyDecoder struct {
	*home.Decoder
	device     string
	properties []home.Property
	names      Names
}

// DecodeSafety reads the safety: of a device with these properties; nil when it
// is absent.
func DecodeSafety(n *home.Node, device string, properties []home.Property, names Names, faults *home.Faults) *Safety {
	if n == nil {
		return nil
	}
	d := safetyDecoder{home.NewDecoder(n, faults), device, properties, names}
	s := &Safety{
		Switch: Switch(properties),
		MaxOn:  d.Duration("max_on", 0, spanLeast, spanMost),
		MinOn:  d.Duration("min_on", 0, spanLeast, spanMost),
		MinOff: d.Duration("min_off", 0, spanLeast, spanMost),
	}
	if s.Switch == "" {
		for _, key := range []string{"max_on", "min_on", "min_off", "interlock"} {
			if d.Get(key) != nil {
				d.Fault(key, "it is for a property that is on or off", "%s has nothing to switch", device)
			}
		}
	}
	if s.MaxOn > 0 && s.MinOn >= s.MaxOn {
		d.Fault("min_on", "", "min_on is %s, and max_on switches off after %s", home.FormatDuration(s.MinOn), home.FormatDuration(s.MaxOn))
	}
	s.Interlock = d.interlock()
	s.Rate.Most, s.Rate.Within = d.Rate("rate", 1000, spanLeast, spanMost)
	s.Range = d.ranges()
	s.OnStale = d.reaction("on_stale", "for", s)
	s.OnLoss = d.reaction("on_broker_loss", "after", s)
	d.Done()
	return s
}

func (d safetyDecoder) interlock() []string {
	var others []string
	for _, n := range d.List("interlock") {
		switch {
		case n.Kind != home.NodeScalar:
			d.Faults.At(n, "like [cellar.cooler]", "this is %s, expected the name of a device", n.Describe())
		case n.Text == d.device:
			d.Faults.At(n, "", "%s cannot exclude itself", d.device)
		case open(d.names, n.Text): // it is excluded when it comes
			others = append(others, n.Text)
		case !d.names.Device(n.Text):
			d.Faults.At(n, near(n.Text, d.names.Names()), "there is no device %s", n.Text)
		case !d.switches(n.Text):
			d.Faults.At(n, "", "%s is nothing that can be switched on and off", n.Text)
		default:
			others = append(others, n.Text)
		}
	}
	return others
}

// switches reports whether the device has a property to be switched.
func (d safetyDecoder) switches(device string) bool {
	for _, full := range d.names.Names() {
		of, _ := home.Split(full)
		p, ok := d.names.Property(full)
		if ok && of == device && p.Type == home.TypeBoolean && p.Settable {
			return true
		}
	}
	return false
}

// ranges reads {brightness: 10..80}.
func (d safetyDecoder) ranges() map[string]Range {
	m := d.Map("range")
	if m == nil {
		return nil
	}
	ranges := make(map[string]Range)
	for _, p := range m.Node.Pairs {
		prop, ok := d.property(p.Key)
		if !ok || prop.Type != home.TypeNumber || !prop.Settable {
			d.Faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: d.device + " has no number " + p.Key + " that can be set",
				Hint: near(p.Key, d.numbers())})
			continue
		}
		least, most, two := strings.Cut(m.Text(p.Key, ""), "..")
		a, errA := strconv.ParseFloat(least, 64)
		b, errB := strconv.ParseFloat(most, 64)
		if !two || errA != nil || errB != nil || math.IsNaN(a+b) || math.IsInf(a+b, 0) || a > b {
			d.Faults.At(p.Value, "", "%s is %s, expected two numbers like 10..80", p.Key, p.Value.Describe())
			continue
		}
		ranges[p.Key] = Range{a, b}
	}
	return ranges
}

func (d safetyDecoder) numbers() []string {
	var names []string
	for _, p := range d.properties {
		if p.Type == home.TypeNumber && p.Settable {
			names = append(names, p.Name)
		}
	}
	return names
}

func (d safetyDecoder) property(name string) (home.Property, bool) {
	for _, p := range d.properties {
		if p.Name == name {
			return p, true
		}
	}
	return home.Property{}, false
}

// reaction reads {name: cellar.probe.temperature, for: 10m, then: off}; that of
// the broker has no name.
func (d safetyDecoder) reaction(key, span string, s *Safety) Reaction {
	m := d.Map(key)
	if m == nil {
		return Reaction{}
	}
	var r Reaction
	required := []string{span, "then"}
	if key == "on_stale" {
		required = append(required, "name")
		r.Name = m.Text("name", "")
		of, _ := home.Split(r.Name)
		if _, ok := d.names.Property(r.Name); !ok && r.Name != "" && !open(d.names, of) {
			m.Fault("name", near(r.Name, d.names.Names()), "there is no %s", r.Name)
		}
	}
	m.Require(required...)
	r.After = m.Duration(span, 0, time.Second, spanMost)
	r.Then = d.then(m, s)
	m.Done()
	return r
}

// then reads what is set: one value for the switch, or a map of properties.
func (d safetyDecoder) then(m *home.Decoder, s *Safety) home.Settings {
	n := m.Get("then")
	switch {
	case n == nil:
		return nil
	case n.Kind == home.NodeMap:
		var set home.Settings
		for _, p := range n.Pairs {
			set = append(set, d.setting(p.Key, p.Value, s)...)
		}
		return set
	case s.Switch == "":
		d.Faults.At(n, "like {position: 0}", "%s has nothing to switch, so then is a map of properties", d.device)
		return nil
	}
	return d.setting(s.Switch, n, s)
}

func (d safetyDecoder) setting(property string, n *home.Node, s *Safety) home.Settings {
	p, ok := d.property(property)
	if !ok || !p.Settable {
		d.Faults.Add(home.Fault{Path: n.Path, OnKey: true, Message: d.device + " has no " + property + " that can be set"})
		return nil
	}
	v, err := p.Accept(home.TextOf(n.Text))
	set := home.Setting{Property: property, Value: v}
	switch problem := s.allows(d.device, set); {
	case n.Kind != home.NodeScalar || err != nil || v == home.Toggle:
		d.Faults.At(n, "", "%s cannot be %s here", property, n.Describe())
	case problem != nil:
		d.Faults.At(n, problem.Hint, "%s", problem.Error)
	default:
		return home.Settings{set}
	}
	return nil
}
