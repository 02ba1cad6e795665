package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// screen is what all commands print to: the one place that keeps what a text from outside
// has in it (a value, a name, a reason, a topic) from steering the terminal. A character that
// could is written as JSON would write it, \u001b, so that JSON stays what it was. What the
// program itself says to the terminal passes: its colours, see [paint].
type screen struct {
	to io.Writer

	mu   sync.Mutex
	rest []byte // of a character that was not written whole yet
}

// fileOf returns the file that is behind w; nil: it is none.
func fileOf(w io.Writer) *os.File {
	if s, ok := w.(*screen); ok {
		w = s.to
	}
	file, _ := w.(*os.File)
	return file
}

// Write implements [io.Writer].
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := p
	if len(s.rest) > 0 {
		text = append(s.rest, p...)
	}
	whole := len(text) - partial(text)
	s.rest = append([]byte(nil), text[whole:]...)
	_, err := io.WriteString(s.to, escape(string(text[:whole])))
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// partial returns how many bytes at the end are the beginning of a character.
func partial(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// own stands before what the program itself says to the terminal: a character that no
// text has (Unicode 23.7: for use inside of programs).
const own = "\ufdd0"

// escape makes a text fit for a terminal. Lines and tabs stay.
func escape(text string) string {
	if strings.IndexFunc(text, steers) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		if color := ownColor(text); color != "" {
			b.WriteString(color)
			text = text[len(own)+len(color):]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case steers(r) && r > 0xffff: // two, as UTF-16 has it (RFC 8259 §7)
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case steers(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r) // U+FFFD for a byte that is none
		}
		text = text[size:]
	}
	return b.String()
}

// ownColor returns the sequence at the beginning of text, if it is a colour of [paint]'s.
func ownColor(text string) string {
	rest, is := strings.CutPrefix(text, own+"\x1b[")
	end := strings.IndexByte(rest, 'm')
	if !is || end < 0 || end > 2 || strings.Trim(rest[:end], "0123456789") != "" {
		return ""
	}
	return "\x1b[" + rest[:end+1]
}

// steers reports whether a terminal may do something other than to show r: control characters
// of C0 and C1 (ECMA-48), marks of direction that turn the text around them (Unicode UAX #9),
// separators of lines, and what is not seen and so hides a difference.
func steers(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r == '\u00ad', r == '\u200d', r == '\u200c': // they are parts of words, and of pictures
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == []rune(own)[0]
}

// plain makes a text from outside fit for one line of a table: a new line or a tab in it
// would make a line or a column that nobody wrote.
func plain(text string) string {
	if utf8.ValidString(text) && !strings.ContainsAny(text, "\n\t\r\v\f") {
		return text
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError)) // a tabwriter takes 0xff for its own
	return strings.NewReplacer("\n", `\n`, "\t", `\t`, "\r", `\r`, "\v", `\v`, "\f", `\f`).Replace(text)
}
