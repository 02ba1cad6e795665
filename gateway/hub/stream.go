package hub

import (
	"sync/atomic"

	"hogar/gateway/home"
)

// stream is what comes from a source that gives again what was not recorded.
type stream struct {
	refusal atomic.Pointer[error] // the first
}

// Stream returns a [Hub.Accept] for a source that, after a refusal, gives again
// that event and all after it, in their order. So nothing of it is recorded after a
// refusal, even when there is room again: it would stand there before what was
// refused, and twice. The house acts on it all the same. What is given again has to
// come through another stream.
//
// Of what can never be recorded, because it is too long, done is told nil: the source
// has no reason to give it again. The ledger and the log have it.
func (h *Hub) Stream() func(events []home.Event, done func(error)) {
	s := &stream{}
	return func(events []home.Event, done func(error)) {
		h.put(batch{events: events, stream: s, done: func(err error) {
			if err != nil && never(err) {
				err = nil
			}
			if err != nil {
				s.refusal.CompareAndSwap(nil, &err)
			}
			if done != nil {
				done(err)
			}
		}})
	}
}

// never reports whether what was refused with err will be refused again.
func never(err error) bool {
	reason := refusalOf(err)
	return reason == refusedTooLong || reason == refusedInvalid
}

// refused is why nothing more of the stream is recorded; nil: it is.
func (s *stream) refused() error {
	if s == nil {
		return nil
	}
	if err := s.refusal.Load(); err != nil {
		return *err
	}
	return nil
}
