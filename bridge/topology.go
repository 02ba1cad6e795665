package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"
)

// exchange is a durable topic exchange.
type exchange struct {
	name string
}

// queue is a durable queue and what it is bound to.
type queue struct {
	name     string
	args     amqp.Table
	exchange string // "": bound to nothing
	keys     []string
	sources  []Source   // and to these exchanges of others
	optional bool       // without it the part still does its work
	former   amqp.Table // arguments that earlier releases gave it; without them they are never compared
	fallback amqp.Table // arguments where the broker has no such kind of queue (541)
	kept     bool       // what is in it may be given back again and again, and stays
}

// bindings are all that the queue is bound to.
func (q *queue) bindings() []Source {
	list := slices.Clone(q.sources)
	for _, key := range q.keys {
		list = append(list, Source{q.exchange, key})
	}
	return list
}

// topology is what one part needs on the broker.
type topology struct {
	exchanges []exchange
	queues    []queue
}

const (
	commandTTL   = int64(60_000)                    // ms
	nowTTL       = int64(5_000)                     // ms
	deadTTL      = int64(30 * 24 * 60 * 60 * 1_000) // ms
	deadBytes    = int64(10_000_000)
	expiredMost  = int64(100_000)     // one command a second for a day
	expiredBytes = int64(500_000_000) // so that the longest that RabbitMQ takes gets its outcome, too
	streamBytes  = int64(1_000_000_000)
	streamAge    = "30D" // RabbitMQ knows no 30d
	// segmentBytes is small, because the bounds of a stream act on whole closed segments.
	segmentBytes = int64(16_000_000)
	classicBytes = int64(32_000_000) // of a history that is no stream
	historyPause = 2                 // longest waits: a minute
)

// publishTopology is what the publisher needs.
func (o *Options) publishTopology() topology {
	t := topology{exchanges: []exchange{{o.Exchange}}}
	if o.History == "none" {
		return t
	}
	bounded := func(kind string) amqp.Table {
		return amqp.Table{"x-queue-type": kind, "x-max-length-bytes": classicBytes, "x-overflow": "drop-head"}
	}
	history := queue{name: historyQueue, exchange: o.Exchange, optional: true, args: bounded(o.History)}
	if o.History == "stream" {
		history.args = amqp.Table{"x-queue-type": "stream", "x-max-length-bytes": streamBytes, "x-max-age": streamAge,
			"x-stream-max-segment-size-bytes": segmentBytes}
		history.fallback = bounded("classic")
	}
	// One binding for each kind, and never #: topic permissions compare binding
	// keys literally, and commands are no history.
	for _, kind := range publishedKinds {
		history.keys = append(history.keys, o.Gateway+"."+kind.String()+".#")
	}
	t.queues = append(t.queues, history)
	return t
}

// consumeTopology is what the consumer needs; the queue now is claimed by the
// connection that consumes it.
func (o *Options) consumeTopology() topology {
	commands := amqp.Table{"x-queue-type": o.QueueType, "x-single-active-consumer": true, "x-message-ttl": commandTTL,
		"x-dead-letter-exchange": "", "x-dead-letter-routing-key": o.queue("expired")}
	if o.QueueType == "quorum" {
		commands["x-delivery-limit"] = int64(5)
		commands["x-dead-letter-strategy"] = "at-least-once"
		commands["x-overflow"] = "reject-publish" // without it at-least-once is silently at-most-once
	}
	return topology{
		exchanges: []exchange{{o.Exchange}, {nowExchange}},
		queues: []queue{
			{name: o.queue("expired"), kept: true, args: o.expiredArgs(), former: amqp.Table{"x-queue-type": o.QueueType}},
			o.deadQueue(o.QueueType),
			{name: o.queue("commands"), args: commands, exchange: o.Exchange, keys: []string{o.Gateway + ".command.#"}},
		},
	}
}

// deadQueue is the queue of refused commands, as one of that type.
func (o *Options) deadQueue(kind string) queue {
	return queue{name: o.queue("dead"), kept: true, optional: true, args: amqp.Table{"x-queue-type": kind,
		"x-message-ttl": deadTTL, "x-max-length-bytes": deadBytes, "x-overflow": "drop-head"}}
}

// nowArgs are the arguments of the queue now, which is exclusive and auto-delete.
func nowArgs() amqp.Table { return amqp.Table{"x-queue-type": "classic", "x-message-ttl": nowTTL} }

// setup looks at a topology, and declares what is missing, on a connection of its
// own, which it opens again when the broker closes it over a step.
type setup struct {
	b      *Bridge
	target *target
	link   *link
	ch     *amqp.Channel
	closed chan *amqp.Error
}

// prepare returns nil when the broker has what t needs. What is only different
// from what is wanted, or optional, is told once and does not fail.
func (b *Bridge) prepare(ctx context.Context, target *target, t topology) error {
	s := &setup{b: b, target: target}
	defer s.close()
	for _, x := range t.exchanges {
		if err := s.exchange(ctx, x); err != nil {
			return err
		}
	}
	for _, q := range t.queues {
		err := s.queue(ctx, q)
		if err != nil && (!q.optional || ctx.Err() != nil) {
			return err
		}
		s.warn("queue "+q.name, err)
	}
	return nil
}

