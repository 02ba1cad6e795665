package expr

import (
	"slices"
	"strings"
	"unicode/utf8"
)

type op uint8

const (
	opNumber op = iota
	opDuration
	opTime
	opText
	opBool
	opName
	opCall
	opNot
	opNeg
	opAnd
	opOr
	opEqual
	opNotEqual
	opLess
	opLessEq
	opMore
	opMoreEq
	opIn
	opNotIn
	opRange // begin and end, only at the right of in
	opList  // constants, only at the right of in
	opAdd
	opSub
	opMul
	opDiv
	opMod
	opElse // ??
	opIf
)

// node is one piece of a parsed expression.
type node struct {
	op    op
	pos   int
	text  string  // name, function, text; of a number: as written
	num   float64 // number, seconds, minutes, 0 or 1
	kids  []*node
	typ   typ   // set by the checker
	slot  int   // set by the checker: of a name, or of the device of online()
	slots []int // set by the checker: the members of a group
}

type parser struct {
	lex   lexer
	tok   token
	last  token // the one before tok
	depth int
	fault *Fault // the first one; afterwards tok is always the end
}

func parse(src string) (*node, *Fault) {
	if n := utf8.RuneCountInString(src); n > maxLength {
		return nil, faultAt(0, "", "an expression of %d characters; at most %d", n, maxLength)
	}
	p := &parser{lex: lexer{src: []rune(src)}}
	p.advance()
	if p.tok.kind == tokenEnd && p.fault == nil {
		return nil, faultAt(0, "write a condition, such as a.b > 5", "nothing stands here")
	}
	n := p.expr()
	if p.tok.kind != tokenEnd {
		p.unexpected()
	}
	return n, p.fault
}

func (p *parser) advance() {
	p.last = p.tok
	p.tok = p.lex.next()
	if p.tok.kind == tokenBad {
		p.fail(p.tok.fault)
	}
}

// fail keeps the first fault and ends the parsing.
func (p *parser) fail(f *Fault) {
	if p.fault == nil {
		p.fault = f
	}
	p.tok = token{kind: tokenEnd, pos: len(p.lex.src)}
	p.lex.pos = len(p.lex.src)
}

func (p *parser) sign(s string) bool { return p.tok.kind == tokenSign && p.tok.text == s }
func (p *parser) word(s string) bool { return p.tok.kind == tokenWord && p.tok.text == s }

func (p *parser) expect(sign string) {
	if !p.sign(sign) {
		p.missing(sign)
		return
	}
	p.advance()
}

func (p *parser) missing(what string) {
	if p.tok.kind == tokenEnd {
		p.fail(faultAt(p.tok.pos, "", "it ends where %s is expected", what))
		return
	}
	if f := p.habit(); f != nil {
		p.fail(f)
		return
	}
	p.fail(faultAt(p.tok.pos, "", "%s where %s is expected", p.tok.text, what))
}

func (p *parser) deeper() bool {
	p.depth++
	if p.depth > maxDepth {
		p.fail(faultAt(p.tok.pos, "", "more than %d levels of nesting", maxDepth))
	}
	return p.fault == nil
}

func (p *parser) expr() *node {
	defer func() { p.depth-- }()
	if !p.deeper() {
		return &node{}
	}
	if !p.word("if") {
		return p.or()
	}
	n := &node{op: opIf, pos: p.tok.pos}
	p.advance()
	n.kids = append(n.kids, p.expr())
	for _, word := range []string{"then", "else"} {
		if !p.word(word) {
			p.missing(word)
			return n
		}
		p.advance()
		n.kids = append(n.kids, p.expr())
	}
	return n
}

func (p *parser) or() *node {
	n := p.and()
	for p.word("or") {
		n = p.infix(opOr, n, p.and)
	}
	return n
}

func (p *parser) and() *node {
	n := p.not()
	for p.word("and") {
		n = p.infix(opAnd, n, p.not)
	}
	return n
}

