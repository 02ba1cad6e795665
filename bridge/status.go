package bridge

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Status is what a bridge does now, and has done since it was made.
type Status struct {
	Connected bool      // readings go out
	Commands  bool      // commands are taken
	URL       string    // of the broker that was connected to last, without the password
	Since     time.Time // machine time of the last change of Connected; zero: never connected
	Blocked   string    // why the broker takes nothing at present: "low on memory"
	Held      string    // the key of the message that everything behind waits for, and why
	Error     string    // what goes wrong now and what to do; "": nothing

	Published uint64 // messages sent, resent ones included
	Confirmed uint64 // taken by a queue
	Returned  uint64 // sent back because no queue takes them
	Dropped   uint64 // given up: kinds that are not kept, replies that nobody takes
	Received  uint64 // commands that came
	Replied   uint64 // receipts sent to a reply_to
	TooLarge  uint64 // messages of which body or headers were over the limit, and left out
	SetAside  int    // messages that the broker refused for their own sake, see [Outbox.SetAside]
}

// Status returns a copy.
func (b *Bridge) Status() Status {
	s := &b.status
	s.mu.Lock()
	st := s.now
	for _, p := range []part{partPublish, partConsume, partReply, partListen} { // the weightiest first
		if st.Error == "" {
			st.Error = s.errors[p]
		}
	}
	s.mu.Unlock()
	st.Published, st.Confirmed, st.Returned = s.published.Load(), s.confirmed.Load(), s.returned.Load()
	st.SetAside = len(b.outbox.SetAside())
	st.Dropped, st.Received, st.Replied = s.dropped.Load(), s.received.Load(), s.replied.Load()
	st.TooLarge = s.cut.Load()
	return st
}

// part is one of the supervised parts.
type part int

const (
	partPublish part = iota
	partConsume
	partReply
	partListen
	parts
)

// trouble is the message of the log when a part fails. What ends a connection
// ends all of them: it has one message, whichever part meets it first.
func (p part) trouble(err error) string {
	if f, ok := errors.AsType[*fault](err); ok && f.line {
		return "no connection to rabbitmq; readings are kept"
	}
	return [...]string{"rabbitmq takes no readings; they are kept", "no commands from rabbitmq",
		"no receipts to senders over rabbitmq", "no messages of other applications from rabbitmq"}[p]
}

// status collects what Status shows.
type status struct {
	published, confirmed, returned, dropped, received, replied, cut atomic.Uint64

	mu     sync.Mutex
	now    Status
	errors [parts]string // why a part does not work
	well   [parts]bool
	told   map[string]string // subject to the last warning about it
}

// up notes that a part has its connection.
func (s *status) up(p part, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p {
	case partPublish:
		s.now.Connected, s.now.URL, s.now.Since = true, url, time.Now()
	case partConsume:
		s.now.Commands = true
	}
}

// noteLarge logs, once for each queue, that a message is over the limit. All are counted below, in the sieve.
func (b *Bridge) noteLarge(a *arrival) {
	d := a.delivery
	if n := bodyLeftOut(d.Headers); n > 0 && b.status.tell("too large: "+a.sub.queue, "once") {
		b.log.Warn("a message is over the limit, and its body was not read; further ones are counted", "queue", a.sub.queue,
			"key", plain(d.RoutingKey, maxKey), "user", sourceOf(d), "bytes", n, "most", b.limits.body)
	}
}

// proven notes that a part did work over its connection, and reports whether that
// is news. A connection alone proves little: each of many may end at the first message.
func (s *status) proven(p part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := !s.well[p]
	s.well[p], s.errors[p] = true, ""
	return news
}

// works reports whether a part has proven that it works, and no session has ended since.
func (s *status) works(p part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.well[p]
}

// down notes why a part does not work (nil: it was told to end). changed is
// true when that is news: no part has met the same since it worked.
func (s *status) down(p part, err error) (text string, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		text = err.Error()
		changed = !slices.Contains(s.errors[:], text)
	}
	s.errors[p], s.well[p] = text, false
	switch p {
	case partPublish:
		if s.now.Connected {
			s.now.Since = time.Now()
		}
		s.now.Connected, s.now.Blocked = false, ""
	case partConsume:
		s.now.Commands = false
	}
	return text, changed
}

func (s *status) block(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Blocked = why
}

// hold notes what the publisher is stuck at ("": nothing), and reports whether that is news.
func (s *status) hold(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := s.now.Held != what
	s.now.Held = what
	return news
}

// troubled reports whether something was told about subject, and still holds.
func (s *status) troubled(subject string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told[subject] != ""
}

// tell reports whether text is news about subject; "" forgets it.
func (s *status) tell(subject, text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil {
		s.told = make(map[string]string)
	}
	news := s.told[subject] != text
	if text == "" {
		delete(s.told, subject)
	} else {
		s.told[subject] = text
	}
	return news && text != ""
}
