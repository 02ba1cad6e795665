package mqtt

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/drivers/mqtt/dialect"
)

// Listen calls see with every message that a broker gives, the retained ones first, until
// ctx ends. It leaves no trace at the broker: it subscribes at QoS 0, for which the broker
// keeps no queue that could overflow, and says nothing.
func Listen(ctx context.Context, b Broker, see func(dialect.Message)) error {
	password, err := b.readPassword()
	if err != nil {
		return err
	}
	lost, inbox := make(chan error, 1), make(chan dialect.Message, 256)
	var wire atomic.Pointer[conn]
	client := paho.NewClient(paho.NewClientOptions().
		AddBroker(b.String()).
		SetClientID("hogar-listen-" + rand.Text()).
		SetUsername(b.user).
		SetPassword(password).
		SetProtocolVersion(4).
		SetAutoReconnect(false).
		SetConnectTimeout(connectTimeout).
		SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err }).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
			if c := wire.Load(); c != nil {
				if _, is := c.leftOut(m.Payload()); is {
					return
				}
			}
			select {
			case inbox <- dialect.Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained()}:
			case <-ctx.Done():
			}
		}).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
			c, err := b.dial(ctx)
			if err != nil {
				return nil, err
			}
			wire.Store(c)
			return c, nil
		}))
	defer client.Disconnect(uint(parting.Milliseconds()))
	asked, begun := client.Connect(), false
	for answer := asked.Done(); ; {
		select {
		case m := <-inbox: // before the answer, too
			see(m)
		case <-answer:
			answer = nil
			if err := asked.Error(); err != nil {
				return fmt.Errorf("broker %s: %w", b, err)
			}
			if !begun {
				asked, begun = client.Subscribe("#", 0, nil), true
				answer = asked.Done()
			}
		case err := <-lost:
			return fmt.Errorf("broker %s: connection lost: %w", b, err)
		case <-ctx.Done():
			if !begun {
				return fmt.Errorf("broker %s: %w", b, ErrNotConnected)
			}
			return nil
		}
	}
}
