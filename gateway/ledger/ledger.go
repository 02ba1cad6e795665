// Package ledger counts what became of each event that is to go to RabbitMQ.
//
//	sampled  = filtered + accepted + refused
//	accepted = confirmed + waiting + dropped + set aside
//
// holds for each class (where events come from) and for all, at any moment. Each
// term is counted where it happens: the hub counts what comes in, what a filter
// holds back and what the journal takes or refuses; the publisher what is behind
// the journal's cursor; what waits at a start is counted in the journal itself.
// None is the difference of others, so that a loss shows as a sum that is wrong.
//
// What has a record survives a kill: accepted, set aside, and what the journal
// lost are folds over its events, and what is confirmed is kept with the cursor,
// see [Ledger.Note]. What leaves no record (filtered, refused) is kept in the
// checkpoint: a kill loses what came since.
package ledger

import (
	"sync"
	"time"

	"hogar/gateway/home"
)

// Ledger is a part of the hub. All methods are safe for concurrent use.
type Ledger struct {
	mu       sync.Mutex
	since    time.Time
	accounts [home.Classes]account
	rates    rates
	restored bool // from a checkpoint
	anew     bool // what is known is what waits
	counting bool
	dropped  uint64 // up to this number everything was dropped: it may be confirmed all the same
}

// New makes a ledger that counts from a house time on.
func New(since time.Time) *Ledger { return &Ledger{since: since} }

// of returns the account of a class; the caller holds mu.
func (l *Ledger) of(c home.Class) *account {
	if c >= home.Classes {
		c = home.ClassNone // of a newer version
	}
	return &l.accounts[c]
}

// Sampled counts an event that came in.
func (l *Ledger) Sampled(c home.Class) {
	l.mu.Lock()
	l.of(c).Sampled++
	l.mu.Unlock()
}

// Filtered counts an event that goes no further, and is not to.
func (l *Ledger) Filtered(c home.Class) {
	l.mu.Lock()
	l.of(c).Filtered++
	l.mu.Unlock()
}

// Accepted counts an event that got a number in the journal.
func (l *Ledger) Accepted(c home.Class) {
	l.mu.Lock()
	a := l.of(c)
	a.Accepted++
	a.waiting++
	l.rates.in++
	l.mu.Unlock()
}

// Refused counts an event that the journal does not take, and why.
func (l *Ledger) Refused(c home.Class, reason string) {
	l.mu.Lock()
	increase(&l.of(c).Refused, reason, 1)
	l.mu.Unlock()
}

// Withdrawn counts events that were accepted, and that the disk did not take after all.
func (l *Ledger) Withdrawn(c home.Class, n uint64, reason string) {
	if c == home.ClassNone {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.of(c)
	a.Accepted -= n
	a.waiting -= int64(n)
	increase(&a.Refused, reason, n)
}

// Settled counts an event that the cursor goes past. confirmed is false when no
// queue took it, and it is not kept for that.
func (l *Ledger) Settled(seq uint64, c home.Class, confirmed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c == home.ClassNone || seq <= l.dropped {
		return
	}
	a := l.of(c)
	a.waiting--
	l.rates.out++
	if confirmed {
		a.Confirmed++
	} else {
		a.Unrouted++
	}
}

// Lost counts events that are gone from the journal although they were to be
// sent: those of the numbers up to to, n of each class. waited is false when they
// were gone before what waits was counted. It is told of what is found while the
// gateway runs; the rest comes by [Ledger.Apply].
func (l *Ledger) Lost(reason string, to uint64, n map[home.Class]uint64, waited bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, n := range n {
		increase(&l.of(c).Dropped, reason, n)
		if waited {
			l.of(c).waiting -= int64(n)
		}
	}
	if reason == Full {
		l.dropped = max(l.dropped, to)
	}
}

// Found counts events that were accepted, as far as anybody can tell: their records
// cannot be read, and no state of a checkpoint has them.
func (l *Ledger) Found(n uint64) {
	l.mu.Lock()
	l.found(n)
	l.mu.Unlock()
}

// found is [Ledger.Found] for those who hold mu.
func (l *Ledger) found(n uint64) {
	a := l.of(home.ClassNone)
	a.Sampled += n
	a.Accepted += n
}

// Dropped returns the number up to which everything unsent is known to be dropped.
func (l *Ledger) Dropped() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}

// Aside counts an event that the broker refuses for its own sake, which it is no
// longer waiting for.
func (l *Ledger) Aside(c home.Class, live bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.of(c)
	a.SetAside++
	if live {
		a.waiting--
	}
}

// Mended counts an event that was set aside, and that a queue has now.
func (l *Ledger) Mended(c home.Class) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.of(c)
	a.SetAside--
	a.Mended++
}

// CountWaiting says that what waits at the start is being counted, in a journal whose
// first number is oldest: by calls of [Ledger.Waits], and the end by
// [Ledger.Counted]. When there is no state of a checkpoint and the journal does not
// reach back to its beginning, the ledger begins anew with what waits.
func (l *Ledger) CountWaiting(oldest uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counting = true
	if l.anew = !l.restored && oldest > 1; l.anew {
		l.accounts = [home.Classes]account{}
	}
}

// Waits counts events that were found waiting.
func (l *Ledger) Waits(c home.Class, n uint64) {
	if c == home.ClassNone {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.of(c)
	a.waiting += int64(n)
	if l.anew {
		a.Sampled += n
		a.Accepted += n
	}
}

// Counted says that all that waited at the start is counted.
func (l *Ledger) Counted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counting = false
}

// Counts returns the ledger of this moment.
func (l *Ledger) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := Counts{Since: l.since, Counting: l.counting, Classes: make(map[string]Entry)}
	for class := range home.Class(home.Classes) {
		e := l.accounts[class].entry()
		if !e.empty() {
			c.Classes[class.String()] = e
			c.All.add(&e)
		}
	}
	return c
}
