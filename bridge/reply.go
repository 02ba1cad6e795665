package bridge

import (
	"context"
	"encoding/json"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// reply is a receipt on its way to a sender.
type reply struct {
	to  string
	pub amqp.Publishing
}

// mayReply reports whether a receipt may go to a queue at all. The gateway may write to any
// queue, so it must not be talked into writing to its own, or to the broker's.
func mayReply(to string) bool {
	if direct(to) {
		return true
	}
	return to != "" && len(to) <= maxKey && !strings.HasPrefix(to, "hogar.") && !strings.HasPrefix(to, "amq.")
}

// answer hands a receipt to the replier, and never waits: the outcome in the
// journal is the durable one.
func (b *Bridge) answer(d *amqp.Delivery, o home.Outcome) {
	if d.ReplyTo == "" {
		return
	}
	body, err := json.Marshal(o)
	if err != nil {
		b.drop("receipt", err.Error())
		return
	}
	b.respond(d, types[home.KindOutcome], body)
}

// respond hands a message for a sender to the replier.
func (b *Bridge) respond(d *amqp.Delivery, kind string, body []byte) {
	source := sourceOf(d)
	switch {
	case !mayReply(d.ReplyTo):
		b.drop("reply_to of "+source, "no receipt goes to queues that begin with hogar. or amq.; use amq.rabbitmq.reply-to or a queue of your own")
		return
	case !b.opts.repliesTo(d):
		b.drop("reply_to of "+source, "its receipts may not go to the queue that it names; amqp.reply_to says which it may name: "+
			strings.Join(b.opts.ReplyTo, ", "))
		return
	}
	pub := amqp.Publishing{
		ContentType: "application/json", Type: kind, AppId: "hogar/" + b.opts.Version,
		CorrelationId: orElse(d.CorrelationId, d.MessageId), Body: body,
		Headers: amqp.Table{"simulated": b.opts.Simulated},
	}
	if !b.receipts.put(reply{d.ReplyTo, pub}) {
		b.drop("receipts", "more of them wait than the broker takes")
	}
}

// drop counts what is given up, and tells why, once.
func (b *Bridge) drop(subject, why string) {
	b.status.dropped.Add(1)
	if b.status.tell(subject, why) {
		b.log.Warn("a receipt was dropped", "subject", subject, "error", why)
	}
}

// reply is one session of the replier. A reply_to that RabbitMQ cannot decode
// ends the whole connection (541); that receipt is lost, and no other.
func (b *Bridge) reply(ctx context.Context, t *target) error {
	l, err := b.dial(ctx, t, "reply", false)
	if err != nil {
		return err
	}
	defer l.close()
	c := &courier{b: b, link: l}
	if err := c.open(); err != nil {
		return err
	}
	b.status.up(partReply, t.show)
	b.status.proven(partReply)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case why := <-l.closed:
			return advise(orClosed(why), t, "reply")
		case r := <-b.receipts.queue:
			r.pub.UserId = t.user
			// Never mandatory: of a direct reply RabbitMQ 3.10 says that it was not
			// routed when it was, and 4.2 that it was when it was not.
			err := c.send(ctx, "", r.to, false, r.pub)
			b.receipts.over(err == nil)
			if err != nil {
				b.status.dropped.Add(1)
				if l.IsClosed() {
					return err
				}
				b.log.Warn("a receipt was not taken", "key", r.to, "error", err)
				continue
			}
			b.status.replied.Add(1)
		}
	}
}

// orClosed makes an error of what a closed connection tells, which may be nothing.
func orClosed(why *amqp.Error) error {
	if why == nil {
		return amqp.ErrClosed
	}
	return why
}
