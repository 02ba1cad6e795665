package home

import (
	"os"
	"path/filepath"
	"strings"
)

// NodeKind is what a [Node] is.
type NodeKind uint8

// The kinds of nodes.
const (
	NodeNull NodeKind = iota // nothing stands there
	NodeScalar
	NodeMap
	NodeList
)

// String names the kind for a message.
func (k NodeKind) String() string {
	return [...]string{"nothing", "a single value", "a map", "a list"}[k]
}

// Node is one piece of the configuration as it was written: the order of keys
// and the text of scalars are kept, because both have meaning. It knows nothing
// of YAML; the config package makes it.
type Node struct {
	Path  []string
	Kind  NodeKind
	Text  string  // of a scalar: its text, without the quotes
	Quote bool    // the scalar stood in quotes, or as a block of text
	Dir   string  // folder of the file in which it stands; empty: the working directory
	Slip  string  // what YAML took away before it could be read: "!", "&", "*", ">" or "|"
	Pairs []Pair  // of a map, in order; keys are unique
	Items []*Node // of a list
}

// Pair is a key and its value.
type Pair struct {
	Key   string
	Value *Node
}

// Get returns the value of a map's key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}

// File returns where the file of that name is: one that is not absolute is
// relative to the folder of the file in which n stands, or with ~/ to the user's
// home.
func (n *Node) File(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	if below, ok := strings.CutPrefix(name, "~/"); ok {
		if user, err := os.UserHomeDir(); err == nil {
			return filepath.Join(user, below)
		}
	}
	return filepath.Join(n.Dir, name)
}
