package ruletest

import (
	"encoding/json"
	"math"
	"time"

	"hogar/gateway/home"
	"hogar/rules"
)

// input reads one word of a step that brings something into the house.
func (d *decoder) input(s *step, key string, get func(string) *home.Node) {
	switch key {
	case "read":
		if n := get(key); n != nil {
			s.inputs = append(s.inputs, d.readings(n)...)
		}
	case "online", "offline":
		n := get(key)
		if n == nil {
			return
		}
		items := []*home.Node{n}
		if n.Kind == home.NodeList {
			items = n.Items
		}
		for _, item := range items {
			if d.device(item) {
				s.inputs = append(s.inputs, input{event: home.Event{Kind: home.KindStatus, Device: item.Text, State: key}})
			}
		}
	case "message":
		if n := get(key); n != nil {
			s.inputs = append(s.inputs, d.message(n))
		}
	}
}

func (d *decoder) message(n *home.Node) input {
	in := home.NewDecoder(n, d.faults)
	in.Require("exchange", "key")
	m := &home.Message{Exchange: in.Text("exchange", ""), Key: in.Text("key", ""), Body: jsonOf(in.Get("body"))}
	in.Done()
	return input{event: home.Event{Kind: home.KindMessage, Message: m}}
}

// readings reads {NAME: VALUE}.
func (d *decoder) readings(n *home.Node) []input {
	if n.Kind != home.NodeMap {
		d.faults.At(n, "write {hall.motion.occupancy: on}", "%s, expected a map of names and values", n.Describe())
		return nil
	}
	var list []input
	for _, p := range n.Pairs {
		prop, ok := d.property(p, false)
		if !ok {
			continue
		}
		if in, ok := d.reading(p, prop); ok {
			list = append(list, in)
		}
	}
	return list
}

func (d *decoder) reading(p home.Pair, prop home.Property) (input, bool) {
	device, property := home.Split(p.Key)
	in := input{event: home.Event{Kind: home.KindReading, Device: device, Property: property, Unit: prop.Unit}}
	if prop.Type == home.TypeEvent {
		in.event.Kind = home.KindEvent
	}
	if device == home.Vars {
		in.event = home.Event{Kind: home.KindVariable, Name: property}
	}
	n := p.Value
	switch {
	case n.Kind == home.NodeScalar && n.Text == "unknown" && !n.Quote:
		in.event.Unknown = "stale"
		return in, true
	case n.Kind == home.NodeMap && prop.Type == home.TypeNumber:
		return in, d.series(&in, n, prop)
	}
	v, ok := d.value(n, prop)
	if v == home.Toggle && prop.Type == home.TypeBoolean {
		d.faults.At(n, "write on or off", "toggle is a wish, and no reading")
		ok = false
	}
	in.event.Value = v
	return in, ok
}

// series reads {from: 20, to: 80, over: 1h, every: 1m}.
func (d *decoder) series(in *input, n *home.Node, prop home.Property) bool {
	from := home.NewDecoder(n, d.faults)
	from.Require("from", "to", "over")
	low, high := math.Inf(-1), math.Inf(1)
	if prop.Min != nil {
		low = *prop.Min
	}
	if prop.Max != nil {
		high = *prop.Max
	}
	in.event.Value = home.NumberOf(from.Number("from", 0, low, high))
	in.to = from.Number("to", 0, low, high)
	in.over = from.Duration("over", time.Minute, time.Millisecond, 366*24*time.Hour)
	in.every = from.Duration("every", min(time.Minute, in.over), time.Millisecond, in.over)
	from.Done()
	if in.over/in.every > 100_000 {
		d.faults.At(n, "write a longer every", "a series of more than 100,000 readings")
		return false
	}
	return true
}

// jsonOf is the JSON that a node stands for; a missing one is null.
func jsonOf(n *home.Node) json.RawMessage {
	if n == nil {
		return json.RawMessage("null")
	}
	switch n.Kind {
	case home.NodeScalar:
		return rules.Literal(n).AppendJSON(nil)
	case home.NodeList:
		b := []byte{'['}
		for i, item := range n.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, jsonOf(item)...)
		}
		return append(b, ']')
	case home.NodeMap:
		b := []byte{'{'}
		for i, p := range n.Pairs {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(home.TextOf(p.Key).AppendJSON(b), ':')
			b = append(b, jsonOf(p.Value)...)
		}
		return append(b, '}')
	}
	return json.RawMessage("null")
}
