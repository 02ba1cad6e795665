package mqtt

import (
	"slices"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// Forget leaves a device to another connection, where it is now: what is said of it here
// does not count any more. It is safe for concurrent use, and does not wait.
func (c *Connection) Forget(device string) {
	f := c.found
	f.mu.Lock()
	if d := f.byName[device]; d != nil {
		delete(f.byID, d.ID)
	}
	delete(f.byName, device)
	f.mu.Unlock()
	c.reach.remove(device)
}

// missing lists who was known by way of s and is not among devices.
func (f *found) missing(s Source, devices []dialect.Device) []string {
	var gone []string
	for _, id := range f.names.Via(f.via(s)) {
		if !slices.ContainsFunc(devices, func(d dialect.Device) bool { return d.ID == id }) {
			gone = append(gone, id)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.out {
		if !slices.ContainsFunc(devices, func(d dialect.Device) bool { return d.ID == id }) {
			delete(f.out, id)
		}
	}
	return gone
}

// leaves takes a device out of the house, unless it has moved elsewhere.
func (c *Connection) leaves(s Source, id string) []home.Event {
	f := c.found
	f.mu.Lock()
	delete(f.out, id)
	f.mu.Unlock()
	if f.names.Of(id).Via != f.via(s) {
		return nil
	}
	name := f.names.Release(id)
	c.Forget(name)
	f.discover(Discovered{Name: name, Removed: true})
	return []home.Event{{Kind: home.KindCatalog, Device: name, Catalog: &home.Catalog{ID: id, Removed: true}}}
}
