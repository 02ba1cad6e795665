package gateway

import (
	"context"
	"errors"
	"iter"
	"time"

	"hogar/gateway/api"
	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// past is the journal as the API sees it.
type past struct{ g *gateway }

var _ api.Past = past{}

// Kept implements [api.Past].
func (p past) Kept() (oldest, newest uint64) {
	return p.g.journal.First(), p.g.hub.Newest()
}

// Between implements [api.Past].
func (p past) Between(ctx context.Context, after, to uint64) iter.Seq[home.Event] {
	return func(yield func(home.Event) bool) {
		r := p.g.journal.Reader(after)
		defer r.Close()
		for after < to {
			durable := p.g.journal.Durable()
			rec, ok, err := r.TryNext()
			if !ok && err == nil && durable < to {
				rec, err = nextWithin(ctx, r, diskWait)
				ok = err == nil
				if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
					continue
				}
			}
			if !ok || rec.Seq > to { // the end, or the disk has refused the last ones
				return
			}
			after = rec.Seq
			if ev, ok := eventOf(rec); ok && !yield(ev) {
				return
			}
		}
	}
}

// diskWait is how long to wait for records before looking whether they still come.
const diskWait = time.Second

func nextWithin(ctx context.Context, r *journal.Reader, most time.Duration) (journal.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return r.Next(ctx)
}

// Range implements [api.Past].
func (p past) Range(ctx context.Context, from, to time.Time, want func(kind home.Kind, body []byte) bool) iter.Seq[home.Event] {
	return func(yield func(home.Event) bool) {
		first, last := from.UnixMicro(), to.UnixMicro()
		for rec, err := range p.g.journal.Scan(p.g.journal.Before(first)) {
			switch {
			case err != nil:
				continue // damage is told by the journal
			case ctx.Err() != nil || rec.Time > last:
				return
			case rec.Time < first || want != nil && !want(home.Kind(rec.Kind), rec.Body):
				continue
			}
			if ev, ok := eventOf(rec); ok && !yield(ev) {
				return
			}
		}
	}
}

// eventOf reads a record; one of a kind that this version does not know is left out.
func eventOf(rec journal.Record) (home.Event, bool) {
	ev, err := home.ParseEvent(home.Kind(rec.Kind), rec.Body)
	ev.Seq, ev.Flags, ev.At = rec.Seq, home.Flags(rec.Flags), time.UnixMicro(rec.Time)
	return ev, err == nil
}
