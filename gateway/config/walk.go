package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"hogar/gateway/home"
)

// node turns what the YAML library read into a [home.Node] and remembers its
// place; key is where its key stands.
func (t *tree) node(path []string, from ast.Node, key spot) *home.Node {
	n := &home.Node{Path: path, Dir: t.dir}
	at := key
	if tk := from.GetToken(); tk != nil {
		at = t.spotOf(tk)
	}
	switch v := from.(type) {
	case *ast.MappingNode:
		if text, ok := t.clock(v); ok {
			n.Kind, n.Text = home.NodeScalar, text
			break
		}
		n.Kind = home.NodeMap
		if !v.IsFlowStyle && len(v.Values) > 0 {
			at = t.spotOf(v.Values[0].Key.GetToken())
		}
		t.pairs(n, v)
	case *ast.SequenceNode:
		n.Kind = home.NodeList
		t.items(n, v, at)
	case *ast.LiteralNode:
		n.Kind, n.Quote, n.Text = home.NodeScalar, true, v.Value.Value
		if strings.TrimSpace(n.Text) == "" {
			n.Slip = v.Start.Value[:1]
		}
	case *ast.StringNode:
		n.Kind, n.Text = home.NodeScalar, v.Value
		n.Quote = t.at(at) == '"' || t.at(at) == '\''
		if !n.Quote {
			t.missingComma(path, n.Text, at)
		}
	case *ast.NullNode:
		if t.at(at) == '!' { // YAML reads a lone tag as nothing
			n.Slip = "!"
		} else {
			at = key
		}
	case *ast.TagNode:
		n.Slip = "!"
	case *ast.AnchorNode:
		n.Slip = "&"
	case *ast.AliasNode:
		n.Slip = "*"
	case ast.ScalarNode: // a number, true or false: as it was written
		n.Kind, n.Text = home.NodeScalar, strings.TrimSpace(v.GetToken().Value)
	default:
		t.slip(path, at, "this cannot be read", "write it as key: value")
	}
	t.remember(n, key, at)
	if n.Slip != "" {
		message, hint := swallowed(n.Slip, string(t.rest(at)))
		t.slip(path, at, message, hint)
	}
	return n
}

// clock reads a time of day in a flow list, [06:45, 07:15], of which the library
// makes a map although no blank follows the colon (YAML 1.2 §7.3.3).
func (t *tree) clock(from *ast.MappingNode) (string, bool) {
	if len(from.Values) != 1 || from.IsFlowStyle {
		return "", false
	}
	hour, isNumber := from.Values[0].Key.(*ast.IntegerNode)
	if !isNumber {
		return "", false
	}
	at := t.spotOf(hour.GetToken())
	text := string(t.rest(at))
	if end := strings.IndexAny(text, ",]} "); end >= 0 {
		text = text[:end]
	}
	if before, after, ok := strings.Cut(text, ":"); !ok || len(after) != 2 || before != strings.TrimSpace(hour.GetToken().Value) {
		return "", false
	}
	return text, true
}

// items walks a list; the key of an item is its dash.
func (t *tree) items(n *home.Node, from *ast.SequenceNode, at spot) {
	for i, item := range from.Values {
		if !from.IsFlowStyle && i < len(from.Entries) {
			at = t.spotOf(from.Entries[i].Start)
		}
		n.Items = append(n.Items, t.node(below(n.Path, strconv.Itoa(i)), item, at))
	}
}

// remember keeps the place of n; the first of a path counts.
func (t *tree) remember(n *home.Node, key, at spot) {
	k := pathKey(n.Path)
	if _, has := t.src.places[k]; has {
		return
	}
	if own, is := t.slipped[key.line]; is && n.Kind == home.NodeNull {
		t.name(own, n.Path)
	}
	t.src.places[k] = place{file: t.index, key: key, value: at, scalar: n.Kind == home.NodeScalar, text: n.Text}
}

// name gives the fault of a line that was left out its path.
func (t *tree) name(own string, path []string) {
	at := t.src.places[own]
	at.shown = strings.Join(path, ".")
	t.src.places[own] = at
	t.src.broken[pathKey(path)] = true
	t.src.lost = t.src.lost || len(path) == 0
}

