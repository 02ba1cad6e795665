package mqtt

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/gateway/home"
)

// pending is a message whose events are on their way to the disk.
type pending struct {
	message paho.Message
	events  []home.Event
	told    atomic.Bool // done was called: once is enough
	err     error       // why they did not get there; set before settled
	settled atomic.Bool
}

// take gives the events of a message to the house, when there is room for them.
func (c *Connection) take(ctx context.Context, s *session, m paho.Message) {
	defer s.lighter(m) // not when it is acknowledged: paho acknowledges nothing while receive waits
	if s.skipped {
		return
	}
	events := c.events(s, m)
	p := &pending{message: m, events: events}
	for taken := range min(len(events), maxOpen) {
		select {
		case c.open <- struct{}{}:
			continue
		default:
		}
		select {
		case c.open <- struct{}{}:
			continue
		case <-s.ctx.Done():
		case <-ctx.Done():
		}
		c.release(taken)
		c.skip(s, events)
		return
	}
	select {
	case s.waiting <- p:
	case <-s.ctx.Done():
		c.release(len(events))
		c.skip(s, events)
		return
	}
	if len(events) == 0 {
		s.settle(p, nil)
		return
	}
	s.accept(events, func(err error) {
		if !p.told.CompareAndSwap(false, true) {
			return
		}
		if err != nil {
			c.reach.doubt(p.events)
		}
		s.settle(p, err)
		c.release(len(p.events))
	})
}

// settle notes what became of a message.
func (s *session) settle(p *pending, err error) {
	p.err = err
	p.settled.Store(true)
	select {
	case s.settled <- struct{}{}:
	default:
	}
}

// skip leaves a message out, and all that follow in this session: they are not
// acknowledged and come again, in their order. Which devices there are is told all
// the same, since it has been learned by now.
func (c *Connection) skip(s *session, events []home.Event) {
	s.skipped = true
	c.reach.doubt(events)
	c.tell(slices.DeleteFunc(events, func(ev home.Event) bool { return ev.Kind != home.KindCatalog }))
}

// release makes room for n further events.
func (c *Connection) release(n int) {
	for range min(n, maxOpen) {
		<-c.open
	}
}

// acknowledge acknowledges what is durable, in the order of receipt, until the
// session ends or waiting is closed. After a refusal it acknowledges nothing
// more, so that all that follows comes again in its order.
func (s *session) acknowledge(c *Connection) {
	var again <-chan time.Time
	for {
		var p *pending
		var open bool
		select {
		case p, open = <-s.waiting:
		case <-again:
			s.end(errRefused)
		case <-s.ctx.Done():
		}
		if !open {
			return
		}
		for !p.settled.Load() {
			select {
			case <-s.settled:
			case <-s.ctx.Done():
				return
			}
		}
		switch {
		case p.err != nil && again == nil:
			again = time.After(c.refusedWait)
			c.log.Error("mqtt message not recorded, the broker keeps it", "wait", c.refusedWait, "error", p.err)
		case again == nil:
			p.message.Ack()
		}
	}
}
