package template

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind uint8

const (
	endOfTag kind = iota // }} or %}
	name
	integer
	float
	quoted
	operator
)

// token is one word of an expression.
type token struct {
	kind kind
	text string
	at   int // bytes into the template
}

// operators, the longer before the shorter.
var operators = []string{"==", "!=", "<=", ">=", "//", "**", "<", ">", "+", "-", "*", "/", "%", "~", "|", ".", ",", ":", "=",
	"(", ")", "[", "]", "{", "}"}

// tag reads the tokens of a tag whose inside begins at at, and where the template
// goes on. close is }} or %}.
func (p *parser) tag(at int, close string) (tokens []token, next int, trim bool, err error) {
	depth := 0
	for {
		for at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[at]) >= 0 {
			at++
		}
		rest := p.text[at:]
		if depth == 0 {
			for _, sign := range []string{"", "-", "+"} {
				if strings.HasPrefix(rest, sign+close) {
					return append(tokens, token{endOfTag, close, at}), at + len(sign) + len(close), sign == "-", nil
				}
			}
		}
		if rest == "" {
			return nil, 0, false, p.fault(at, "expected "+close)
		}
		t, n, err := p.token(at)
		if err != nil {
			return nil, 0, false, err
		}
		if t.kind == operator {
			switch t.text {
			case "(", "[", "{":
				depth++
			case ")", "]", "}":
				if depth--; depth < 0 {
					return nil, 0, false, p.fault(at, "unexpected "+t.text)
				}
			}
		}
		tokens = append(tokens, t)
		at += n
	}
}

// token reads one token, and how long it is.
func (p *parser) token(at int) (token, int, error) {
	rest := p.text[at:]
	switch c := rest[0]; {
	case c == '\'' || c == '"':
		return p.quoted(at)
	case c >= '0' && c <= '9':
		t, n := numeral(rest)
		t.at = at
		return t, n, nil
	}
	if r, _ := utf8.DecodeRuneInString(rest); r == '_' || unicode.IsLetter(r) {
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if n < 0 {
			n = len(rest)
		}
		return token{name, rest[:n], at}, n, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return token{operator, op, at}, len(op), nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, 0, p.fault(at, fmt.Sprintf("unexpected %q", r))
}

// numeral reads 1, 1_000, 1.5 or 1e-5. A point counts only before a digit.
func numeral(s string) (token, int) {
	digits := func(i int) int {
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '_') {
			i++
		}
		return i
	}
	n, k := digits(0), integer
	if n+1 < len(s) && s[n] == '.' && s[n+1] >= '0' && s[n+1] <= '9' {
		n, k = digits(n+1), float
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if end := digits(m); end > m {
			n, k = end, float
		}
	}
	return token{kind: k, text: strings.ReplaceAll(s[:n], "_", "")}, n
}

// escapes are the letters after a backslash.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '\\': '\\', '\'': '\'', '"': '"', '0': 0, 'b': '\b', 'f': '\f'}

func (p *parser) quoted(at int) (token, int, error) {
	var b strings.Builder
	mark := p.text[at]
	for i := at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == mark:
			return token{quoted, b.String(), at}, i + 1 - at, nil
		case c == '\\' && i+1 < len(p.text):
			i++
			if plain, ok := escapes[p.text[i]]; ok {
				b.WriteByte(plain)
			} else {
				b.WriteByte('\\')
				b.WriteByte(p.text[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return token{}, 0, p.fault(at, "a text without its end")
}

// fault is a mistake at a byte of the template.
func (p *parser) fault(at int, why string) error {
	return &SyntaxError{utf8.RuneCountInString(p.text[:min(at, len(p.text))]) + 1, why}
}
