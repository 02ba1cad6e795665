package mqtt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// Set has the device set a property and returns when the broker has the order,
// which goes out at QoS 1, with what has to go before and behind it. What the device did it tells as a reading; see
// [Connection.Proof]. After an error that is not [ErrNotConnected] the broker may
// have the order all the same. It may take 10 s longer than ctx when the network hangs.
func (c *Connection) Set(ctx context.Context, device, property string, v home.Value) error {
	order, err := c.order(device, property, v)
	if err != nil {
		return fmt.Errorf("set %s: %w", home.Join(device, property), err)
	}
	for _, m := range slices.Concat(order.Before, []dialect.Message{order.Message}, order.After) {
		if err := c.send(ctx, m); err != nil {
			return fmt.Errorf("set %s: %w", home.Join(device, property), err)
		}
	}
	return nil
}

// Proof says what the device tells of the property when it has obeyed; ok is false
// for one that tells nothing.
func (c *Connection) Proof(device, property string, v home.Value) (want home.Value, ok bool) {
	order, err := c.order(device, property, v)
	return order.Want, err == nil && order.Confirmed
}

// order finds what is to be sent.
func (c *Connection) order(device, property string, v home.Value) (dialect.Order, error) {
	if d, ok := c.found.named(device); ok {
		return d.source.Dialect.Command(d.ID, property, v)
	}
	t, ok := c.devices[device]
	switch {
	case !ok && c.current.Load() == nil:
		return dialect.Order{}, fmt.Errorf("broker %s: %w", c.broker, ErrNotConnected)
	case !ok || t.property.Name != property || t.Command == "":
		return dialect.Order{}, fmt.Errorf("no topic for commands")
	}
	payload, err := t.payload(v, time.Now())
	return dialect.Order{Message: dialect.Message{Topic: t.Command, Payload: []byte(payload)}, Confirmed: true, Want: v}, err
}

// Publish sends a message at QoS 1 and returns when the broker has it.
func (c *Connection) Publish(ctx context.Context, m dialect.Message) error { return c.send(ctx, m) }

func (c *Connection) send(ctx context.Context, m dialect.Message) error {
	s := c.current.Load()
	if s == nil {
		return fmt.Errorf("broker %s: %w", c.broker, ErrNotConnected)
	}
	if err := s.publish(ctx, m.Topic, string(m.Payload), m.Retained); err != nil {
		return fmt.Errorf("broker %s: %w", c.broker, err)
	}
	return nil
}

// Ask asks a discovered device for a property's value now; the answer comes as a
// reading.
func (c *Connection) Ask(ctx context.Context, device, property string) error {
	d, ok := c.found.named(device)
	asker, can := d.source.Dialect.(dialect.Asker)
	if !ok || !can {
		return fmt.Errorf("measure %s: it tells by itself and cannot be asked", home.Join(device, property))
	}
	m, err := asker.Ask(d.ID, property)
	if err == nil {
		err = c.send(ctx, m)
	}
	if err != nil {
		return fmt.Errorf("measure %s: %w", home.Join(device, property), err)
	}
	return nil
}
