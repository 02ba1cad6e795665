package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/secret"
)

const (
	heartbeat      = 10 * time.Second
	dialTimeout    = 10 * time.Second
	greetTimeout   = 10 * time.Second
	othersTimeout  = 5 * time.Second // for both, where there are other brokers to try
	writeTimeout   = 15 * time.Second
	closeTimeout   = 2 * time.Second
	goodbyeTimeout = 2 * time.Second // for the last confirms when the bridge stops
)

// target is a broker's address, taken apart.
type target struct {
	url  string // with the password
	show string // without
	user string // "" when a certificate says who it is
	addr string
	turn int // its place among the brokers
}

// targets are the brokers of the options. Where there are several, none of them is waited for
// as long as one alone.
func (b *Bridge) targets() ([]*target, error) {
	var targets []*target
	for i, s := range b.opts.URLs {
		t, err := parseTarget(s)
		if err != nil {
			return nil, err
		}
		t.turn = i
		targets = append(targets, t)
	}
	if len(targets) > 1 {
		b.times.greet = min(b.times.greet, othersTimeout)
	}
	return targets, nil
}

// dialAny connects to the first broker that can be reached.
func (b *Bridge) dialAny(ctx context.Context, purpose string, coalesce bool) (*link, error) {
	targets, err := b.targets()
	if err != nil {
		return nil, err
	}
	var l *link
	for _, t := range targets {
		if l, err = b.dial(ctx, t, purpose, coalesce); err == nil {
			return l, nil
		}
	}
	return nil, err
}

func parseTarget(s string) (*target, error) {
	u, err := secret.Parse(s)
	if err != nil {
		return nil, unreadable(s, err)
	}
	uri, err := amqp.ParseURI(s)
	if err != nil { // it may repeat what it could not read
		return nil, unreadable(s, errors.New("it is no address of an AMQP broker"))
	}
	t := &target{url: s, show: show(s), user: uri.Username}
	t.addr = net.JoinHostPort(uri.Host, fmt.Sprint(uri.Port))
	if u.Query().Get("auth_mechanism") == "external" {
		t.user = ""
	}
	return t, nil
}

func unreadable(s string, err error) error {
	return fmt.Errorf("broker address %s: %w; it is written amqp://user:password@host:5672/vhost", secret.Show(s), err)
}

// show shows an address without the user's password and the query (which may name key files).
func show(s string) string { return strings.Replace(secret.Show(s), ":"+secret.Covered+"@", "@", 1) }

// link is one connection with the means to end it in every case.
type link struct {
	*amqp.Connection
	raw    net.Conn
	target *target
	closed chan *amqp.Error // cap 1; closed after the connection
}

// dial connects for one purpose, which the broker shows as the connection's name.
// When ctx ends, connecting is given up; a connection that stands is left to close.
func (b *Bridge) dial(ctx context.Context, t *target, purpose string, coalesce bool) (*link, error) {
	var raw net.Conn
	giveUp := func() bool { return true }
	uri, err := amqp.ParseURI(t.url)
	if err != nil {
		return nil, err
	}
	config := amqp.Config{
		Heartbeat: b.times.heartbeat,
		Properties: amqp.Table{"product": "hogar", "version": b.opts.Version,
			"connection_name": "hogar " + b.opts.Gateway + " " + purpose},
		Dial: func(network, addr string) (net.Conn, error) {
			d := net.Dialer{Timeout: min(dialTimeout, b.times.greet), KeepAlive: 15 * time.Second, Control: limitUnacked}
			conn, err := d.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			raw = guard(conn, coalesce, b.times.write)
			giveUp = context.AfterFunc(ctx, func() { _ = raw.Close() })
			// The library takes the deadline away when the handshake is over.
			if err := conn.SetDeadline(time.Now().Add(b.times.greet)); err != nil {
				return raw, err
			}
			plain, err := encrypt(ctx, raw, uri)
			return newSieve(plain, b.limits, &b.status.cut), err
		},
	}
	// TLS is begun above, below the sieve, and not by the library once more.
	conn, err := amqp.DialConfig(strings.Replace(t.url, "amqps:", "amqp:", 1), config)
	if !giveUp() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		if raw != nil {
			_ = raw.Close()
		}
		return nil, onLine(advise(err, t, "connect"))
	}
	b.good.Store(int64(t.turn))
	return &link{Connection: conn, raw: raw, target: t, closed: conn.NotifyClose(make(chan *amqp.Error, 1))}, nil
}

// encrypt begins TLS, 1.2 or later, where the address says so.
func encrypt(ctx context.Context, raw net.Conn, uri amqp.URI) (net.Conn, error) {
	if uri.Scheme != "amqps" {
		return raw, nil
	}
	config, err := tlsConfig(uri)
	if err != nil {
		return raw, err
	}
	conn := tls.Client(raw, config)
	return conn, conn.HandshakeContext(ctx)
}

// close says goodbye and ends the connection, whatever state it is in.
func (l *link) close() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = l.CloseDeadline(time.Now().Add(closeTimeout)) // it may be closed already
	}()
	select {
	case <-ended:
	case <-time.After(closeTimeout):
	}
	_ = l.raw.Close() // frees a writer that holds the library's locks, and so the goroutine above
	<-ended
}

// failure waits a moment for the reason why the connection or ch was closed.
// It is called when one of them was seen to be closed, or a call on it failed.
func (l *link) failure(closed <-chan *amqp.Error, err error, doing string) error {
	var why *amqp.Error
	select {
	case why = <-closed:
	case why = <-l.closed:
	case <-time.After(100 * time.Millisecond):
	}
	if why != nil {
		err = why
	}
	if err == nil {
		err = errors.New("the connection was closed")
	}
	if l.IsClosed() { // the same for all who used it
		return onLine(advise(err, l.target, "keep the connection"))
	}
	return advise(err, l.target, doing)
}

func onLine(err error) error {
	if f, ok := errors.AsType[*fault](err); ok {
		f.line = true
	}
	return err
}
