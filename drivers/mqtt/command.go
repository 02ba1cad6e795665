package mqtt

import (
	"context"
	"fmt"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// confirmWait is how long a device has to confirm a command, in machine time.
const confirmWait = 5 * time.Second

// Command has the device set a property and returns when the broker has the
// order, which goes out at QoS 1; of a device that confirms what it did, when it
// has told the value, at most 5 s later. confirmed is v when the device told that it
// obeyed, and unknown when it did not. After an error that is not [ErrNotConnected] the
// broker may have the order all the same. It may take 10 s longer than ctx when the
// network hangs.
func (c *Connection) Command(ctx context.Context, device, property string, v home.Value) (confirmed home.Value, err error) {
	order, err := c.order(device, property, v)
	if err != nil {
		return home.Value{}, fmt.Errorf("set %s: %w", home.Join(device, property), err)
	}
	s := c.current.Load()
	if s == nil {
		return home.Value{}, fmt.Errorf("set %s: broker %s: %w", home.Join(device, property), c.broker, ErrNotConnected)
	}
	answer := c.found.expect(device, property)
	defer c.found.forget(answer)
	if err := s.publish(ctx, order.Topic, string(order.Payload), order.Retained); err != nil {
		return home.Value{}, fmt.Errorf("set %s: broker %s: %w", home.Join(device, property), c.broker, err)
	}
	if !order.Confirmed {
		return home.Value{}, nil
	}
	if answer.wait(ctx, order.Want, c.confirmWait) {
		confirmed = v
	}
	return confirmed, nil
}

// order finds what is to be sent.
func (c *Connection) order(device, property string, v home.Value) (dialect.Order, error) {
	if d, ok := c.found.named(device); ok {
		return d.source.Dialect.Command(d.ID, property, v)
	}
	t, ok := c.devices[device]
	if !ok || t.property.Name != property || t.Command == "" {
		return dialect.Order{}, fmt.Errorf("no topic for commands")
	}
	payload, err := t.payload(v)
	return dialect.Order{Message: dialect.Message{Topic: t.Command, Payload: []byte(payload)}}, err
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
	if err != nil {
		return fmt.Errorf("measure %s: %w", home.Join(device, property), err)
	}
	s := c.current.Load()
	if s == nil {
		return fmt.Errorf("measure %s: broker %s: %w", home.Join(device, property), c.broker, ErrNotConnected)
	}
	return s.publish(ctx, m.Topic, string(m.Payload), false)
}

// answer is what a device says of a property after a command.
type answer struct {
	device, property string
	values           chan home.Value // has room; what does not fit is lost
}

// wait reports whether the wanted value is told in time.
func (a *answer) wait(ctx context.Context, want home.Value, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	for {
		select {
		case v := <-a.values:
			if v == want {
				return true
			}
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