func (p *parser) infix(o op, left *node, right func() *node) *node {
	n := &node{op: o, pos: p.tok.pos}
	p.advance()
	n.kids = []*node{left, right()}
	return n
}

func (p *parser) not() *node {
	if !p.word("not") {
		return p.compare()
	}
	defer func() { p.depth-- }()
	if !p.deeper() {
		return &node{}
	}
	n := &node{op: opNot, pos: p.tok.pos}
	p.advance()
	n.kids = []*node{p.not()}
	return n
}

var comparisons = map[string]op{
	"==": opEqual, "!=": opNotEqual, "<": opLess, "<=": opLessEq, ">": opMore, ">=": opMoreEq,
}

func (p *parser) compare() *node {
	n := p.sum()
	o, ok := comparisons[p.tok.text]
	switch {
	case ok && p.tok.kind == tokenSign:
		n = p.infix(o, n, p.sum)
		if _, again := comparisons[p.tok.text]; again && p.tok.kind == tokenSign {
			p.fail(faultAt(p.tok.pos, "write: a.b in 18..22, or two comparisons with and between", "a second comparison"))
		}
	case p.word("in"):
		n = p.infix(opIn, n, p.set)
	case p.word("not"):
		p.advance()
		if !p.word("in") {
			p.missing("in")
			return n
		}
		n = p.infix(opNotIn, n, p.set)
	}
	return n
}

// set reads what stands right of in: a range or a list.
func (p *parser) set() *node {
	n := &node{pos: p.tok.pos}
	if p.sign("[") {
		n.op = opList
		p.advance()
		for !p.sign("]") && p.fault == nil {
			if len(n.kids) > 0 {
				p.expect(",")
			}
			n.kids = append(n.kids, p.sum())
		}
		p.advance()
		return n
	}
	n.op = opRange
	begin := p.sum()
	if !p.sign("..") && p.fault == nil {
		p.fail(faultAt(n.pos, `write: in 18..22, or in ["heat", "cool"]`, "after in a range or a list is expected"))
		return n
	}
	p.advance()
	n.kids = []*node{begin, p.sum()}
	return n
}

func (p *parser) sum() *node {
	n := p.product()
	for p.sign("+") || p.sign("-") {
		o := opAdd
		if p.tok.text == "-" {
			o = opSub
		}
		n = p.infix(o, n, p.product)
	}
	return n
}

func (p *parser) product() *node {
	n := p.unary()
	for p.sign("*") || p.sign("/") || p.sign("%") {
		o := map[string]op{"*": opMul, "/": opDiv, "%": opMod}[p.tok.text]
		if o == opMod && p.last.kind == tokenNumber && p.endsAfter() {
			p.fail(faultAt(p.tok.pos, "units are left out: write "+p.last.text, "%% after a number"))
			return n
		}
		n = p.infix(o, n, p.unary)
	}
	return n
}

// endsAfter reports whether no value follows the present sign.
func (p *parser) endsAfter() bool {
	ahead := p.lex
	t := ahead.next()
	return t.kind == tokenEnd || t.kind == tokenSign && t.text == ")" ||
		t.kind == tokenWord && slices.Contains(infix, t.text) && t.text != "not"
}

func (p *parser) unary() *node {
	if !p.sign("-") {
		return p.fallback()
	}
	defer func() { p.depth-- }()
	if !p.deeper() {
		return &node{}
	}
	n := &node{op: opNeg, pos: p.tok.pos}
	p.advance()
	kid := p.unary()
	if kid.op == opNumber {
		return &node{op: opNumber, pos: n.pos, num: -kid.num, text: "-" + strings.TrimPrefix(kid.text, "-")}
	}
	n.kids = []*node{kid}
	return n
}

// fallback reads x ?? 5, which binds closer than any arithmetic.
func (p *parser) fallback() *node {
	n := p.primary()
	for p.sign("??") {
		n = p.infix(opElse, n, func() *node {
			if p.sign("-") {
				return p.unary()
			}
			return p.primary()
		})
	}
	return n
}
