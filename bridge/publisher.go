package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// publisher sends the journal's records over one connection. The cursor moves
// past a record when the broker has confirmed it, has not returned it, and the
// same is true of all before it. When something goes wrong, all is sent again
// from the cursor on (go-back-N), under the same message ids.
//
// One goroutine writes to the channel and reads all its notifications. The
// channel carries nothing else: a message to a missing exchange would close it.
type publisher struct {
	b        *Bridge
	link     *link
	ch       *amqp.Channel
	maker    *maker
	confirms chan amqp.Confirmation
	returns  chan amqp.Return
	closed   chan *amqp.Error
	blocking chan amqp.Blocking
	sideJobs chan sideJob   // messages of rules
	sideDone chan sideEntry // what became of them, and of what is set aside

	blocked  bool
	taken    bool   // a message of this run has been taken: others may follow it unanswered
	tag      uint64 // of the last message on ch
	win      window
	asides   int        // messages of which it is not durable yet that they are set aside
	open     int        // messages whose fate the broker has not told
	full     bool       // the window was full, and has little room yet
	sent     uint64     // number of the last record that was sent
	progress time.Time  // when the broker last told something, or had nothing to tell
	stuck    *stuck     // why nothing more is sent in this run
	note     []byte     // reused
	headers  amqp.Table // reused
}

// stuck is a message that the broker does not take, while it takes others.
type stuck struct {
	seq uint64
	key string
	why string
}

func (s *stuck) Error() string { return s.key + ": " + s.why }

// publish is one session of the publisher.
func (b *Bridge) publish(ctx context.Context, t *target) error {
	if err := b.prepare(ctx, t, b.opts.publishTopology()); err != nil {
		return err
	}
	l, err := b.dial(ctx, t, "publish", b.opts.Coalesce)
	if err != nil {
		return err
	}
	defer l.close()
	p, err := newPublisher(b, l)
	if err != nil {
		return err
	}
	b.status.up(partPublish, t.show)
	if b.journal.Cursor() == b.journal.Durable() {
		p.proven() // as far as there is anything to prove
	}
	session, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { b.runRules(session, l, p.sideJobs) })
	wg.Go(func() { b.runSide(session, l) })
	wg.Go(func() { b.missHistory(session, t) })
	for attempt := 0; ; attempt++ {
		cursor := b.journal.Cursor()
		err := p.run(ctx)
		s, held := errors.AsType[*stuck](err)
		if !held {
			p.blame(err)
			if hasCode(err, amqp.NotFound) {
				select {
				case b.missing <- struct{}{}:
				default:
				}
			}
			return err
		}
		if b.journal.Cursor() != cursor {
			attempt = 0
		}
		if b.status.hold(s.Error()) {
			b.log.Warn("a message is kept, and all behind it", "key", s.key, "error", s.why)
		}
		if err := p.pause(ctx, b.retry(attempt)); err != nil {
			return err
		}
		if err := b.prepare(ctx, t, b.opts.publishTopology()); err != nil { // its queue may have been deleted
			return err
		}
	}
}

func newPublisher(b *Bridge, l *link) (*publisher, error) {
	ch, err := l.Channel()
	if err != nil {
		return nil, l.failure(nil, err, "open a channel")
	}
	w := b.opts.Window
	p := &publisher{
		b: b, link: l, ch: ch,
		maker: newMaker(&b.opts, b.journal.ID(), l.target.user), headers: make(amqp.Table),
		// The library drops a notification that nobody takes for 5 s. Here each finds room.
		confirms: ch.NotifyPublish(make(chan amqp.Confirmation, w+16)),
		returns:  ch.NotifyReturn(make(chan amqp.Return, w+16)),
		closed:   ch.NotifyClose(make(chan *amqp.Error, 1)),
		blocking: l.NotifyBlocked(make(chan amqp.Blocking, 8)),
		sideJobs: make(chan sideJob, w), sideDone: make(chan sideEntry, w+maxWindows*w),
	}
	if err := ch.Confirm(false); err != nil {
		return nil, l.failure(p.closed, err, "ask for confirms")
	}
	return p, nil
}

// pause waits before a message is tried again. It fails when the channel is closed meanwhile.
func (p *publisher) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.confirms: // all are told: only the end can come
		return p.link.failure(p.closed, nil, "publish")
	}
}

