package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
	return topology{queues: []queue{{name: o.queue("messages"), kept: true, sources: o.Messages,
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
	sub, err := l.subscribe(b.opts.queue("messages"), 1, listenPrefetch, nil)
	if err != nil {
		return err
	}
	if !b.refused {
		b.listening(t)
	}
	session, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h := &hearing{b: b, link: l, sub: sub, gate: newGate(b.hand, 1), accept: b.opts.stream(), over: make(chan heardOf, 2*listenPrefetch)}
	defer h.wg.Wait()
	defer cancel()
	return h.run(ctx, session)
}

// listening notes that messages are taken: after a refusal only when one was.
func (b *Bridge) listening(t *target) {
	b.refused = false
	if b.status.proven(partListen) {
		b.log.Info("listening to other applications", "url", t.show)
	}
}

// stream is where the messages of one session go.
func (o *Options) stream() func([]home.Event, func(error)) {
	if o.Stream != nil {
		return o.Stream()
	}
	return o.Accept
}

// hearing takes messages of other applications over one connection.
type hearing struct {
	b       *Bridge
	link    *link
	sub     *subscription
	gate    gate
	accept  func([]home.Event, func(error))
	over    chan heardOf // room for all that can be under way
	refused atomic.Bool  // one was: nothing behind it is taken
	open    int          // not acknowledged yet
	wg      sync.WaitGroup
}

// heardOf is what became of a message.
type heardOf struct {
	*arrival
	err  error // it is not recorded
	late bool  // it is, and what came behind it was refused
}

// run takes messages until ctx ends, the connection does, or one is refused: that one and all behind it come
// again in the next session, in their order. What waits for its turn alone ends with session.
func (h *hearing) run(ctx, session context.Context) error {
	again := time.NewTicker(h.b.times.cap)
	defer again.Stop()
	lived := time.NewTimer(livedFor)
	defer lived.Stop()
	stopping, limit, next := ctx.Done(), (<-chan time.Time)(nil), h.sub.next
	for {
		var err error
		select {
		case <-stopping: // what is on its way to the disk is waited for a little
			stopping, limit, next = nil, time.After(goodbyeTimeout), func() <-chan amqp.Delivery { return nil }
		case <-limit:
			return ctx.Err()
		case <-lived.C:
			if err = h.sub.grow(); h.sub.careful() {
				lived.Reset(livedFor)
			}
		case <-again.C: // an exchange that was missing may have been declared since
			if h.b.status.troubled(bindingOf(h.sub.queue)) {
				err = h.b.prepare(ctx, h.link.target, h.b.opts.listenTopology())
			}
		case d, ok := <-next():
			err = h.arrive(session, &d, ok)
		case a := <-h.gate.cleared:
			h.take(session, a)
		case a := <-h.gate.relieved:
			a.sub.held = false
		case of := <-h.over:
			err = h.end(of)
		}
		if err != nil {
			return err
		}
		if stopping == nil && h.open == 0 {
			return ctx.Err()
		}
	}
}

// arrive takes a message, now or when its turn has come.
func (h *hearing) arrive(session context.Context, d *amqp.Delivery, open bool) error {
	if !open {
		return h.sub.ended()
	}
	h.open++
	a := &arrival{delivery: d, sub: h.sub}
	h.b.noteLarge(a)
	if h.gate.admits(a) {
		h.take(session, a)
		return nil
	}
	h.wg.Go(func() { h.gate.run(session, a) })
	return nil
}

// end acknowledges a message that is durable.
func (h *hearing) end(of heardOf) error {
	h.open--
	of.settled()
	if of.err != nil {
		h.b.refused = true
		return fmt.Errorf("listen at %s: a message of another application is not recorded, and stays with rabbitmq: %w",
			h.link.target.show, of.err)
	}
	if err := of.delivery.Ack(false); err != nil {
		return h.link.failure(nil, err, "acknowledge a message")
	}
	if h.b.refused {
		h.b.listening(h.link.target)
	}
	if of.late {
		return fmt.Errorf("listen at %s: a message of another application was refused, and is recorded now; taking those behind it", h.link.target.show)
	}
	return h.sub.settle(of.delivery)
}

// take records a message. One that killed twice goes to the queue dead.
func (h *hearing) take(session context.Context, a *arrival) {
	b, d := h.b, a.delivery
	switch {
	case a.twice:
		b.noteSetAside(a)
		h.wg.Go(func() {
			err := b.bury(session, d, home.Outcome{Result: home.Rejected, Error: diedTwice})
			if permanent(err) {
				b.log.Error("it could not be copied, and is thrown away", "error", err)
				err = nil
			}
			h.over <- heardOf{arrival: a, err: err}
		})
	case !slices.ContainsFunc(b.opts.Messages, func(s Source) bool { return s.Exchange == d.Exchange && home.Match(s.Key, d.RoutingKey) }):
		if b.status.tell("queue "+h.sub.queue, d.Exchange) {
			b.log.Warn("no rule listens to this any more, but the queue is still bound to it: unbind it, or delete the queue",
				"queue", h.sub.queue, "exchange", d.Exchange, "key", d.RoutingKey)
		}
		h.over <- heardOf{arrival: a}
	case !h.refused.Load():
		h.accept([]home.Event{heard(d)}, func(err error) {
			if err != nil {
				h.refused.Store(true)
			}
			if err != nil && h.link.wearies(d) {
				go h.insist(session, a) // ends with the session
				return
			}
			h.over <- heardOf{arrival: a, err: err}
		})
	}
}

// insist tries again to record a message that was refused, without giving it back: it was given
// back so often that RabbitMQ may delete it.
func (h *hearing) insist(session context.Context, a *arrival) {
	recorded := make(chan error, 1)
	for sleep(session, h.b.times.cap) {
		h.b.opts.stream()([]home.Event{heard(a.delivery)}, func(err error) { recorded <- err })
		select {
		case err := <-recorded:
			if err == nil {
				h.over <- heardOf{arrival: a, late: true}
				return
			}
		case <-session.Done():
			return
		}
	}
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
