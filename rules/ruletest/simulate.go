package ruletest

import (
	"math"
	"time"

	"hogar/drivers/simboard/world"
	"hogar/gateway/home"
)

// house is the simulated world as the devices of the house see it.
type house struct {
	world   *world.World
	sensors []sensor
	next    time.Time
	list    []home.Event // used again

	off, welded map[string]bool       // devices that are broken so
	lies        map[string]*world.Lie // and so
}

// sensor is a property that the world knows.
type sensor struct {
	device string
	room   string
	prop   home.Property
	read   func(room string) float64
}

func newHouse(s *Suite, o *simulation) *house {
	w := world.New(world.Options{Seed: o.seed, Latitude: s.Options.Latitude, Longitude: s.Options.Longitude, Location: s.location()})
	h := &house{world: w, off: make(map[string]bool), welded: make(map[string]bool), lies: make(map[string]*world.Lie)}
	truth := func(ask func(string) bool) func(string) float64 {
		return func(room string) float64 {
			if ask(room) {
				return 1
			}
			return 0
		}
	}
	known := map[string]func(string) float64{
		"temperature": w.Temperature, "humidity": w.Humidity, "pressure": w.Pressure, "illuminance": w.Illuminance,
		"occupancy": truth(w.Occupied), "open": truth(w.Open),
	}
	for _, name := range s.House.Names() {
		p, ok := s.House.Property(name)
		device, property := home.Split(name)
		if read := known[property]; ok && read != nil && !p.Settable {
			h.sensors = append(h.sensors, sensor{device, world.RoomOf(device), p, read})
		}
	}
	return h
}

// sense reads all sensors, a tenth fine as the real ones are. What it returns
// holds until it is called again.
func (h *house) sense(now time.Time) []home.Event {
	h.world.Advance(now)
	h.list = h.list[:0]
	for _, s := range h.sensors {
		if h.off[s.device] {
			continue
		}
		v := s.read(s.room)
		if lie := h.lies[s.device]; lie != nil {
			v = lie.Of(s.prop.Name, v, now)
		}
		v = math.Round(v*10) / 10
		ev := home.Event{Kind: home.KindReading, Device: s.device, Property: s.prop.Name, Unit: s.prop.Unit, Value: home.NumberOf(v)}
		if s.prop.Type == home.TypeBoolean {
			ev.Value = home.BooleanOf(v != 0)
		}
		h.list = append(h.list, ev)
	}
	return h.list
}
