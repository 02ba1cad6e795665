package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hogar/gateway/home"
)

// Bounds of a stream.
const (
	maxRate   = 50               // batches a second
	maxReplay = 50_000           // events that are told again after a lost connection
	keepAlive = 15 * time.Second // without an event, so that proxies keep the connection
	beat      = time.Second      // between two looks at the gateway itself, and at the reader's rights
)

// wish is what a reader of the stream asked for.
type wish struct {
	match  string
	kinds  []home.Kind // none: all
	rate   int         // batches a second; 0: each event as it comes
	house  bool        // the gateway's own state, too
	raw    bool        // the measurements before the filters, too
	resume bool        // first of all what came after the event of that number
	after  uint64
}

// wishOf reads the query, and where a lost connection ended.
func wishOf(r *http.Request) (wish, error) {
	q := r.URL.Query()
	w := wish{match: pattern(r), house: q.Get("house") == "true", raw: q.Get("raw") == "true"}
	var err error
	if w.kinds, err = kindsOf(q.Get("kinds")); err != nil {
		return w, err
	}
	if s := q.Get("rate"); s != "" {
		if w.rate, err = strconv.Atoi(s); err != nil || w.rate < 1 || w.rate > maxRate {
			return w, fmt.Errorf("rate is %q, expected a number from 1 to %d", s, maxRate)
		}
	}
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = q.Get("after")
	}
	if last == "" {
		return w, nil
	}
	if w.after, err = strconv.ParseUint(last, 10, 64); err != nil {
		return w, fmt.Errorf("the id of the last event is %q, expected a number", last)
	}
	w.resume = true
	return w, nil
}

func kindsOf(list string) (kinds []home.Kind, err error) {
	if list == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(list, ",") {
		k := home.KindOf(word)
		if k == 0 {
			return nil, fmt.Errorf("kinds has %q, expected kinds of events like reading,outcome", word)
		}
		kinds = append(kinds, k)
	}
	return kinds, nil
}

// wants reports whether the reader asked for the event.
func (w *wish) wants(ev *home.Event) bool {
	return (len(w.kinds) == 0 || slices.Contains(w.kinds, ev.Kind)) && about(w.match, ev)
}

// events streams what happens, until the reader goes.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	wants, err := wishOf(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "/api/openapi.json describes the stream")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx hands it on at once
	w.WriteHeader(http.StatusOK)
	st := &stream{wish: wants, server: s, past: s.Past, out: newBatch(w),
		may:    func(device, property string) bool { return s.may(r, "get", device, property) },
		rights: func() string { return s.rights(r) }}
	_ = st.run(r.Context()) // the reader went, or reads nothing: nobody is left to be told
}

// stream gives a reader the events in the order of their numbers, each once: what
// the hub tells, and what the hub has no more out of the journal.
type stream struct {
	wish
	server *Server
	past   Past // nil: what is missed is counted
	may    func(device, property string) bool
	rights func() string
	began  string // the rights at the beginning
	out    *batch
	last   uint64    // the newest number that was looked at
	told   time.Time // when the gateway's own state was sent
	looked time.Time // when the rights were looked at
}

// errRights ends a stream: who reads it goes on with another, by the rights of then.
var errRights = errors.New("the rights are not those with which the stream began")

// run sends until the reader goes, or has other rights.
func (s *stream) run(ctx context.Context) error {
	s.began = s.rights()
	follow := s.server.House.Follow
	if s.raw && s.server.Raw != nil {
		follow = s.server.Raw
	}
	next := follow()
	if s.resume && s.past != nil {
		s.last = s.after
		_, newest := s.past.Kept() // asked after Follow, so that nothing falls in between
		if err := s.replay(ctx, newest); err != nil {
			return err
		}
	}
	for {
		if err := s.beat(); err != nil {
			return err
		}
		wait, cancel := context.WithTimeout(ctx, beat)
		ev, lost, err := next(wait)
		cancel()
		for err == nil {
			if err := s.take(ctx, ev, lost); err != nil {
				return err
			}
			if s.rate == 0 || s.out.full() {
				break
			}
			ev, lost, err = next(ended) // what is there already goes with it
		}
		if err := s.send(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil || err != nil && err != context.DeadlineExceeded && err != context.Canceled {
			return err
		}
	}
}

// ended is a context for asking without waiting.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// take puts an event of the hub's into the batch, behind those that the hub left out.
func (s *stream) take(ctx context.Context, ev home.Event, lost uint64) error {
	if ev.Seq != 0 && ev.Seq <= s.last {
		return nil // the journal has given it
	}
	if lost > 0 && s.past != nil && s.last > 0 && ev.Seq > 0 {
		if err := s.replay(ctx, ev.Seq-1); err != nil {
			return err
		}
	} else if lost > 0 {
		s.out.lost += lost
	}
	s.put(&ev)
	return nil
}

func (s *stream) put(ev *home.Event) {
	s.last = max(s.last, ev.Seq)
	if s.wants(ev) && sees(ev, s.may) {
		s.out.add(ev, s.rate > 0)
	}
}

// replay gives out what the journal keeps after the last number, up to another.
func (s *stream) replay(ctx context.Context, to uint64) error {
	oldest, _ := s.past.Kept()
	switch {
	case s.last > to: // another journal than the reader's
		s.out.lost, s.last = s.out.lost+1, 0
		return nil
	case s.last+1 < oldest:
		s.out.lost, s.last = s.out.lost+oldest-1-s.last, oldest-1
	}
	if to > s.last+maxReplay {
		s.out.lost, s.last = s.out.lost+to-s.last, to
	}
	for ev := range s.past.Between(ctx, s.last, to) {
		s.put(&ev)
		if s.rate == 0 || s.out.full() {
			if err := s.send(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// send sends what is in the batch, and paces the next.
func (s *stream) send(ctx context.Context) error {
	if s.out.empty() {
		return nil
	}
	if err := s.out.send(); err != nil || s.rate == 0 {
		return err
	}
	select {
	case <-time.After(time.Second / time.Duration(s.rate)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beat sends the gateway's own state when it is time for it, or else, after a time without
// an event, a comment.
func (s *stream) beat() error {
	now := time.Now()
	if now.Sub(s.looked) >= beat {
		s.looked = now
		if s.rights() != s.began {
			return errRights
		}
	}
	switch {
	case s.house && now.Sub(s.told) >= beat:
		s.told = now
		return s.out.raw("event: house\ndata: ", s.server.houseNow(now))
	case s.told.IsZero():
		s.told = now
		return s.out.control.Flush()
	case !s.house && now.Sub(s.out.sent) >= keepAlive:
		return s.out.raw(": still here", nil)
	}
	return nil
}
