package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// courier sends one message after the other on a channel of its own, and knows
// of each whether it arrived. It opens the channel again when the broker closes
// it over a message. For one goroutine.
type courier struct {
	b       *Bridge
	link    *link
	ch      *amqp.Channel
	returns chan amqp.Return
	closed  chan *amqp.Error
}

var (
	errUnrouted = errors.New("no queue takes it")
	errRefused  = errors.New("the broker refuses it: a queue that it goes to is full, or cannot be written")
)

func (c *courier) open() error {
	if c.ch != nil && !c.ch.IsClosed() {
		return nil
	}
	ch, err := c.link.Channel()
	if err != nil {
		return c.link.failure(nil, err, "open a channel")
	}
	c.ch = ch
	c.returns = ch.NotifyReturn(make(chan amqp.Return, 4))
	c.closed = ch.NotifyClose(make(chan *amqp.Error, 1))
	if err := ch.Confirm(false); err != nil {
		return c.link.failure(c.closed, err, "ask for confirms")
	}
	return nil
}

// send returns nil when the broker has the message and, if it is mandatory, a queue took it.
func (c *courier) send(ctx context.Context, exchange, key string, mandatory bool, pub amqp.Publishing) error {
	if len(key) > maxKey || len(exchange) > maxKey {
		return fmt.Errorf("the key has %d bytes; AMQP allows %d", len(key), maxKey)
	}
	if err := c.open(); err != nil {
		return err
	}
	doing := fmt.Sprintf("publish to %q with key %s", exchange, key)
	confirm, err := c.ch.PublishWithDeferredConfirm(exchange, key, mandatory, false, pub)
	if err != nil {
		return c.link.failure(c.closed, err, doing)
	}
	if err := c.b.await(ctx, confirm.Done(), c.link.target); err != nil {
		_ = c.ch.Close() // a return that comes late would be taken for another message's
		return err
	}
	select {
	case _, returned := <-c.returns: // closed with the channel
		if returned {
			return errUnrouted
		}
	default:
	}
	switch {
	case confirm.Acked():
		return nil
	case c.ch.IsClosed():
		return c.link.failure(c.closed, nil, doing)
	}
	return errRefused
}

// await waits for a confirm: as long as it takes while the broker is short of something.
func (b *Bridge) await(ctx context.Context, done <-chan struct{}, to *target) error {
	t := time.NewTicker(b.times.confirm)
	defer t.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			if b.Status().Blocked == "" {
				return fmt.Errorf("publish at %s: no confirm for %s", to.show, b.times.confirm)
			}
		}
	}
}

// sideJob is a message for the channel beside the publisher's. done is called
// once it was tried, and not when the session ends before.
type sideJob struct {
	ctx           context.Context // who ordered it still waits for it
	exchange, key string
	pub           amqp.Publishing
	done          func(error)
}

// sideEntry is the fate of a rule's message, or of one that is set aside.
type sideEntry struct {
	seq   uint64
	err   error
	aside bool // that it is set aside is durable
}

// runRules sends the messages of rules, in order, until ctx ends. One that is not
// taken at present is tried until it is, as a reading would be.
func (b *Bridge) runRules(ctx context.Context, l *link, jobs <-chan sideJob) {
	c := &courier{b: b, link: l}
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-jobs:
			for attempt := 0; ; attempt++ {
				err := c.send(ctx, j.exchange, j.key, true, j.pub)
				if err == nil || permanent(err) || l.IsClosed() || ctx.Err() != nil {
					j.done(err)
					break
				}
				held := stuck{key: j.exchange + " " + j.key, why: err.Error()}
				if b.status.hold(held.Error()) {
					b.log.Warn("a rule's message is kept, and tried again", "exchange", j.exchange, "key", j.key, "error", err)
				}
				if !sleep(ctx, b.retry(attempt)) {
					return
				}
			}
		}
	}
}

// runSide sends what others than the publisher order, until ctx ends.
func (b *Bridge) runSide(ctx context.Context, l *link) {
	c := &courier{b: b, link: l}
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-b.side:
			if j.ctx.Err() == nil {
				j.done(c.send(ctx, j.exchange, j.key, true, j.pub))
			}
		}
	}
}

// sendAside publishes over the side and waits until it is confirmed and not
// returned. A session that ends meanwhile is no failure: it waits for the next.
func (b *Bridge) sendAside(ctx context.Context, exchange, key string, pub amqp.Publishing) error {
	for {
		result := make(chan error, 1)
		job := sideJob{ctx: ctx, exchange: exchange, key: key, pub: pub, done: func(err error) { result <- err }}
		select {
		case b.side <- job:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case err := <-result:
			if err == nil || permanent(err) {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if !sleep(ctx, b.backoff(0)) {
			return ctx.Err()
		}
	}
}

// permanent reports whether sending the same again would end the same.
func permanent(err error) bool {
	return errors.Is(err, errUnrouted) || hasCode(err, amqp.NotFound) || hasCode(err, amqp.AccessRefused) ||
		hasCode(err, amqp.PreconditionFailed)
}
