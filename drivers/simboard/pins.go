package simboard

import (
	"fmt"
	"slices"
	"time"

	"hogar/drivers"
	"hogar/drivers/simboard/world"
)

// kept is how many edges a line keeps for who has not asked yet, as the kernel does.
const kept = 16

// pin is a pin of the board. Its fields but name and seat are guarded by Board.mu.
type pin struct {
	name   string
	seat   *seat // what is connected; nil: nothing
	line   *line // who holds it; nil: nobody
	output bool  // it was an output last, and drives high
	high   bool
	forced *bool // the level that a test drives it to
}

// line is a pin that is held. Its fields below o are guarded by Board.mu.
type line struct {
	board *Board
	pin   *pin
	o     drivers.LineOptions
	wake  chan struct{} // holds one when there are edges
	done  chan struct{} // closed with the line

	seen    bool // the last level of an input, as active
	settled bool // the same after debouncing
	timer   *time.Timer
	edges   []drivers.Edge
}

var _ drivers.Line = (*line)(nil)

func (p *pin) fault() *switchboard {
	if p.seat == nil {
		return nil
	}
	return p.seat.fault
}

// Line takes a pin. Any of the board's pins can be taken, also one where nothing
// is connected.
func (b *Board) Line(o drivers.LineOptions) (drivers.Line, error) {
	p := b.pins[o.Pin]
	if p == nil {
		return nil, fmt.Errorf("the board has no pin %s: it has GPIO0 to GPIO27", o.Pin)
	}
	if err := p.fault().err(); err != nil {
		return nil, fmt.Errorf("take %s: %w", o.Pin, err)
	}
	active := b.active(p)
	l, err := b.take(p, o, active)
	if err != nil {
		return nil, err
	}
	if o.Output {
		b.tell(l)
	}
	return l, nil
}

func (b *Board) take(p *pin, o drivers.LineOptions, active bool) (*line, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.line != nil {
		return nil, fmt.Errorf("%s is held by %s: %w", o.Pin, p.line.o.Consumer, drivers.ErrBusy)
	}
	l := &line{board: b, pin: p, o: o, wake: make(chan struct{}, 1), done: make(chan struct{})}
	p.line = l
	switch {
	case !o.Output:
		p.output = false
		l.seen = l.level(active)
		l.settled = l.seen
	case !o.Keep || !p.output:
		p.output, p.high = true, o.Initial != o.ActiveLow
	}
	return l, nil
}

// active asks the world what it does to an input now. Not with mu held.
func (b *Board) active(p *pin) bool {
	if p.seat == nil {
		return false
	}
	b.world.Advance(b.now())
	room := world.RoomOf(p.seat.device)
	switch p.seat.part.Chip {
	case "motion":
		return b.world.Occupied(room)
	case "door":
		return !b.world.Open(room)
	case "opening":
		return b.world.Open(room)
	}
	return false
}

// level is what the line sees, where active is what the world does. The wiring
// is taken to be as the configuration says; a bare contact leaves the pin to
// the resistor. Called with mu held.
func (l *line) level(active bool) bool {
	switch {
	case l.pin.forced != nil:
		return *l.pin.forced != l.o.ActiveLow
	case l.pin.seat != nil && slices.Contains([]string{"motion", "door", "opening"}, l.pin.seat.part.Chip):
		return active
	case l.o.Pull == drivers.PullUp:
		return !l.o.ActiveLow
	case l.o.Pull == drivers.PullDown:
		return l.o.ActiveLow
	}
	return false
}

// look lets all inputs see the world.
func (b *Board) look() {
	for _, p := range b.pins {
		b.lookAt(p)
	}
}

func (b *Board) lookAt(p *pin) {
	if p.fault().deaf() {
		return
	}
	active := b.active(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.line == nil || p.line.o.Output {
		return
	}
	level := p.line.level(active)
	if level != p.line.seen && p.fault().is() == Bouncing {
		p.line.bounce(level)
	}
	p.line.see(level)
}

// bounces is how often a contact that bounces changes again after it changed; the last
// brings it where it belongs.
const bounces = 6

// bounce makes an input change a few times more within some milliseconds. Called with mu held.
func (l *line) bounce(level bool) {
	for n := 1; n <= bounces; n++ {
		time.AfterFunc(time.Duration(n)*time.Millisecond, func() {
			l.board.mu.Lock()
			defer l.board.mu.Unlock()
			if l.pin.line == l {
				l.see(level == (n%2 == 0))
			}
		})
	}
}

// see takes the level of an input. Called with mu held.
func (l *line) see(active bool) {
	if active == l.seen {
		return
	}
	l.seen = active
	if l.o.Debounce == 0 {
		l.settle()
		return
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(l.o.Debounce, func() {
		l.board.mu.Lock()
		defer l.board.mu.Unlock()
		if l.pin.line == l && l.seen == active {
			l.settle()
		}
	})
}

// settle makes an edge when the level is another than the last one told. Called
// with mu held.
func (l *line) settle() {
	if l.seen == l.settled {
		return
	}
	l.settled = l.seen
	l.keep(drivers.Edge{Active: l.seen, Time: time.Now()})
}

// keep keeps an edge for who asks next. Of too many the oldest is lost. Called with mu held.
func (l *line) keep(e drivers.Edge) {
	if len(l.edges) == kept {
		l.edges = slices.Delete(l.edges, 0, 1)
	}
	l.edges = append(l.edges, e)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Drive puts a pin at a level from outside, whatever the world does, until it is
// let go with [Board.Release]. An input has seen it when Drive returns.
func (b *Board) Drive(name string, high bool) error {
	return b.force(name, func(*pin) *bool { return &high })
}

// Press brings a held input to the other level than the one at which it rests,
// until [Board.Release]: a button is pressed, somebody moves, a door opens.
func (b *Board) Press(name string) error {
	return b.force(name, func(p *pin) *bool {
		if p.line == nil {
			return nil
		}
		rest := p.line.level(p.seat != nil && p.seat.part.Chip == "door") != p.line.o.ActiveLow
		return new(!rest)
	})
}

// Release lets go of a pin.
func (b *Board) Release(name string) error {
	return b.force(name, func(*pin) *bool { return nil })
}

func (b *Board) force(name string, level func(*pin) *bool) error {
	p := b.pins[name]
	if p == nil {
		return fmt.Errorf("the board has no pin %s", name)
	}
	b.mu.Lock()
	p.forced = nil
	p.forced = level(p)
	b.mu.Unlock()
	b.lookAt(p)
	return nil
}

// Outputs returns the levels that the outputs drive; true is high.
func (b *Board) Outputs() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	levels := make(map[string]bool)
	for name, p := range b.pins {
		if p.output {
			levels[name] = p.high
		}
	}
	return levels
}

// Level returns the level that an output drives; that of any other pin is low.
func (b *Board) Level(name string) (high bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pins[name]
	return p != nil && p.output && p.high
}
