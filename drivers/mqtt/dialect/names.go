package dialect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"hogar/gateway/home"
)

// Names gives discovered devices their names in the house and keeps them unique.
// One is shared by all connections of a configuration. It is safe for concurrent use.
type Names struct {
	mu     sync.Mutex
	given  map[string]string              // by id: the configuration's names:
	known  map[string]Known               // by id: of the runs before, or claimed now
	owners map[string]string              // by name: the id, "" for the configuration
	has    map[string]map[string]struct{} // by name: the words of its properties

	unnamed map[string]bool // by id: called by its address in this run, until it says its name
}

// Known is a device that was discovered before.
type Known struct {
	Name  string
	Via   string // where: the broker and the base topic
	Label string // the name it had there
}

// NamesOptions are what the names depend on.
type NamesOptions struct {
	Taken map[string][]home.Property // devices of the configuration, with their properties
	Given map[string]string          // by id: the name that the configuration gives it
	Known map[string]Known           // by id: the names of the run before
}

// NewNames reserves what is taken, given and known.
func NewNames(o NamesOptions) *Names {
	n := &Names{given: maps.Clone(o.Given), known: make(map[string]Known), owners: make(map[string]string), unnamed: make(map[string]bool),
		has: make(map[string]map[string]struct{})}
	for name, properties := range o.Taken {
		n.take(name, "", properties)
	}
	for _, id := range slices.Sorted(maps.Keys(n.given)) {
		if _, ok := n.owners[n.given[id]]; !ok {
			n.owners[n.given[id]] = id
		}
	}
	for _, id := range slices.Sorted(maps.Keys(o.Known)) {
		k := o.Known[id]
		if owner, ok := n.owners[k.Name]; ok && owner != id || n.given[id] != "" && n.given[id] != k.Name {
			continue // the configuration says otherwise now
		}
		n.owners[k.Name], n.known[id] = id, k
	}
	return n
}

// Renew has other devices of the configuration take their names, and keeps all that discovered
// devices have. It reports false, and changes nothing, where a name of the two would be the same.
func (n *Names) Renew(taken map[string][]home.Property) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, properties := range taken {
		of, word := home.Split(name)
		if _, is := n.has[of][word]; n.owners[name] != "" || is && n.owners[of] != "" {
			return false
		}
		for _, p := range properties {
			if n.owners[home.Join(name, p.Name)] != "" {
				return false
			}
		}
	}
	for name, owner := range n.owners {
		if owner == "" {
			delete(n.owners, name)
			delete(n.has, name)
		}
	}
	for name, properties := range taken {
		n.take(name, "", properties)
	}
	return true
}

func (n *Names) take(name, id string, properties []home.Property) {
	n.owners[name] = id
	words := make(map[string]struct{}, len(properties))
	for _, p := range properties {
		words[p.Name] = struct{}{}
	}
	n.has[name] = words
}

// Claim returns the name of a device: the one that the configuration gives it,
// else the one it had, unless that was only its address, else its label folded (see [home.Fold]). The error says
// why it must stay out of the house and what to write.
func (n *Names) Claim(d Device, via string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := n.given[d.ID]
	k, known := n.known[d.ID]
	switch {
	case name != "" || !known:
		n.unnamed[d.ID] = d.Unnamed
	case n.unnamed[d.ID] && !d.Unnamed && n.free(home.Fold(d.Label, d.ID), d) == nil: // it says its name only now
		n.release(d.ID)
	default:
		name = k.Name
	}
	if name == "" {
		name = home.Fold(d.Label, d.ID)
	}
	if err := n.free(name, d); err != nil {
		return "", fmt.Errorf("%w; give it a name of its own with names: {%q: …}", err, d.ID)
	}
	n.take(name, d.ID, d.Properties)
	n.known[d.ID] = Known{name, via, d.Label}
	return name, nil
}

// free says why d cannot have the name.
func (n *Names) free(name string, d Device) error {
	if owner, ok := n.owners[name]; ok && owner != d.ID {
		if owner == "" {
			return fmt.Errorf("the configuration has a device %s", name)
		}
		return fmt.Errorf("%s is the name of %s", name, owner)
	}
	if of, property := home.Split(name); of != "" {
		if _, is := n.has[of][property]; is {
			return fmt.Errorf("%s is the property %s of device %s", name, property, of)
		}
	}
	for _, p := range d.Properties {
		if owner, ok := n.owners[home.Join(name, p.Name)]; ok && owner != d.ID {
			return fmt.Errorf("its property %s would have the name of device %s", p.Name, home.Join(name, p.Name))
		}
	}
	return nil
}

// Release frees the name of a device that is gone, and returns it.
func (n *Names) Release(id string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.release(id)
}

func (n *Names) release(id string) string {
	name := n.known[id].Name
	delete(n.known, id)
	delete(n.unnamed, id)
	delete(n.has, name)
	if n.given[id] != name {
		delete(n.owners, name)
	}
	return name
}

// Of returns what is known of a device; nothing of one that is not.
func (n *Names) Of(id string) Known {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[id]
}

// Via lists, in order, the ids of the devices that are known by way of via.
func (n *Names) Via(via string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ids []string
	for id, k := range n.known {
		if k.Via == via {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Word makes a property's name of a name from outside: [home.Fold]'s rules for
// one word.
func Word(name string) string {
	flat := strings.NewReplacer(".", "_", "/", "_").Replace(name)
	if strings.TrimLeft(flat, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && home.CheckWord(flat) == nil {
		return flat
	}
	_, word := home.Split(home.Fold("a/"+flat, "")) // the first word alone may not be a reserved one
	if word == "" || word == "a" && !strings.EqualFold(flat, "a") {
		return "property"
	}
	return word
}
