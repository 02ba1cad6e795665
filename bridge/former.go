package bridge

import (
	"context"
	"fmt"
	"regexp"

	amqp "github.com/rabbitmq/amqp091-go"
)

// expiredArgs bound the queue expired, which only the gateway empties: what is too much, or too old, goes on to dead.
func (o *Options) expiredArgs() amqp.Table {
	return amqp.Table{"x-queue-type": o.QueueType, "x-message-ttl": deadTTL, "x-max-length": expiredMost, "x-max-length-bytes": expiredBytes,
		"x-overflow": "drop-head", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": o.queue("dead")}
}

// isFormer reports whether a queue that differs is as an earlier release made it.
func (s *setup) isFormer(ctx context.Context, q queue) bool {
	return q.former != nil && s.declare(ctx, q, q.former) == nil
}

// bound is how a queue that is there already gets bounds.
func (s *setup) bound(q queue) string {
	definition := fmt.Sprintf(`"max-length":%d,"max-length-bytes":%d`, expiredMost, expiredBytes)
	if s.limited(q) {
		definition += `,"delivery-limit":-1` // a queue has one policy
	}
	vhost := shell(s.target.vhost())
	return fmt.Sprintf("it is made anew with them when it was deleted, with what is in it (rabbitmqctl delete_queue -p %s %s); until then, and if it is not done "+
		"yet (a policy cannot be seen from here): rabbitmqctl set_policy -p %s --priority 1 --apply-to queues %s %s '{%s}'",
		vhost, shell(q.name), vhost, shell(q.name), shell("^"+regexp.QuoteMeta(q.name)+"$"), definition)
}
