package config

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"hogar/gateway/home"
	"hogar/gateway/secret"
)

// Source remembers how a configuration was written: for each path the file, the
// line and the column. [Load] makes it; afterwards it does not change, and any
// number of goroutines may ask it.
type Source struct {
	files  []*file
	places map[string]place
	broken map[string]bool // paths of which YAML left nothing that could be checked
	lost   bool            // a key of the first level could not be read

	covers sync.Once
	plain  []string // secrets that stand in the files, the longest first
}

// file is one file that was read.
type file struct {
	name  string
	lines [][]rune
}

// spot is a character of a file: line and column count from 1, in characters.
type spot struct{ line, column int }

// place is where a path is written.
type place struct {
	file       int
	key, value spot
	scalar     bool
	text       string // of a scalar
	own        bool   // a fault of the reader's: it stands where nothing else could be checked
	shown      string // of an own place: the path that is shown
}

// Problem is a fault with its place, ready to be shown.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`   // from 1; 0: the file as a whole
	Column  int    `json:"column,omitempty"` // in characters, from 1
	Message string `json:"message"`          // with the path in front
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"`

	order int    // of the file
	line  string // as shown: secrets are covered
	caret int    // column in line
}

// Resolve says where the fault is. A path that is not written (a key that is
// missing) is told at the nearest map above it that is.
func (s *Source) Resolve(f home.Fault) Problem {
	p := Problem{Message: f.Message, Hint: f.Hint, Warning: f.Warning}
	path := f.Path
	if len(path) > 0 && slices.ContainsFunc(s.files, func(f *file) bool { return f.name == path[0] }) {
		path = path[1:] // a file of rules
	}
	shown := strings.Join(path, ".")
	at, where := s.find(f)
	if at.own {
		shown = at.shown
	}
	f.Message = s.cover(f.Message) // without the path: what follows "password:" in it is no secret
	p.Message, p.Hint = short(said(s.cover(shown), f)), short(s.cover(p.Hint))
	if at.file >= len(s.files) {
		return p
	}
	file := s.files[at.file]
	p.File, p.order, p.Line, p.Column = secret.In(file.name), at.file, where.line, where.column
	if p.Line > 0 && p.Line <= len(file.lines) && len(file.lines[p.Line-1]) <= longest {
		p.line, p.caret = s.excerpt(file.lines[p.Line-1], p.Column)
	}
	return p
}

// longest is how many characters a line has that is shown, and a message.
const longest = 4000

// short cuts a text that is longer than anybody reads; what looks like a secret is covered before.
func short(text string) string {
	r := []rune(text)
	if len(r) <= longest {
		return text
	}
	return fmt.Sprintf("%s … %s (cut: %d characters)", string(r[:longest/8]), string(r[len(r)-longest/8:]), len(r))
}

// said puts the path in front of a message; a message that begins with the key goes
// on from the path: journal.keep is '7', expected a duration.
func said(shown string, f home.Fault) string {
	if shown == "" {
		return f.Message
	}
	if rest, same := strings.CutPrefix(f.Message, f.Path[len(f.Path)-1]+" "); same {
		return shown + " " + rest
	}
	return shown + ": " + f.Message
}

// find returns the place of a fault and the character it is about.
func (s *Source) find(f home.Fault) (place, spot) {
	at, ok := s.places[pathKey(f.Path)]
	onKey := f.OnKey
	for path := f.Path; !ok && len(path) > 0; {
		path, onKey = path[:len(path)-1], true
		at, ok = s.places[pathKey(path)]
	}
	switch {
	case onKey:
		return at, at.key
	case at.scalar && f.Offset > 0 && at.file < len(s.files):
		return at, locate(s.files[at.file].lines, at.value, at.text, f.Offset)
	}
	return at, at.value
}

