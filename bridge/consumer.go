package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"hogar/gateway/home"
)

// prefetch is how many commands of one queue are under way at a time.
const prefetch = 16

// intake takes commands over one connection. Each delivery is acknowledged when
// its outcome is durable and, where it was refused, its copy is in the queue
// dead. What is not acknowledged when the connection ends is delivered again.
type intake struct {
	b        *Bridge
	link     *link
	gate     gate
	now      *subscription
	commands *subscription
	expired  *subscription // nil: not consumed
	finished chan finished // room for all that can be under way
	copied   chan finished
	lost     chan error // the queue now is gone
	open     int        // deliveries that are under way

	aside func(func(context.Context)) // runs what waits, until the session ends
}

type finished struct {
	*arrival
	outcome home.Outcome // of a question: none
	err     error        // of the copy to dead
}

// consume is one session of the consumer.
func (b *Bridge) consume(ctx context.Context, t *target) error {
	if err := b.prepare(ctx, t, b.opts.consumeTopology()); err != nil {
		return err
	}
	l, err := b.dial(ctx, t, "consume", false)
	if err != nil {
		return err
	}
	defer l.close()
	in := &intake{b: b, link: l, gate: newGate(b.hand, 2), finished: make(chan finished, 4*prefetch), copied: make(chan finished, 4*prefetch),
		lost: make(chan error, 1)}
	if err := in.claim(ctx); err != nil {
		return err
	}
	if in.commands, err = l.subscribe(b.opts.queue("commands"), 1, prefetch, nil); err != nil {
		return err
	}
	if err := in.openExpired(); err != nil {
		return err
	}
	b.status.up(partConsume, t.show)
	if b.status.proven(partConsume) {
		b.log.Info("taking commands from rabbitmq", "url", t.show)
	}

	session, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	in.aside = func(f func(context.Context)) { wg.Go(func() { f(session) }) }
	bury := func(f finished) {
		wg.Go(func() {
			f.err = b.bury(session, f.delivery, f.outcome)
			in.copied <- f
		})
	}
	in.aside(in.watchNow)
	if err := in.run(ctx, bury); ctx.Err() == nil {
		return err
	}
	in.goodbye(bury)
	return ctx.Err()
}

func (in *intake) run(ctx context.Context, bury func(finished)) error {
	o := &in.b.opts
	now := origin{exchange: nowExchange, prefix: o.Gateway + ".", ttl: nowTTL}
	commands := origin{exchange: o.Exchange, prefix: o.Gateway + ".command.", ttl: commandTTL}
	lived := time.NewTimer(livedFor)
	defer lived.Stop()
	for {
		var err error
		fromNow, fromCommands, fromExpired := in.now.next(), in.commands.next(), in.expired.next()
		var later <-chan time.Time
		if in.b.receipts.crowd() {
			fromNow, fromCommands, fromExpired, later = nil, nil, nil, time.After(crowdPause)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-later:
		case <-in.b.missing:
			err = fmt.Errorf("consume at %s: the exchange %s was deleted, and the binding of the commands with it; declaring both anew",
				in.link.target.show, o.Exchange)
		case err = <-in.lost:
		case d, ok := <-fromNow:
			err = in.arrive(&arrival{delivery: &d, sub: in.now, from: now}, ok)
		case d, ok := <-fromCommands:
			err = in.arrive(&arrival{delivery: &d, sub: in.commands, from: commands}, ok)
		case d, ok := <-fromExpired:
			err = in.arrive(&arrival{delivery: &d, sub: in.expired, from: commands}, ok)
		case a := <-in.gate.cleared:
			in.take(a)
		case a := <-in.gate.relieved:
			a.sub.held = false
		case <-lived.C:
			if err = errors.Join(in.commands.grow(), in.expired.grow()); in.commands.careful() || in.expired.careful() {
				lived.Reset(livedFor)
			}
		case f := <-in.finished:
			err = in.finish(f, bury)
		case f := <-in.copied:
			err = in.settle(f)
		}
		if err != nil {
			return err
		}
	}
}

