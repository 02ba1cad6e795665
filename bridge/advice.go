package bridge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	amqp "github.com/rabbitmq/amqp091-go"
)

// fault is an error of the broker with what to do about it.
type fault struct {
	doing string // "connect to amqp://…"
	err   error
	hint  string
	line  bool // it is about the connection, not about what was done over it
}

func (f *fault) Error() string {
	s := f.doing + ": " + reason(f.err)
	if f.hint != "" {
		s += "; " + f.hint
	}
	return s
}

func (f *fault) Unwrap() error { return f.err }

// reason shows an AMQP error by RabbitMQ's own sentence.
func reason(err error) string {
	if e, ok := errors.AsType[*amqp.Error](err); ok && e.Reason != "" {
		return fmt.Sprintf("%s (%d)", e.Reason, e.Code)
	}
	return err.Error()
}

// advise adds to an error what was being done, and what the user can do.
func advise(err error, t *target, doing string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*fault](err); ok {
		return err
	}
	return &fault{doing: doing + " at " + t.show, err: err, hint: hint(err, t)}
}

func hint(err error, t *target) string {
	if e, ok := errors.AsType[*amqp.Error](err); ok {
		return hintAMQP(e, t)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("no address is known for %s: is the host's name right, is there a network?", e.Name)
	}
	text := err.Error()
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("is RabbitMQ running at %s? (systemctl status rabbitmq-server; it is installed by "+
			"apt-get install rabbitmq-server)", t.addr)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return fmt.Sprintf("nothing answers at %s: is the host up, does a firewall drop the port?", t.addr)
	case strings.Contains(text, "x509: certificate is valid for"), strings.Contains(text, "x509: cannot validate certificate for"),
		strings.Contains(text, "x509: certificate is not valid for any names"):
		return "the certificate is for another name: write the address of the broker as its certificate has it"
	case strings.Contains(text, "x509:"):
		return "the broker's certificate is not trusted: name the authority with amqp.ca_file, or ?cacertfile=/path/ca.pem in the address"
	case strings.Contains(text, "tls:"):
		return "is this port for TLS? amqps is usually 5671, amqp 5672"
	}
	return ""
}

func hintAMQP(e *amqp.Error, t *target) string {
	user := orElse(t.user, "USER")
	switch {
	case e.Code == amqp.AccessRefused && strings.Contains(e.Reason, "topic"):
		return fmt.Sprintf("the user may not use this key: see rabbitmqctl list_user_topic_permissions %s; "+
			"grant it with rabbitmqctl set_topic_permissions -p %s %s hogar '^GATEWAY\\..*' '^GATEWAY\\..*'", user, t.vhost(), user)
	case e.Code == amqp.AccessRefused && (strings.Contains(e.Reason, "login") || strings.Contains(e.Reason, "username")):
		return fmt.Sprintf("user or password is wrong, or the user is guest, who may log in on the broker's own machine only: "+
			"rabbitmqctl add_user %s, rabbitmqctl change_password %s", user, user)
	case e.Code == amqp.AccessRefused:
		return fmt.Sprintf(`grant it with rabbitmqctl set_permissions -p %s %s '^hogar(\..*)?$' '^(hogar(\..*)?|amq\.default)$' '^hogar(\..*)?$'`,
			t.vhost(), user)
	case e.Code == amqp.NotAllowed:
		return fmt.Sprintf("create the virtual host with rabbitmqctl add_vhost %s, and let the user in with "+
			"rabbitmqctl set_permissions -p %s %s '.*' '.*' '.*'", t.vhost(), t.vhost(), user)
	case e.Code == amqp.ConnectionForced:
		return "the broker was told to stop, or an operator closed the connection"
	case e.Code == amqp.PreconditionFailed && strings.Contains(e.Reason, "user_id"):
		return "the address names another user than the one the broker logged in"
	}
	return ""
}

func (t *target) vhost() string {
	uri, err := amqp.ParseURI(t.url)
	if err != nil || uri.Vhost == "" {
		return "/"
	}
	return uri.Vhost
}

// hasCode reports whether err is AMQP's error of that number.
func hasCode(err error, code int) bool {
	e, ok := errors.AsType[*amqp.Error](err)
	return ok && e.Code == code
}
