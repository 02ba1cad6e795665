package bridge

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/ledger"
)

// SetAside is a message that the broker refused for its own sake: it was passed
// over, so that the others go on. It stays in the journal for as long as any
// other, and [Bridge.Resend] tries it again.
type SetAside struct {
	Seq      uint64     `json:"seq"` // its record in the journal
	Exchange string     `json:"exchange"`
	Key      string     `json:"key"`
	Bytes    int        `json:"bytes"`
	Reason   string     `json:"reason"`
	Time     time.Time  `json:"time"`  // house time at which it was set aside
	Class    home.Class `json:"class"` // where its event came from
}

// maxSetAside is how many are listed; the oldest are left out, and stay counted.
const maxSetAside = 1000

// Outbox is what a bridge has to know over a connection, a reload and a restart: the
// list of what was set aside, and to which messages of others the gateway has listened.
// It is a part of the hub, a fold over the gateway's events set_aside, resent and
// listening, and tells the ledger of the first two. Safe for concurrent use.
type Outbox struct {
	ledger *ledger.Ledger
	mu     sync.Mutex
	aside  []SetAside // by Seq
	bound  []Source
}

// NewOutbox makes an empty one that counts in l.
func NewOutbox(l *ledger.Ledger) *Outbox { return &Outbox{ledger: l} }

// Apply takes the gateway's events about the outbox into the list.
func (o *Outbox) Apply(ev *home.Event, live bool) {
	if ev.Kind != home.KindGateway {
		return
	}
	switch ev.Name {
	case home.EventSetAside:
		s := SetAside{Reason: ev.Reason, Time: ev.At}
		if json.Unmarshal(ev.Detail, &s) == nil {
			o.add(s, live)
		}
	case home.EventResent:
		var detail resentDetail
		if json.Unmarshal(ev.Detail, &detail) == nil {
			o.remove(detail.SetAside)
		}
	case home.EventListening:
		var detail listeningDetail
		if json.Unmarshal(ev.Detail, &detail) == nil {
			o.bind(detail.To)
		}
	}
}

// resentDetail are the facts of an event resent.
type resentDetail struct {
	Since    time.Time `json:"since"`
	Sent     int       `json:"sent"`
	SetAside []uint64  `json:"set_aside,omitempty"` // those that are no longer
}

func (o *Outbox) add(s SetAside, live bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i, known := o.find(s.Seq)
	if known {
		o.aside[i] = s
		return
	}
	o.ledger.Aside(s.Class, live)
	o.aside = slices.Insert(o.aside, i, s)
	o.aside = slices.Delete(o.aside, 0, max(0, len(o.aside)-maxSetAside))
}

// find returns where a number is, or belongs; the caller holds mu.
func (o *Outbox) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(o.aside, seq, func(s SetAside, seq uint64) int { return cmp.Compare(s.Seq, seq) })
}

func (o *Outbox) remove(seqs []uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.aside = slices.DeleteFunc(o.aside, func(s SetAside) bool {
		mended := slices.Contains(seqs, s.Seq)
		if mended {
			o.ledger.Mended(s.Class)
		}
		return mended
	})
}

// isAside reports whether a record was set aside and not resent since.
func (o *Outbox) isAside(seq uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, known := o.find(seq)
	return known
}

// SetAside lists what is set aside, the oldest first.
func (o *Outbox) SetAside() []SetAside {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.aside)
}

// outboxState is the JSON of an outbox in a checkpoint.
type outboxState struct {
	Aside []SetAside `json:"set_aside"`
	Bound []Source   `json:"listening,omitempty"`
}

// Save returns the state for a checkpoint.
func (o *Outbox) Save() (json.RawMessage, error) {
	return json.Marshal(outboxState{o.SetAside(), o.Bound()})
}

// Restore takes the state of a checkpoint in the place of its own.
func (o *Outbox) Restore(data json.RawMessage) error {
	var s outboxState
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	slices.SortFunc(s.Aside, func(a, b SetAside) int { return cmp.Compare(a.Seq, b.Seq) })
	o.mu.Lock()
	defer o.mu.Unlock()
	o.aside, o.bound = s.Aside, s.Bound
	return nil
}

// tellHouse hands an event of the gateway about itself to the house, and calls
// then when it is durable, or cannot be.
func (b *Bridge) tellHouse(ev home.Event, then func()) {
	if b.opts.Accept == nil {
		ev.At = b.opts.Clock.Now()
		b.outbox.Apply(&ev, true)
		then()
		return
	}
	b.opts.Accept([]home.Event{ev}, func(err error) {
		if err != nil { // the house has acted on it all the same
			b.log.Error("what became of a message is not recorded", "event", ev.Name, "detail", string(ev.Detail), "error", err)
		}
		then()
	})
}

// setAside gives up a message for good, says why, and calls then when that is durable.
func (b *Bridge) setAside(m *message, why string, then func()) {
	s := SetAside{Seq: m.seq, Exchange: m.exchange, Key: m.key, Bytes: len(m.pub.Body), Class: m.class}
	b.log.Error("a message is set aside; the others go on", "exchange", s.Exchange, "key", s.Key, "seq", s.Seq, "error", why)
	detail, _ := json.Marshal(map[string]any{"seq": s.Seq, "exchange": s.Exchange, "key": s.Key, "bytes": s.Bytes, "class": s.Class}) // always encodes
	b.tellHouse(home.Event{Kind: home.KindGateway, Name: home.EventSetAside, Reason: why, Detail: detail}, then)
}
