package mqtt

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/drivers/mqtt/dialect"
)

// Listen calls see, from one goroutine, with every message that a broker gives, the
// retained ones first, until ctx ends. It leaves no trace at the broker.
func Listen(ctx context.Context, b Broker, see func(dialect.Message)) error {
	password, err := b.readPassword()
	if err != nil {
		return err
	}
	lost := make(chan error, 1)
	client := paho.NewClient(paho.NewClientOptions().
		AddBroker(b.String()).
		SetClientID("hogar-listen-" + rand.Text()).
		SetUsername(b.user).
		SetPassword(password).
		SetProtocolVersion(4).
		SetAutoReconnect(false).
		SetConnectTimeout(connectTimeout).
		SetWriteTimeout(writeTimeout).
		SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err }).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
			see(dialect.Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained()})
		}).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return b.dial(ctx) }))
	defer client.Disconnect(uint(parting.Milliseconds()))
	for _, begin := range []func() paho.Token{client.Connect, func() paho.Token { return client.Subscribe("#", 0, nil) }} {
		token := begin()
		select {
		case <-token.Done():
			if err := token.Error(); err != nil {
				return fmt.Errorf("broker %s: %w", b, err)
			}
		case <-ctx.Done():
			return fmt.Errorf("broker %s: %w", b, ErrNotConnected)
		}
	}
	select {
	case err := <-lost:
		if ctx.Err() == nil {
			return fmt.Errorf("broker %s: connection lost: %w", b, err)
		}
	case <-ctx.Done():
	}
	return nil
}
