package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A quorum queue counts how often each message was given back, by whatever way, and says it
// in this header. RabbitMQ 4 deletes one that was given back more than 20 times, if neither
// an argument of the queue nor a policy says otherwise, and over AMQP a policy cannot be seen.
const (
	givenBack = "x-delivery-count"
	// A pass that meets a letter that was given back so often puts copies of all that it gives
	// back behind the others, in their order, and acknowledges them: they count anew.
	tiredAfter = 10
	// Ten passes that could not end later a letter is copied at once, wherever it comes to lie.
	lastChance  = 18
	maxHeld     = 64 << 20 // bytes of letters that one pass gives back
	returnGroup = 32       // messages given back in one step
	returnSteps = 16
	// renewTimeout is for the copies of one pass, also when who asked for it has given up.
	renewTimeout = time.Minute
)

// look is one pass over the queue dead.
type look struct {
	d      *DeadLetters
	ch     *amqp.Channel
	closed chan *amqp.Error
	copies courier
	held   []amqp.Delivery // to be given back
	bytes  int             // of these
	tired  bool            // one of them was given back often
	whole  bool            // all that there was was seen
}

// each takes all messages that are in the queue now, and not those that come meanwhile,
// one after the other, and deletes those that see wants gone. The rest is back in its
// order when each returns, however often that was done before.
func (d *DeadLetters) each(ctx context.Context, see func(amqp.Delivery) (bool, error)) error {
	if err := d.mayCopy(); err != nil {
		return err
	}
	ch, err := d.link.Channel()
	if err != nil {
		return d.link.failure(nil, err, "open a channel")
	}
	defer ch.Close()
	l := &look{d: d, ch: ch, closed: ch.NotifyClose(make(chan *amqp.Error, 1)), copies: courier{b: d.b, link: d.link}}
	err = l.all(ctx, see)
	return errors.Join(err, l.giveBack(context.WithoutCancel(ctx)))
}

// examine finds out whether this queue loses what is given back too often. What the user may not
// compare counts as one that does.
func (d *DeadLetters) examine(ctx context.Context) {
	if d.copies = d.link.server().limits(); !d.copies {
		return
	}
	q := d.b.opts.deadQueue("quorum")
	s := &setup{b: d.b, target: d.link.target, link: d.link}
	defer func() {
		if s.ch != nil {
			_ = s.ch.Close()
		}
	}()
	if s.look(ctx, q.name) != nil {
		return // the first who reads it says why
	}
	switch err := s.declare(ctx, q, s.arguments(q)); {
	case err == nil, hasCode(err, amqp.PreconditionFailed) && strings.Contains(err.Error(), "x-queue-type"):
		d.copies = false
	case hasCode(err, amqp.PreconditionFailed) && s.onlyLimited(ctx, q):
		d.advice = s.keepAdvice(q)
	}
}

// Advice says what the operator should do so that looking costs nothing; "": nothing is to be done.
func (d *DeadLetters) Advice() string { return d.advice }

// mayCopy fails where a letter might have to be copied, and the user may not: before anything
// is taken.
func (d *DeadLetters) mayCopy() error {
	if !d.copies {
		return nil
	}
	ch, err := d.link.Channel()
	if err != nil {
		return d.link.failure(nil, err, "open a channel")
	}
	defer ch.Close()
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	if err := tryPublish(ch, "", d.queue, d.link.target.user); err != nil {
		return d.link.failure(closed, err, "look at queue "+d.queue+", of which this RabbitMQ may want copies,")
	}
	return nil
}

