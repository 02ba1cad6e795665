package simboard

import (
	"context"
	"fmt"
	"os"
	"slices"

	"hogar/drivers"
)

// check returns why the line cannot be used now. It waits where it hangs.
func (l *line) check(what string) error {
	select {
	case <-l.done:
		return fmt.Errorf("%s %s: %w", what, l.o.Pin, os.ErrClosed)
	default:
	}
	if err := l.pin.fault().err(); err != nil {
		return fmt.Errorf("%s %s: %w", what, l.o.Pin, err)
	}
	return nil
}

// Get reads the pin: an output shows what it drives.
func (l *line) Get() (bool, error) {
	if err := l.check("read"); err != nil {
		return false, err
	}
	if !l.o.Output {
		l.board.lookAt(l.pin)
	}
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	if l.o.Output {
		return l.pin.high != l.o.ActiveLow, nil
	}
	return l.settled, nil
}

// Set drives an output.
func (l *line) Set(active bool) error {
	if err := l.check("set"); err != nil {
		return err
	}
	if !l.o.Output {
		return fmt.Errorf("set %s: it is an input", l.o.Pin)
	}
	if l.pin.fault().is() == Stuck {
		return nil
	}
	l.board.mu.Lock()
	fell := l.pin.high && active == l.o.ActiveLow
	l.pin.high = active != l.o.ActiveLow
	l.board.mu.Unlock()
	if l.pin.seat != nil && l.pin.seat.part.Chip == "hcsr04" && fell {
		l.board.ping(l.pin.seat)
	}
	l.board.tell(l)
	return nil
}

// tell tells the world what an output does.
func (b *Board) tell(l *line) {
	b.mu.Lock()
	active := l.pin.high != l.o.ActiveLow
	b.mu.Unlock()
	if l.pin.seat != nil {
		b.world.Advance(b.now())
		b.world.Set(l.pin.seat.device, active || l.pin.fault().is() == Welded)
	}
}

// tellAgain tells the world what a relay does after its fault has changed.
func (b *Board) tellAgain(s *seat) {
	b.mu.Lock()
	l := b.pins[s.part.Pin].line
	b.mu.Unlock()
	if l != nil && l.o.Output {
		b.tell(l)
	}
}

// Next waits for an edge.
func (l *line) Next(ctx context.Context) (drivers.Edge, error) {
	for {
		var changed <-chan struct{}
		if f := l.pin.fault(); f != nil {
			var fault Fault
			if fault, changed = f.get(); fault == Absent || fault == BusError {
				if err := f.err(); err != nil {
					return drivers.Edge{}, fmt.Errorf("watch %s: %w", l.o.Pin, err)
				}
			}
		}
		if e, ok := l.pop(); ok {
			return e, nil
		}
		select {
		case <-l.wake:
		case <-changed:
		case <-l.done:
			return drivers.Edge{}, fmt.Errorf("watch %s: %w", l.o.Pin, os.ErrClosed)
		case <-ctx.Done():
			return drivers.Edge{}, ctx.Err()
		}
	}
}

func (l *line) pop() (drivers.Edge, bool) {
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	if len(l.edges) == 0 {
		return drivers.Edge{}, false
	}
	e := l.edges[0]
	l.edges = slices.Delete(l.edges, 0, 1)
	return e, true
}

// Close releases the pin. An output keeps its level, as on a Raspberry Pi.
func (l *line) Close() error {
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	if l.pin.line != l {
		return nil
	}
	l.release()
	return nil
}

// release is Close with mu held.
func (l *line) release() {
	l.pin.line = nil
	if l.timer != nil {
		l.timer.Stop()
	}
	close(l.done)
}
