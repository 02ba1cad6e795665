package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// Source is where messages of other applications come from: those sent to an
// exchange with a key that fits.
type Source struct {
	Exchange string `json:"exchange"`
	Key      string `json:"key"`
}

const (
	// listenPrefetch is how many of them wait for the disk at a time.
	listenPrefetch = 256
	// maxHeard is how long the body of one may be, in bytes.
	maxHeard = maxCommand
)

// listenTopology is what the messages of other applications need. Their exchanges
// belong to those applications, and are not declared.
func (o *Options) listenTopology() topology {
	if len(o.Messages) == 0 {
		return topology{}
	}
	return topology{queues: []queue{{name: o.queue("messages"), sources: o.Messages,
		args: amqp.Table{"x-queue-type": o.QueueType, "x-message-ttl": o.MessageTTL.Milliseconds()}}}}
}

// listen is one session of who takes messages of other applications. Each is
// acknowledged when its record is durable.
func (b *Bridge) listen(ctx context.Context, t *target) error {
	if err := b.prepare(ctx, t, b.opts.listenTopology()); err != nil {
		return err
	}
	if err := b.unbind(ctx, t); err != nil {
		return err
	}
	if len(b.opts.Messages) == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	l, err := b.dial(ctx, t, "listen", false)
	if err != nil {
		return err
	}
	defer l.close()
	ch, deliveries, err := l.subscribe(b.opts.queue("messages"), listenPrefetch, nil)
	if err != nil {
		return err
	}
	if b.status.proven(partListen) {
		b.log.Info("listening to other applications", "url", t.show)
	}
	return b.hearAll(ctx, l, ch, deliveries)
}

// hearAll takes messages until ctx ends or the connection does.
func (b *Bridge) hearAll(ctx context.Context, l *link, ch *amqp.Channel, deliveries <-chan amqp.Delivery) error {
	durable := make(chan uint64, listenPrefetch)
	again := time.NewTicker(b.times.cap)
	defer again.Stop()
	open := 0 // not acknowledged yet
	stopping, limit := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case <-stopping: // what is on its way to the disk is waited for a little
			stopping, deliveries, limit = nil, nil, time.After(goodbyeTimeout)
		case <-limit:
			return ctx.Err()
		case <-again.C: // an exchange that was missing may have been declared since
			if b.status.troubled(bindingOf(b.opts.queue("messages"))) {
				if err := b.prepare(ctx, l.target, b.opts.listenTopology()); err != nil {
					return err
				}
			}
		case d, ok := <-deliveries:
			switch {
			case ok:
				open++
				b.hear(&d, durable)
			case l.IsClosed():
				return l.failure(nil, nil, "listen")
			default:
				return fmt.Errorf("listen at %s: queue %s was deleted; declaring it anew", l.target.show, b.opts.queue("messages"))
			}
		case tag := <-durable:
			open--
			if err := ch.Ack(tag, false); err != nil {
				return l.failure(nil, err, "acknowledge a message")
			}
		}
		if stopping == nil && open == 0 {
			return ctx.Err()
		}
	}
}

// hear records a message. Its tag comes back by durable, or never, when the journal
// does not take it: then the broker delivers it again to the next session.
func (b *Bridge) hear(d *amqp.Delivery, durable chan<- uint64) {
	tag := d.DeliveryTag
	b.noteLarge(d, "messages")
	if !slices.ContainsFunc(b.opts.Messages, func(s Source) bool { return s.Exchange == d.Exchange && home.Match(s.Key, d.RoutingKey) }) {
		if b.status.tell("queue "+b.opts.queue("messages"), d.Exchange) {
			b.log.Warn("no rule listens to this any more, but the queue is still bound to it: unbind it, or delete the queue",
				"queue", b.opts.queue("messages"), "exchange", d.Exchange, "key", d.RoutingKey)
		}
		durable <- tag
		return
	}
	b.opts.Accept([]home.Event{heard(d)}, func(err error) {
		if err != nil {
			b.log.Error("a message of another application is not recorded, and stays with rabbitmq", "key", d.RoutingKey, "error", err)
			return
		}
		durable <- tag
	})
}

// heard is the event of a message. A body that is no JSON is a text.
func heard(d *amqp.Delivery) home.Event {
	ev := home.Event{Kind: home.KindMessage, Message: &home.Message{Exchange: d.Exchange, Key: d.RoutingKey, ID: d.MessageId}}
	switch n := bodySize(d); {
	case n > maxHeard:
		ev.Reason = fmt.Sprintf("its body is left out: it has %d bytes, at most %d are read", n, maxHeard)
	case !utf8.Valid(d.Body):
		ev.Reason = "its body is left out: it is not UTF-8"
	case json.Valid(d.Body):
		ev.Message.Body = d.Body
		return ev
	default:
		ev.Message.Body = home.TextOf(string(d.Body)).AppendJSON(nil)
		return ev
	}
	ev.Message.Body = json.RawMessage("null")
	return ev
}

// defaultMessageTTL is how long a message of another application waits for the gateway.
const defaultMessageTTL = time.Minute
