package template

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// parser reads a template into nodes, as Jinja's parser does.
type parser struct {
	text   string
	at     int // in text: what was read of it
	tokens []token
	i      int // in tokens
	nodes  int
	depth  int
	trim   bool // take blanks off the beginning of the next plain text
}

func (p *parser) peek() token { return p.tokens[min(p.i, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.peek()
	p.i++
	return t
}

// take reads the operator or word, if it is the next.
func (p *parser) take(text string) bool {
	if t := p.peek(); (t.kind == operator || t.kind == name) && t.text == text {
		p.i++
		return true
	}
	return false
}

// need reads an operator that must be there.
func (p *parser) need(text string) error {
	if !p.take(text) {
		t := p.peek()
		return p.fault(t.at, fmt.Sprintf("unexpected %q, expected %q", t.text, text))
	}
	return nil
}

// count notes one more node.
func (p *parser) count(at int) error {
	if p.nodes++; p.nodes > mostNodes {
		return p.fault(at, fmt.Sprintf("more than %d pieces", mostNodes))
	}
	return nil
}

// expression reads a if b else c, the weakest binding.
func (p *parser) expression() (node, error) {
	if p.depth++; p.depth > deepest {
		return nil, p.fault(p.peek().at, "nested too deep")
	}
	defer func() { p.depth-- }()
	n, err := p.binary(0)
	for err == nil && p.take("if") {
		c := inline{yes: n, no: constant{undefined{"the else of an inline if"}}}
		if c.condition, err = p.binary(0); err != nil {
			return nil, err
		}
		if p.take("else") {
			if c.no, err = p.expression(); err != nil {
				return nil, err
			}
		}
		n = c
	}
	return n, err
}

// levels are the binary operators, from the weakest.
var levels = [][]string{{"or"}, {"and"}, nil, nil, {"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}

// The levels that are not simply binary.
const (
	levelNot     = 2
	levelCompare = 3
)

func (p *parser) binary(level int) (node, error) {
	switch {
	case level == levelNot && p.peek().text == "not" && p.peek().kind == name:
		t := p.next()
		if err := p.count(t.at); err != nil {
			return nil, err
		}
		if p.depth++; p.depth > deepest {
			return nil, p.fault(t.at, "nested too deep")
		}
		n, err := p.binary(levelNot)
		p.depth--
		return not{n}, err
	case level == levelNot:
		return p.binary(level + 1)
	case level == levelCompare:
		return p.compare()
	case level == len(levels):
		return p.unary(true)
	}
	left, err := p.binary(level + 1)
	for err == nil {
		t := p.peek()
		if t.kind != operator && t.kind != name || !slices.Contains(levels[level], t.text) {
			break
		}
		p.i++
		if err := p.count(t.at); err != nil {
			return nil, err
		}
		right, errRight := p.binary(level + 1)
		left, err = arithmetic{t.text, left, right}, errRight
	}
	return left, err
}

// compare reads a chain like 0 < x <= 9.
func (p *parser) compare() (node, error) {
	first, err := p.binary(levelCompare + 1)
	c := comparison{operands: []node{first}}
	for err == nil {
		t := p.peek()
		op := t.text
		switch {
		case t.kind == operator && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, op), t.kind == name && op == "in":
			p.i++
		case t.kind == name && op == "not" && p.tokens[min(p.i+1, len(p.tokens)-1)].text == "in":
			p.i += 2
			op = "not in"
		default:
			if len(c.ops) == 0 {
				return first, nil
			}
			return c, nil
		}
		if err = p.count(t.at); err != nil {
			break
		}
		var operand node
		operand, err = p.binary(levelCompare + 1)
		c.ops, c.operands = append(c.ops, op), append(c.operands, operand)
	}
	return nil, err
}

// unary reads a sign and what follows; filters and tests bind to both together.
func (p *parser) unary(filters bool) (node, error) {
	t := p.peek()
	if err := p.count(t.at); err != nil {
		return nil, err
	}
	var n node
	var err error
	if t.kind == operator && (t.text == "-" || t.text == "+") {
		p.i++
		if p.depth++; p.depth > deepest {
			return nil, p.fault(t.at, "nested too deep")
		}
		n, err = p.unary(false)
		p.depth--
		n = sign{t.text == "-", n}
	} else {
		n, err = p.primary()
	}
	if err == nil {
		n, err = p.postfix(n)
	}
	if err == nil && filters {
		n, err = p.filters(n)
	}
	return n, err
}

// primary reads a constant, a name, or something in brackets.
func (p *parser) primary() (node, error) {
	t := p.next()
	switch t.kind {
	case quoted:
		var s strings.Builder
		s.WriteString(t.text)
		for p.peek().kind == quoted {
			s.WriteString(p.next().text)
		}
		return constant{s.String()}, nil
	case integer:
		i, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, p.fault(t.at, t.text+" is too big")
		}
		return constant{i}, nil
	case float:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, p.fault(t.at, t.text+" is too big")
		}
		return constant{f}, nil
	case name:
		return p.named(t)
	case operator:
		switch t.text {
		case "(":
			return p.brackets()
		case "[":
			items, err := p.list("]")
			return list{items}, err
		case "{":
			return p.dictionary()
		}
	}
	return nil, p.fault(t.at, fmt.Sprintf("unexpected %q", t.text))
}

// constants are the names that have a value.
var constants = map[string]any{"true": true, "True": true, "false": false, "False": false, "none": nil, "None": nil}

func (p *parser) named(t token) (node, error) {
	if v, ok := constants[t.text]; ok {
		return constant{v}, nil
	}
	if slices.Contains([]string{"in", "is", "and", "or", "if", "else", "elif"}, t.text) {
		return nil, p.fault(t.at, fmt.Sprintf("unexpected %q", t.text))
	}
	if p.peek().text == "(" && p.peek().kind == operator {
		f, ok := functions[t.text]
		if !ok {
			return nil, p.fault(t.at, t.text+"() is not supported")
		}
		p.i++
		args, err := p.arguments()
		return call{t.text, f, nil, args}, err
	}
	return variable{t.text}, nil
}
