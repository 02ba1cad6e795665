package bridge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// Client talks to a gateway over AMQP as any other program would: with messages
// that are answered by direct reply-to. Not for concurrent use.
type Client struct {
	gateway, exchange string
	link              *link
	channel           *amqp.Channel
	replies           <-chan amqp.Delivery
	returns           chan amqp.Return
	closed            chan *amqp.Error
	at                time.Time // house time of the last answer
	doubted           bool      // the gateway did not trust its clock then
}

// Connect connects to the broker at url, for the gateway of that name. "" is the
// usual exchange.
func Connect(ctx context.Context, url, exchange, gateway string) (*Client, error) {
	t, err := parseTarget(url)
	if err != nil {
		return nil, err
	}
	b := New(Options{Gateway: gateway, Exchange: exchange}, nil, nil, nil)
	b.limits = toolLimits
	l, err := b.dial(ctx, t, "client", false)
	if err != nil {
		return nil, err
	}
	c := &Client{gateway: gateway, exchange: b.opts.Exchange, link: l, returns: make(chan amqp.Return, 1)}
	if err := c.open(); err != nil {
		l.close()
		return nil, advise(err, t, "open a channel")
	}
	return c, nil
}

func (c *Client) open() (err error) {
	if c.channel, err = c.link.Channel(); err != nil {
		return err
	}
	if err := c.channel.Confirm(false); err != nil {
		return err
	}
	c.channel.NotifyReturn(c.returns)
	c.closed = c.channel.NotifyClose(make(chan *amqp.Error, 1))
	c.replies, err = c.channel.Consume("amq.rabbitmq.reply-to", "", true, true, false, false, nil)
	return err
}

// Command sends a command to the gateway's queue, where it waits for at most 60 s
// if the gateway is away, and waits for its receipt, until ctx ends.
func (c *Client) Command(ctx context.Context, cmd home.Command) (home.Outcome, error) {
	o, returned, err := c.command(ctx, c.exchange, c.gateway+".command."+cmd.Device, cmd)
	if returned {
		err = fmt.Errorf("no gateway called %s has a queue on this broker; start it once, or check its name", c.gateway)
	}
	return o, err
}

// Now sends a command that is only taken when the gateway is connected this
// moment, and waits for its receipt, until ctx ends.
func (c *Client) Now(ctx context.Context, cmd home.Command) (home.Outcome, error) {
	o, returned, err := c.command(ctx, nowExchange, c.gateway+"."+cmd.Device, cmd)
	if returned {
		err = c.away()
	}
	return o, err
}

func (c *Client) away() error {
	return fmt.Errorf("no gateway called %s is connected to this broker at present; is it running, and is this its broker and its name?", c.gateway)
}

// Devices asks the gateway for the devices and properties that fit pattern, with
// their last readings. None that fits is an error.
func (c *Client) Devices(ctx context.Context, pattern string) ([]home.DeviceState, error) {
	return c.inquire(ctx, typeGet, pattern)
}

// HouseTime is the gateway's time at its last answer to a question.
func (c *Client) HouseTime() time.Time { return c.at }

// Doubted reports whether the gateway did not trust its clock at its last answer.
func (c *Client) Doubted() bool { return c.doubted }

// Measure has the gateway measure a device, and returns its new readings.
func (c *Client) Measure(ctx context.Context, device string) ([]home.DeviceState, error) {
	return c.inquire(ctx, typeMeasure, device)
}

func (c *Client) inquire(ctx context.Context, kind, pattern string) ([]home.DeviceState, error) {
	d, err := c.question(ctx, kind, pattern)
	if err != nil {
		return nil, err
	}
	var answer devicesBody
	if err := json.Unmarshal(d.Body, &answer); err != nil {
		return nil, fmt.Errorf("the gateway's answer cannot be read: %w", err)
	}
	c.at, c.doubted = answer.Time, answer.Clock == home.ClockUntrusted
	return answer.Devices, answer.err()
}

// question sends a question of that type, and returns the answer.
func (c *Client) question(ctx context.Context, kind, pattern string) (amqp.Delivery, error) {
	d, returned, err := c.exchangeFor(ctx, nowExchange, c.gateway+"."+pattern, amqp.Publishing{Type: kind, CorrelationId: rand.Text()})
	if returned {
		err = c.away()
	}
	return d, err
}

