package expr

import "slices"

const nothingFollows = "it ends where a value is expected"

// primary reads one value: a constant, a name, a call, or something in brackets.
func (p *parser) primary() *node {
	t := p.tok
	n := &node{pos: t.pos, text: t.text, num: t.num}
	switch t.kind {
	case tokenNumber:
		n.op = opNumber
	case tokenDuration:
		n.op = opDuration
	case tokenTime:
		n.op = opTime
	case tokenText:
		n.op = opText
	case tokenWord:
		return p.named(n)
	case tokenEnd:
		p.fail(faultAt(t.pos, "", nothingFollows))
		return n
	default:
		return p.bracket()
	}
	p.advance()
	return n
}

func (p *parser) bracket() *node {
	t := p.tok
	switch t.text {
	case "(":
		p.advance()
		n := p.expr()
		p.expect(")")
		return n
	case "[":
		p.fail(faultAt(t.pos, `write: a.b in ["x", "y"]`, "a list stands only after in"))
	case "+":
		p.fail(faultAt(t.pos, "leave the sign out", "a sign before a number"))
	default:
		p.fail(faultAt(t.pos, "", "%s where a value is expected", t.text))
	}
	return &node{pos: t.pos}
}

func (p *parser) named(n *node) *node {
	switch n.text {
	case "true", "on":
		n.op, n.num = opBool, 1
	case "false", "off":
		n.op = opBool
	case "if":
		p.fail(faultAt(n.pos, "put it in brackets: (if C then A else B)", "if in the middle of an expression"))
		return n
	case "not":
		p.fail(faultAt(n.pos, "put it in brackets: (not a.b)", "not in the middle of an expression"))
		return n
	case "unknown", "nil", "null", "none", "None":
		p.fail(faultAt(n.pos, "write: not known(a.b)", "%s is no value to compare with", n.text))
		return n
	case "True", "TRUE", "On", "ON":
		p.fail(faultAt(n.pos, "write: on", "%s is not a word of rules", n.text))
		return n
	case "False", "FALSE", "Off", "OFF":
		p.fail(faultAt(n.pos, "write: off", "%s is not a word of rules", n.text))
		return n
	}
	if n.op == opBool {
		p.advance()
		return n
	}
	if slices.Contains(infix, n.text) || habits[n.text] != "" && n.text != "contains" {
		p.fail(p.wordFault())
		return n
	}
	n.op = opName
	p.advance()
	if p.sign("(") {
		return p.call(n)
	}
	return n
}

func (p *parser) wordFault() *Fault {
	if hint := habits[p.tok.text]; hint != "" {
		return faultAt(p.tok.pos, hint, "there is no %s", p.tok.text)
	}
	return faultAt(p.tok.pos, "", "%s where a value is expected", p.tok.text)
}

func (p *parser) call(n *node) *node {
	n.op = opCall
	p.advance()
	for !p.sign(")") && p.fault == nil {
		if len(n.kids) > 0 {
			p.expect(",")
		}
		n.kids = append(n.kids, p.expr())
	}
	p.advance()
	return n
}
