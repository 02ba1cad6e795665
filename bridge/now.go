package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// claim takes the queue now, which only one connection can have, and so is how a
// second gateway of the same name is found out. Our own dead connection holds the
// name until the broker misses its heartbeats, so patience comes first.
func (in *intake) claim(ctx context.Context) error {
	b, began, told := in.b, time.Now(), false
	for {
		// At once as many as may come: the queue ends with its consumer, and none of its messages outlives a crash.
		s, err := in.link.subscribe(b.opts.queue("now"), prefetch, prefetch, in.declareNow)
		if !hasCode(err, amqp.ResourceLocked) {
			in.now = s
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

// watchNow looks once in a while whether the queue now is still there, and ours: RabbitMQ may lose an exclusive
// queue without a word, and its consumer waits for ever then.
func (in *intake) watchNow(ctx context.Context) {
	name := in.b.opts.queue("now")
	for sleep(ctx, in.b.times.look()) {
		ch, err := in.link.Channel()
		if err != nil {
			return // the connection is closed, which is noticed elsewhere
		}
		closed := ch.NotifyClose(make(chan *amqp.Error, 1))
		q, err := ch.QueueDeclarePassive(name, false, true, true, false, nowArgs())
		if err == nil && q.Consumers == 0 {
			err = errors.New("it has lost its consumer")
		}
		if err != nil {
			in.lost <- fmt.Errorf("%w; claiming it anew", in.link.failure(closed, err, "look at queue "+name))
			return
		}
		_ = ch.Close() // it was only to look
	}
}
