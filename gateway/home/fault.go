package home

import (
	"fmt"
	"strings"
)

// Fault is one mistake in the configuration. It says where by path, so that who
// finds it need not know how the file is written; the config package turns the
// path into file, line and column.
type Fault struct {
	Path    []string // rules, hall_light, when, is; an item of a list by its index: "0"
	OnKey   bool     // the key is wrong, not its value
	Offset  int      // characters into the scalar's text
	Message string   // what was found and what was expected
	Hint    string   // what to write instead; may be empty
	Warning bool     // worth knowing, but the house can run
}

// Error shows the fault without its place in the file.
func (f Fault) Error() string {
	s := f.Message
	if len(f.Path) > 0 {
		s = strings.Join(f.Path, ".") + ": " + s
	}
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// Faults collects the mistakes of one configuration. Not for concurrent use.
type Faults struct {
	List  []Fault
	Asked func(Ask) // is told of every key that a decoder is asked for; nil: nobody is
}

// Add notes a fault.
func (fs *Faults) Add(f Fault) { fs.List = append(fs.List, f) }

// At notes a fault about the value at node.
func (fs *Faults) At(n *Node, hint, format string, args ...any) {
	fs.Add(Fault{Path: n.Path, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// Failed reports whether any of them is more than a warning.
func (fs *Faults) Failed() bool {
	for _, f := range fs.List {
		if !f.Warning {
			return true
		}
	}
	return false
}
