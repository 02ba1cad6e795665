package simboard

import (
	"time"

	"hogar/drivers"
)

// An HC-SR04 answers the end of the pulse at its trigger with one at its echo, as
// long as the sound takes to the next thing and back in the air of its room.
const (
	echoAfter = 450 * time.Microsecond
	echoMost  = 38 * time.Millisecond // nothing was heard
)

// ping answers a trigger.
func (b *Board) ping(trigger *seat) {
	for _, s := range b.parts[trigger.device] {
		if s.part.Chip != "hcsr04_echo" || s.fault.deaf() {
			continue
		}
		around := b.air(s)
		meters := around("distance") / 100
		took := time.Duration(2 * meters / (331.3 + 0.606*around("temperature")) * float64(time.Second))
		if meters > 4.5 {
			took = echoMost
		}
		begin := time.Now().Add(echoAfter)
		time.AfterFunc(time.Until(begin.Add(took)), func() { b.pulse(b.pins[s.part.Pin], begin, begin.Add(took)) })
	}
}

// pulse makes the two edges of a pulse that has just ended. Their times are exact,
// as a kernel's are: the machine's timers would be off by a hand's breadth.
func (b *Board) pulse(p *pin, begin, end time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.line == nil || p.line.o.Output {
		return
	}
	p.line.keep(drivers.Edge{Active: !p.line.o.ActiveLow, Time: begin})
	p.line.keep(drivers.Edge{Active: p.line.o.ActiveLow, Time: end})
}
