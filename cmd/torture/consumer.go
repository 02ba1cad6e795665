package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// queueName is the consumer's queue: the only one that takes what the gateway
// says, so that nothing else makes good what this one lost.
const queueName = "torture"

// delivery is a message as it arrived.
type delivery struct {
	id, key, body string
	seq, dseq     int64
	device        string
	property      string
	text          string // the value, when it is a text
	kind          string
}

// consumer is who the readings are for. It takes what is in the queue when nothing
// is added any more, and deletes it afterwards; or at the end, when all is well
// with the broker. So the broker never delivers twice by itself: what comes twice
// came from the gateway twice.
type consumer struct {
	url     string // past all proxies
	gateway string
	log     *logFile

	mu       sync.Mutex
	arrived  []delivery
	kinds    int             // of queue, that there were
	expected map[string]bool // meter notes that have arrived: device + text
}

func newConsumer(url, gateway string, log *logFile) *consumer {
	return &consumer{url: url, gateway: gateway, log: log, expected: make(map[string]bool)}
}

// with runs f on a channel of a connection of its own.
func (c *consumer) with(f func(*amqp.Channel) error) error {
	conn, err := amqp.DialConfig(c.url, amqp.Config{Dial: amqp.DefaultDial(10 * time.Second), Heartbeat: 10 * time.Second})
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseDeadline(time.Now().Add(2 * time.Second)) }()
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	return f(ch)
}

// bind makes the queue, a new one of one kind or the other in turn, and binds it
// to all that the gateway publishes.
func (c *consumer) bind(anew bool) error {
	return c.with(func(ch *amqp.Channel) error {
		if err := ch.ExchangeDeclare(exchangeName, "topic", true, false, false, false, nil); err != nil {
			return err
		}
		if anew {
			c.kinds++
		}
		kind := []string{"classic", "quorum"}[c.kinds%2]
		if _, err := ch.QueueDeclare(queueName, true, false, false, false, amqp.Table{"x-queue-type": kind}); err != nil {
			return err
		}
		for _, kind := range []string{"reading", "event", "outcome", "status", "rule", "gateway", "catalog"} {
			if err := ch.QueueBind(queueName, c.gateway+"."+kind+".#", exchangeName, false, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

const exchangeName = "hogar"

// unbind takes the queue away from the exchange.
func (c *consumer) unbind() error {
	return c.with(func(ch *amqp.Channel) error {
		for _, kind := range []string{"reading", "event", "outcome", "status", "rule", "gateway", "catalog"} {
			if err := ch.QueueUnbind(queueName, c.gateway+"."+kind+".#", exchangeName, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// retire takes what is in the queue, which nothing is added to any more, and
// deletes it.
func (c *consumer) retire(ctx context.Context) error {
	return c.with(func(ch *amqp.Channel) error {
		q, err := ch.QueueDeclarePassive(queueName, true, false, false, false, nil)
		if err != nil {
			return err
		}
		if err := c.take(ctx, ch, q.Messages); err != nil {
			return err
		}
		_, err = ch.QueueDelete(queueName, false, false, false)
		return err
	})
}

// follow takes all there is, and what comes, until ctx ends.
func (c *consumer) follow(ctx context.Context) error {
	return c.with(func(ch *amqp.Channel) error {
		if err := c.take(ctx, ch, -1); ctx.Err() == nil {
			return err
		}
		return nil
	})
}

// take takes n messages; with -1 it goes on until ctx ends. It never leaves off
// between messages that the broker has sent: what is given back comes again, and
// not in its order.
func (c *consumer) take(ctx context.Context, ch *amqp.Channel, n int) error {
	if err := ch.Qos(500, 0, false); err != nil {
		return err
	}
	deliveries, err := ch.Consume(queueName, "oracle", false, true, false, false, nil)
	if err != nil {
		return err
	}
	for ; n != 0; n-- {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return fmt.Errorf("take from %s: the broker ended it", queueName)
			}
			c.add(d)
			if err := d.Ack(false); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// quiet waits until the queue is empty, and what it had has arrived.
func (c *consumer) quiet(ctx context.Context) error {
	return c.with(func(ch *amqp.Channel) error {
		for last := -1; ; {
			q, err := ch.QueueDeclarePassive(queueName, true, false, false, false, nil)
			if err != nil {
				return err
			}
			c.mu.Lock()
			n := len(c.arrived)
			c.mu.Unlock()
			if q.Messages == 0 && n == last {
				return nil
			}
			last = n
			if !sleep(ctx, 300*time.Millisecond) {
				return ctx.Err()
			}
		}
	})
}

func (c *consumer) add(d amqp.Delivery) {
	var body struct {
		Device   string          `json:"device"`
		Property string          `json:"property"`
		Value    json.RawMessage `json:"value"`
	}
	_ = json.Unmarshal(d.Body, &body) // what cannot be read is judged later
	x := delivery{id: d.MessageId, key: d.RoutingKey, body: string(d.Body), device: body.Device, property: body.Property}
	x.seq, _ = d.Headers["seq"].(int64)
	x.dseq, _ = d.Headers["dseq"].(int64)
	_ = json.Unmarshal(body.Value, &x.text)
	if parts := strings.SplitN(d.RoutingKey, ".", 3); len(parts) == 3 {
		x.kind = parts[1]
	}
	c.log.add("%s %s %s", x.id, x.key, x.body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived = append(c.arrived, x)
	if x.text != "" {
		c.expected[x.device+" "+x.text] = true
	}
}

// has reports whether a note of a meter has arrived.
func (c *consumer) has(meter string, n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.expected[meter+" "+note(meter, n)]
}
