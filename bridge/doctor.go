package bridge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/clock"
)

// Finding is one thing that was examined.
type Finding struct {
	What   string `json:"what"` // "connection to broker-1:5672"
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"` // what was found
	Fix    string `json:"fix,omitempty"`    // what mends it; "" when it is well
}

// doctor examines one broker as a gateway would use it.
type doctor struct {
	b        *Bridge
	ctx      context.Context
	target   *target
	findings []Finding
}

// examineTimeout bounds what is waited for at each step.
const examineTimeout = 5 * time.Second

// Examine looks whether a gateway with these options could work with its
// brokers: at each of them names, TCP, TLS, login, virtual host, topology, rights, the
// routes of what is kept, whether it takes messages at present, and who has the
// gateway's name; and at this machine's clock. running says that the gateway
// runs on this machine. It declares nothing, takes no command, and sends one
// message of type hogar.probe.v1 for each kind that is kept.
func Examine(ctx context.Context, o Options, running bool) []Finding {
	d := &doctor{ctx: ctx, b: New(o, nil, nil, slog.New(slog.DiscardHandler))}
	d.b.times.greet = examineTimeout
	d.clock(o.Clock)
	d.receipts()
	targets, err := d.b.targets()
	if err != nil {
		d.add("address of the broker", err, "")
		return d.findings
	}
	for _, d.target = range targets {
		if d.reach() && d.login() {
			s := &setup{b: d.b, target: d.target}
			d.topology(s)
			d.rights(s)
			d.name(s, running)
			s.close()
			d.probe()
		}
	}
	return d.findings
}

// add notes a finding, and reports whether it is well.
func (d *doctor) add(what string, err error, detail string) bool {
	f := Finding{What: what, OK: err == nil, Detail: detail}
	if err != nil {
		f.Detail = err.Error()
		if x, ok := errors.AsType[*fault](err); ok {
			f.Detail, f.Fix = reason(x.err), x.hint
		} else if d.target != nil {
			f.Detail, f.Fix = reason(err), hint(err, d.target)
		}
	}
	d.findings = append(d.findings, f)
	return err == nil
}

// wrong notes what is not well, with its own cure.
func (d *doctor) wrong(what, detail, fix string) {
	d.findings = append(d.findings, Finding{What: what, Detail: detail, Fix: fix})
}

func (d *doctor) clock(c *clock.Clock) {
	if c == nil {
		c = clock.System(clock.Trust{})
	}
	shows := c.Now().Format(time.RFC3339)
	switch s := c.State(); {
	case !s.Trusted:
		d.wrong("clock", s.Why+"; it shows "+shows, "timedatectl set-ntp true, or set it by date -s; clock: {trust: always} where somebody keeps it right by hand")
	case !clock.Synchronised():
		d.wrong("clock", "the system says that it is not synchronised; it shows "+shows, "timedatectl set-ntp true, and see timedatectl timesync-status")
	default:
		d.add("clock", nil, shows)
	}
}

// receipts says where senders may have their receipts put. Any queue is no fault: without
// access: everybody who may publish is trusted.
func (d *doctor) receipts() {
	where := d.b.opts.ReplyTo
	if slices.Contains(where, ReplyAny) {
		d.add("receipts", nil, "a sender may have them put into any queue, with the gateway's rights; amqp.reply_to says which it may name")
		return
	}
	d.add("receipts", nil, "they go to "+strings.Join(where, ", "))
}

// reach tries name, port and TLS.
func (d *doctor) reach() bool {
	ctx, cancel := context.WithTimeout(d.ctx, examineTimeout)
	defer cancel()
	host, _, err := net.SplitHostPort(d.target.addr)
	if err != nil {
		return d.add("address "+d.target.show, err, "")
	}
	addrs, err := net.DefaultResolver.LookupHost(ctx, host)
	if !d.add("name "+host, err, fmt.Sprint(addrs)) {
		return false
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.target.addr)
	if !d.add("port "+d.target.addr, err, "it is open") {
		return false
	}
	defer conn.Close()
	uri, err := amqp.ParseURI(d.target.url)
	if err != nil || uri.Scheme != "amqps" {
		return err == nil
	}
	config, err := tlsConfig(uri)
	if err != nil {
		return d.add("TLS of "+d.target.addr, err, "")
	}
	t := tls.Client(conn, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return d.add("TLS of "+d.target.addr, fmt.Errorf("tls: %w", err), "")
	}
	state := t.ConnectionState()
	return d.add("TLS of "+d.target.addr, nil, fmt.Sprintf("%s, the certificate is valid until %s", tls.VersionName(state.Version),
		state.PeerCertificates[0].NotAfter.Format(time.DateOnly)))
}

