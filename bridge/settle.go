package bridge

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// settle takes a confirm and all others that are there.
func (p *publisher) settle(c amqp.Confirmation, ok bool) error {
	for {
		if !ok {
			return p.broken(nil)
		}
		p.takeReturns() // the broker sends a message back before it confirms it
		if e := p.win.byTag(c.DeliveryTag); e != nil {
			p.open--
			p.judge(e, c.Ack)
		}
		select {
		case c, ok = <-p.confirms:
			continue
		default:
		}
		p.advance()
		return nil
	}
}

func (p *publisher) judge(e *entry, ack bool) {
	e.out = false
	switch {
	case !ack:
		p.stick(e, "the broker refuses it: a queue that it goes to is full, or cannot be written")
	case !e.returned:
		p.b.status.confirmed.Add(1)
		e.done, p.taken = true, true
		p.acquit(e.seq)
	case p.b.opts.drops(e.kind):
		p.b.status.dropped.Add(1)
		e.done, e.fate = true, unrouted
	default:
		p.stick(e, fmt.Sprintf("no queue takes it: bind one to exchange %s with this key", e.exchange))
	}
}

// stick ends the sending at the first message that is not taken. It and what was
// sent behind it go one by one the next time, so that little is sent in vain.
func (p *publisher) stick(e *entry, why string) {
	if p.stuck == nil || e.seq < p.stuck.seq {
		p.stuck = &stuck{e.seq, e.key, why}
	}
	p.b.careful = max(p.b.careful, e.seq)
}

func (p *publisher) takeReturns() {
	for {
		select {
		case r, ok := <-p.returns:
			if !ok {
				return
			}
			p.b.status.returned.Add(1)
			number := r.MessageId[strings.LastIndexByte(r.MessageId, '-')+1:]
			seq, _ := strconv.ParseUint(number, 10, 64)
			if e := p.win.bySeq(seq); e != nil {
				e.returned = true
			}
		default:
			return
		}
	}
}

// settleSide takes the fate of a rule's message. What the broker refuses for the
// message's own sake is set aside; the rest was tried until it was taken.
func (p *publisher) settleSide(s sideEntry) {
	if s.aside {
		p.asides--
	}
	e := p.win.bySeq(s.seq)
	if e == nil {
		return
	}
	switch {
	case s.aside:
		e.done, e.fate = true, setAside
	case s.err == nil:
		e.out = false
		p.open--
		p.b.status.confirmed.Add(1)
		e.done = true
	case permanent(s.err):
		e.out = false
		p.open--
		p.setAside(&e.message, reason(s.err))
	default:
		return // unknown: it is sent again in the next session
	}
	p.advance()
}

// proven notes that the broker takes what is sent.
func (p *publisher) proven() {
	if p.b.status.proven(partPublish) {
		p.b.log.Info("publishing to rabbitmq", "url", p.link.target.show, "waiting", p.b.journal.Durable()-p.b.journal.Cursor())
	}
}

// advance moves the cursor past what is settled.
func (p *publisher) advance() {
	p.progress = time.Now()
	p.proven()
	if through := p.win.advance(p.account); through > 0 {
		p.confirm(through)
		p.b.status.hold("")
	}
}

// account counts a message that the cursor goes past. One that is set aside was
// counted when that was recorded.
func (p *publisher) account(e *entry) {
	if e.fate != setAside {
		p.b.opts.Ledger.Settled(e.seq, e.class, e.fate == confirmed)
	}
}

// confirm moves the cursor, and keeps with it what became of the records behind it.
func (p *publisher) confirm(through uint64) {
	p.note = p.b.opts.Ledger.Note(p.note[:0])
	p.b.journal.ConfirmNoted(through, p.note)
}

func (p *publisher) block(blocking amqp.Blocking) {
	p.blocked, p.progress = blocking.Active, time.Now()
	if blocking.Active {
		p.b.status.block(orElse(blocking.Reason, "the broker says no more"))
		p.b.log.Warn("rabbitmq takes nothing at present; readings are kept", "error", blocking.Reason,
			"hint", "rabbitmqctl status shows its alarms; it needs memory or disk space")
		return
	}
	p.b.status.block("")
	p.b.log.Info("rabbitmq takes messages again")
}

// overdue fails when the broker owes an answer for too long.
func (p *publisher) overdue() error {
	if p.open == 0 && p.stuck == nil {
		p.proven()
	}
	if p.blocked || time.Since(p.progress) < p.b.times.confirm {
		return nil
	}
	switch {
	case p.win.awaits():
		return fmt.Errorf("publish at %s: no confirm for %s; connecting anew", p.link.target.show, p.b.times.confirm)
	case p.stuck != nil && p.open > 0: // a rule's message is in the way of trying it again
		return fmt.Errorf("publish at %s: %v", p.link.target.show, p.stuck)
	}
	return nil
}

// goodbye waits a little for the confirms of what is in flight, so that less is
// sent twice after the next start.
func (p *publisher) goodbye(ctx context.Context) error {
	limit := time.After(goodbyeTimeout)
	for p.open > 0 && !p.blocked {
		select {
		case c, ok := <-p.confirms:
			if err := p.settle(c, ok); err != nil {
				return err
			}
		case e := <-p.sideDone:
			p.settleSide(e)
		case <-limit:
			return ctx.Err()
		}
	}
	return ctx.Err()
}
