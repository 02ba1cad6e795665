package bridge

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

const (
	historyPrefetch = 500             // a stream wants one
	historyQuiet    = 3 * time.Second // an empty stream is known by its silence
	historyPatience = 30 * time.Second
)

// offsetHeader is where a stream says what place a message has in it.
const offsetHeader = "x-stream-offset"

// History reads what a gateway has published since a moment (machine time of the
// broker) out of the stream hogar.history, in its order, up to what is in it when it
// begins. A stream gives whole chunks, so the first events may be older.
func History(ctx context.Context, o Options, since time.Time) iter.Seq2[home.Event, error] {
	return func(yield func(home.Event, error) bool) {
		b := New(o, nil, nil, nil)
		b.limits = toolLimits
		l, err := b.dialAny(ctx, "history", false)
		if err != nil {
			yield(home.Event{}, err)
			return
		}
		defer l.close()
		r := &pastReader{link: l, ctx: ctx}
		last, err := r.last()
		if err != nil || last < 0 {
			if err != nil {
				yield(home.Event{}, err)
			}
			return
		}
		if err := r.each(since, historyPatience, func(d *amqp.Delivery, offset int64) bool {
			ev, ours := recorded(d, o.Gateway)
			return (!ours || yield(ev, nil)) && offset < last
		}); err != nil {
			yield(home.Event{}, err)
		}
	}
}

// pastReader reads the stream.
type pastReader struct {
	link *link
	ctx  context.Context
}

// last is the place of the newest message; -1: the stream is empty.
func (r *pastReader) last() (int64, error) {
	last, began := int64(-1), time.Now()
	err := r.each("last", historyQuiet, func(_ *amqp.Delivery, offset int64) bool {
		last = offset
		return time.Since(began) < historyQuiet // a house that talks all the time is never silent
	})
	if errors.Is(err, errSilent) {
		err = nil
	}
	return last, err
}

var (
	errSilent   = errors.New("the stream " + historyQueue + " gives nothing more")
	errNoStream = errors.New("queue " + historyQueue + " is no stream, and nothing else can be read by time: see amqp.history; the journal has the newest days")
)

// each calls see with the messages from a place on until that returns false, or
// nothing comes for a while, which is an error.
func (r *pastReader) each(from any, patience time.Duration, see func(d *amqp.Delivery, offset int64) bool) error {
	ch, err := r.link.Channel()
	if err != nil {
		return r.link.failure(nil, err, "open a channel")
	}
	defer ch.Close()
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	if err := ch.Qos(historyPrefetch, 0, false); err != nil {
		return r.link.failure(closed, err, "set the prefetch of queue "+historyQueue)
	}
	deliveries, err := ch.ConsumeWithContext(r.ctx, historyQueue, "", false, false, false, false, amqp.Table{"x-stream-offset": from})
	if hasCode(err, amqp.PreconditionFailed) { // an older RabbitMQ delivers, without a place
		return errNoStream
	}
	if err != nil {
		return r.link.failure(closed, err, "read queue "+historyQueue)
	}
	for {
		select {
		case d, ok := <-deliveries:
			if !ok {
				if r.ctx.Err() != nil {
					return r.ctx.Err()
				}
				return r.link.failure(closed, nil, "read queue "+historyQueue)
			}
			offset, stream := d.Headers[offsetHeader].(int64)
			if !stream {
				return errNoStream
			}
			if !see(&d, offset) {
				return nil
			}
			if err := d.Ack(false); err != nil {
				return r.link.failure(closed, err, "read queue "+historyQueue)
			}
		case <-time.After(patience):
			return errSilent
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
}

// recorded makes the event again of a message that a gateway published; ours is
// false when it was another gateway, or is not understood.
func recorded(d *amqp.Delivery, gateway string) (ev home.Event, ours bool) {
	rest, ours := strings.CutPrefix(d.RoutingKey, gateway+".")
	word, _, _ := strings.Cut(rest, ".")
	kind := home.KindOf(word)
	if !ours || kind == 0 || d.Type != types[kind] {
		return home.Event{}, false
	}
	ev, err := home.ParseEvent(kind, d.Body)
	if err != nil {
		return home.Event{}, false
	}
	ev.Flags = home.FlagPublished
	if late, _ := d.Headers["late"].(bool); late {
		ev.Flags |= home.FlagLate
	}
	if word, _ := d.Headers["clock"].(string); word == home.ClockUntrusted {
		ev.Flags |= home.FlagUntrusted
	}
	seq, _ := d.Headers["seq"].(int64)
	ev.Seq = uint64(seq)
	ev.At = d.Timestamp
	if in := ev.Time.Truncate(time.Second); in.Equal(d.Timestamp) { // the envelope knows whole seconds only
		ev.At = ev.Time
	}
	return ev, true
}
