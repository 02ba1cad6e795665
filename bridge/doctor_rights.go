package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/clock"
)

// rights tries each operation in a way that has no effect: publishing in a
// transaction that is rolled back, consuming with an argument that is refused
// after the rights were checked.
func (d *doctor) rights(s *setup) {
	publish := func(exchange, key string) error {
		return s.step(d.ctx, "publish", func(ch *amqp.Channel) error {
			defer func() { _ = ch.Close() }() // a channel with transactions is good for nothing else
			return tryPublish(ch, exchange, key, d.target.user)
		})
	}
	o := &d.b.opts
	for _, kind := range publishedKinds {
		key := o.Gateway + "." + kind.String() + ".hogar.probe"
		if err := publish(o.Exchange, key); !hasCode(err, amqp.NotFound) { // a missing exchange is told already
			d.add("right to publish "+kind.String(), err, "granted")
		}
	}
	d.add("right to reply, and to put refused commands aside", publish("", o.queue("dead")), "granted")
	for _, word := range []string{"commands", "expired"} {
		err := s.step(d.ctx, "consume", func(ch *amqp.Channel) error {
			_, err := ch.Consume(o.queue(word), "", false, false, false, false, amqp.Table{"x-priority": "none"})
			return err
		})
		switch {
		case hasCode(err, amqp.NotFound):
		case hasCode(err, amqp.PreconditionFailed):
			d.add("right to consume "+o.queue(word), nil, "granted")
		default:
			d.add("right to consume "+o.queue(word), err, "granted")
		}
	}
}

// tryPublish returns nil when user may publish so. Nothing is published.
func tryPublish(ch *amqp.Channel, exchange, key, user string) error {
	if err := ch.Tx(); err != nil {
		return err
	}
	if err := ch.Publish(exchange, key, false, false, amqp.Publishing{UserId: user}); err != nil {
		return err
	}
	return ch.TxRollback()
}

// name claims the queue now for a moment, which only one connection can have.
func (d *doctor) name(s *setup, running bool) {
	o := &d.b.opts
	in := intake{b: d.b}
	err := s.step(d.ctx, "claim queue "+o.queue("now"), func(ch *amqp.Channel) error {
		err := in.declareNow(ch)
		if err == nil {
			_, err = ch.QueueDelete(o.queue("now"), false, false, false)
		}
		return err
	})
	what := "gateway called " + o.Gateway
	locked := hasCode(err, amqp.ResourceLocked)
	switch {
	case locked && running:
		d.add(what, nil, "it is connected")
	case locked:
		d.wrong(what, "another gateway of this name is connected, and takes the commands",
			"give one of the two another name (gateway: in its configuration), or stop it; rabbitmqctl list_connections client_properties shows it")
	case err == nil && running:
		d.wrong(what, "it runs on this machine, and is not connected to this broker", "see its log, and which amqp.urls it was started with")
	case hasCode(err, amqp.NotFound) && o.Declare:
		d.add(what, nil, "none is connected")
	default:
		d.add(what, err, "none is connected")
	}
}

// probe publishes to the keys of what is kept, and sees whether a queue takes it.
func (d *doctor) probe() {
	l, err := d.b.dial(d.ctx, d.target, "doctor", false)
	if err != nil {
		d.add("connection", err, "")
		return
	}
	defer l.close()
	blocking := l.NotifyBlocked(make(chan amqp.Blocking, 8))
	c := &courier{b: d.b, link: l}
	o := &d.b.opts
	ctx, cancel := context.WithTimeout(d.ctx, examineTimeout)
	defer cancel()
	for _, kind := range publishedKinds {
		if o.drops(kind) {
			continue
		}
		key := o.Gateway + "." + kind.String() + ".hogar.probe"
		what := "route of " + o.Gateway + "." + kind.String() + ".#"
		err := c.send(ctx, o.Exchange, key, true, amqp.Publishing{Type: "hogar.probe.v1", Expiration: "0", UserId: d.target.user,
			DeliveryMode: amqp.Transient, AppId: "hogar/" + o.Version, Timestamp: clock.Wall(time.Now())})
		select {
		case x := <-blocking:
			if x.Active {
				d.wrong("the broker takes messages", "it takes none at present: "+x.Reason,
					"rabbitmqctl status shows its alarms; it needs memory or disk space")
				return
			}
		default:
		}
		switch {
		case hasCode(err, amqp.NotFound) && o.Declare: // told already
		case errors.Is(err, errUnrouted) && o.Declare && o.History != "none":
			d.add(what, nil, "nothing is bound yet; the gateway binds "+historyQueue)
		case errors.Is(err, errUnrouted):
			d.wrong(what, "no queue takes it: the gateway keeps it, and all behind it, until one does",
				fmt.Sprintf("bind a queue to exchange %s with %s.%s.#, or set amqp.history", o.Exchange, o.Gateway, kind))
		default:
			d.add(what, err, "a queue takes it")
		}
		if l.IsClosed() || ctx.Err() != nil {
			return
		}
	}
	d.add("the broker takes messages", nil, "it does")
}
