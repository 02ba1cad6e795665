package hub

import (
	"maps"
	"slices"
	"time"

	"hogar/gateway/home"
)

// Expect says which devices the configuration has, and after how long without a
// measurement each is stale (house time; 0: never). It replaces what was said before.
func (h *Hub) Expect(staleAfter map[string]time.Duration) {
	h.state.mu.Lock()
	defer h.state.mu.Unlock()
	h.state.expect = maps.Clone(staleAfter)
	h.state.lookAll()
}

// ExpectOf is [Hub.Expect] for one device, and leaves the others as they are.
func (h *Hub) ExpectOf(device string, staleAfter time.Duration) {
	h.state.mu.Lock()
	defer h.state.mu.Unlock()
	if h.state.expect == nil {
		h.state.expect = make(map[string]time.Duration)
	}
	h.state.expect[device] = staleAfter
	h.state.quiet.set(device, time.Time{})
	if staleAfter == 0 {
		delete(h.state.expect, device)
	} else if d := h.state.devices[device]; d != nil {
		h.state.look(device, d)
	}
}

// Has reports whether there is a device of that name, of the configuration or
// discovered.
func (h *Hub) Has(device string) bool {
	h.state.mu.RLock()
	defer h.state.mu.RUnlock()
	d := h.state.devices[device]
	return d != nil && d.Catalog != nil
}

// Devices returns what is known of the devices whose name, or a property of
// which, fits pattern (see [home.Match]), ordered by name.
func (h *Hub) Devices(pattern string) []home.DeviceState {
	s := &h.state
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []home.DeviceState
	for _, name := range slices.Sorted(maps.Keys(s.devices)) {
		if d := s.devices[name]; d.Catalog != nil {
			if view := s.view(d, name, pattern); view != nil {
				found = append(found, *view)
			}
		}
	}
	return found
}

// view is the device as others see it, with the properties that fit pattern; nil
// when neither it nor any of them does.
func (s *state) view(d *device, name, pattern string) *home.DeviceState {
	whole := home.Match(pattern, name)
	v := home.DeviceState{Name: name, Label: d.Catalog.Label, Driver: d.Catalog.Driver,
		ID: d.Catalog.ID, Via: d.Catalog.Via, Status: d.Status, Reason: d.Reason,
		Since: s.shown(d.Since)}
	for _, p := range d.Catalog.Properties {
		full := home.Join(name, p.Name)
		if !whole && !home.Match(pattern, full) {
			continue
		}
		v.Properties = append(v.Properties, p)
		if p.Type == home.TypeEvent {
			continue // momentary: never remembered
		}
		r, ok := d.Last[p.Name]
		if !ok {
			r = home.LastReading{Name: full, Unit: p.Unit, Unknown: "never measured"}
		}
		r.Time = s.shown(r.Time)
		v.Readings = append(v.Readings, r)
	}
	if !whole && len(v.Properties) == 0 {
		return nil
	}
	return &v
}

// Last returns the last reading of a device's property. Known to control, which
// turns a toggle into the other state.
func (h *Hub) Last(device, property string) home.Value {
	h.state.mu.RLock()
	defer h.state.mu.RUnlock()
	if d := h.state.devices[device]; d != nil {
		return d.Last[property].Value
	}
	return home.Value{}
}
