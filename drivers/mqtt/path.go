package mqtt

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// step is one step of a path: into a member of an object, or an item of a list.
type step struct {
	name  string
	index int // used when name is empty
}

// parsePath reads the part of JSONPath that a plain topic needs: $ is the whole
// message, $.moisture a member, $.sensors[0].value an item of a list. A name is
// anything without dots, brackets, quotes and spaces.
func parsePath(text string) ([]step, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("%q does not begin with $", text)
	}
	steps := []step{}
	for rest != "" {
		end := strings.IndexAny(rest[1:], ".[") + 1
		if end == 0 {
			end = len(rest)
		}
		one := rest[:end]
		rest = rest[end:]
		switch one[0] {
		case '.':
			if one == "." || strings.ContainsAny(one, "]'\" \t\n*") {
				return nil, fmt.Errorf("%q: %q is not a name after a dot", text, one)
			}
			steps = append(steps, step{name: one[1:]})
		case '[':
			index, err := strconv.ParseUint(strings.TrimSuffix(one[1:], "]"), 10, 16)
			if err != nil || !strings.HasSuffix(one, "]") {
				return nil, fmt.Errorf("%q: %q is not a number in brackets", text, one)
			}
			steps = append(steps, step{index: int(index)})
		default:
			return nil, fmt.Errorf("%q: expected . or [ before %q", text, one)
		}
	}
	return steps, nil
}

// walk follows steps into a JSON text. found is false when the text has no such
// place; the error is that of a text that is no JSON.
func walk(text []byte, steps []step) (place []byte, found bool, err error) {
	if !json.Valid(text) {
		return nil, false, fmt.Errorf("no JSON")
	}
	for _, s := range steps {
		if s.name == "" {
			var items []json.RawMessage
			if json.Unmarshal(text, &items) != nil || s.index >= len(items) {
				return nil, false, nil
			}
			text = items[s.index]
			continue
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(text, &members) != nil || members[s.name] == nil {
			return nil, false, nil
		}
		text = members[s.name]
	}
	return text, true, nil
}
