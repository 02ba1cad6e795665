package journal

import (
	"bytes"
	"errors"
	"io"
	"math"
)

const readSize = 64 << 10

// walker goes through the records of one segment and over the damage in it.
type walker struct {
	file  File
	name  string // for gaps
	salt  uint32
	off   int64  // where the next record should begin
	end   int64  // the walk ends here
	want  uint64 // the next record's number
	limit uint64 // numbers from here on belong to the next segment
	mark  bool   // the last record has the mark
	gap   func(Gap)

	buf  []byte // bytes of the file from base on
	base int64
}

// walk starts at the first record of s. The caller sets end, limit and gap.
func (w *walker) walk(f File, s *segment) {
	*w = walker{file: f, name: s.name(), salt: s.salt, off: segmentHeader, want: s.first, limit: math.MaxUint64,
		gap: w.gap, buf: w.buf[:0]}
}

// next returns the next intact record before end; its Body is valid until the
// next call. Damage before it is reported as a gap. At the end, or at a record
// that belongs to the next segment, it returns false and off is end.
func (w *walker) next() (Record, bool) {
	bad := int64(-1)
	for w.off+recordHeader <= w.end {
		r, n, ok := w.at()
		if ok && r.Seq >= w.limit {
			// Written here first, then again in the next segment after a failed sync,
			// or refused.
			w.finish(bad, w.off)
			return Record{}, false
		}
		if ok {
			if bad >= 0 || r.Seq > w.want {
				w.report(bad, w.off, r.Seq)
			}
			w.mark = w.bytes(w.off, recordHeader)[markAt] == marked
			w.off += int64(n)
			w.want = r.Seq + 1
			return r, true
		}
		if bad < 0 {
			bad = w.off
		}
		w.skip()
	}
	to := w.off
	if bad >= 0 {
		to = w.written(bad)
	}
	w.finish(bad, to)
	return Record{}, false
}

// finish ends the walk. The bytes from bad (-1: all was well) to to are damage,
// and numbers that should have come before the next segment's are missing.
func (w *walker) finish(bad, to int64) {
	w.off = w.end
	missing := w.limit != math.MaxUint64 && w.want < w.limit
	if bad == to {
		bad = -1
	}
	if bad < 0 && !missing {
		return
	}
	if !missing {
		w.report(bad, to, 0)
		return
	}
	w.report(bad, to, w.limit)
	w.want = w.limit
}

// at decodes the record at off, if it is intact and its number can stand here.
func (w *walker) at() (Record, int, bool) {
	b := w.bytes(w.off, recordHeader)
	if len(b) < recordHeader {
		return Record{}, 0, false
	}
	n := int64(le.Uint32(b))
	if n < recordHeader || n > maxRecord || w.off+n > w.end {
		return Record{}, 0, false
	}
	// Numbers are dense in a segment, so a record cannot be further ahead than
	// records fit before it. This spares most checksums while searching.
	if seq := recordSeq(b); seq < w.want || seq-w.want > uint64(w.end)/recordHeader {
		return Record{}, 0, false
	}
	return decodeRecord(w.bytes(w.off, int(n)), w.salt)
}

// skip moves off to the next place where a record could begin.
func (w *walker) skip() {
	b := w.bytes(w.off, recordHeader)
	zeros := len(b) - len(bytes.TrimLeft(b, "\x00"))
	// The low byte of a len may be zero, and the two after it, but not all four.
	w.off += int64(max(1, zeros-3))
}

// written returns where the last byte that is not zero ends, from off on; off
// when there is none.
func (w *walker) written(off int64) int64 {
	last := off
	for off < w.end {
		b := w.bytes(off, 1)
		if rest := bytes.TrimRight(b, "\x00"); len(rest) > 0 {
			last = off + int64(len(rest))
		}
		off += int64(len(b))
	}
	return last
}

// report tells of damage from byte bad (-1: none, only numbers are missing) to
// byte to, before the record seq (0: none follows).
func (w *walker) report(bad, to int64, seq uint64) {
	g := Gap{File: w.name, Reason: Damaged}
	if bad >= 0 {
		g.Offset, g.Bytes = bad, to-bad
	} else {
		g.Offset = to
	}
	if seq > w.want {
		g.From, g.To = w.want, seq-1
	}
	if w.gap != nil {
		w.gap(g)
	}
}

// bytes returns what the buffer has of the file from off on, at least n bytes
// unless the walk ends before.
func (w *walker) bytes(off int64, n int) []byte {
	if off >= w.base && off+int64(n) <= w.base+int64(len(w.buf)) {
		return w.buf[off-w.base:]
	}
	size := int(min(int64(max(n, readSize)), w.end-off))
	if size <= 0 {
		return nil
	}
	if cap(w.buf) < size {
		w.buf = make([]byte, size)
	}
	w.buf, w.base = w.buf[:size], off
	readAround(w.file, w.buf, off)
	return w.buf
}

// readAround reads b from off. What cannot be read (a bad block, a file that is
// shorter than thought) becomes zeros, and so counts as damage.
func readAround(f File, b []byte, off int64) {
	n, err := f.ReadAt(b, off)
	if err == nil || n == len(b) {
		return
	}
	clear(b[n:])
	if errors.Is(err, io.EOF) {
		return
	}
	const block = 4 << 10
	for ; n < len(b); n += block {
		part := b[n:min(n+block, len(b))]
		if got, err := f.ReadAt(part, off+int64(n)); err != nil {
			clear(part[got:])
		}
	}
}
