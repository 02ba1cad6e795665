package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// server is what a broker says of itself when a connection begins.
type server struct {
	product             string // RabbitMQ, LavinMQ
	version             string // as it says it
	major, minor, patch int    // 0: no version could be read
}

// server returns what the broker at the other end is.
func (l *link) server() server {
	var s server
	s.product, _ = l.Properties["product"].(string)
	s.version, _ = l.Properties["version"].(string)
	_, _ = fmt.Sscanf(s.version, "%d.%d.%d", &s.major, &s.minor, &s.patch)
	return s
}

func (s server) rabbit() bool { return s.product == "RabbitMQ" }

// before reports whether the version is older than major.minor.patch.
func (s server) before(major, minor, patch int) bool {
	switch {
	case s.major != major:
		return s.major < major
	case s.minor != minor:
		return s.minor < minor
	}
	return s.patch < patch
}

// known says what the broker is, and what is known of that version that a house should know.
// The queue now is exclusive, which some versions do not bear.
func (s server) known(now string) string {
	is := strings.TrimSpace(s.product + " " + s.version)
	switch {
	case s.product == "LavinMQ":
		return is + ": it has no topic permissions and no limits of users, so that who may write to an exchange may write all keys: give each gateway " +
			"a virtual host of its own; a quorum queue is an ordinary durable one there"
	case !s.rabbit():
		return orElse(is, "it does not say what it is") + ": hogar is tried with RabbitMQ"
	case s.before(3, 9, 0):
		return is + ": it has no streams; set amqp.history to classic, or use 3.9 or later"
	case s.before(3, 13, 0):
		return is + ": there is no way from it to 4.0 in place; docs/operating.md has the way of a Debian 12 that becomes 13"
	case s.before(4, 0, 0):
		return is + ": switch all feature flags on before 4.0 (rabbitmqctl enable_feature_flag all)"
	case s.before(4, 0, 7):
		return is + ": leave the feature flag khepri_db off, with which it does not start again while " + now + " is in its store (mended in 4.0.7)"
	case s.before(4, 1, 8), s.minor == 2 && s.before(4, 2, 3):
		return is + ": an exclusive queue may vanish there without a word (mended in 4.1.8 and 4.2.3); the gateway looks at " + now + " once a minute"
	}
	return is
}

// limits reports whether quorum queues delete a message that was given back 20 times, if
// nothing else is said: so does RabbitMQ from 4.0 on.
func (s server) limits() bool { return s.rabbit() && s.major >= 4 }

// wearies reports whether the broker may delete a message that is given back ten times more.
func (l *link) wearies(d *amqp.Delivery) bool {
	n, _ := d.Headers[givenBack].(int64)
	return n >= tiredAfter && l.server().limits()
}

// deliveryLimit is the argument that says how often. Before 4.0 there is no word for
// "as often as you like", and none is needed: -1 is taken there, and means at once.
const deliveryLimit = "x-delivery-limit"

// limited reports whether q is a queue out of which this broker would delete what is
// given back, unless the argument says no. It wants an open connection.
func (s *setup) limited(q queue) bool {
	return q.kept && q.args["x-queue-type"] == "quorum" && s.link != nil && s.link.server().limits()
}

// arguments are those with which a queue is made at this broker.
func (s *setup) arguments(q queue) amqp.Table {
	if !s.limited(q) {
		return q.args
	}
	args := maps.Clone(q.args)
	args[deliveryLimit] = int64(-1)
	return args
}

// onlyLimited reports whether a queue that differs lacks that argument, and nothing else.
func (s *setup) onlyLimited(ctx context.Context, q queue) bool {
	return s.limited(q) && s.declare(ctx, q, q.args) == nil
}

// keepAdvice says what is the matter with a queue that was made without the argument.
func (s *setup) keepAdvice(q queue) string {
	return fmt.Sprintf("queue %s was made without %s -1, and this RabbitMQ deletes out of it what was looked at and given back 20 times; "+
		"if it is not done yet (a policy cannot be seen from here): %s", q.name, deliveryLimit, s.b.opts.keepLine(s.target))
}

// keepLine is what an operator types for queues that were made before. A newer RabbitMQ than
// 3 takes it.
func (o *Options) keepLine(t *target) string {
	pattern := `^hogar\.` + regexp.QuoteMeta(o.Gateway) + `\.(dead|expired|messages)$`
	return fmt.Sprintf(`rabbitmqctl set_policy -p %s --apply-to queues %s %s '{"delivery-limit":-1}'`, shell(t.vhost()),
		shell("hogar."+o.Gateway+".keep"), shell(pattern))
}

// unknownType reports whether a broker does not know the type of a queue, or was told not to
// (a feature flag). It answers 541 also when it has no majority at present or cannot reach its store:
// that is no reason to settle for another type.
func unknownType(err error) bool {
	e, ok := errors.AsType[*amqp.Error](err)
	return ok && (e.Code == amqp.PreconditionFailed && strings.Contains(e.Reason, "unsupported queue type") ||
		e.Code == amqp.InternalError && strings.Contains(e.Reason, "the corresponding feature flag is disabled"))
}
