package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// Client commands a gateway over AMQP as any other program would: with a message
// to its queue of commands, answered by direct reply-to. Not for concurrent use.
type Client struct {
	gateway, exchange string
	link              *link
	channel           *amqp.Channel
	replies           <-chan amqp.Delivery
	returns           chan amqp.Return
}

// Connect connects to the broker at url, for the gateway of that name. "" is the
// usual exchange.
func Connect(ctx context.Context, url, exchange, gateway string) (*Client, error) {
	t, err := parseTarget(url)
	if err != nil {
		return nil, err
	}
	b := New(Options{Gateway: gateway, Exchange: exchange}, nil, nil, nil)
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
	c.replies, err = c.channel.Consume("amq.rabbitmq.reply-to", "", true, true, false, false, nil)
	return err
}

// Command sends a command and waits for its receipt, until ctx ends.
func (c *Client) Command(ctx context.Context, cmd home.Command) (home.Outcome, error) {
	body, err := json.Marshal(cmd.Set)
	if err != nil {
		return home.Outcome{}, err
	}
	key := c.gateway + ".command." + cmd.Device
	sent, err := c.channel.PublishWithDeferredConfirmWithContext(ctx, c.exchange, key, true, false, amqp.Publishing{
		ContentType: "application/json", MessageId: cmd.ID, CorrelationId: cmd.ID, ReplyTo: "amq.rabbitmq.reply-to",
		DeliveryMode: amqp.Persistent, Timestamp: time.Now(), UserId: c.link.target.user, Body: body,
	})
	if err != nil {
		return home.Outcome{}, advise(err, c.link.target, "send a command")
	}
	if taken, err := sent.WaitContext(ctx); err != nil {
		return home.Outcome{}, fmt.Errorf("command %s: no confirm from the broker: %w", key, err)
	} else if !taken {
		return home.Outcome{}, fmt.Errorf("command %s: the broker did not take it", key)
	}
	select {
	case <-c.returns:
		return home.Outcome{}, fmt.Errorf("command %s: no gateway called %s has a queue on this broker; start it once, or check its name", key, c.gateway)
	default:
	}
	return c.receipt(ctx, cmd.ID)
}

func (c *Client) receipt(ctx context.Context, id string) (home.Outcome, error) {
	for {
		select {
		case d, ok := <-c.replies:
			if !ok {
				return home.Outcome{}, errors.New("the broker closed the connection before the receipt came")
			}
			if d.CorrelationId != id {
				continue // of a command that was given up before
			}
			var o home.Outcome
			err := json.Unmarshal(d.Body, &o)
			return o, err
		case <-ctx.Done():
			return home.Outcome{}, fmt.Errorf("no receipt from the gateway %s: %w; is it running?", c.gateway, ctx.Err())
		}
	}
}

// Close ends the connection.
func (c *Client) Close() { c.link.close() }
