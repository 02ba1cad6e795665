package hub

import (
	"time"

	"hogar/gateway/filter"
	"hogar/gateway/home"
)

// Meter is a part that wants to know of measurements that are not told: a filter
// held them back, or they repeat what is known. Only the age of what is known is
// new. Called by the hub's goroutine; the event is not kept.
type Meter interface {
	Measured(ev *home.Event)
}

// sieve is the filters of one property of a device.
type sieve struct {
	unit  string
	chain *filter.Chain
}

// sieves are all of them.
type sieves struct {
	byName map[string]map[string]sieve // by device and property
	class  map[string]home.Class       // of the last measurement, by device
	due    agenda[place]               // when a filter says something by itself
}

// Filter gives a device its filters, by property, in place of those that it had; nil
// takes them away. It holds for all that is accepted after it.
func (h *Hub) Filter(device string, properties []home.Property, chains map[string]*filter.Chain) {
	h.put(batch{call: func() { h.sieves.set(device, properties, chains) }})
}

func (s *sieves) set(device string, properties []home.Property, chains map[string]*filter.Chain) {
	for property := range s.byName[device] {
		s.due.set(place{device, property}, time.Time{})
	}
	delete(s.byName, device)
	if len(chains) == 0 {
		return
	}
	if s.byName == nil {
		s.byName, s.class = make(map[string]map[string]sieve), make(map[string]home.Class)
	}
	s.byName[device] = make(map[string]sieve, len(chains))
	for _, p := range properties {
		if c := chains[p.Name]; c != nil {
			s.byName[device][p.Name] = sieve{p.Unit, c}
			s.due.set(place{device, p.Name}, c.Next())
		}
	}
}

// of returns the filters of the property that ev measures; nil: it has none.
func (s *sieves) of(ev *home.Event) *filter.Chain {
	if len(s.byName) == 0 || ev.Kind != home.KindReading {
		return nil
	}
	return s.byName[ev.Device][ev.Property].chain
}

// take sends a sample of ev's property through its filters.
func (s *sieves) take(ev *home.Event, c *filter.Chain, sample filter.Sample) (filter.Sample, bool) {
	out, passed := c.Take(sample, ev.Elapsed)
	s.due.set(place{ev.Device, ev.Property}, c.Next())
	return out, passed
}

// concern reports whether ev may be held back.
func (s *sieves) concern(ev *home.Event) bool {
	return ev.Flags&home.FlagRaw != 0 || s.of(ev) != nil
}

// reset begins anew after something unknown, whoever told it.
func (s *sieves) reset(ev *home.Event) {
	if c := s.of(ev); c != nil {
		s.take(ev, c, filter.Sample{})
	}
}

// sift sends a reading through the filters of its property. told is false when
// nothing is to be told of it.
func (h *Hub) sift(ev *home.Event) (told bool) {
	chain := h.sieves.of(ev)
	if chain == nil && ev.Flags&home.FlagRaw == 0 {
		return true
	}
	raw := &h.raw
	*raw = *ev
	h.stamp(raw)
	raw.Flags = raw.Flags&^home.FlagPublished | home.FlagRaw
	h.recent.add(raw)
	if chain != nil {
		h.sieves.class[ev.Device] = ev.Class
		s, passed := h.sieves.take(raw, chain, filter.Sample{Value: ev.Value, Unknown: ev.Unknown, Time: raw.Measured()})
		if passed && (ev.Flags&home.FlagRaw == 0 || s.Value != h.Last(ev.Device, ev.Property)) {
			ev.Value, ev.Unknown, ev.Elapsed = s.Value, s.Unknown, s.Time
			ev.Flags &^= home.FlagRaw // a median, say, may change although the source repeats itself
			return true
		}
	}
	h.o.Ledger.Filtered(ev.Class)
	h.measured(raw)
	return false
}

// measured lets the house know that what it knows was measured again.
func (h *Hub) measured(raw *home.Event) {
	first, _, _ := h.state.follows(raw)
	for i := range first {
		h.sample(&first[i])
		_ = h.take(&first[i], nil) // append has logged why
	}
	h.state.measured(raw)
	for _, p := range h.parts {
		if m, ok := p.Part.(Meter); ok {
			m.Measured(raw)
		}
	}
}

// measured renews the age of what is known.
func (s *state) measured(raw *home.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, measured := s.devices[raw.Device], raw.Measured()
	if d == nil || !raw.Value.Known() {
		return
	}
	if measured.After(d.Measured) {
		d.Measured = measured
		s.look(raw.Device, d)
	}
	if last, ok := d.Last[raw.Property]; ok && last.Value.Known() && measured.After(last.Time) {
		last.Time = measured
		d.Last[raw.Property] = last
	}
}

// tick tells what the filters say by themselves: a value that has stayed, one that
// is told again now and then, or that nothing was measured.
func (h *Hub) tick(now time.Time) {
	for _, at := range h.sieves.due.pop(now, comparePlaces) {
		one := h.sieves.byName[at.device][at.property]
		for _, s := range one.chain.Tick(now) {
			ev := home.Event{Kind: home.KindReading, Device: at.device, Property: at.property, Value: s.Value, Unknown: s.Unknown,
				Class: h.sieves.class[at.device], Unit: one.unit, Elapsed: h.state.since(at.device, at.property, s.Time)}
			h.sample(&ev)
			h.stamp(&ev)
			ev.Flags &^= home.FlagLate // it was waited for
			_ = h.record(&ev, nil)     // append has logged why
		}
		h.sieves.due.set(at, one.chain.Next())
	}
}

// since is t, or when the property was measured last, whichever is later: what is told now
// is what was seen then.
func (s *state) since(device, property string, t time.Time) time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if d := s.devices[device]; d != nil && d.Last[property].Time.After(t) {
		return d.Last[property].Time
	}
	return t
}
