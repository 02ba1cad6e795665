// Package world is the house that the simulated chips and pins are in: the sun
// and the weather outside, rooms that cool to the outside and warm with their
// heaters, lamps that give light, people who walk by.
//
// It is a function of house time and of what the actuators do, and has no clock
// of its own: [World.Advance] tells it the time. The same seed and the same calls
// give the same values.
//
// The first word of a device's name is its room. Rooms called outside, garden,
// porch, balcony, terrace, roof or street are out of doors; a cellar or basement
// is cold and dark. An actuator with heater, radiator or boiler in its name warms
// its room by some 10 °C an hour; one with lamp, light or bulb lights it; others cool,
// air, moisten and dry it, see the words in rooms.go. All draw power.
package world

import (
	"strings"
	"sync"
	"time"
)

// Options say which world.
type Options struct {
	Seed                int64
	Latitude, Longitude float64        // degrees, north and east positive
	Location            *time.Location // in which people live by the clock; nil: UTC
}

// World is the whole of it. Its methods are safe for concurrent use.
type World struct {
	options Options

	mu    sync.Mutex
	now   time.Time          // house time told last
	grid  int64              // number of the step that the rooms stand at
	rooms map[string]*room   // those somebody asked about
	held  map[string]float64 // by room.quantity: what a test holds fast
}

// step is how far the rooms move at a time. It lies on a grid of the clock, so
// that it does not matter how often the time is told.
const step = 10 * time.Second

// room is what has a memory; all else is a function of the time.
type room struct {
	kind        roomKind
	temperature float64            // °C, indoors
	on          map[string]float64 // its actuators by device, from 0 (off) to 1
	sums        [effects]float64   // of them, by what they do
	tallied     bool               // the sums are those of on
}

// New makes a world. Its time begins with the first [World.Advance].
func New(o Options) *World {
	if o.Location == nil {
		o.Location = time.UTC
	}
	return &World{options: o, rooms: make(map[string]*room), held: make(map[string]float64)}
}

// RoomOf returns the room in which a device is: the first word of its name.
func RoomOf(device string) string {
	word, _, _ := strings.Cut(device, ".")
	return word
}

// Advance tells the house time. A time before the last one is ignored.
func (w *World) Advance(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	to := t.UnixNano() / int64(step)
	if w.now.IsZero() {
		w.now, w.grid = t, to
		for name, r := range w.rooms {
			r.temperature = w.firstTemperature(name, r.kind)
		}
		return
	}
	if !t.After(w.now) {
		return
	}
	for ; w.grid < to && len(w.rooms) > 0; w.grid++ {
		at := time.Unix(0, w.grid*int64(step))
		out, ground := w.outside(at), w.ground()
		for _, r := range w.rooms {
			r.pass(step, out, ground)
		}
	}
	w.now, w.grid = t, to
}

// Set tells that an actuator was switched.
func (w *World) Set(device string, on bool) { w.Dim(device, truth(on)) }

// Dim tells to what share, from 0 to 1, an actuator was set.
func (w *World) Dim(device string, share float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.room(RoomOf(device))
	if was, known := r.on[device]; !known || was != share {
		r.on[device], r.tallied = share, false
	}
}

// Hold keeps a quantity (one of [World.Quantity], or occupancy and open as 0 and
// 1) of a room at a value until it is let go with
// [World.Release], as a test wants it.
func (w *World) Hold(room, quantity string, value float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held[room+"."+quantity] = value
}

// Release lets a held quantity go.
func (w *World) Release(room, quantity string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.held, room+"."+quantity)
}

// Temperature returns the air temperature in a room, in °C.
func (w *World) Temperature(in string) float64 { return w.Quantity(in, "temperature") }

// Humidity returns the relative humidity in a room, in %.
func (w *World) Humidity(in string) float64 { return w.Quantity(in, "humidity") }

// Pressure returns the air pressure in a room, in hPa: the same everywhere,
// unless it is held.
func (w *World) Pressure(in string) float64 { return w.Quantity(in, "pressure") }

// Illuminance returns the light in a room, in lx.
func (w *World) Illuminance(in string) float64 { return w.Quantity(in, "illuminance") }

// Occupied reports whether somebody is in a room.
func (w *World) Occupied(in string) bool {
	return w.ask(in, "occupancy", func(*room) float64 { return truth(w.walksBy(in, w.now)) }) != 0
}

// Open reports whether a door of a room is open: for the first seconds in which
// somebody comes by.
func (w *World) Open(in string) bool {
	return w.ask(in, "open", func(*room) float64 {
		return truth(w.walksBy(in, w.now) && !w.walksBy(in, w.now.Add(-doorOpen)))
	}) != 0
}

func (w *World) ask(name, quantity string, value func(*room) float64) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v, held := w.held[name+"."+quantity]; held {
		return v
	}
	return value(w.room(name))
}

// room finds a room, or furnishes it as it would be now. Called with mu held.
func (w *World) room(name string) *room {
	r := w.rooms[name]
	if r == nil {
		kind := kindOf(name)
		r = &room{kind: kind, temperature: w.firstTemperature(name, kind), on: make(map[string]float64)}
		w.rooms[name] = r
	}
	return r
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