// Problems returns the faults with their places, in the order of the files and
// lines. What was told twice is left out, and what is said about a value that
// YAML has cut or swallowed: only that is told. Of more than [most] the last one says how many
// others there are; warnings are the first to be left out.
func (s *Source) Problems(faults *home.Faults) []Problem {
	var problems []Problem
	list := slices.Clone(faults.List)
	if len(list) > most {
		slices.SortStableFunc(list, func(a, b home.Fault) int { return rank(a) - rank(b) })
	}
	for _, f := range list[:min(most, len(list))] {
		if s.Unreadable(f.Path) && !s.places[pathKey(f.Path)].own {
			continue
		}
		if s.lost && len(f.Path) == 0 { // that a key is missing
			continue
		}
		problems = append(problems, s.Resolve(f))
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	problems = slices.Compact(problems)
	if len(list) > most {
		problems = append(problems, Problem{Warning: list[most].Warning,
			Message: fmt.Sprintf("%d more are found, and shown when these are mended", len(list)-most)})
	}
	return problems
}

// most is how many faults are shown at once.
const most = 500

// rank has faults before warnings.
func rank(f home.Fault) int {
	if f.Warning {
		return 1
	}
	return 0
}

// Unreadable reports whether path, or a map above it, could not be read as YAML:
// what is missing there may well be written.
func (s *Source) Unreadable(path []string) bool {
	for n := range path {
		if s.broken[pathKey(path[:n+1])] {
			return true
		}
	}
	return false
}

// Complete reports whether all of the configuration could be read as YAML. If
// not, a name that seems to be missing may stand in a part that was not read.
func (s *Source) Complete() bool { return len(s.broken) == 0 }

// Print writes the problems for a person: each with its place, and the line
// with a mark below the character.
func Print(w io.Writer, problems []Problem) error {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String())
		b.WriteByte('\n')
		if p.line == "" {
			continue
		}
		number := fmt.Sprintf("%5d", p.Line)
		fmt.Fprintf(&b, "%s | %s\n%*s | %s^\n", number, p.line, len(number), "", indentLike(p.line, p.caret))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String shows the problem in one line: file:line:column: message (hint).
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d:%d", p.Line, p.Column)
	}
	if s != "" {
		s += ": "
	}
	if p.Warning {
		s += "warning: "
	}
	s += p.Message
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// widest is how many characters of a line are shown.
const widest = 110

// excerpt returns the part of a line around the column as it may be shown, and
// the column in it. Secrets are covered.
func (s *Source) excerpt(line []rune, column int) (string, int) {
	column = min(max(column, 1), len(line)+1)
	whole := s.cover(string(line))
	before := s.cover(string(line[:column-1]))
	caret := utf8.RuneCountInString(before) + 1
	if !strings.HasPrefix(whole, before) { // the column is inside a secret
		caret = max(strings.Index(whole, secret.Covered), 0) + 1
	}
	shown := []rune(whole)
	if len(shown) <= widest {
		return whole, caret
	}
	from := max(0, min(caret-widest*2/3, len(shown)-widest))
	to := min(from+widest, len(shown))
	text, caret := string(shown[from:to]), caret-from
	if from > 0 {
		text, caret = "…"+text, caret+1
	}
	if to < len(shown) {
		text += "…"
	}
	return text, caret
}

// indentLike returns blanks as wide as the line before the column: tabs stay tabs.
func indentLike(line string, column int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= column-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

func pathKey(path []string) string { return strings.Join(path, "\x00") }

// Listing is a file of the configuration as it may be shown.
type Listing struct {
	Name string
	Text string // secrets are covered
}

// Files returns what was read, in the order of the reading.
func (s *Source) Files() []Listing {
	shown := make([]Listing, len(s.files))
	for i, f := range s.files {
		lines := make([]string, len(f.lines))
		for n, line := range f.lines {
			lines[n] = s.cover(string(line))
		}
		shown[i] = Listing{f.name, strings.Join(lines, "\n")}
	}
	return shown
}
