package bridge

import (
	"context"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

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
	now      <-chan amqp.Delivery
	commands <-chan amqp.Delivery
	expired  <-chan amqp.Delivery // nil: not consumed
	finished chan finished        // room for all that can be under way
	copied   chan finished
	open     int // deliveries that are under way

	expiredChannel *amqp.Channel
	aside          func(func(context.Context)) // runs what waits, until the session ends
}

type finished struct {
	delivery *amqp.Delivery
	outcome  home.Outcome // of a question: none
	expired  bool         // it came from the queue expired
	err      error        // of the copy to dead
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
	in := &intake{b: b, link: l, finished: make(chan finished, 4*prefetch), copied: make(chan finished, 4*prefetch)}
	if err := in.claim(ctx); err != nil {
		return err
	}
	if _, err := in.subscribe(&in.commands, b.opts.queue("commands"), nil); err != nil {
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
	if err := in.run(ctx, bury); ctx.Err() == nil {
		return err
	}
	in.goodbye(bury)
	return ctx.Err()
}

// claim takes the queue now, which only one connection can have, and so is how a
// second gateway of the same name is found out. Our own dead connection holds the
// name until the broker misses its heartbeats, so patience comes first.
func (in *intake) claim(ctx context.Context) error {
	b, began, told := in.b, time.Now(), false
	for {
		_, err := in.subscribe(&in.now, b.opts.queue("now"), in.declareNow)
		if !hasCode(err, amqp.ResourceLocked) {
			return err
		}
		if time.Since(began) >= b.times.patience && !told {
			told = true
			err := fmt.Errorf("another gateway called %s is connected to %s: give one of the two another name (gateway: in "+
				"its configuration), or stop it; rabbitmqctl list_connections client_properties shows both",
				b.opts.Gateway, in.link.target.show)
			b.status.down(partConsume, err)
			b.log.Error("no commands are taken", "error", err)
		}
		if !sleep(ctx, b.times.backoff) {
			return ctx.Err()
		}
		if in.link.IsClosed() {
			return in.link.failure(nil, nil, "claim queue "+b.opts.queue("now"))
		}
	}
}

// declareNow declares the queue in every mode: being exclusive, nobody else can.
func (in *intake) declareNow(ch *amqp.Channel) error {
	o := &in.b.opts
	if _, err := ch.QueueDeclare(o.queue("now"), false, true, true, false, nowArgs()); err != nil {
		return err
	}
	return ch.QueueBind(o.queue("now"), o.Gateway+".#", nowExchange, false, nil)
}

// subscribe consumes a queue of commands.
func (in *intake) subscribe(to *<-chan amqp.Delivery, name string, declare func(*amqp.Channel) error) (*amqp.Channel, error) {
	ch, deliveries, err := in.link.subscribe(name, prefetch, declare)
	if err == nil {
		*to = deliveries
	}
	return ch, err
}

// subscribe consumes a queue on a channel of its own, after declare if there is one.
func (l *link) subscribe(name string, prefetch int, declare func(*amqp.Channel) error) (*amqp.Channel, <-chan amqp.Delivery, error) {
	ch, err := l.Channel()
	if err != nil {
		return nil, nil, l.failure(nil, err, "open a channel")
	}
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	if declare != nil {
		if err := declare(ch); err != nil {
			return nil, nil, l.failure(closed, err, "claim queue "+name)
		}
	}
	if err := ch.Qos(prefetch, 0, false); err != nil {
		return nil, nil, l.failure(closed, err, "set the prefetch of queue "+name)
	}
	deliveries, err := ch.Consume(name, "", false, false, false, false, nil)
	if err != nil {
		return nil, nil, l.failure(closed, err, "consume queue "+name)
	}
	return ch, deliveries, nil
}

func (in *intake) run(ctx context.Context, bury func(finished)) error {
	o := &in.b.opts
	now := origin{queue: "now", exchange: nowExchange, prefix: o.Gateway + ".", ttl: nowTTL}
	commands := origin{queue: "commands", exchange: o.Exchange, prefix: o.Gateway + ".command.", ttl: commandTTL}
	for {
		var err error
		fromNow, fromCommands, fromExpired := in.now, in.commands, in.expired
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
		case d, ok := <-fromNow:
			err = in.take(&d, ok, now)
		case d, ok := <-fromCommands:
			err = in.take(&d, ok, commands)
		case d, ok := <-fromExpired:
			in.takeExpired(&d, ok, commands)
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
	if err != nil && (!f.expired || in.link.IsClosed()) {
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
	if f.expired {
		in.open--
		return in.leaveExpired(f.err)
	}
	if in.b.status.tell("queue "+in.b.opts.queue("dead"), f.err.Error()) {
		in.b.log.Warn("a refused command could not be copied", "key", f.delivery.RoutingKey, "error", f.err)
	}
	return in.end(f, f.delivery.Reject(false))
}

// take hands a delivery to the door. The receipt is sent from done, so that it
// goes out even when this connection has ended meanwhile.
func (in *intake) take(d *amqp.Delivery, open bool, from origin) error {
	b := in.b
	if open {
		b.noteLarge(d, from.queue)
	}
	if !open && !in.link.IsClosed() {
		return fmt.Errorf("consume at %s: a queue of commands was deleted; declaring it anew", in.link.target.show)
	}
	if !open {
		return in.link.failure(nil, nil, "consume")
	}
	in.open++
	if asks(d) {
		in.aside(func(ctx context.Context) { in.ask(ctx, d, from) })
		return nil
	}
	b.status.received.Add(1)
	done := func(o home.Outcome) {
		in.finished <- finished{delivery: d, outcome: o}
		b.answer(d, o) // last: what is woken last runs first, and the sender waits for this
	}
	c, bad := b.understand(d, from, time.Now())
	if bad != nil {
		b.door.Refuse(c, bad.problem, bad.hint, done)
		return nil
	}
	b.door.Submit(c, done)
	return nil
}
