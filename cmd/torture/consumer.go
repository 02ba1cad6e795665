package main

import (
	"context"
	"encoding/json"
	"errors"
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
	urls    []string // past all proxies; the first that answers is taken
	types   []string // of the queue: one after the other
	gateway string
	kinds   []string // of events that the queue takes
	log     *logFile

	mu      sync.Mutex
	arrived []delivery
	queues  int             // that there were: says which type is next
	notes   map[string]bool // that have arrived: meter and text
	news    time.Time       // when the last of them came
}

func newConsumer(urls []string, gateway string, log *logFile) *consumer {
	return &consumer{urls: urls, types: []string{"quorum", "classic", "stream"}, kinds: eventKinds(), gateway: gateway, log: log, notes: make(map[string]bool), news: time.Now()}
}

// with runs f on a channel of a connection of its own, again while its queue is not there yet
// behind a broker that has just started.
func (c *consumer) with(f func(*amqp.Channel) error) error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := c.once(f)
		if e, ok := errors.AsType[*amqp.Error](err); !ok || !strings.Contains(e.Reason, "is down or inaccessible") || time.Now().After(deadline) {
			return err
		}
	}
}

func (c *consumer) once(f func(*amqp.Channel) error) error {
	var conn *amqp.Connection
	var err error
	for _, url := range c.urls {
		conn, err = amqp.DialConfig(url, amqp.Config{Dial: amqp.DefaultDial(10 * time.Second), Heartbeat: 10 * time.Second})
		if err == nil {
			break
		}
	}
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

// bind makes the queue, a new one of the next type in turn, and binds it
// to all that the gateway publishes, by an exchange between, from which it is taken
// at one stroke: else some kinds would go on to arrive while others do not.
func (c *consumer) bind(anew bool) error {
	if anew {
		c.queues++
	}
	return c.with(func(ch *amqp.Channel) error {
		if err := ch.ExchangeDeclare(exchangeName, "topic", true, false, false, false, nil); err != nil {
			return err
		}
		if err := ch.ExchangeDeclare(queueName, "fanout", true, false, false, false, nil); err != nil {
			return err
		}
		args := amqp.Table{"x-queue-type": c.queueType()}
		if !c.streams() {
			// The limit may come later, by a policy; one with both would drop what is there
			// before it comes to say that nothing is to be dropped.
			args["x-overflow"] = "reject-publish"
		}
		if _, err := ch.QueueDeclare(queueName, true, false, false, false, args); err != nil {
			return err
		}
		if err := ch.QueueBind(queueName, "", queueName, false, nil); err != nil {
			return err
		}
		for _, kind := range c.kinds {
			if err := ch.ExchangeBind(queueName, c.gateway+"."+kind+".#", exchangeName, false, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

const exchangeName = "hogar"

// eventKinds are the second words of all that the gateway publishes.
func eventKinds() []string {
	return []string{"event", "outcome", "status", "rule", "gateway", "catalog", "reading"}
}

// queueType is that of the queue there is.
func (c *consumer) queueType() string { return c.types[(c.queues-1)%len(c.types)] }

// streams reports whether the queue keeps what is taken from it.
func (c *consumer) streams() bool { return c.queueType() == "stream" }

// unbind takes the queue away from the exchange.
func (c *consumer) unbind() error {
	return c.with(func(ch *amqp.Channel) error {
		return ch.QueueUnbind(queueName, "", queueName, nil)
	})
}

// retire takes what is in the queue, which nothing is added to any more but what
// is on its way in the broker, and deletes it.
func (c *consumer) retire(ctx context.Context) error {
	if err := c.drain(ctx, func() error { return c.quiet(ctx) }); err != nil {
		return err
	}
	return c.with(func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete(queueName, false, false, false)
		return err
	})
}

// drain takes what there is, and what comes, until the call of until returns.
func (c *consumer) drain(ctx context.Context, until func() error) error {
	following, enough := context.WithCancel(ctx)
	defer enough()
	followed := make(chan error, 1)
	go func() { followed <- c.follow(following) }()
	err := until()
	enough()
	return errors.Join(err, <-followed)
}

// follow takes all there is, and what comes, until ctx ends. It never leaves off
// between messages that the broker has sent: what is given back comes again, and
// not in its order.
func (c *consumer) follow(ctx context.Context) error {
	return c.with(func(ch *amqp.Channel) error {
		if err := ch.Qos(500, 0, false); err != nil {
			return err
		}
		var args amqp.Table
		if c.streams() {
			args = amqp.Table{"x-stream-offset": "first"}
		}
		deliveries, err := ch.Consume(queueName, "oracle", false, args == nil, false, false, args) // a stream's readers share
		if err != nil {
			return err
		}
		for {
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
				return nil
			}
		}
	})
}

// quiet waits until the queue has been empty for a second, and what it had has
// arrived; a stream is never empty, but silent. Somebody else drains it.
func (c *consumer) quiet(ctx context.Context) error {
	return c.with(func(ch *amqp.Channel) error {
		for last, still := -1, 0; ; {
			q, err := ch.QueueDeclarePassive(queueName, true, false, false, false, nil)
			if err != nil {
				return err
			}
			c.mu.Lock()
			n := len(c.arrived)
			c.mu.Unlock()
			enough := 3
			if c.streams() {
				q.Messages, enough = 0, 10
			}
			if q.Messages > 0 || n != last {
				last, still = n, 0
			} else if still++; still == enough {
				return nil
			}
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
		c.notes[x.device+" "+x.text] = true
		c.news = time.Now()
	}
}

// has reports whether a note of a meter has arrived.
func (c *consumer) has(meter string, n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notes[meter+" "+note(meter, n)]
}

// silent is how long no note has come.
func (c *consumer) silent() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.news)
}

// all returns what has arrived so far.
func (c *consumer) all() []delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.arrived[:len(c.arrived):len(c.arrived)]
}
