package hub

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// A checkpoint is saved after this much time or this many bytes, so that a start
// has little to read again, and after an eighth of the journal at the latest: it
// keeps what the last but one has not seen.
const (
	saveEvery = 15 * time.Minute
	saveBytes = 32 << 20
)

// saveAfter is how many bytes may come before the next checkpoint.
func (h *Hub) saveAfter() int64 { return min(saveBytes, h.o.Journal.MaxSize()/8) }

// Recover brings the state back: the last checkpoint, and every event after it
// applied again. What cannot be read is left out and told in the log: a gateway
// starts in any case. The clock goes on where it was, see [clock.Clock.Resume]. Call
// it once, before Run.
func (h *Hub) Recover() {
	newest := clock.Mark{}
	seq, data := h.o.Journal.Checkpoint()
	if data != nil && !h.restore(data, &newest) {
		seq = 0 // all that is kept is applied instead
	}
	line := home.Timeline{Offset: newest.At.Sub(newest.Elapsed)}
	if first := h.o.Journal.First(); seq == 0 && first > 1 {
		line.Offset = h.firstOffset()
		h.o.Log.Warn("there is no checkpoint: what was known from before the oldest record is lost (last values, timers, variables, ids of commands)", "oldest", first)
	}
	strange := 0
	for r, err := range h.o.Journal.Scan(seq) {
		if err != nil {
			h.o.Log.Warn("part of the journal cannot be read and is left out of the state", "error", err)
			continue
		}
		ev, err := home.ParseEvent(home.Kind(r.Kind), r.Body)
		if err != nil {
			strange++ // a kind of a newer version: readers skip what they do not know
			continue
		}
		ev.Seq, ev.Flags, ev.Class, ev.At = r.Seq, home.Flags(r.Flags), home.Class(r.Class), time.UnixMicro(r.Time)
		line.Place(&ev)
		newest = clock.Mark{At: ev.At, Elapsed: ev.Elapsed}
		h.apply(&ev, false)
	}
	if strange > 0 {
		h.o.Log.Warn("records that this version does not know are left out of the state", "records", strange)
	}
	h.state.ready()
	h.turns.ready()
	h.recent.seq = h.o.Journal.Last()
	if newest.At.IsZero() {
		return
	}
	h.o.Clock.Resume(newest, h.sure)
	h.now = clock.Reading{At: newest.At, Elapsed: newest.Elapsed, Trusted: true}
}

// firstOffset is how the clock was set at the oldest record, as the first event that says so
// lets know.
func (h *Hub) firstOffset() time.Duration {
	for r, err := range h.o.Journal.Scan(0) {
		if err != nil || home.Kind(r.Kind) != home.KindGateway {
			continue
		}
		ev, err := home.ParseEvent(home.KindGateway, r.Body)
		if set, ok := ev.ClockSet(); ok && err == nil {
			return time.UnixMicro(r.Time).Sub(set.Elapsed) - time.Duration(set.By*float64(time.Second)).Round(time.Millisecond)
		}
	}
	return 0
}

// savedClock is the newest moment in the checkpoint, and the newest one that was trusted.
type savedClock struct {
	Newest clock.Mark `json:"newest"`
	Sure   clock.Mark `json:"sure"`
	Turns  []turn     `json:"turns,omitempty"`
}

// restoreClock reads the newest moment of a checkpoint. One of before has its wall time alone.
func (h *Hub) restoreClock(saved map[string]json.RawMessage, newest *clock.Mark) {
	var c savedClock
	if json.Unmarshal(saved["clock"], &c) == nil && !c.Newest.At.IsZero() {
		*newest, h.sure = c.Newest, c.Sure
		h.turns.restore(c.Turns)
		h.state.offset = newest.At.Sub(newest.Elapsed)
		return
	}
	var at time.Time
	if err := json.Unmarshal(saved["time"], &at); err != nil {
		h.o.Log.Warn("time of the checkpoint cannot be read", "error", err)
		return
	}
	*newest = clock.Mark{At: at, Elapsed: at}
	h.sure = *newest
}

