package simboard

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Random breaks one device now and then and mends it again. The same seed breaks the same
// at the same house times.
type Random struct {
	Every time.Duration // house time from one to the next, on average; 0: never
	Lasts time.Duration // house time after which it is mended
	Kinds []Fault       // of these; none: of all that the device can have
	Seed  int64
	// Told, which may be nil, is called with each fault, and with NoFault when it is mended. It
	// must not call the board.
	Told func(device string, f Fault)
}

// Wear lets devices break at random from now on, while [Board.Run] runs. What was broken
// before at random stays so.
func (b *Board) Wear(r Random) { b.wear.Store(newWear(r)) }

// wear is what [Board.Run] does about [Random]. But for the making, it is Run's.
type wear struct {
	Random
	dice   *rand.Rand
	next   time.Time
	broken map[string]time.Time // until when
}

func newWear(r Random) *wear {
	return &wear{Random: r, dice: rand.New(rand.NewPCG(uint64(r.Seed), 7)), broken: make(map[string]time.Time)}
}

// act breaks and mends what is due at a house time.
func (w *wear) act(b *Board, now time.Time) {
	if w.Every == 0 {
		return
	}
	if w.next.IsZero() {
		w.next = now.Add(w.wait())
	}
	for ; !w.next.After(now); w.next = w.next.Add(w.wait()) {
		w.hit(b, w.next)
	}
	for device, until := range w.broken {
		if !until.After(now) {
			delete(w.broken, device)
			_ = b.Fault(device, NoFault) // it is one of its devices
			w.tell(device, NoFault)
		}
	}
}

// wait is from half to one and a half of Every.
func (w *wear) wait() time.Duration {
	return w.Every/2 + time.Duration(w.dice.Int64N(int64(w.Every)))
}

// hit breaks a device that is well.
func (w *wear) hit(b *Board, at time.Time) {
	names := slices.DeleteFunc(b.Names(), func(n string) bool {
		_, broken := w.broken[n]
		return broken || b.buses[n] != nil
	})
	if len(names) == 0 {
		return
	}
	device := names[w.dice.IntN(len(names))]
	kinds := b.Kinds(device)
	if len(w.Kinds) > 0 {
		kinds = slices.DeleteFunc(kinds, func(f Fault) bool { return !slices.Contains(w.Kinds, f) })
	}
	if len(kinds) == 0 {
		return
	}
	f := kinds[w.dice.IntN(len(kinds))]
	_ = b.Fault(device, f) // it can have it
	w.broken[device] = at.Add(w.Lasts)
	w.tell(device, f)
}

func (w *wear) tell(device string, f Fault) {
	if w.Told != nil {
		w.Told(device, f)
	}
}