// run sends from the cursor on, until ctx ends, the channel is closed, or a
// message is stuck and the fate of all others in flight is told.
func (p *publisher) run(ctx context.Context) error {
	p.win, p.open, p.full, p.stuck, p.taken = window{}, 0, false, nil, false
	p.sent, p.progress = p.b.journal.Cursor(), time.Now()
	feeding, cancel := context.WithCancel(context.WithoutCancel(ctx)) // for goodbye comes first
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	feed, failed := make(chan message, p.b.opts.Window), make(chan error, 1)
	after := p.sent
	wg.Go(func() { failed <- p.feed(feeding, after, feed) })

	watch := time.NewTicker(max(p.b.times.confirm/6, 10*time.Millisecond))
	defer watch.Stop()
	for {
		if p.stuck != nil && p.open == 0 && p.asides == 0 { // else the next run would take it for its own
			return p.stuck
		}
		var in <-chan message
		if p.stuck == nil && !p.blocked && p.room() {
			in = feed
		}
		var err error
		select {
		case m := <-in:
			err = p.sendAll(m, feed)
		case c, ok := <-p.confirms:
			err = p.settle(c, ok)
		case e := <-p.sideDone:
			p.settleSide(e)
		case blocking, ok := <-p.blocking:
			if !ok {
				p.blocking = nil // the confirms end as well, and tell why
				continue
			}
			p.block(blocking)
		case <-watch.C:
			err = p.overdue()
		case err = <-failed:
		case <-ctx.Done():
			return p.goodbye(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// feed makes messages of the records after a number.
func (p *publisher) feed(ctx context.Context, after uint64, out chan<- message) error {
	r := p.b.journal.Reader(after)
	defer r.Close()
	for {
		rec, ok, err := r.TryNext()
		if !ok && err == nil {
			rec, err = r.Next(ctx)
			p.b.receipts.first(ctx)
		}
		if err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
		select {
		case out <- p.maker.make(rec):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// maxWindows is how many windows of messages may wait for one before them: a
// rule's message that its queue does not take at present does not stop the
// readings at once.
const maxWindows = 4

// room reports whether more may be sent. A window that was full is filled again
// when an eighth of it is free, so that a slow broker does not wake everybody for
// each single message.
func (p *publisher) room() bool {
	if !p.taken && p.win.awaits() {
		return false // if no queue takes it, and one is bound just then, those behind it would overtake
	}
	limit := p.limit()
	if p.open >= limit {
		p.full = true
	} else if p.open <= limit-max(1, limit/8) {
		p.full = false
	}
	return !p.full && p.win.len() < maxWindows*p.b.opts.Window
}

// limit is the number of messages that may be in flight.
func (p *publisher) limit() int {
	if p.sent < p.b.careful {
		return 1
	}
	return p.b.opts.Window
}

// sendAll sends m and what is ready behind it, as far as the window goes.
func (p *publisher) sendAll(m message, feed <-chan message) error {
	if !p.win.awaits() {
		p.progress = time.Now()
	}
	for {
		if err := p.send(&m); err != nil {
			return err
		}
		if !p.room() {
			return nil
		}
		select {
		case m = <-feed:
		default:
			return nil
		}
	}
}

// send keeps nothing of m but the copy in the window: m stays off the heap.
func (p *publisher) send(m *message) error {
	seq := m.seq
	p.sent = seq
	switch {
	case m.skip:
		if !p.win.pass(seq) {
			p.confirm(seq)
		}
		return nil
	case m.bad != "":
		e := p.win.push(m, 0)
		p.setAside(&e.message, e.bad)
		return nil
	case p.b.suspect.skip && p.b.suspect.seq == seq:
		p.win.push(m, 0)
		return nil
	case m.kind == home.KindPublish:
		p.win.push(m, 0).out = true
		p.open++
		p.sideJobs <- sideJob{ctx: context.Background(), exchange: m.exchange, key: m.key, pub: m.publishing(), // there is room for a window
			done: func(err error) { p.sideDone <- sideEntry{seq: seq, err: err} }}
		return nil
	}
	p.tag++
	p.win.push(m, p.tag).out = true
	p.open++
	p.b.status.published.Add(1)
	m.pub.Headers = m.headers(p.headers)
	if err := p.ch.Publish(m.exchange, m.key, true, false, m.pub); err != nil {
		return p.broken(err)
	}
	return nil
}
