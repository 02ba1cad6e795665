package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// program is another program on the broker, with a queue of its own that is
// bound to all that one gateway publishes.
type program struct {
	t         *testing.T
	gateway   string
	ch        *amqp.Channel
	queue     string
	replies   <-chan amqp.Delivery
	arrived   <-chan amqp.Delivery
	unclaimed []amqp.Delivery // what wait passed over
}

// dial makes a channel.
func dial(t *testing.T, url string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// bindAll makes a durable queue for all that a gateway publishes, before there is
// a gateway.
func bindAll(t *testing.T, ch *amqp.Channel, gateway string) (queue string) {
	t.Helper()
	queue = "test." + gateway
	if err := ch.ExchangeDeclare("hogar", "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := ch.QueueBind(queue, gateway+".#", "hogar", false, nil); err != nil {
		t.Fatal(err)
	}
	return queue
}

func consume(t *testing.T, ch *amqp.Channel, queue string) <-chan amqp.Delivery {
	t.Helper()
	deliveries, err := ch.Consume(queue, "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return deliveries
}

func newProgram(t *testing.T, gateway string) *program {
	t.Helper()
	ch := dial(t, broker(t).URL())
	p := &program{t: t, gateway: gateway, ch: ch, queue: bindAll(t, ch, gateway)}
	p.replies = consume(t, ch, "amq.rabbitmq.reply-to")
	p.arrived = consume(t, ch, p.queue)
	return p
}

// send publishes a command and returns the receipt that comes with its correlation id.
func (p *program) send(exchange, key string, msg amqp.Publishing) home.Outcome {
	p.t.Helper()
	d := p.ask(exchange, key, msg)
	if d.Type != "hogar.outcome.v1" {
		p.t.Errorf("%s: a receipt of type %q", key, d.Type)
	}
	var o home.Outcome
	if err := json.Unmarshal(d.Body, &o); err != nil {
		p.t.Fatalf("%s: receipt %s: %v", key, d.Body, err)
	}
	return o
}

// ask publishes a command or a question and returns what comes back.
func (p *program) ask(exchange, key string, msg amqp.Publishing) amqp.Delivery {
	p.t.Helper()
	msg.ReplyTo = "amq.rabbitmq.reply-to"
	if err := p.ch.Publish(exchange, key, true, false, msg); err != nil {
		p.t.Fatal(err)
	}
	select {
	case d := <-p.replies:
		if d.CorrelationId != msg.CorrelationId {
			p.t.Errorf("%s: an answer with correlation id %q, want %q", key, d.CorrelationId, msg.CorrelationId)
		}
		return d
	case <-time.After(patience):
		p.t.Fatalf("%s: no answer within %s", key, patience)
	}
	return amqp.Delivery{}
}

// wait returns the next message that fits.
func (p *program) wait(what string, fits func(amqp.Delivery) bool) amqp.Delivery {
	p.t.Helper()
	for i, d := range p.unclaimed {
		if fits(d) {
			p.unclaimed = append(p.unclaimed[:i:i], p.unclaimed[i+1:]...)
			return d
		}
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		select {
		case d := <-p.arrived:
			if fits(d) {
				return d
			}
			p.unclaimed = append(p.unclaimed, d)
		case <-ctx.Done():
			p.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// message is what the contract says of a message, without what is particular to
// a delivery.
type message struct {
	Exchange, Key, ContentType, Type, AppID, UserID, MessageID string
	DeliveryMode                                               uint8
	Headers                                                    amqp.Table
	Body                                                       string
}

func messageOf(d amqp.Delivery) message {
	return message{Exchange: d.Exchange, Key: d.RoutingKey, ContentType: d.ContentType, Type: d.Type, AppID: d.AppId,
		UserID: d.UserId, MessageID: d.MessageId, DeliveryMode: d.DeliveryMode, Headers: d.Headers, Body: string(d.Body)}
}

// about is what the body of a published message says of its device.
type about struct {
	Device   string     `json:"device"`
	Property string     `json:"property"`
	Value    home.Value `json:"value"`
	Time     string     `json:"time"`
	DSeq     int64      `json:"dseq"`
}

func aboutOf(t *testing.T, d amqp.Delivery) about {
	t.Helper()
	var a about
	if err := json.Unmarshal(d.Body, &a); err != nil {
		t.Fatalf("%s: %s: %v", d.RoutingKey, d.Body, err)
	}
	return a
}

// counter looks whether messages come in order and without a gap: of each
// device, and of the gateway as a whole.
type counter struct {
	seq      int64
	dseq     map[string]int64
	ids      map[string]string // message id to body
	readings int
	again    int // messages that came once more
}

func newCounter() *counter {
	return &counter{dseq: make(map[string]int64), ids: make(map[string]string)}
}

// add takes a message and tells what is wrong with it.
func (c *counter) add(t *testing.T, d amqp.Delivery) {
	t.Helper()
	if body, known := c.ids[d.MessageId]; known {
		c.again++
		if body != string(d.Body) {
			t.Errorf("message id %s came with two bodies:\n%s\n%s", d.MessageId, body, d.Body)
		}
		return
	}
	c.ids[d.MessageId] = string(d.Body)
	seq, _ := d.Headers["seq"].(int64)
	if seq <= c.seq {
		t.Errorf("%s: seq %d came first after %d", d.RoutingKey, seq, c.seq)
	}
	c.seq = seq
	a := aboutOf(t, d)
	if d.Type == "hogar.reading.v1" {
		c.readings++
	}
	if a.Device == "" {
		return
	}
	if header, _ := d.Headers["dseq"].(int64); header != a.DSeq {
		t.Errorf("%s: dseq is %d in the header and %d in the body", d.RoutingKey, header, a.DSeq)
	}
	if a.DSeq != c.dseq[a.Device]+1 {
		t.Errorf("%s: dseq %d came after %d", d.RoutingKey, a.DSeq, c.dseq[a.Device])
	}
	c.dseq[a.Device] = a.DSeq
}
