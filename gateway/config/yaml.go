package config

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"hogar/gateway/home"
)

// Limits of one file. The YAML library is recursive, so nesting has to end.
const (
	maxSize    = 1 << 20 // bytes
	maxNesting = 200
	maxSlips   = 50 // syntax errors told of one file
)

// tree turns the bytes of one file into nodes. Every fault that YAML itself has
// is noted: where a line cannot be read, it is left out and the rest read again,
// so that one slip does not hide the others.
type tree struct {
	src     *Source
	faults  *home.Faults
	index   int            // of the file in src
	dir     string         // of the file
	slipped map[int]string // line left out: the path key of its fault
}

// add reads one file into nodes whose paths begin at root; nil when nothing could be
// read. A file of rules has its own name as root, only its rules are at [rules].
func (s *Source) add(root []string, name string, data []byte, faults *home.Faults) *home.Node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	f := &file{name: name}
	for line := range strings.SplitSeq(string(data), "\n") {
		f.lines = append(f.lines, []rune(line))
	}
	s.files = append(s.files, f)
	t := &tree{src: s, faults: faults, index: len(s.files) - 1, dir: dirOf(name), slipped: make(map[int]string)}
	if why, at := unfit(data); why != "" {
		t.slip(nil, at, why, "")
		return nil
	}
	docs, ok := t.parse(data)
	if !ok {
		return nil
	}
	return t.root(root, docs)
}

// dirOf is the folder of a file; standard input is in the working directory.
func dirOf(name string) string {
	if dir := filepath.Dir(name); dir != "." {
		return dir
	}
	return ""
}

// unfit says why the bytes are not given to the YAML library at all.
func unfit(data []byte) (string, spot) {
	switch {
	case len(data) > maxSize:
		return fmt.Sprintf("the file has %d kB, expected at most %d", len(data)>>10, maxSize>>10), spot{}
	case !utf8.Valid(data):
		return "the file is not UTF-8 text", spot{}
	}
	var open, deep int
	indents := []int{0}
	for i, line := range strings.Split(string(data), "\n") {
		text := strings.TrimLeft(line, " -?\t")
		indent := len(line) - len(text)
		for len(indents) > 0 && indents[len(indents)-1] >= indent {
			indents = indents[:len(indents)-1]
		}
		indents = append(indents, indent)
		marks := strings.Count(line[:indent], "-") + strings.Count(line[:indent], "?")
		for _, r := range text {
			switch r {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			deep = max(deep, open)
		}
		if max(deep, marks, len(indents)) > maxNesting {
			return fmt.Sprintf("this is nested more than %d deep", maxNesting), spot{i + 1, 1}
		}
		if at := strings.IndexFunc(line, isControl); at >= 0 {
			return "here is a control character", spot{i + 1, column(line, at)}
		}
	}
	return "", spot{}
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// parse reads the documents, and again without the lines that cannot be read.
func (t *tree) parse(data []byte) ([]*ast.DocumentNode, bool) {
	lines := strings.Split(string(data), "\n")
	for range maxSlips {
		parsed, err := parseYAML([]byte(strings.Join(lines, "\n")))
		if err == nil {
			return parsed.Docs, true
		}
		at, message := syntaxError(err)
		said := diagnose(lines, at, message)
		key, again := t.slipped[said.at.line]
		if !again {
			key = t.slip(nil, said.at, said.message, said.hint)
		}
		if !t.leaveOut(lines, said.at.line, key) {
			return nil, false
		}
	}
	return nil, false
}

// parseYAML is the library's parser; a panic in it is an error like any other.
func parseYAML(data []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML reader gave up: %v", r)
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// syntaxError takes an error of the library apart.
func syntaxError(err error) (spot, string) {
	var placed interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &placed) {
		return spot{1, 1}, err.Error()
	}
	if tk := placed.GetToken(); tk != nil && tk.Position != nil {
		return spot{tk.Position.Line, tk.Position.Column}, placed.GetMessage()
	}
	return spot{1, 1}, placed.GetMessage()
}

// leaveOut takes the entry that begins in a line out of the text: its key stays,
// with nothing behind it. It reports whether that was possible.
func (t *tree) leaveOut(lines []string, number int, key string) bool {
	if number < 1 || number > len(lines) {
		return false
	}
	if line := lines[number-1]; strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
		for i, line := range lines { // the columns stay right
			text := strings.TrimLeft(line, " \t")
			lines[i] = strings.Repeat(" ", len(line)-len(text)) + text
		}
		return true
	}
	for t.slipped[number] != "" { // no better for it: what it belongs to goes, too
		inner := indentOf(lines[number-1])
		for number--; number > 0 && (lines[number-1] == "" || indentOf(lines[number-1]) >= inner); number-- {
		}
		if number == 0 {
			return false
		}
	}
	line := lines[number-1]
	indent := indentOf(line)
	head := entryHead(line)
	if head == "" && strings.TrimSpace(line) != "" {
		head = line[:indent] + fmt.Sprintf("(line %d):", number)
	}
	lines[number-1] = head
	t.slipped[number] = key
	for i := number; i < len(lines) && (strings.TrimSpace(lines[i]) == "" || indentOf(lines[i]) > indent); i++ {
		lines[i] = ""
	}
	return true
}

// slip notes a fault at a spot of the file, about the value at path (nil: not
// known), which is not to be checked any further. It returns the fault's own key.
func (t *tree) slip(path []string, at spot, message, hint string) string {
	name := t.src.files[t.index].name
	own := append(path[:len(path):len(path)], fmt.Sprintf("(%s:%d:%d)", name, at.line, at.column))
	key := pathKey(own)
	t.src.places[key] = place{file: t.index, key: at, value: at, own: true, shown: strings.Join(path, ".")}
	t.faults.Add(home.Fault{Path: own, Message: message, Hint: hint})
	t.src.broken[pathKey(path)] = true
	return key
}

// root walks the one document that a file may have.
func (t *tree) root(path []string, docs []*ast.DocumentNode) *home.Node {
	var body ast.Node
	found := false
	for _, doc := range docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if found {
			at := t.spotOf(doc.Body.GetToken())
			if doc.Start != nil {
				at = t.spotOf(doc.Start)
			}
			t.slip(nil, at, "a second document begins here", "one file holds one document: take the line --- out")
			break
		}
		body, found = doc.Body, true
	}
	if body == nil {
		return &home.Node{Path: path, Kind: home.NodeMap}
	}
	n := t.node(path, body, spot{1, 1})
	if n.Kind != home.NodeMap && n.Slip == "" {
		t.slip(nil, t.spotOf(body.GetToken()), n.Describe()+", expected keys with values, like gateway: casa", "")
		return nil
	}
	return n
}

func (t *tree) spotOf(tk *token.Token) spot {
	if tk == nil || tk.Position == nil {
		return spot{1, 1}
	}
	return spot{tk.Position.Line, tk.Position.Column}
}
