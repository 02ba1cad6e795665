package bridge

import (
	"errors"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// suspect is a message over which the broker ended sessions. After maxFails of
// them it is left out of the next: when the others get through without it, it is
// set aside; when they do not either, it was not the message.
type suspect struct {
	seq   uint64
	fails int
	why   string
	skip  bool
}

const maxFails = 5

// broken tells why the channel is closed. A message that alone is in flight when
// the broker says that it is too long will never be taken: it is set aside.
func (p *publisher) broken(err error) error {
	err = p.link.failure(p.closed, err, "publish")
	if !hasCode(err, amqp.PreconditionFailed) || !strings.Contains(err.Error(), "message size") {
		return err
	}
	e, n := p.win.inFlight()
	if n != 1 {
		p.b.careful = p.sent // one by one, to find the one
		return err
	}
	recorded := make(chan struct{})
	through, first := e.through, p.win.first() == e
	p.b.setAside(&e.message, reason(err), func() {
		if first { // else the next session meets it again, with nothing before it
			p.b.journal.ConfirmNoted(through, p.b.opts.Ledger.Note(nil))
		}
		close(recorded)
	})
	select {
	case <-recorded:
	case <-time.After(goodbyeTimeout):
	}
	return err
}

// blame takes note of which message the broker ended a session over.
func (p *publisher) blame(err error) {
	s := &p.b.suspect
	if s.skip { // nothing got through without it
		*s = suspect{}
		return
	}
	e, n := p.win.inFlight()
	switch {
	case !blames(err) || n == 0:
	case n > 1:
		p.b.careful = max(p.b.careful, p.sent)
	case s.seq != e.seq:
		*s = suspect{seq: e.seq, fails: 1, why: reason(err)}
	default:
		s.fails++
		s.why, s.skip = reason(err), s.fails >= maxFails
	}
}

// blames reports whether err may be about a message: the broker gave it as the
// reason for an end, and it is neither its own end, nor about rights or what exists.
func blames(err error) bool {
	e, ok := errors.AsType[*amqp.Error](err)
	if !ok || !e.Server {
		return false
	}
	switch e.Code {
	case amqp.ConnectionForced, amqp.AccessRefused, amqp.NotFound, amqp.NotAllowed, amqp.ResourceError:
		return false
	}
	return true
}

// acquit looks whether a confirm of the message seq says something of the suspect before it.
func (p *publisher) acquit(seq uint64) {
	s := p.b.suspect
	if !s.skip || seq < s.seq {
		return
	}
	p.b.suspect = suspect{}
	if e := p.win.bySeq(s.seq); e != nil {
		p.setAside(&e.message, "the broker ends the connection over it: "+s.why)
	}
}

// setAside gives up a message of the window; the cursor may go past it when that is durable.
func (p *publisher) setAside(m *message, why string) {
	seq := m.seq
	p.asides++
	p.b.setAside(m, why, func() { p.sideDone <- sideEntry{seq: seq, aside: true} }) // there is room for all of a window
}
