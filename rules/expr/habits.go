package expr

import "slices"

// habits are words of other languages and what to write here.
var habits = map[string]string{
	"AND": "write: and", "OR": "write: or", "NOT": "write: not", "IF": "write: if", "IN": "write: in", "is": "write: ==",
	"equals": "write: ==", "between": "write: a.b in 18..22", "unless": "write: and not", "xor": "write: !=",
	"matches": "write: contains(a.b, \"part\")", "startswith": "write: contains(a.b, \"part\")", "elif": "write: else if",
	"elsif": "write: else if", "contains": "write: contains(a.b, \"part\")", "above": "write: >", "below": "write: <",
	"endif": "leave it out", "end": "leave it out", "but": "write: and",
}

// habit explains a token that another language would have here.
func (p *parser) habit() *Fault {
	if p.tok.kind != tokenWord {
		return nil
	}
	if p.last.kind == tokenNumber && !slices.Contains(infix, p.tok.text) && habits[p.tok.text] == "" {
		return faultAt(p.tok.pos, "units are left out: write "+p.last.text, "%s after a number", p.tok.text)
	}
	if hint := habits[p.tok.text]; hint != "" {
		return faultAt(p.tok.pos, hint, "there is no %s", p.tok.text)
	}
	return nil
}

var infix = []string{"and", "or", "not", "in", "then", "else", "if"}

func (p *parser) unexpected() {
	f := p.habit()
	if f == nil {
		f = faultAt(p.tok.pos, "write and, or or a comparison between", "%s does not follow on what stands before", p.tok.text)
		if p.sign(")") || p.sign("]") {
			f = faultAt(p.tok.pos, "", "%s without its beginning", p.tok.text)
		}
		if p.word("else") || p.word("then") {
			f = faultAt(p.tok.pos, "write: if C then A else B", "%s without if", p.tok.text)
		}
	}
	p.fail(f)
}