// tlsConfig is what amqp091 makes of an address.
func tlsConfig(uri amqp.URI) (*tls.Config, error) {
	c := &tls.Config{ServerName: orElse(uri.ServerName, uri.Host), MinVersion: tls.VersionTLS12}
	if uri.CACertFile != "" {
		pem, err := os.ReadFile(uri.CACertFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate in it", uri.CACertFile)
		}
	}
	if uri.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(uri.CertFile, uri.KeyFile)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// login tries user, password and virtual host.
func (d *doctor) login() bool {
	l, err := d.b.dial(d.ctx, d.target, "doctor", false)
	if err == nil {
		defer l.close()
	}
	what := fmt.Sprintf("login as %s, virtual host %s", orElse(d.target.user, "the certificate"), d.target.vhost())
	if !d.add(what, err, "allowed") {
		return false
	}
	return d.add("broker at "+d.target.addr, nil, l.server().known(d.b.opts.queue("now")))
}

// topology looks at what there is, and changes nothing.
func (d *doctor) topology(s *setup) {
	seen := make(map[string]bool)
	for _, t := range []topology{d.b.opts.publishTopology(), d.b.opts.consumeTopology(), d.b.opts.listenTopology()} {
		for _, x := range t.exchanges {
			if seen[x.name] {
				continue
			}
			seen[x.name] = true
			err := s.step(d.ctx, "look at exchange "+x.name, func(ch *amqp.Channel) error {
				return ch.ExchangeDeclarePassive(x.name, "topic", true, false, false, false, nil)
			})
			d.exists(s, "exchange "+x.name, err, func(ch *amqp.Channel) error {
				return ch.ExchangeDeclare(x.name, "topic", true, false, false, false, nil)
			})
		}
		for _, q := range t.queues {
			err := s.look(d.ctx, q.name)
			if err == nil && hasCode(s.declare(d.ctx, q, s.arguments(q)), amqp.PreconditionFailed) && s.onlyLimited(d.ctx, q) {
				d.wrong("queue "+q.name, fmt.Sprintf("it was made without %s -1: this RabbitMQ deletes out of it what was looked at and given back 20 times", deliveryLimit),
					d.b.opts.keepLine(d.target)+" keeps it all; a policy cannot be seen from here, so this line stays until the queue is deleted, and made anew")
				continue
			}
			if err == nil && q.former != nil && d.unbounded(s, q) {
				continue
			}
			d.exists(s, "queue "+q.name, err, func(ch *amqp.Channel) error {
				_, err := ch.QueueDeclare(q.name, true, false, false, false, s.arguments(q))
				return err
			})
		}
	}
}

// unbounded notes that a queue is as an earlier release made it, which a policy may have mended.
func (d *doctor) unbounded(s *setup, q queue) bool {
	if !hasCode(s.declare(d.ctx, q, s.arguments(q)), amqp.PreconditionFailed) || !s.isFormer(d.ctx, q) {
		return false
	}
	d.wrong("queue "+q.name, "an earlier release made it, without bounds of its own", s.bound(q))
	return true
}

// exists notes what looking at a thing told. What is there is declared once more as it
// should be, which changes nothing, and tells a difference.
func (d *doctor) exists(s *setup, what string, err error, declare func(*amqp.Channel) error) {
	switch {
	case err == nil:
		err = s.step(d.ctx, "compare "+what, declare)
		if hasCode(err, amqp.PreconditionFailed) || hasCode(err, amqp.InternalError) {
			d.wrong(what, "it differs: "+reason(errors.Unwrap(err)), "delete it to have it made anew; until then it is used as it is")
			return
		}
		if hasCode(err, amqp.AccessRefused) { // it is not ours to declare, and so not to be compared
			err = nil
		}
		d.add(what, err, "it is there")
	case hasCode(err, amqp.NotFound) && d.b.opts.Declare:
		d.add(what, nil, "it is not there yet; the gateway declares it")
	case hasCode(err, amqp.NotFound):
		d.wrong(what, "it does not exist", "set amqp.declare to true, or create it as `hogar topology` prints")
	default:
		d.add(what, err, "")
	}
}
