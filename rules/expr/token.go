package expr

import (
	"strconv"
	"strings"
	"unicode"

	"hogar/gateway/home"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenNumber
	tokenDuration
	tokenTime
	tokenText
	tokenWord // a name with its dots, or a word of the language
	tokenSign
	tokenBad
)

type token struct {
	kind  tokenKind
	text  string
	num   float64 // number, seconds, or minutes after midnight
	pos   int
	fault *Fault // of tokenBad
}

// lexer cuts a source into tokens. Positions count characters.
type lexer struct {
	src []rune
	pos int
}

// signs that the language has, the longer first.
var signs = []string{"==", "!=", "<=", ">=", "??", "..", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]", ","}

// slips are signs of other languages, the longer first, and what to write here.
var slips = []struct{ sign, hint string }{
	{"===", "write: =="}, {"!==", "write: !="}, {"&&", "write: and"}, {"||", "write: or"}, {"<>", "write: !="},
	{"=>", "write: >="}, {"=<", "write: <="}, {"=~", "write: contains(text, part)"}, {"**", "there is no power; multiply"},
	{"{{", "no templates: a name is written as it is"}, {"}}", "no templates: a name is written as it is"},
	{"{%", "no templates: a name is written as it is"}, {"${", "no templates: a name is written as it is"},
	{"...", "write two dots: 18..22"}, {"->", "write: if C then A else B"},
	{"&", "write: and"}, {"|", "write: or"}, {"!", "write: not"}, {"=", "write: =="},
	{"?", "write: if C then A else B"}, {":", "write: if C then A else B"}, {"≥", "write: >="}, {"≤", "write: <="},
	{"≠", "write: !="}, {"“", `write plain quotes: "`}, {"”", `write plain quotes: "`}, {"„", `write plain quotes: "`},
	{"‘", `write plain quotes: "`}, {"’", `write plain quotes: "`}, {"×", "write: *"}, {"÷", "write: /"},
	{"−", "write: -"}, {"–", "write: -"}, {"°", "units are left out"}, {"$", "a name is written as it is"},
	{";", "one expression stands alone"}, {"^", "there is no power; multiply"}, {".", "a name is written in one piece: a.b"},
	{"`", `write plain quotes: "`},
}

func (l *lexer) at(i int) rune {
	if l.pos+i < len(l.src) {
		return l.src[l.pos+i]
	}
	return 0
}

func (l *lexer) has(sign string) bool {
	for i, r := range []rune(sign) {
		if l.at(i) != r {
			return false
		}
	}
	return true
}

func (l *lexer) bad(pos int, hint, format string, args ...any) token {
	return token{kind: tokenBad, pos: pos, fault: faultAt(pos, hint, format, args...)}
}

// next returns the next token; after the end always tokenEnd.
func (l *lexer) next() token {
	for unicode.IsSpace(l.at(0)) {
		l.pos++
	}
	pos := l.pos
	switch r := l.at(0); {
	case pos >= len(l.src):
		return token{kind: tokenEnd, pos: pos}
	case isDigit(r):
		return l.number()
	case unicode.IsLetter(r) || r == '_':
		return l.word()
	case r == '"' || r == '\'':
		return l.quoted(r)
	}
	for _, s := range slips { // first the long ones, which signs would cut in two
		if len(s.sign) > 1 && s.sign[0] < 0x80 && l.has(s.sign) {
			return l.slip()
		}
	}
	for _, s := range signs {
		if l.has(s) {
			l.pos += len(s)
			return token{kind: tokenSign, text: s, pos: pos}
		}
	}
	return l.slip()
}

func (l *lexer) slip() token {
	for _, s := range slips {
		if l.has(s.sign) {
			return l.bad(l.pos, s.hint, "there is no %s", s.sign)
		}
	}
	return l.bad(l.pos, "", "%q has no meaning here", l.at(0))
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// word reads a name in one piece: words with dots between.
func (l *lexer) word() token {
	pos := l.pos
	for isWordRune(l.at(0)) || l.at(0) == '.' && (unicode.IsLetter(l.at(1)) || l.at(1) == '_') {
		l.pos++
	}
	text := string(l.src[pos:l.pos])
	if l.at(0) == '.' && isDigit(l.at(1)) {
		return l.bad(l.pos, "a word begins with a letter, as in a.n1", "a number after %s.", text)
	}
	return token{kind: tokenWord, text: text, pos: pos}
}

func (l *lexer) quoted(quote rune) token {
	pos := l.pos
	l.pos++
	for l.pos < len(l.src) && l.at(0) != quote {
		l.pos++
	}
	if l.pos == len(l.src) {
		return l.bad(pos, "close it with "+string(quote), "a text without an end")
	}
	text := string(l.src[pos+1 : l.pos])
	l.pos++
	return token{kind: tokenText, text: text, pos: pos}
}

func (l *lexer) digits() {
	for isDigit(l.at(0)) {
		l.pos++
	}
}

// number reads a number, a duration or a time of day.
func (l *lexer) number() token {
	pos := l.pos
	l.digits()
	if l.at(0) == ':' {
		return l.time(pos)
	}
	if l.at(0) == '.' && isDigit(l.at(1)) {
		l.pos++
		l.digits()
	}
	end := l.pos
	for isWordRune(l.at(0)) || l.at(0) == '°' || l.at(0) == '²' || l.at(0) == '³' {
		l.pos++
	}
	text := string(l.src[pos:l.pos])
	if l.pos > end {
		return l.duration(pos, end, text)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return l.bad(pos, "", "%s is not a number", text)
	}
	return token{kind: tokenNumber, text: text, num: f, pos: pos}
}

func (l *lexer) duration(pos, end int, text string) token {
	d, err := home.ParseDuration(text)
	if err == nil {
		return token{kind: tokenDuration, text: text, num: d.Seconds(), pos: pos}
	}
	number, unit := string(l.src[pos:end]), string(l.src[end:l.pos])
	if strings.Contains("min mins minute minutes sec secs second seconds hour hours hr hrs day days week weeks ms s m h d w us", unit) {
		return l.bad(pos, "durations are whole numbers with ms, s, m, h, d or w, the largest first: 1h30m",
			"%s is no duration", text)
	}
	return l.bad(pos, "units are left out: write "+number, "%s is no number", text)
}

func (l *lexer) time(pos int) token {
	end := l.pos
	l.pos++
	l.digits()
	text := string(l.src[pos:l.pos])
	minutes, ok := ParseTime(text)
	if !ok {
		if end-pos > 2 || l.pos == end+1 {
			return l.bad(end, "write: if C then A else B", "there is no :")
		}
		return l.bad(pos, "write 00:00 to 23:59, with two digits each", "%s is no time of day", text)
	}
	if l.at(0) == ':' {
		return l.bad(pos, "write "+text, "a time of day has no seconds")
	}
	return token{kind: tokenTime, text: text, num: float64(minutes), pos: pos}
}

// ParseTime reads a time of day, 00:00 to 24:00, as minutes after midnight. The
// hour may have one digit.
func ParseTime(s string) (minutes int, ok bool) {
	h, m, found := strings.Cut(s, ":")
	if !found || len(h) < 1 || len(h) > 2 || len(m) != 2 {
		return 0, false
	}
	for _, r := range h + m {
		if !isDigit(r) {
			return 0, false
		}
	}
	hour, _ := strconv.Atoi(h) // digits only
	minute, _ := strconv.Atoi(m)
	if hour > 24 || minute > 59 || hour == 24 && minute > 0 {
		return 0, false
	}
	return hour*60 + minute, true
}
