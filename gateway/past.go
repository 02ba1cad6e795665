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
		for _, s := range p.spans(first, last) {
			for rec, err := range p.g.journal.Scan(s.after) {
				switch {
				case ctx.Err() != nil:
					return
				case err != nil:
					continue // damage is told by the journal
				case rec.Seq < s.before && (rec.Time < first || rec.Time > last || want != nil && !want(home.Kind(rec.Kind), rec.Body)):
					continue
				}
				if rec.Seq >= s.before {
					break
				}
				if ev, ok := eventOf(rec); ok && !yield(ev) {
					return
				}
			}
		}
	}
}

// span are records between two numbers.
type span struct{ after, before uint64 }

// spans are where records of a time from first to last may stand, in order. Where the clock
// was set, a time may come again.
func (p past) spans(first, last int64) (found []span) {
	turns := append(p.g.turns.Spans(), 0)
	for i, from := range turns[:len(turns)-1] {
		after, before := p.g.journal.Range(from, turns[i+1], first, last)
		switch n := len(found); {
		case after+1 >= before:
		case n > 0 && after < found[n-1].before:
			found[n-1].before = max(found[n-1].before, before)
		default:
			found = append(found, span{after, before})
		}
	}
	return found
}

// eventOf reads a record; one of a kind that this version does not know is left out.
func eventOf(rec journal.Record) (home.Event, bool) {
	ev, err := home.ParseEvent(home.Kind(rec.Kind), rec.Body)
	ev.Seq, ev.Flags, ev.At = rec.Seq, home.Flags(rec.Flags), time.UnixMicro(rec.Time)
	return ev, err == nil
}
