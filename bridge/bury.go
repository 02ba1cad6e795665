package bridge

import (
	"context"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// bury puts a copy of a refused command into the queue dead.
func (b *Bridge) bury(ctx context.Context, d *amqp.Delivery, o home.Outcome) error {
	headers := amqp.Table{
		"hogar-reason":   strings.TrimSpace(string(o.Result) + ": " + o.Error),
		"hogar-user-id":  d.UserId,
		"hogar-exchange": d.Exchange,
		"hogar-key":      d.RoutingKey,
		"hogar-time":     b.opts.Clock.Now().UTC().Format(home.TimeFormat),
	}
	if n := bodyLeftOut(d.Headers); n > 0 {
		headers[bodyBytesHeader] = n
	}
	for k, v := range d.Headers {
		if copies(k, v) {
			headers[k] = v
		}
	}
	// Neither user_id (the broker wants our own) nor expiration (it would end there, too).
	return b.sendAside(ctx, "", b.opts.queue("dead"), amqp.Publishing{
		Headers: headers, DeliveryMode: amqp.Persistent, ContentType: d.ContentType, ContentEncoding: d.ContentEncoding,
		Type: d.Type, MessageId: orElse(d.MessageId, o.ID), CorrelationId: d.CorrelationId, ReplyTo: d.ReplyTo,
		Timestamp: d.Timestamp, AppId: d.AppId, Body: d.Body,
	})
}

// copies reports whether a sender's header goes along: not what steers routing,
// what RabbitMQ adds, or what is not flat.
func copies(key string, value any) bool {
	switch value.(type) {
	case amqp.Table, []any:
		return false
	}
	return key != "CC" && key != "BCC" && !strings.HasPrefix(key, "x-") && !strings.HasPrefix(key, "hogar-")
}
