package ruletest

import (
	"strings"
	"time"

	"hogar/gateway/home"
)

// ruleStates are what can be expected of a rule.
var ruleStates = []string{"started", "failed", "refused"}

// expect reads expect: nothing, anything, or a map of what must happen.
func (d *decoder) expect(s *step, in *home.Decoder, within time.Duration) {
	n := in.Get("expect")
	switch {
	case n == nil:
		if within > 0 {
			in.Fault("within", "write expect: beside it", "within without expect")
		}
		return
	case n.Kind == home.NodeScalar && n.Text == "nothing":
		return
	case n.Kind == home.NodeScalar && n.Text == "anything":
		s.anything = true
		return
	case n.Kind != home.NodeMap:
		d.faults.At(n, "write {hall.lamp.state: on}, nothing or anything", "expect is %s", n.Describe())
		return
	}
	of := home.NewDecoder(n, d.faults)
	for _, state := range ruleStates {
		for _, item := range of.List(state) {
			if d.ruleName(item) {
				s.expect = append(s.expect, &expectation{kind: expectRule, path: item.Path, name: item.Text, state: state})
			}
		}
	}
	for _, item := range of.List("message") {
		s.expect = append(s.expect, d.expectMessage(item))
	}
	for _, p := range n.Pairs {
		if strings.Contains(p.Key, ".") {
			of.Get(p.Key)
			s.expect = append(s.expect, d.expectSet(p)...)
		}
	}
	of.Done()
	for _, x := range s.expect {
		x.from, x.until = s.at, s.at.Add(within)
	}
}

func (d *decoder) expectMessage(n *home.Node) *expectation {
	in := home.NewDecoder(n, d.faults)
	in.Require("key")
	x := &expectation{kind: expectMessage, path: n.Path, name: in.Text("key", ""), exchange: in.Text("exchange", "")}
	if body := in.Get("body"); body != nil {
		v, err := home.ParseValue(jsonOf(body))
		if err != nil {
			d.faults.At(body, "", "body: %s", err)
		}
		x.body = string(v.AppendJSON(nil))
	}
	in.Done()
	return x
}

// expectSet reads NAME: VALUE; a group stands for its devices.
func (d *decoder) expectSet(p home.Pair) []*expectation {
	device, property := home.Split(p.Key)
	members, isGroup := d.suite.Options.Groups[device]
	if !isGroup {
		members = []string{device}
	}
	var list []*expectation
	for _, member := range members {
		prop, ok := d.property(home.Pair{Key: home.Join(member, property), Value: p.Value}, true)
		if !ok {
			break
		}
		v, ok := d.value(p.Value, prop)
		if !ok {
			break
		}
		list = append(list, &expectation{kind: expectSet, path: p.Value.Path, name: home.Join(member, property), value: v})
	}
	return list
}
