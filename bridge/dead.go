package bridge

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// Dead is a refused or expired command in the queue hogar.<gateway>.dead.
type Dead struct {
	ID       string    `json:"id"`
	Reason   string    `json:"reason"` // expired: its time was over when it came
	Exchange string    `json:"exchange"`
	Key      string    `json:"key"`
	User     string    `json:"user,omitempty"` // who sent it, as RabbitMQ checked
	Type     string    `json:"type,omitempty"`
	Time     time.Time `json:"time,omitzero"` // machine time at which it was refused
	Body     string    `json:"body"`
	Encoding string    `json:"body_encoding,omitempty"` // base64: the body is no text
	LeftOut  int64     `json:"body_bytes,omitempty"`    // how long the body was, where it is left out
}

// DeadLetters works on the queue dead of a gateway, whether that runs or not.
// What one call has taken out and not put back is back when it returns. Not for
// concurrent use.
type DeadLetters struct {
	b     *Bridge
	link  *link
	queue string

	copies bool   // a letter that was given back often is copied
	advice string // of the operator
}

const (
	maxDead       = 10_000    // messages that one call looks at
	maxDeadBodies = 16 << 20  // bytes of bodies in a list; those of further letters are left out
	deadHeaders   = 128 << 10 // bytes: more does not fit into a frame
)

// OpenDead connects to the queue dead of the options' gateway.
func OpenDead(ctx context.Context, o Options) (*DeadLetters, error) {
	b := New(o, nil, nil, nil)
	b.limits = limits{body: uint64(deadBytes), headers: deadHeaders} // the whole letter: it may have to be copied
	l, err := b.dialAny(ctx, "dead", false)
	if err != nil {
		return nil, err
	}
	d := &DeadLetters{b: b, link: l, queue: b.opts.queue("dead")}
	d.examine(ctx)
	return d, nil
}

// Close ends the connection.
func (d *DeadLetters) Close() { d.link.close() }

// List returns what is in the queue, in its order, and leaves it there. Bodies are left
// out of a list that has more than 16 MiB of them: [DeadLetters.Find] has each.
func (d *DeadLetters) List(ctx context.Context) ([]Dead, error) {
	var found []Dead
	bodies := 0
	err := d.each(ctx, func(m amqp.Delivery) (bool, error) {
		x := deadOf(&m)
		if bodies += len(x.Body); bodies > maxDeadBodies {
			bodies -= len(x.Body)
			x.Body, x.Encoding, x.LeftOut = "", "", int64(len(m.Body))
		}
		found = append(found, x)
		return false, nil
	})
	return found, err
}

// Find returns the first letter with that id, and leaves it there.
func (d *DeadLetters) Find(ctx context.Context, id string) (found Dead, err error) {
	w := newWanted([]string{id})
	err = d.each(ctx, func(m amqp.Delivery) (bool, error) {
		if !w[id] && w.takes(m.MessageId) {
			found = deadOf(&m)
		}
		return false, nil
	})
	return found, errors.Join(err, w.missing())
}

// Purge deletes the commands with these ids, or all when none is given, and
// returns how many. An id that there is not is an error, beside the others' deletion.
func (d *DeadLetters) Purge(ctx context.Context, ids ...string) (int, error) {
	n, w := 0, newWanted(ids)
	err := d.each(ctx, func(m amqp.Delivery) (bool, error) {
		if !w.takes(m.MessageId) {
			return false, nil
		}
		n++
		return true, nil
	})
	return n, errors.Join(err, w.missing())
}

// Redriven is a command that was sent once more.
type Redriven struct {
	ID string `json:"id"` // of the dead one
	As string `json:"as"` // of the new one
}

