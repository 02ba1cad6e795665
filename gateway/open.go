package gateway

import "hogar/gateway/home"

// openNames is a house in which devices may come that nobody knows yet. Their
// properties are of no known type, and the rules that name them are told so.
type openNames struct {
	names
	wholes map[string]bool
}

// Property returns a property without a type for one that may come.
func (n openNames) Property(name string) (home.Property, bool) {
	if p, ok := n.names.Property(name); ok {
		return p, true
	}
	device, property := home.Split(name)
	if home.CheckDevice(device) != nil || home.CheckWord(property) != nil || n.wholes[device] || !n.Open(device) {
		return home.Property{}, false
	}
	return home.Property{Name: property, Settable: true}, true
}
