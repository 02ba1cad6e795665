package template

import (
	"fmt"
	"slices"
	"strings"
)

func (p *parser) parse() ([]node, error) {
	p.text = strings.TrimSuffix(p.text, "\n")
	body, stop, err := p.body()
	if err == nil && stop != "" {
		err = p.fault(p.tokens[0].at, "unexpected "+stop)
	}
	return body, err
}

// body reads up to the end or to an elif, else or endif, which it returns; its
// tokens are then the current ones.
func (p *parser) body() (body []node, stop string, err error) {
	for p.at < len(p.text) {
		open := strings.Index(p.text[p.at:], "{")
		for open >= 0 && !slices.Contains([]string{"{{", "{%", "{#"}, p.text[p.at+open:min(len(p.text), p.at+open+2)]) {
			more := strings.Index(p.text[p.at+open+1:], "{")
			if more < 0 {
				open = -1
				break
			}
			open += 1 + more
		}
		if open < 0 {
			return p.plain(body, p.text[p.at:], false, len(p.text)), "", nil
		}
		start := p.at + open
		inside, left := start+2, false
		if strings.HasPrefix(p.text[inside:], "-") || strings.HasPrefix(p.text[inside:], "+") {
			inside, left = inside+1, p.text[inside] == '-'
		}
		sign := p.text[start+1]
		body = p.plain(body, p.text[p.at:start], left, inside)
		if sign == '#' {
			end := strings.Index(p.text[inside:], "#}")
			if end < 0 {
				return nil, "", p.fault(start, "a remark without its end")
			}
			p.trim = strings.HasSuffix(p.text[inside:inside+end], "-")
			p.at = inside + end + 2
			continue
		}
		closing := map[byte]string{'{': "}}", '%': "%}"}[sign]
		if p.tokens, p.at, p.trim, err = p.tag(inside, closing); err != nil {
			return nil, "", err
		}
		p.i = 0
		if sign == '{' {
			n, err := p.whole()
			if err != nil {
				return nil, "", err
			}
			body = append(body, output{n})
			continue
		}
		n, stop, err := p.statement()
		if stop != "" || err != nil {
			return body, stop, err
		}
		body = append(body, n)
	}
	return body, "", nil
}

// plain adds a piece of plain text.
func (p *parser) plain(body []node, s string, right bool, next int) []node {
	if p.trim {
		s = strings.TrimLeft(s, " \t\r\n")
	}
	if right {
		s = strings.TrimRight(s, " \t\r\n")
	}
	p.trim, p.at = false, next
	if s == "" {
		return body
	}
	return append(body, plain(s))
}

// statement reads what stands between {% and %}.
func (p *parser) statement() (n node, stop string, err error) {
	word := p.next()
	switch word.text {
	case "if":
		n, err = p.branches()
		return n, "", err
	case "elif", "else", "endif":
		return nil, word.text, nil
	case "set":
		target := p.next()
		if target.kind != name || !p.take("=") {
			return nil, "", p.fault(target.at, "expected a name and = after set")
		}
		value, err := p.whole()
		return set{target.text, value}, "", err
	}
	return nil, "", p.fault(word.at, fmt.Sprintf("{%% %s %%} is not supported", word.text))
}

// branches reads an if up to its endif.
func (p *parser) branches() (node, error) {
	if p.depth++; p.depth > deepest {
		return nil, p.fault(p.at, "nested too deep")
	}
	defer func() { p.depth-- }()
	var c choice
	for {
		condition, err := p.whole()
		if err != nil {
			return nil, err
		}
		body, stop, err := p.body()
		if err != nil {
			return nil, err
		}
		c.conditions, c.bodies = append(c.conditions, condition), append(c.bodies, body)
		if stop == "elif" {
			continue
		}
		if stop == "else" {
			if err := p.ends(); err != nil {
				return nil, err
			}
			if c.otherwise, stop, err = p.body(); err != nil {
				return nil, err
			}
		}
		if stop != "endif" {
			return nil, p.fault(p.at, "an if without its endif")
		}
		return c, p.ends()
	}
}

// ends reads the end of a tag.
func (p *parser) ends() error {
	if t := p.next(); t.kind != endOfTag {
		return p.fault(t.at, fmt.Sprintf("unexpected %q", t.text))
	}
	return nil
}

// whole reads an expression up to the end of its tag.
func (p *parser) whole() (node, error) {
	n, err := p.expression()
	if err != nil {
		return nil, err
	}
	return n, p.ends()
}