// all takes the messages. How many there are is known from the queue itself, with the
// first; what comes back late from somebody else's hands was there as well.
func (l *look) all(ctx context.Context, see func(amqp.Delivery) (bool, error)) error {
	there := 0
	for n := range maxDead {
		m, ok, err := l.ch.Get(l.d.queue, false)
		if err != nil {
			return l.d.link.failure(l.closed, err, "read queue "+l.d.queue)
		}
		l.whole = !ok
		if !ok {
			return nil
		}
		if n == 0 {
			there = 1 + int(m.MessageCount)
		}
		if n >= there && !m.Redelivered {
			l.whole = true
			return l.hold(ctx, m)
		}
		gone, err := see(m)
		if gone && err == nil {
			if err = m.Ack(false); err != nil {
				err = l.d.link.failure(l.closed, err, "acknowledge")
			}
		} else {
			err = errors.Join(err, l.hold(ctx, m))
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// hold keeps a message until all were seen.
func (l *look) hold(ctx context.Context, m amqp.Delivery) error {
	n, _ := m.Headers[givenBack].(int64)
	l.tired = l.tired || l.d.copies && n >= tiredAfter
	if l.d.copies && n >= lastChance {
		if done, err := l.renew(context.WithoutCancel(ctx), &m); done || err != nil {
			return err
		}
	}
	l.held = append(l.held, m)
	if l.bytes += len(m.Body); l.bytes > maxHeld {
		return fmt.Errorf("queue %s has more than %d MiB in it: only the first %d letters were looked at", l.d.queue, maxHeld>>20, len(l.held))
	}
	return nil
}

// giveBack puts what is held where it was. It returns when the broker has it, so that whoever
// looks next finds it.
func (l *look) giveBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	var err error
	if l.tired && l.whole {
		err = l.renewAll(ctx)
	}
	if len(l.held) == 0 || l.ch.IsClosed() {
		return err
	}
	return errors.Join(err, l.nack(ctx))
}

// nack gives all back in their order. A quorum queue keeps it only while its client in the broker
// has fewer than 32 steps under way: from then on it lumps them together. When the channel
// is closed instead, the order is lost as well.
func (l *look) nack(ctx context.Context) error {
	want, err := l.ready()
	if err != nil {
		return err
	}
	for group := range slices.Chunk(l.held, returnGroup) {
		if err := l.ch.Nack(group[len(group)-1].DeliveryTag, true, true); err != nil {
			return l.d.link.failure(l.closed, err, "give back letters to queue "+l.d.queue)
		}
		if want, err = l.settled(ctx, want+len(group)); err != nil {
			return err
		}
	}
	return nil
}

// settled waits until the queue has so many messages again, or for a second: somebody
// else may take from it, too. It returns how many it has.
func (l *look) settled(ctx context.Context, want int) (int, error) {
	for end := time.Now().Add(time.Second); ; {
		n, err := l.ready()
		if err != nil || n >= want || time.Now().After(end) || !sleep(ctx, time.Millisecond) {
			return n, err
		}
	}
}

// ready is how many messages wait in the queue.
func (l *look) ready() (int, error) {
	q, err := l.ch.QueueDeclarePassive(l.d.queue, true, false, false, false, nil)
	if err != nil {
		return 0, l.d.link.failure(l.closed, err, "give back letters to queue "+l.d.queue)
	}
	return q.Messages, nil
}

// renewAll puts copies of all behind the others, in their order. What cannot be copied stays held.
func (l *look) renewAll(ctx context.Context) error {
	var left []amqp.Delivery
	for i := range l.held {
		done, err := l.renew(ctx, &l.held[i])
		if err != nil {
			l.held = append(left, l.held[i:]...)
			return err
		}
		if !done {
			left = append(left, l.held[i])
		}
	}
	l.held = left
	return nil
}

// renew puts a copy of a letter behind the others and acknowledges the letter when the
// broker has the copy. done is false for one that could not be read whole.
func (l *look) renew(ctx context.Context, m *amqp.Delivery) (done bool, err error) {
	if bodyLeftOut(m.Headers) > 0 || m.Headers[headersBytesHeader] != nil {
		return false, nil
	}
	if err := l.copies.send(ctx, "", l.d.queue, true, copyOf(m)); err != nil {
		return false, fmt.Errorf("letter %s was given back so often that RabbitMQ 4 may delete it, and cannot be copied: %w; %s",
			m.MessageId, err, l.d.b.opts.keepLine(l.d.link.target))
	}
	if err := m.Ack(false); err != nil {
		return false, l.d.link.failure(l.closed, err, "acknowledge")
	}
	return true, nil
}

// copyOf is the same letter once more, without what would send it elsewhere, and what
// only its sender may say.
func copyOf(m *amqp.Delivery) amqp.Publishing {
	headers := maps.Clone(m.Headers)
	maps.DeleteFunc(headers, func(k string, _ any) bool { return k == givenBack || k == "CC" || k == "BCC" })
	if _, known := headers["hogar-user-id"]; !known && m.UserId != "" {
		headers["hogar-user-id"] = m.UserId
	}
	return amqp.Publishing{Headers: headers, ContentType: m.ContentType, ContentEncoding: m.ContentEncoding, DeliveryMode: amqp.Persistent,
		Priority: m.Priority, CorrelationId: m.CorrelationId, ReplyTo: m.ReplyTo, Expiration: m.Expiration, MessageId: m.MessageId,
		Timestamp: m.Timestamp, Type: m.Type, AppId: m.AppId, Body: m.Body}
}
