package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// death is why the broker moved a message from the queue of commands.
type death struct {
	reason        string // expired, rejected, delivery_limit
	exchange, key string // by which it came
}

// deathOf reads the newest entry of the header that RabbitMQ adds.
func deathOf(d *amqp.Delivery) (death, bool) {
	all, _ := d.Headers["x-death"].([]any)
	if len(all) == 0 {
		return death{}, false
	}
	entry, _ := all[0].(amqp.Table)
	keys, _ := entry["routing-keys"].([]any)
	if len(keys) == 0 {
		return death{}, false
	}
	var x death
	x.reason, _ = entry["reason"].(string)
	x.exchange, _ = entry["exchange"].(string)
	x.key, _ = keys[0].(string)
	return x, x.key != ""
}

// expired reports whether a message came from the queue expired.
func (a *arrival) expired() bool { return a.sub.expired }

// takeExpired gives what the broker moved to the queue expired its outcome, too:
// for most it is the only trace that their sender will find. The copy to dead
// and the acknowledgement follow as for a refused command.
func (in *intake) takeExpired(a *arrival) {
	b, d := in.b, a.delivery
	x, known := deathOf(d)
	if known {
		d.Exchange, d.RoutingKey = x.exchange, x.key
	}
	done := in.done(a)
	if a.twice {
		in.setAside(a, done)
		return
	}
	if !known || x.reason == "rejected" || asks(d) { // it has had an outcome, or is none of ours
		why := home.Outcome{Result: home.Rejected, Error: "it was in the queue " + b.opts.queue("expired")}
		in.finished <- finished{arrival: a, outcome: why}
		return
	}
	received := time.Now()
	c, bad := b.understand(d, a.from, received)
	switch {
	case bad != nil:
		b.door.Refuse(c, bad.problem, bad.hint, done)
	case x.reason == "delivery_limit":
		b.door.Refuse(c, "it was delivered again and again without an outcome", "did the gateway stop over it? `hogar dead show` has it", done)
	default:
		c.Deadline = received.Add(-time.Millisecond)
		c.Expires, c.Redelivered = b.opts.Clock.At(c.Deadline), false // it may only have been in this queue twice
		b.door.Submit(c, done)
	}
}

// openExpired consumes the queue expired. Without it commands are taken all the same.
func (in *intake) openExpired() error {
	b := in.b
	s, err := in.link.subscribe(b.opts.queue("expired"), 1, prefetch, nil)
	if err == nil {
		s.expired, in.expired = true, s
		return nil
	}
	if e, ok := errors.AsType[*amqp.Error](err); !ok || in.link.IsClosed() || e.Code != amqp.AccessRefused && e.Code != amqp.NotFound {
		return err
	}
	if b.status.tell("queue "+b.opts.queue("expired"), err.Error()) {
		b.log.Warn("commands that expired get no outcome", "error", err)
	}
	return nil
}

// leaveExpired gives back what cannot be copied to dead: the next session tries again.
func (in *intake) leaveExpired(why error) error {
	b := in.b
	if b.status.tell("queue "+b.opts.queue("expired"), why.Error()) {
		b.log.Warn("commands that expired stay in their queue", "error", why)
	}
	s := in.expired
	in.expired = nil
	if s == nil {
		return nil
	}
	if err := s.ch.Close(); err != nil && in.link.IsClosed() {
		return fmt.Errorf("leave queue %s: %w", b.opts.queue("expired"), err)
	}
	return nil
}

// renewExpired puts a copy behind the others of a command that was given back so often that RabbitMQ may
// delete it, and has the command acknowledged. While that fails it is not given back.
func (in *intake) renewExpired(ctx context.Context, f finished) {
	for {
		if f.err = in.b.sendAside(ctx, "", in.b.opts.queue("expired"), copyOf(f.delivery)); f.err == nil {
			in.copied <- f
			return
		}
		if !sleep(ctx, in.b.times.cap) {
			return
		}
	}
}
