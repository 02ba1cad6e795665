package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hogar/gateway/api"
	"hogar/gateway/journal"
)

// Outbox implements [api.Sender].
func (g *gateway) Outbox() api.Outbox {
	flow, counts, j := g.ledger.Flow(), g.ledger.Counts(), g.journal.Stats()
	o := api.Outbox{Waiting: uint64(max(0, counts.All.Waiting)), In: flow.In, Out: flow.Out, EmptyIn: flow.Empty.Seconds(), Ledger: counts,
		Error: "no broker is configured", SetAside: []api.SetAside{}}
	if o.Waiting > 0 && j.Oldest != 0 {
		o.Oldest = time.UnixMicro(j.Oldest)
		o.Age = g.age(g.journal.Cursor()+1, j.Oldest).Seconds()
	}
	o.Journal = trouble(&j)
	if gen := g.get(); gen.amqp != nil {
		b := gen.amqp.Status()
		o.Connected, o.Error, o.Held = b.Connected, b.Error, b.Held
		if o.Error == "" && b.Blocked != "" {
			o.Error = "rabbitmq takes nothing at present: " + b.Blocked + "; rabbitmqctl status shows its alarms"
		}
	}
	for _, s := range g.outbox.SetAside() {
		o.SetAside = append(o.SetAside, api.SetAside{Seq: s.Seq, Key: s.Key, Bytes: s.Bytes, Reason: s.Reason, Time: s.Time})
	}
	return o
}

// trouble says why the journal does not take records; "" when it does.
func trouble(s *journal.Stats) string {
	switch {
	case s.State == journal.OK:
		return ""
	case s.State == journal.Full && s.Err == nil:
		return "full: it has reached max_size, and nothing that may be deleted is left"
	}
	return fmt.Sprintf("%s: %v", s.State, s.Err)
}

// Resend implements [api.Sender].
func (g *gateway) Resend(ctx context.Context, since time.Time) (api.Resent, error) {
	gen := g.get()
	if gen.amqp == nil {
		return api.Resent{}, errors.New("no broker is configured")
	}
	r, err := gen.amqp.Resend(ctx, since)
	return api.Resent{Sent: r.Sent, Unrouted: r.Unrouted, Refused: r.Refused}, err
}

var _ api.Sender = (*gateway)(nil)

// age is how long ago a record was recorded, whose time is given in µs since 1970.
func (g *gateway) age(seq uint64, at int64) time.Duration {
	elapsed, _ := g.turns.Elapsed(seq, at)
	return max(0, g.o.Clock.Elapsed().Sub(time.UnixMicro(elapsed)))
}
