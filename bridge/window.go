package bridge

// window holds what was sent and is not settled yet, in the journal's order.
type window struct {
	entries []entry
	head    int
}

// entry is one message in flight.
type entry struct {
	message
	tag      uint64 // on the main channel; 0: sent over the side
	through  uint64 // records up to this number need nothing but this message
	out      bool   // the broker has not told its fate
	returned bool   // no queue took it
	done     bool   // the cursor may go past it
	fate     fate   // when done
}

func (w *window) len() int { return len(w.entries) - w.head }

func (w *window) push(m *message, tag uint64) *entry {
	if w.head > 0 && len(w.entries) == cap(w.entries) {
		n := copy(w.entries, w.entries[w.head:])
		clear(w.entries[n:])
		w.entries, w.head = w.entries[:n], 0
	}
	w.entries = append(w.entries, entry{message: *m, tag: tag, through: m.seq})
	return &w.entries[len(w.entries)-1]
}

// pass notes that the record seq needs no sending. It returns false when nothing
// is in flight, so that the cursor may go past it at once.
func (w *window) pass(seq uint64) bool {
	if w.len() == 0 {
		return false
	}
	w.entries[len(w.entries)-1].through = seq
	return true
}

// byTag finds the message with a delivery tag; it is nearly always the first.
func (w *window) byTag(tag uint64) *entry {
	for i := w.head; i < len(w.entries); i++ {
		if w.entries[i].tag == tag {
			return &w.entries[i]
		}
	}
	return nil
}

// inFlight returns the first message whose fate the broker has not told, and how
// many there are; nil when there is none.
func (w *window) inFlight() (first *entry, n int) {
	for i := w.head; i < len(w.entries); i++ {
		if e := &w.entries[i]; e.out {
			if n++; first == nil {
				first = e
			}
		}
	}
	return first, n
}

// awaits reports whether the broker owes a confirm on the main channel.
func (w *window) awaits() bool {
	for i := w.head; i < len(w.entries); i++ {
		if e := &w.entries[i]; e.out && e.tag != 0 {
			return true
		}
	}
	return false
}

// bySeq finds the message of a record.
func (w *window) bySeq(seq uint64) *entry {
	for i := w.head; i < len(w.entries); i++ {
		if w.entries[i].seq == seq {
			return &w.entries[i]
		}
	}
	return nil
}

// fate is what became of a message that the cursor may go past.
type fate uint8

const (
	confirmed fate = iota
	unrouted       // no queue took it, and it is not kept
	setAside
)

// advance takes the settled messages off the front, and calls gone with each. It
// returns the number that the cursor may move to, or 0.
func (w *window) advance(gone func(*entry)) (through uint64) {
	for w.head < len(w.entries) && w.entries[w.head].done {
		gone(&w.entries[w.head])
		through = w.entries[w.head].through
		w.entries[w.head] = entry{}
		w.head++
	}
	if w.head == len(w.entries) {
		w.entries, w.head = w.entries[:0], 0
	}
	return through
}

// first returns the oldest message in flight; nil when there is none.
func (w *window) first() *entry {
	if w.len() == 0 {
		return nil
	}
	return &w.entries[w.head]
}