// restore gives each part what it saved, and reports whether there was anything.
func (h *Hub) restore(data []byte, newest *clock.Mark) bool {
	var saved map[string]json.RawMessage
	if err := json.Unmarshal(data, &saved); err != nil {
		h.o.Log.Warn("checkpoint cannot be read, the journal is read instead", "error", err)
		return false
	}
	if err := h.state.restore(saved["hub"]); err != nil {
		h.o.Log.Warn("last values of the checkpoint cannot be read, the journal is read instead", "error", err)
		return false
	}
	h.restoreClock(saved, newest)
	for _, p := range h.parts {
		if part, ok := saved[p.name]; ok {
			if err := p.Restore(part); err != nil {
				h.o.Log.Warn("a part of the checkpoint cannot be read and begins anew", "part", p.name, "error", err)
			}
		}
	}
	return true
}

// Freezer is a part with so much state that the hub does not wait until it is
// written: Freeze takes it down, and the function that it returns writes it as Save
// would, in another goroutine.
type Freezer interface {
	Freeze() func() (json.RawMessage, error)
}

// frozen is a part's state, to be written.
type frozen struct {
	name  string
	write func() (json.RawMessage, error)
}

// freeze takes down all parts' state at the newest event's number.
func (h *Hub) freeze() (seq uint64, parts []frozen) {
	add := func(name string, data json.RawMessage, err error) {
		parts = append(parts, frozen{name, func() (json.RawMessage, error) { return data, err }})
	}
	data, err := h.state.save()
	add("hub", data, err)
	data, err = json.Marshal(h.now.At) // an older version reads it
	add("time", data, err)
	data, err = json.Marshal(savedClock{clock.Mark{At: h.now.At, Elapsed: h.now.Elapsed}, h.sure, h.turns.save()})
	add("clock", data, err)
	for _, p := range h.parts {
		if f, ok := p.Part.(Freezer); ok {
			parts = append(parts, frozen{p.name, f.Freeze()})
			continue
		}
		data, err := p.Save()
		add(p.name, data, err)
	}
	return h.o.Journal.Last(), parts
}

// saveAt writes a checkpoint and waits for it.
func (h *Hub) saveAt(seq uint64, parts []frozen) error {
	data := []byte{'{'}
	for i, p := range parts { // as encoding/json would, which reads all of it again
		part, err := p.write()
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", p.name, err)
		}
		if len(part) == 0 {
			part = json.RawMessage("null")
		}
		if i > 0 {
			data = append(data, ',')
		}
		data = slices.Grow(data, len(part)+len(p.name)+4) // it may be megabytes: once is enough
		data = append(strconv.AppendQuote(data, p.name), ':')
		data = append(data, part...)
	}
	if err := h.o.Journal.SaveCheckpoint(seq, append(data, '}')); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// maybeSave saves a checkpoint now and then. The state is taken down here; it is
// written, and the disk waited for, elsewhere. While the one before is not written, there
// is no further one.
func (h *Hub) maybeSave() {
	select {
	case err := <-h.saving:
		h.saving = nil
		h.noCheckpoint(err)
	default:
	}
	if h.saving == nil && h.sinceSaved > 0 && (h.sinceSaved >= h.saveAfter() || time.Since(h.savedAt) >= saveEvery) {
		h.saving = h.saveApart()
	}
}

// saveApart takes the state down and writes it in another goroutine. The channel gets what
// became of it.
func (h *Hub) saveApart() <-chan error {
	h.sinceSaved, h.savedAt = 0, time.Now()
	seq, parts := h.freeze()
	result := make(chan error, 1)
	go func() { result <- h.saveAt(seq, parts) }()
	return result
}

func (h *Hub) noCheckpoint(err error) {
	if err != nil {
		h.o.Log.Error("no checkpoint: the next start reads more of the journal", "error", err)
	}
}

// lastSave is how long the end waits for a disk that may never answer: machine time.
const lastSave = 8 * time.Second

// saveLast saves a checkpoint and waits for it, at most lastSave.
func (h *Hub) saveLast() error {
	late := time.NewTimer(lastSave)
	defer late.Stop()
	slow := fmt.Errorf("no checkpoint: the disk has not answered for %v, and the next start reads more of the journal", lastSave)
	if h.saving != nil {
		select {
		case err := <-h.saving:
			h.noCheckpoint(err)
		case <-late.C:
			return slow
		}
	}
	select {
	case err := <-h.saveApart():
		return err
	case <-late.C:
		return slow
	}
}