// Redrive sends the commands with these ids, or all when none is given, once
// more to where they were sent: as new commands, with a new id and without their
// old deadline, from the user of this connection. It returns those that were sent, also
// beside an error. What no queue takes stays where it is; what is refused once more
// is a new dead letter, and left alone.
func (d *DeadLetters) Redrive(ctx context.Context, ids ...string) ([]Redriven, error) {
	var sent []Redriven
	c, w := &courier{b: d.b, link: d.link}, newWanted(ids)
	var left []error
	err := d.each(ctx, func(m amqp.Delivery) (bool, error) {
		x := deadOf(&m)
		if !w.takes(x.ID) {
			return false, nil
		}
		if x.LeftOut > 0 {
			left = append(left, fmt.Errorf("%s stays: its body is left out, it had %d bytes", x.ID, x.LeftOut))
			return false, nil
		}
		pub := again(&m, d.link.target.user)
		err := c.send(ctx, x.Exchange, x.Key, true, pub)
		if errors.Is(err, errUnrouted) || err != nil && !d.link.IsClosed() && ctx.Err() == nil {
			left = append(left, fmt.Errorf("%s stays: %w", x.ID, err))
			return false, nil
		}
		if err == nil {
			sent = append(sent, Redriven{x.ID, pub.MessageId})
		}
		return err == nil, err
	})
	return sent, errors.Join(append(left, err, w.missing())...)
}

// wanted are the ids that somebody has named, and whether each was found; none: all are.
type wanted map[string]bool

func newWanted(ids []string) wanted {
	w := make(wanted)
	for _, id := range ids {
		w[id] = false
	}
	return w
}

func (w wanted) takes(id string) bool {
	if _, named := w[id]; named {
		w[id] = true
		return true
	}
	return len(w) == 0
}

func (w wanted) missing() error {
	var all []error
	for _, id := range slices.Sorted(maps.Keys(w)) {
		if !w[id] {
			all = append(all, fmt.Errorf("there is no dead letter %q (hogar dead list)", id))
		}
	}
	return errors.Join(all...)
}

func deadOf(m *amqp.Delivery) Dead {
	text := func(name string) string { s, _ := m.Headers[name].(string); return s }
	d := Dead{ID: m.MessageId, Reason: text("hogar-reason"), Exchange: text("hogar-exchange"), Key: text("hogar-key"),
		User: text("hogar-user-id"), Type: m.Type, Body: string(m.Body), LeftOut: bodyLeftOut(m.Headers)}
	if len(m.Body) > maxCommand {
		d.Body, d.LeftOut = "", int64(len(m.Body))
	} else if !utf8.Valid(m.Body) {
		d.Body, d.Encoding = base64.StdEncoding.EncodeToString(m.Body), "base64"
	}
	if d.Reason == "" {
		d.Reason, d.Exchange, d.Key = overflown(m)
	}
	d.Time, _ = time.Parse(home.TimeFormat, text("hogar-time")) // zero: somebody else put it there
	return d
}

// overflown is why, and from where, a letter came that RabbitMQ has moved from the queue expired by itself.
func overflown(m *amqp.Delivery) (reason, exchange, key string) {
	x, known := deathOf(m)
	if !known {
		return "", "", "" // somebody else put it there
	}
	first := *m
	if all, _ := m.Headers["x-death"].([]any); len(all) > 1 { // the oldest is the last
		first.Headers = amqp.Table{"x-death": all[len(all)-1:]}
	}
	origin, _ := deathOf(&first)
	return "expired: it had no outcome, since the queue expired was full or it lay there for too long (" + x.reason + ")", origin.exchange, origin.key
}

// again makes a new command of a dead one. The old id would only get the old
// outcome again, and who waited for a reply has given up.
func again(m *amqp.Delivery, user string) amqp.Publishing {
	headers := maps.Clone(m.Headers)
	maps.DeleteFunc(headers, func(k string, v any) bool { return !copies(k, v) })
	if headers == nil {
		headers = amqp.Table{}
	}
	headers["hogar-redriven"] = m.MessageId
	pub := amqp.Publishing{Headers: headers, ContentType: m.ContentType, ContentEncoding: m.ContentEncoding, Type: m.Type,
		DeliveryMode: amqp.Persistent, MessageId: "redriven-" + rand.Text()[:16], Timestamp: clock.Wall(time.Now()), UserId: user,
		AppId: m.AppId, Body: m.Body}
	if m.Type != typeCommand {
		return pub
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(m.Body, &members) != nil {
		return pub // it is refused again, for the same reason
	}
	delete(members, "id")
	delete(members, "expires")
	pub.Body, _ = json.Marshal(members) // each is JSON already
	return pub
}
