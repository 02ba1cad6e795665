package config

import "unicode"

// locate returns where the character at offset of a scalar's text is written.
// The scalar begins at start. Text and source are walked together: YAML folds,
// indents and escapes only, so the characters that are not blank come in the same order in both.
func locate(lines [][]rune, start spot, text string, offset int) spot {
	w := walker{lines: lines, at: start}
	w.open()
	for i, r := range []rune(text) {
		if isBlank(r) {
			if i == offset {
				return w.at
			}
			continue
		}
		w.skipBlanks()
		if i == offset {
			break
		}
		w.consume()
	}
	return w.at
}

func isBlank(r rune) bool { return unicode.IsSpace(r) }

// walker goes through the source of one scalar.
type walker struct {
	lines [][]rune
	at    spot
	quote rune // ' or ", or 0 for plain and block scalars
}

// peek returns the character n further on in the line, '\n' at its end, 0 at the
// end of the file.
func (w *walker) peek(n int) rune {
	if w.at.line < 1 || w.at.line > len(w.lines) {
		return 0
	}
	line := w.lines[w.at.line-1]
	if i := w.at.column - 1 + n; i >= 0 && i < len(line) {
		return line[i]
	}
	return '\n'
}

func (w *walker) forward(n int) { w.at.column += n }

// open steps over the mark with which the scalar begins.
func (w *walker) open() {
	for w.peek(0) == ' ' || w.peek(0) == '\t' { // a tab before it makes the start one early
		w.forward(1)
	}
	switch r := w.peek(0); r {
	case '\'', '"':
		w.quote = r
		w.forward(1)
	case '|', '>':
		w.at = spot{w.at.line + 1, 1}
	}
}

// skipBlanks goes to the next character that is not blank, over line ends and
// escapes that stand for blanks.
func (w *walker) skipBlanks() {
	for {
		switch r := w.peek(0); {
		case r == 0:
			return
		case r == '\n':
			w.at = spot{w.at.line + 1, 1}
		case isBlank(r):
			w.forward(1)
		case r == '\\' && w.quote == '"' && w.peek(1) == '\n':
			w.forward(1)
		case r == '\\' && w.quote == '"' && containsRune(" \tntrfvNLP_", w.peek(1)):
			w.forward(2)
		default:
			return
		}
	}
}

// consume steps over one character of the text.
func (w *walker) consume() {
	switch {
	case w.quote == '\'' && w.peek(0) == '\'' && w.peek(1) == '\'':
		w.forward(2)
	case w.quote == '"' && w.peek(0) == '\\':
		digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[w.peek(1)]
		surrogate := digits == 4 && w.peek(2)|0x20 == 'd' && containsRune("89abAB", w.peek(3))
		w.forward(2 + digits)
		if surrogate && w.peek(0) == '\\' && w.peek(1) == 'u' {
			w.forward(6)
		}
	default:
		w.forward(1)
	}
}

func containsRune(set string, r rune) bool {
	for _, one := range set {
		if one == r {
			return true
		}
	}
	return false
}