func (c *Client) command(ctx context.Context, exchange, key string, cmd home.Command) (o home.Outcome, returned bool, err error) {
	if cmd.ID == "" {
		cmd.ID = rand.Text()
	}
	set, err := json.Marshal(cmd.Set)
	if err != nil {
		return o, false, err
	}
	body, err := json.Marshal(envelope{cmd.ID, set, cmd.Expires, cmd.Reason})
	if err != nil {
		return o, false, err
	}
	d, returned, err := c.exchangeFor(ctx, exchange, key, amqp.Publishing{
		ContentType: "application/json", Type: typeCommand, MessageId: cmd.ID, CorrelationId: cmd.ID, Body: body,
	})
	if err != nil || returned {
		return o, returned, err
	}
	return o, false, json.Unmarshal(d.Body, &o)
}

// exchangeFor sends a message and waits for the answer with its correlation id.
// returned means that no queue took the message.
func (c *Client) exchangeFor(ctx context.Context, exchange, key string, pub amqp.Publishing) (answer amqp.Delivery, returned bool, err error) {
	if len(key) > maxKey {
		return answer, false, fmt.Errorf("the name has %d bytes; AMQP allows %d in a key", len(key), maxKey)
	}
	pub.ReplyTo, pub.DeliveryMode, pub.Timestamp, pub.UserId = "amq.rabbitmq.reply-to", amqp.Persistent, clock.Wall(time.Now()), c.link.target.user
	sent, err := c.channel.PublishWithDeferredConfirm(exchange, key, true, false, pub)
	if err != nil {
		return answer, false, c.link.failure(c.closed, err, "send to exchange "+exchange)
	}
	if taken, err := sent.WaitContext(ctx); err != nil {
		return answer, false, fmt.Errorf("send %s: no confirm from the broker: %w", key, err)
	} else if !taken {
		return answer, false, c.link.failure(c.closed, errRefused, "send to exchange "+exchange+" with key "+key)
	}
	select {
	case <-c.returns:
		return answer, true, nil
	default:
	}
	for {
		select {
		case d, ok := <-c.replies:
			if !ok {
				return answer, false, errors.New("the broker closed the connection before the answer came")
			}
			if d.CorrelationId != pub.CorrelationId { // of one that was given up before
				continue
			}
			if n := bodyLeftOut(d.Headers); n > 0 {
				err = fmt.Errorf("the gateway's answer has %d bytes; at most %d are read: ask for less, by a pattern", n, toolLimits.body)
			}
			return d, false, err
		case <-ctx.Done():
			return answer, false, fmt.Errorf("no answer from the gateway %s: %w; is it running?", c.gateway, ctx.Err())
		}
	}
}

// Seen is an event that [Client.Watch] saw. Data is its one JSON form.
type Seen struct {
	Kind home.Kind
	Seq  uint64 // its number in the gateway's journal
	Data json.RawMessage
}

// Watch calls see with each event that the gateway publishes from now on and
// whose name fits pattern, until ctx ends, which is no error. started, which may
// be nil, is called when nothing is missed any more. It needs the right to
// declare a queue of its own.
func (c *Client) Watch(ctx context.Context, pattern string, started func(), see func(Seen)) error {
	if n := home.Hashes(pattern); n > home.MostHashes {
		return fmt.Errorf("pattern %s has %d words #, and RabbitMQ takes at most %d since 4.3.5", pattern, n, home.MostHashes)
	}
	ch, err := c.link.Channel()
	if err != nil {
		return c.link.failure(nil, err, "open a channel")
	}
	defer ch.Close()
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	queue, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return c.link.failure(closed, err, "declare a queue to watch with")
	}
	var keys []string
	for _, kind := range publishedKinds {
		key := c.gateway + "." + kind.String() + "." + pattern
		keys = append(keys, key)
		if kind == home.KindReading || kind == home.KindEvent { // of the device that the pattern names
			keys = append(keys, key+".*")
		}
	}
	for _, key := range keys {
		if err := ch.QueueBind(queue.Name, key, c.exchange, false, nil); err != nil {
			return c.link.failure(closed, err, "bind a queue to exchange "+c.exchange)
		}
	}
	deliveries, err := ch.Consume(queue.Name, "", true, true, false, false, nil)
	if err != nil {
		return c.link.failure(closed, err, "consume "+queue.Name)
	}
	if started != nil {
		started()
	}
	for {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return c.link.failure(closed, nil, "watch")
			}
			if bodyLeftOut(d.Headers) > 0 {
				continue // no gateway publishes so much
			}
			_, rest, _ := strings.Cut(d.RoutingKey, ".")
			kind, _, _ := strings.Cut(rest, ".")
			seq, _ := d.Headers["seq"].(int64)
			see(Seen{home.KindOf(kind), uint64(seq), d.Body})
		case <-ctx.Done():
			return nil
		}
	}
}

// Close ends the connection.
func (c *Client) Close() { c.link.close() }
