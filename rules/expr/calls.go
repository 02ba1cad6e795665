package expr

import (
	"slices"
	"strings"

	"hogar/gateway/home"
)

// functions lists what can be called, with an example each.
var functions = map[string]string{
	"age": "age(a.b)", "known": "known(a.b)", "online": "online(a)", "min": "min(a.b, 5)", "max": "max(a.b, 5)",
	"abs": "abs(a.b)", "round": "round(a.b, 1)", "any": "any(a.b, c.d)", "all": "all(a.b, c.d)",
	"count": "count(a.b, c.d)", "mean": "mean(a.b, c.d)", "contains": `contains(a.b, "part")`, "text": "text(a.b)",
}

func (c *checker) call(n *node) typ {
	example, ok := functions[n.text]
	if !ok {
		names := make([]string, 0, len(functions))
		for name := range functions {
			names = append(names, name)
		}
		slices.Sort(names)
		hint := nearest(strings.ToLower(n.text), names)
		if hint == "" {
			hint = "there is " + strings.Join(names, ", ")
		}
		return c.fault(n, hint, "there is no %s()", n.text)
	}
	switch n.text {
	case "age", "known", "online":
		return c.callOfName(n, example)
	case "any", "all", "count":
		c.list(n, typeBoolean, example)
		if n.text == "count" {
			return typ{kind: typeNumber}
		}
		return typ{kind: typeBoolean}
	case "min", "max", "mean":
		return typ{kind: c.list(n, typeNumber, example)}
	}
	return c.callOfValue(n, example)
}

func (c *checker) callOfName(n *node, example string) typ {
	if len(n.kids) != 1 || n.kids[0].op != opName {
		return c.fault(n, "write: "+example, "%s() takes one name", n.text)
	}
	kid := n.kids[0]
	if n.text == "online" {
		if MayCome(c.scope.House, kid.text) {
			c.warn(kid, nearest(kid.text, c.scope.House.Names()), "%s", home.NotYet(kid.text))
		} else if !c.scope.House.Device(kid.text) {
			device, _ := home.Split(kid.text)
			if device != "" && c.scope.House.Device(device) {
				return c.fault(kid, "write: online("+device+")", "online() takes a device")
			}
			return c.fault(kid, nearest(kid.text, c.scope.House.Names()), "there is no device %s", kid.text)
		}
		n.slot = c.scope.Slots.Device(kid.text)
		c.prog.Online = append(c.prog.Online, n.slot)
		return typ{kind: typeBoolean}
	}
	kid.typ = c.named(kid)
	if kid.typ.kind == typeBad {
		return typ{}
	}
	n.slot = kid.slot
	if n.text == "known" {
		return typ{kind: typeBoolean}
	}
	if _, house := c.scope.Slots.Find(kid.text); !house || strings.HasPrefix(kid.text, "message.") {
		return c.fault(kid, "", "age() takes a name of the house")
	}
	c.prog.Clock = true
	return typ{kind: typeDuration}
}

// named resolves a name whose value may be of any type.
func (c *checker) named(n *node) typ { return c.check(n) }

// list checks the values of a function of many: conditions or numbers, or the
// members of one group. It returns their type.
func (c *checker) list(n *node, want typeKind, example string) typeKind {
	if len(n.kids) == 1 && n.kids[0].op == opName {
		if t, ok := c.group(n, n.kids[0], want); ok {
			return t
		}
	}
	if len(n.kids) == 0 || len(n.kids) == 1 && (n.text == "min" || n.text == "max") {
		c.fault(n, "write: "+example, "%s() takes several values, or one group", n.text)
		return typeBad
	}
	got := typeBad
	for _, kid := range n.kids {
		if want == typeBoolean {
			c.condition(kid)
			continue
		}
		t := c.check(kid)
		switch {
		case t.loose():
		case t.kind != typeNumber && t.kind != typeDuration:
			c.fault(kid, "", "%s is %s, where a number is expected", shown(kid), t)
		case got != typeBad && got != t.kind:
			c.fault(kid, "", "%s among values that are %s", t, typ{kind: got})
		default:
			got = t.kind
		}
	}
	if got == typeBad && want == typeNumber {
		got = typeNumber
	}
	return got
}

// group resolves group.property to the slots of its members.
func (c *checker) group(call, n *node, want typeKind) (typeKind, bool) {
	group, property := home.Split(n.text)
	devices, ok := c.scope.Groups[group]
	if !ok {
		return typeBad, false
	}
	for _, device := range devices {
		member := &node{op: opName, pos: n.pos, text: home.Join(device, property)}
		t := c.check(member)
		if t.kind != typeBad && t.kind != want {
			c.fault(n, "", "%s is %s, where %s is expected", member.text, t, typ{kind: want})
		}
		call.slots = append(call.slots, member.slot)
	}
	return want, true
}

func (c *checker) callOfValue(n *node, example string) typ {
	least, most := 1, 1
	switch n.text {
	case "round":
		most = 2
	case "contains":
		least, most = 2, 2
	}
	if len(n.kids) < least || len(n.kids) > most {
		return c.fault(n, "write: "+example, "%s() with %d values", n.text, len(n.kids))
	}
	for _, kid := range n.kids {
		c.check(kid)
	}
	first := n.kids[0].typ
	switch n.text {
	case "text":
		return typ{kind: typeText}
	case "contains":
		for _, kid := range n.kids {
			if !kid.typ.isText() && !kid.typ.loose() {
				c.fault(kid, "write: text("+shown(kid)+")", "%s is %s, where a text is expected", shown(kid), kid.typ)
			}
		}
		return typ{kind: typeBoolean}
	}
	for _, kid := range n.kids {
		if kid.typ.kind != typeNumber && kid.typ.kind != typeDuration && !kid.typ.loose() {
			c.fault(kid, "", "%s is %s, where a number is expected", shown(kid), kid.typ)
		}
	}
	if len(n.kids) == 2 && n.kids[1].op != opNumber {
		c.fault(n.kids[1], "write: round(a.b, 1)", "the number of decimals is no constant")
	}
	if first.loose() {
		return typ{kind: typeNumber}
	}
	return typ{kind: first.kind}
}

// constant is the value of a constant node.
func constant(n *node) home.Value {
	switch n.op {
	case opNumber, opDuration, opTime:
		return home.NumberOf(n.num)
	case opText:
		return home.TextOf(n.text)
	}
	return home.BooleanOf(n.num == 1)
}
