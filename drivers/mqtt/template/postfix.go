package template

import "fmt"

// postfix reads .name, .method(…) and [item] after an expression.
func (p *parser) postfix(n node) (node, error) {
	for {
		t := p.peek()
		if t.kind != operator {
			return n, nil
		}
		var err error
		switch t.text {
		case ".":
			p.i++
			n, err = p.attribute(n)
		case "[":
			p.i++
			n, err = p.subscript(n)
		case "(":
			return nil, p.fault(t.at, "only functions and methods are called")
		default:
			return n, nil
		}
		if err == nil {
			err = p.count(t.at)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) attribute(n node) (node, error) {
	t := p.next()
	if t.kind == integer { // a.0 is an item
		return item{n, constant{mustInt(t.text)}}, nil
	}
	if t.kind != name {
		return nil, p.fault(t.at, "expected a name after the point")
	}
	if p.peek().kind != operator || p.peek().text != "(" {
		return item{n, constant{t.text}}, nil
	}
	m, ok := methods[t.text]
	if !ok {
		return nil, p.fault(t.at, "."+t.text+"() is not supported")
	}
	p.i++
	args, err := p.arguments()
	return call{"." + t.text, m, n, args}, err
}

func mustInt(digits string) int64 {
	var i int64
	for _, c := range digits {
		i = min(i*10+int64(c-'0'), 1<<40) // no list is so long
	}
	return i
}

// subscript reads item] or from:to].
func (p *parser) subscript(n node) (node, error) {
	var ends [2]node
	colon := false
	for !p.take("]") {
		if p.take(":") {
			if colon {
				return nil, p.fault(p.peek().at, "a slice with a step is not supported")
			}
			colon = true
			continue
		}
		i := 0
		if colon {
			i = 1
		}
		if ends[i] != nil {
			return nil, p.fault(p.peek().at, "expected ]")
		}
		one, err := p.expression()
		if err != nil {
			return nil, err
		}
		ends[i] = one
	}
	if colon {
		return slice{n, ends[0], ends[1]}, nil
	}
	if ends[0] == nil {
		return nil, p.fault(p.peek().at, "[] without an item")
	}
	return item{n, ends[0]}, nil
}

// filters reads |name, |name(…), and is test.
func (p *parser) filters(n node) (node, error) {
	for {
		t := p.peek()
		switch {
		case t.kind == operator && t.text == "|":
			p.i++
			word := p.next()
			f, ok := filters[word.text]
			if !ok {
				f, ok = over(word.text)
			}
			if word.kind != name || !ok {
				return nil, p.fault(word.at, fmt.Sprintf("the filter %s is not supported", word.text))
			}
			args, err := p.optional()
			if err == nil {
				err = p.count(t.at)
			}
			if err != nil {
				return nil, err
			}
			n = call{word.text, f, n, args}
		case t.kind == name && t.text == "is":
			p.i++
			not := p.take("not")
			word := p.next()
			if with, ok := testsWith[word.text]; ok && word.kind == name {
				one, err := p.testWith(n, word, with)
				if err != nil {
					return nil, err
				}
				if n = one; not {
					n = negation(one)
				}
				continue
			}
			f, ok := tests[word.text]
			if word.kind != name || !ok {
				return nil, p.fault(word.at, fmt.Sprintf("the test %s is not supported", word.text))
			}
			if err := p.count(t.at); err != nil {
				return nil, err
			}
			n = test{f, n, not}
		default:
			return n, nil
		}
	}
}

// testWith reads a test with arguments, which need no brackets when there is one.
func (p *parser) testWith(n node, word token, f function) (node, error) {
	if err := p.count(word.at); err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind == operator && t.text == "(" {
		args, err := p.optional()
		return call{word.text, f, n, args}, err
	}
	one, err := p.unary(false)
	return call{word.text, f, n, arguments{list: []node{one}}}, err
}

func negation(n node) node { return not{n} }

// optional reads arguments if there are any.
func (p *parser) optional() (arguments, error) {
	if t := p.peek(); t.kind == operator && t.text == "(" {
		p.i++
		return p.arguments()
	}
	return arguments{}, nil
}

// arguments reads up to the closing bracket; those by name come last.
func (p *parser) arguments() (arguments, error) {
	var a arguments
	for first := true; !p.take(")"); first = false {
		if !first {
			if err := p.need(","); err != nil {
				return a, err
			}
			if p.take(")") {
				break
			}
		}
		word := ""
		if t := p.peek(); t.kind == name && p.i+1 < len(p.tokens) && p.tokens[p.i+1].kind == operator && p.tokens[p.i+1].text == "=" {
			word = t.text
			p.i += 2
		}
		n, err := p.expression()
		if err != nil {
			return a, err
		}
		if word == "" && len(a.words) > 0 {
			return a, p.fault(p.peek().at, "an argument without a name after one with")
		}
		a.list = append(a.list, n)
		if word != "" {
			a.words = append(a.words, word)
		}
	}
	return a, nil
}
