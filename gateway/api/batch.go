package api

import (
	"fmt"
	"net/http"
	"time"

	"hogar/gateway/home"
)

// Bounds of a batch.
const (
	maxBatch  = 256 << 10        // bytes
	keptBatch = 16 << 10         // bytes of its memory that are kept for the next
	stuck     = 30 * time.Second // how long a reader may take nothing
)

// batch is what goes to a reader of the stream in one write: all events since the
// one before it, of which a newer reading takes the place of an older one.
type batch struct {
	w       http.ResponseWriter
	control *http.ResponseController
	sent    time.Time

	lost   uint64 // events left out before these: any of them may have been asked for
	buf    []byte
	frames []frame
	newest map[string]int // the frame of a property's newest reading
}

// frame is one event in buf.
type frame struct {
	from, to int
	dead     bool
}

func newBatch(w http.ResponseWriter) *batch {
	return &batch{w: w, control: http.NewResponseController(w), newest: make(map[string]int)}
}

func (b *batch) empty() bool { return len(b.frames) == 0 && b.lost == 0 }
func (b *batch) full() bool  { return len(b.buf) >= maxBatch }

// add takes an event; newest says that older readings of its property need not be told.
func (b *batch) add(ev *home.Event, newest bool) {
	from := len(b.buf)
	if ev.Seq != 0 { // an event that the journal did not take cannot be asked for again
		b.buf = fmt.Appendf(b.buf, "id: %d\n", ev.Seq)
	}
	b.buf = fmt.Appendf(b.buf, "event: %s\ndata: ", ev.Kind)
	buf, err := ev.AppendJSON(b.buf)
	if err != nil {
		b.buf = b.buf[:from]
		return
	}
	b.buf = append(buf, "\n\n"...)
	if newest && ev.Kind == home.KindReading {
		name := ev.FullName()
		if ev.Flags&home.FlagRaw != 0 {
			name += " raw"
		}
		if i, ok := b.newest[name]; ok {
			b.frames[i].dead = true
		}
		b.newest[name] = len(b.frames)
	}
	b.frames = append(b.frames, frame{from: from, to: len(b.buf)})
}

// send writes the batch and begins the next.
func (b *batch) send() error {
	b.expect()
	var err error
	if b.lost > 0 {
		_, err = fmt.Fprintf(b.w, "event: lost\ndata: %d\n\n", b.lost)
	}
	for _, f := range b.frames {
		if !f.dead && err == nil {
			_, err = b.w.Write(b.buf[f.from:f.to])
		}
	}
	b.lost, b.buf, b.frames = 0, b.buf[:0], b.frames[:0]
	if cap(b.buf) > keptBatch {
		b.buf, b.frames = nil, nil
	}
	clear(b.newest)
	if err != nil {
		return err
	}
	return b.control.Flush()
}

// raw writes one frame that is no event.
func (b *batch) raw(head string, data []byte) error {
	b.expect()
	if _, err := fmt.Fprintf(b.w, "%s%s\n\n", head, data); err != nil {
		return err
	}
	return b.control.Flush()
}

// expect bounds the next write, so that a sleeping reader does not hold memory for ever.
func (b *batch) expect() {
	b.sent = time.Now()
	_ = b.control.SetWriteDeadline(b.sent.Add(stuck)) // what has no deadline is a test's recorder
}
