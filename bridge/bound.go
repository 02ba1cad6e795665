package bridge

import (
	"context"
	"encoding/json"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// listeningDetail are the facts of an event listening.
type listeningDetail struct {
	To []Source `json:"to"`
}

// Bound lists what the queue of messages was bound to when the gateway listened last.
func (o *Outbox) Bound() []Source {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.bound)
}

func (o *Outbox) bind(to []Source) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bound = to
}

// unbind ends the bindings to which no rule listens any more: the queue would fill with
// messages of others. Without [Options.Declare] they are their owner's.
func (b *Bridge) unbind(ctx context.Context, target *target) error {
	was, now, name := b.outbox.Bound(), b.opts.Messages, b.opts.queue("messages")
	if !b.opts.Declare || sameSources(was, now) {
		return nil
	}
	s := &setup{b: b, target: target}
	defer s.close()
	for _, to := range was {
		if slices.Contains(now, to) {
			continue
		}
		err := s.step(ctx, "unbind queue "+name+" from exchange "+to.Exchange+", key "+to.Key, func(ch *amqp.Channel) error {
			return ch.QueueUnbind(name, to.Key, to.Exchange, nil)
		})
		switch {
		case err == nil:
			b.log.Info("no rule listens to this any more", "exchange", to.Exchange, "key", to.Key)
		case hasCode(err, amqp.NotFound): // the queue or the exchange went, and the binding with it
		case hasCode(err, amqp.AccessRefused):
			b.log.Warn("no rule listens to this any more, but the queue stays bound to it", "exchange", to.Exchange, "key", to.Key, "error", err)
		default:
			return err
		}
	}
	detail, _ := json.Marshal(listeningDetail{now}) // always encodes
	b.tellHouse(home.Event{Kind: home.KindGateway, Name: home.EventListening, Detail: detail}, func() {})
	return nil
}

// sameSources reports whether a has what b has, in whatever order.
func sameSources(a, b []Source) bool {
	among := func(all []Source) func(Source) bool { return func(s Source) bool { return !slices.Contains(all, s) } }
	return !slices.ContainsFunc(a, among(b)) && !slices.ContainsFunc(b, among(a))
}