// goodbye waits a little for the commands under way: what is not acknowledged
// comes again after the next start.
func (in *intake) goodbye(bury func(finished)) {
	limit := time.After(goodbyeTimeout)
	for err := error(nil); in.open > 0 && err == nil; {
		select {
		case f := <-in.finished:
			err = in.finish(f, bury)
		case f := <-in.copied:
			err = in.settle(f)
		case <-limit:
			return
		}
	}
}

// finish acknowledges what was obeyed; what was refused is copied before.
func (in *intake) finish(f finished, bury func(finished)) error {
	if refused(f.outcome) {
		bury(f)
		return nil
	}
	return in.end(f, f.delivery.Ack(false))
}

// end counts a command as done with, when its acknowledgement was sent.
func (in *intake) end(f finished, err error) error {
	in.open--
	f.settled()
	if err == nil {
		return f.sub.settle(f.delivery)
	}
	if !f.expired() || in.link.IsClosed() {
		return in.link.failure(nil, err, "acknowledge a command")
	}
	return nil
}

func refused(o home.Outcome) bool { return o.Result == home.Rejected || o.Result == home.Expired }

// settle acknowledges a refused command whose copy is safe. Where there can be no
// copy, the broker moves the original, which loses the reason, but not the command.
func (in *intake) settle(f finished) error {
	if f.err == nil {
		return in.end(f, f.delivery.Ack(false))
	}
	if f.expired() && in.link.wearies(f.delivery) {
		in.aside(func(ctx context.Context) { in.renewExpired(ctx, f) })
		return nil
	}
	if f.expired() {
		in.open--
		f.settled()
		return in.leaveExpired(f.err)
	}
	if in.b.status.tell("queue "+in.b.opts.queue("dead"), f.err.Error()) {
		in.b.log.Warn("a refused command could not be copied", "key", f.delivery.RoutingKey, "error", f.err)
	}
	return in.end(f, f.delivery.Reject(false))
}

// arrive takes a message, now or when its turn has come.
func (in *intake) arrive(a *arrival, open bool) error {
	if !open {
		return in.ended(a.sub)
	}
	in.open++
	in.b.noteLarge(a)
	if in.gate.admits(a) {
		in.take(a)
		return nil
	}
	in.aside(func(ctx context.Context) { in.gate.run(ctx, a) })
	return nil
}

// ended goes on where a subscription ended on purpose, and without the queue expired, which the next session
// looks for again.
func (in *intake) ended(s *subscription) error {
	err := s.ended()
	if err != nil && s == in.expired && !in.link.IsClosed() {
		in.expired, err = nil, nil
	}
	return err
}

// take hands a message to the door. The receipt is sent from done, so that it
// goes out even when this connection has ended meanwhile.
func (in *intake) take(a *arrival) {
	b, d := in.b, a.delivery
	switch {
	case a.expired():
		in.takeExpired(a)
		return
	case asks(d) && a.twice:
		b.noteSetAside(a)
		in.finished <- finished{arrival: a}
		return
	case asks(d):
		in.aside(func(ctx context.Context) { in.ask(ctx, a) })
		return
	}
	b.status.received.Add(1)
	done := in.done(a)
	if a.twice {
		in.setAside(a, done)
		return
	}
	c, bad := b.understand(d, a.from, time.Now())
	if bad != nil {
		b.door.Refuse(c, bad.problem, bad.hint, done)
		return
	}
	b.door.Submit(c, done)
}

// done is called with the outcome of a command.
func (in *intake) done(a *arrival) func(home.Outcome) {
	return func(o home.Outcome) {
		in.finished <- finished{arrival: a, outcome: o}
		in.b.answer(a.delivery, o) // last: what is woken last runs first, and the sender waits for this
	}
}

// setAside gives a command that killed twice its outcome, without looking into it.
func (in *intake) setAside(a *arrival, done func(home.Outcome)) {
	in.b.noteSetAside(a)
	c, _ := in.b.heading(a.delivery, time.Now())
	c.Device = plain(strings.TrimPrefix(a.delivery.RoutingKey, a.from.prefix), maxName)
	in.b.door.Refuse(c, diedTwice, "`hogar dead show` has it", done)
}