// missHistory tries again, until ctx ends, to have the history where the broker could not make it: it has no
// majority at present, or its limit of queues was reached.
func (b *Bridge) missHistory(ctx context.Context, target *target) {
	for sleep(ctx, historyPause*b.times.cap) {
		if b.status.troubled("queue " + historyQueue) {
			_ = b.prepare(ctx, target, b.opts.publishTopology()) // it says itself what goes wrong
		}
	}
}

// warn tells err once, until it changes or goes.
func (s *setup) warn(subject string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if s.b.status.tell(subject, text) {
		s.b.log.Warn("rabbitmq differs from what is wanted; going on", "subject", subject, "error", text)
	}
}

// step runs one call on an open channel. The error has the broker's reason in it.
func (s *setup) step(ctx context.Context, doing string, call func(*amqp.Channel) error) error {
	if s.link == nil || s.link.IsClosed() {
		s.close()
		link, err := s.b.dial(ctx, s.target, "setup", false)
		if err != nil {
			return err
		}
		s.link, s.ch = link, nil
	}
	if s.ch == nil || s.ch.IsClosed() {
		ch, err := s.link.Channel()
		if err != nil {
			return s.link.failure(nil, err, doing)
		}
		s.ch, s.closed = ch, ch.NotifyClose(make(chan *amqp.Error, 1))
	}
	if err := call(s.ch); err != nil {
		if e, ok := errors.AsType[*amqp.Error](err); ok && e != amqp.ErrClosed { // the reason comes beside that
			return advise(err, s.target, doing)
		}
		return s.link.failure(s.closed, err, doing)
	}
	return nil
}

func (s *setup) close() {
	if s.link != nil {
		s.link.close()
		s.link, s.ch = nil, nil
	}
}

func (s *setup) exchange(ctx context.Context, x exchange) error {
	err := s.step(ctx, "look at exchange "+x.name, func(ch *amqp.Channel) error {
		return ch.ExchangeDeclarePassive(x.name, "topic", true, false, false, false, nil)
	})
	if !hasCode(err, amqp.NotFound) {
		return err
	}
	if !s.b.opts.Declare {
		return missing("exchange", x.name)
	}
	return s.step(ctx, "declare exchange "+x.name, func(ch *amqp.Channel) error {
		return ch.ExchangeDeclare(x.name, "topic", true, false, false, false, nil)
	})
}

func missing(what, name string) error {
	return fmt.Errorf("%s %s does not exist: set amqp.declare to true, or create it as `hogar topology` prints", what, name)
}

func (s *setup) queue(ctx context.Context, q queue) error {
	err := s.look(ctx, q.name)
	switch {
	case err == nil && !s.b.opts.Declare:
		return nil
	case err == nil:
		err = s.compare(ctx, q)
	case !hasCode(err, amqp.NotFound):
		return err
	case !s.b.opts.Declare:
		return missing("queue", q.name)
	default:
		err = s.declare(ctx, q, s.arguments(q))
		if q.fallback != nil && unknownType(err) { // no streams here
			err = s.declare(ctx, q, q.fallback)
		}
	}
	if err != nil {
		return err
	}
	return s.bind(ctx, q)
}

// look returns nil when there is a queue of that name.
func (s *setup) look(ctx context.Context, queue string) error {
	return s.step(ctx, "look at queue "+queue, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
		return err
	})
}

func (s *setup) declare(ctx context.Context, q queue, args amqp.Table) error {
	return s.step(ctx, "declare queue "+q.name, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(q.name, true, false, false, false, args)
		return err
	})
}

// compare declares what exists once more, only to learn of a difference, which
// is told. A queue that is not ours to declare (403) is as good.
func (s *setup) compare(ctx context.Context, q queue) error {
	err := s.declare(ctx, q, s.arguments(q))
	subject := "arguments of " + q.name
	if hasCode(err, amqp.PreconditionFailed) && s.onlyLimited(ctx, q) {
		s.warn(subject, errors.New(s.keepAdvice(q)))
		return nil
	}
	if hasCode(err, amqp.PreconditionFailed) && s.isFormer(ctx, q) {
		s.warn(subject, fmt.Errorf("an earlier release made queue %s, and without bounds: %s", q.name, s.bound(q)))
		return nil
	}
	switch {
	case err == nil, hasCode(err, amqp.AccessRefused):
		s.warn(subject, nil)
		return nil
	case hasCode(err, amqp.PreconditionFailed), hasCode(err, amqp.InternalError):
		s.warn(subject, fmt.Errorf("%w; what exists is used as it is: delete it to have it made anew", err))
		return nil
	}
	return err
}

// bind binds again what is bound already, which changes nothing. A binding that is
// not ours to make, and one to an exchange that another application has not declared
// yet, are told.
func (s *setup) bind(ctx context.Context, q queue) error {
	var without error
	for _, to := range q.bindings() {
		err := s.step(ctx, "bind queue "+q.name+" to exchange "+to.Exchange+", key "+to.Key, func(ch *amqp.Channel) error {
			return ch.QueueBind(q.name, to.Key, to.Exchange, false, nil)
		})
		switch {
		case hasCode(err, amqp.AccessRefused), hasCode(err, amqp.NotFound) && len(q.sources) > 0:
			without = err
		case err != nil:
			return err
		}
	}
	s.warn(bindingOf(q.name), without)
	return nil
}

// bindingOf is the subject under which is told that a queue lacks a binding.
func bindingOf(queue string) string { return "binding of " + queue }