// pairs walks the keys of a map in their order.
func (t *tree) pairs(n *home.Node, from *ast.MappingNode) {
	lines := make(map[string]int)
	for i, pair := range from.Values {
		tk := pair.Key.GetToken()
		at := t.spotOf(tk)
		if own, is := t.slipped[at.line]; is && tk != nil && tk.Value == fmt.Sprintf("(line %d)", at.line) {
			t.name(own, n.Path) // a line without a key: nobody knows what the map lacks
			continue
		}
		key, ok := t.key(n.Path, pair, at)
		if !ok {
			continue
		}
		path := t.below(n.Path, key)
		if first, again := lines[key]; again {
			t.again(path, at, fmt.Sprintf("line %d", first))
			continue
		}
		lines[key] = at.line
		if p, has := t.src.places[pathKey(path)]; has && len(path) == 2 && p.file != t.index {
			t.again(path, at, fmt.Sprintf("%s:%d", t.src.files[p.file].name, p.key.line))
			continue
		}
		if from.IsFlowStyle && pair.Start == tk && i > 0 && t.cutByComma(path, from, i) {
			continue
		}
		if pair.Start == tk && t.at(at) != '?' {
			t.slip(path, at, "'"+key+"' has no value", "write key: value, with a blank after the colon")
			continue
		}
		n.Pairs = append(n.Pairs, home.Pair{Key: key, Value: t.node(path, pair.Value, at)})
	}
}

// key returns the text of a key.
func (t *tree) key(path []string, pair *ast.MappingValueNode, at spot) (string, bool) {
	switch k := pair.Key.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.MergeKeyNode:
		t.slip(below(path, "<<"), at, "<< is not used here", "write the keys themselves")
		return "", false
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return strings.TrimSpace(k.GetToken().Value), true
	}
	t.slip(below(path, "?"), at, "this is no key", "write key: value")
	return "", false
}

// again notes a key that stands in its map for the second time.
func (t *tree) again(path []string, at spot, first string) {
	name := t.src.files[t.index].name
	own := below(path, fmt.Sprintf("(%s:%d:%d)", name, at.line, at.column))
	t.src.places[pathKey(own)] = place{file: t.index, key: at, value: at, own: true, shown: strings.Join(path, ".")}
	t.faults.Add(home.Fault{Path: own, Message: fmt.Sprintf("'%s' is here for the second time, first in %s",
		path[len(path)-1], first), Hint: "keep one of the two"})
}

// cutByComma tells an expression with a comma, inside { }, of which YAML has made
// a value and a key.
func (t *tree) cutByComma(path []string, from *ast.MappingNode, i int) bool {
	before, ok := from.Values[i-1].Value.(*ast.StringNode)
	if !ok || strings.Count(before.Value, "(") <= strings.Count(before.Value, ")") {
		return false
	}
	was := from.Values[i-1].Key.GetToken().Value
	whole := before.Value + ", " + path[len(path)-1]
	t.slip(below(path[:len(path)-1], was), t.spotOf(before.GetToken()),
		"the comma ends the value inside { }", "put it in single quotes: '"+whole+"'")
	return true
}

// missingComma tells a plain value inside { } that goes on with another key, which
// YAML forbids and the library takes as text.
func (t *tree) missingComma(path []string, text string, at spot) {
	before, _, has := strings.Cut(text, ": ")
	if !has {
		return
	}
	hint := "put it in single quotes"
	if i := strings.LastIndexByte(before, ' '); i > 0 && home.CheckWord(before[i+1:]) == nil {
		hint = "write: " + before[:i] + ", " + text[i+1:] + "; or put the whole in single quotes"
	}
	t.slip(path, at, "': ' inside a value begins another: is a comma missing?", hint)
}

// at returns the character at a spot, '\n' outside of the line.
func (t *tree) at(s spot) rune {
	rest := t.rest(s)
	if len(rest) == 0 {
		return '\n'
	}
	return rest[0]
}

// rest returns the line from a spot on.
func (t *tree) rest(s spot) []rune {
	lines := t.src.files[t.index].lines
	if s.line < 1 || s.line > len(lines) || s.column < 1 || s.column > len(lines[s.line-1]) {
		return nil
	}
	return lines[s.line-1][s.column-1:]
}

// below is the path of a key; the rules of all files come together.
func (t *tree) below(path []string, key string) []string {
	if t.index > 0 && len(path) == 1 && key == "rules" {
		return []string{key}
	}
	return below(path, key)
}

// below returns path with one more word.
func below(path []string, word string) []string {
	return append(path[:len(path):len(path)], word)
}
