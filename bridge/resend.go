package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// Resent is what a resend did.
type Resent struct {
	Sent     int       // taken by a queue
	Unrouted int       // no queue takes them: kinds that are kept as well as such that are not
	Refused  int       // refused for their own sake, again
	Last     time.Time // house time of the last record that was tried: where to go on after an error
}

// Resend publishes the journal's records from since on up to the cursor again,
// under the same message ids, and among them what was set aside, which is then no
// longer. It waits for the broker's confirms, in order, beside the publisher,
// which sends all after the cursor anyway. It returns when all were tried, when ctx
// ends, or when the connection does. Run need not be running.
func (b *Bridge) Resend(ctx context.Context, since time.Time) (Resent, error) {
	l, err := b.dialAny(ctx, "resend", true)
	if err != nil {
		return Resent{}, err
	}
	defer l.close()
	r := &resender{b: b, link: l, ctx: ctx, side: &courier{b: b, link: l}}
	if err := r.open(); err != nil {
		return Resent{}, err
	}
	err = r.all(since)
	r.tell(since)
	if err != nil {
		err = fmt.Errorf("resend: %w", err)
	}
	return r.done, err
}

// resender sends over a channel of its own; for one goroutine.
type resender struct {
	b     *Bridge
	link  *link
	ctx   context.Context
	maker *maker
	side  *courier // messages of rules: one to a missing exchange closes the channel

	ch      *amqp.Channel
	returns chan amqp.Return
	closed  chan *amqp.Error
	flying  []flight
	back    []string // ids of messages that were returned
	done    Resent
	mended  []uint64 // set aside before, and taken now
}

// flight is a message that is not confirmed yet.
type flight struct {
	seq     uint64
	id      string
	confirm *amqp.DeferredConfirmation
}

func (r *resender) open() error {
	ch, err := r.link.Channel()
	if err != nil {
		return r.link.failure(nil, err, "open a channel")
	}
	r.ch, r.flying = ch, nil
	r.returns = ch.NotifyReturn(make(chan amqp.Return, r.b.opts.Window+16))
	r.closed = ch.NotifyClose(make(chan *amqp.Error, 1))
	r.maker = newMaker(&r.b.opts, r.b.journal.ID(), r.link.target.user)
	if err := ch.Confirm(false); err != nil {
		return r.link.failure(r.closed, err, "ask for confirms")
	}
	return nil
}

func (r *resender) all(since time.Time) error {
	from, to := since.UnixMicro(), r.b.journal.Cursor()
	for rec, err := range r.b.journal.Scan(0) {
		if err != nil {
			return err
		}
		if rec.Seq > to {
			break
		}
		if rec.Time < from {
			continue
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if m := r.maker.make(rec); !m.skip {
			if err := r.send(&m); err != nil {
				return err
			}
		}
		r.done.Last = time.UnixMicro(rec.Time)
	}
	return r.settle(0)
}

func (r *resender) send(m *message) error {
	// What the broker closes the channel over, and what it alone is to blame for,
	// goes by itself, as messages of rules do.
	if m.bad != "" {
		r.done.Refused++
		return nil
	}
	if m.kind == home.KindPublish || r.b.outbox.isAside(m.seq) {
		err := r.side.send(r.ctx, m.exchange, m.key, true, m.publishing())
		switch {
		case err == nil:
			r.taken(m.seq)
		case errors.Is(err, errUnrouted):
			r.done.Unrouted++
		case permanent(err):
			r.done.Refused++
		default:
			return err
		}
		return nil
	}
	if err := r.settle(r.b.opts.Window - 1); err != nil {
		return err
	}
	confirm, err := r.ch.PublishWithDeferredConfirm(m.exchange, m.key, true, false, m.publishing())
	if err != nil {
		return r.link.failure(r.closed, err, "publish")
	}
	r.flying = append(r.flying, flight{m.seq, m.pub.MessageId, confirm})
	return nil
}

// settle waits until at most so many are not confirmed.
func (r *resender) settle(most int) error {
	for len(r.flying) > most {
		f := r.flying[0]
		if err := r.b.await(r.ctx, f.confirm.Done(), r.link.target); err != nil {
			return err
		}
		returned := r.returned(f.id)
		switch {
		case !f.confirm.Acked() && r.ch.IsClosed():
			return r.link.failure(r.closed, nil, "publish")
		case !f.confirm.Acked():
			return errRefused
		case returned:
			r.done.Unrouted++
		default:
			r.taken(f.seq)
		}
		r.flying = r.flying[1:]
	}
	return nil
}

// returned reports whether the broker sent the message of that id back. It does
// so before it confirms it, and in order.
func (r *resender) returned(id string) bool {
	for {
		select {
		case m, ok := <-r.returns:
			if ok {
				r.back = append(r.back, m.MessageId)
				continue
			}
			r.returns = nil
		default:
		}
		i := slices.Index(r.back, id)
		if i >= 0 {
			r.back = r.back[i+1:]
		}
		return i >= 0
	}
}

func (r *resender) taken(seq uint64) {
	r.done.Sent++
	if r.b.outbox.isAside(seq) {
		r.mended = append(r.mended, seq)
	}
}

// tell makes the resend an event of the gateway, and waits for it to be recorded.
func (r *resender) tell(since time.Time) {
	if r.done.Sent == 0 {
		return
	}
	detail, _ := json.Marshal(resentDetail{Since: since, Sent: r.done.Sent, SetAside: r.mended}) // always encodes
	told := make(chan struct{})
	r.b.tellHouse(home.Event{Kind: home.KindGateway, Name: home.EventResent, Detail: detail}, func() { close(told) })
	select {
	case <-told:
	case <-r.ctx.Done():
	}
}
