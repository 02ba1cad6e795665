package ledger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"hogar/gateway/home"
)

// noteVersion is the first byte of a note.
const noteVersion = 1

// Note appends what is to be kept with the journal's cursor: the counts of what is
// behind it.
func (l *Ledger) Note(b []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	b = append(b, noteVersion)
	for i := range l.accounts {
		b = binary.AppendUvarint(b, l.accounts[i].Confirmed)
		b = binary.AppendUvarint(b, l.accounts[i].Unrouted)
	}
	return b
}

// RestoreNote takes back what [Ledger.Note] wrote, in the place of what the
// checkpoint has. An empty note leaves that.
func (l *Ledger) RestoreNote(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if b[0] != noteVersion {
		return errors.New("the counts that are kept with the cursor are of another version")
	}
	var kept [home.Classes]account
	rest := b[1:]
	for i := 0; i < len(kept) && len(rest) > 0; i++ { // an older version knew fewer classes
		for _, to := range []*uint64{&kept[i].Confirmed, &kept[i].Unrouted} {
			n, size := binary.Uvarint(rest)
			if size <= 0 {
				return errors.New("the counts that are kept with the cursor cannot be read")
			}
			*to, rest = n, rest[size:]
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range kept {
		l.accounts[i].Confirmed, l.accounts[i].Unrouted = kept[i].Confirmed, kept[i].Unrouted
	}
	return nil
}

// state is the JSON of a ledger in a checkpoint.
type state struct {
	Since   time.Time           `json:"since"`
	Dropped uint64              `json:"dropped_to,omitempty"`
	Classes map[string]*account `json:"classes"`
}

// Save returns the state for a checkpoint.
func (l *Ledger) Save() (json.RawMessage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := state{l.since, l.dropped, make(map[string]*account)}
	for c := range home.Class(home.Classes) {
		s.Classes[c.String()] = &l.accounts[c]
	}
	return json.Marshal(s)
}

// Restore takes the state of a checkpoint in the place of its own.
func (l *Ledger) Restore(data json.RawMessage) error {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since, l.dropped, l.restored = s.Since, s.Dropped, true
	for word, a := range s.Classes {
		if a != nil {
			*l.of(home.ClassOf(word)) = *a
		}
	}
	return nil
}

// Apply counts what is read again at a start: each record is one that was
// accepted, and the gateway's events gap say what is gone. What happens while
// the gateway runs is counted where it does.
func (l *Ledger) Apply(ev *home.Event, live bool) {
	if live || ev.Kind == 0 {
		return
	}
	if ev.Class != home.ClassNone {
		l.mu.Lock()
		if ev.At.Before(l.since) {
			l.since = ev.At
		}
		a := l.of(ev.Class)
		a.Sampled++
		a.Accepted++
		l.mu.Unlock()
	}
	if ev.Kind != home.KindGateway || ev.Name != home.EventGap {
		return
	}
	var gap Gap
	if json.Unmarshal(ev.Detail, &gap) != nil {
		return
	}
	reason := Damaged
	if ev.Reason == gapDropped {
		reason = Full
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if reason == Full {
		l.dropped = max(l.dropped, gap.To)
	}
	l.found(gap.Uncounted)
	for word, n := range gap.Unsent {
		increase(&l.of(home.ClassOf(word)).Dropped, reason, n)
	}
}
