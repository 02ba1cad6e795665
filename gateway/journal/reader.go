package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"slices"
	"sort"
)

// Reader gives out durable records in order. It is for one goroutine; a journal
// may have many.
type Reader struct {
	j     *Journal
	after uint64
	seg   *segment
	w     walker
	bytes int64
	lost  uint64
}

// Reader returns a reader of the records with numbers greater than after. It
// begins with the oldest kept when those are gone.
func (j *Journal) Reader(after uint64) *Reader {
	r := &Reader{j: j, after: after}
	r.w.gap = r.gap
	return r
}

// Next returns the next record, waiting for one to become durable. Its Body is
// valid until the next call. It fails only when ctx ends, or with [ErrClosed].
func (r *Reader) Next(ctx context.Context) (Record, error) {
	for {
		advanced := r.j.watch()
		rec, ok, err := r.TryNext()
		if ok || err != nil {
			return rec, err
		}
		select {
		case <-ctx.Done():
			return Record{}, context.Cause(ctx)
		case <-r.j.stop:
			return Record{}, ErrClosed
		case <-advanced:
		}
	}
}

// TryNext is [Reader.Next] without waiting: false when there is no further
// durable record now.
func (r *Reader) TryNext() (Record, bool, error) {
	for {
		ok, err := r.position()
		if !ok || err != nil {
			return Record{}, false, err
		}
		rec, ok := r.w.next()
		if ok && rec.Seq > r.after {
			r.after = rec.Seq
			return rec, true, nil
		}
	}
}

// Skipped returns how many damaged bytes the reader has stepped over, and how
// many numbers are missing because of it.
func (r *Reader) Skipped() (bytes int64, records uint64) { return r.bytes, r.lost }

// Close gives back the reader's file. A reader that is not used any more should be
// closed; it may be used again after it.
func (r *Reader) Close() error {
	if r.seg == nil {
		return nil
	}
	f := r.w.file
	r.seg, r.w.file, r.w.buf = nil, nil, nil
	return f.Close()
}

// Scan gives out every record kept with a number greater than after, up to what is
// durable at the start of the scan. A Body is valid until the next one.
func (j *Journal) Scan(after uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		to := j.Durable()
		r := j.Reader(after)
		defer r.Close()
		for {
			rec, ok, err := r.TryNext()
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !ok || rec.Seq > to || !yield(rec, nil) {
				return
			}
		}
	}
}

// watch returns a channel that is closed when durable moves.
func (j *Journal) watch() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.advanced == nil {
		j.advanced = make(chan struct{})
	}
	return j.advanced
}

// place is where a reader may read.
type place struct {
	seg   *segment
	end   int64  // of what may be read in it
	limit uint64 // the next segment's numbers begin here
}

// position points the walker to bytes that may be read, in the next segment if
// need be. It returns false when there are none now.
func (r *Reader) position() (bool, error) {
	for {
		p, err := r.find()
		if p.seg == nil || err != nil {
			return false, err
		}
		if p.seg != r.seg {
			err := r.open(p.seg)
			if errors.Is(err, fs.ErrNotExist) && r.j.forget(p.seg) {
				continue
			}
			if err != nil {
				return false, err
			}
		}
		r.w.end, r.w.limit = p.end, p.limit
		return true, nil
	}
}

// find returns where the next record is.
func (r *Reader) find() (place, error) {
	j := r.j
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return place{}, ErrClosed
	}
	if len(j.segs) == 0 || r.after >= j.durable {
		return place{}, nil
	}
	next := r.after + 1
	if r.seg != nil {
		next = max(next, r.seg.first)
	}
	i := max(0, sort.Search(len(j.segs), func(i int) bool { return j.segs[i].first > next })-1)
	p := j.placeAt(i)
	// A segment that was read to its end is left for the next one, after a last
	// look at which numbers it owed.
	if p.seg == r.seg && r.w.off >= p.end && (p.limit == math.MaxUint64 || r.w.want >= p.limit) {
		if i+1 == len(j.segs) {
			return place{}, nil
		}
		p = j.placeAt(i + 1)
	}
	return p, nil
}

// placeAt returns what may be read of the segment at i; the caller holds mu.
func (j *Journal) placeAt(i int) place {
	p := place{j.segs[i], j.segs[i].end, math.MaxUint64}
	if i+1 < len(j.segs) {
		p.limit = j.segs[i+1].prev + 1
	}
	return p
}

func (r *Reader) open(s *segment) error {
	f, err := r.j.fs.Open(r.j.path(s.name()))
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	if r.seg != nil {
		r.w.file.Close()
	}
	r.seg = s
	r.w.walk(f, s)
	return nil
}

// forget takes a segment whose file is gone out of the list, and reports whether
// there is something to be read without it. The one that is being written cannot
// be forgotten.
func (j *Journal) forget(s *segment) bool {
	j.mu.Lock()
	i := slices.Index(j.segs, s)
	if i < 0 || i+1 == len(j.segs) {
		j.mu.Unlock()
		return i < 0 // deleted since find looked
	}
	g := Gap{File: s.name(), From: s.first, To: j.segs[i+1].prev, Reason: Damaged}
	j.segs = slices.Delete(slices.Clone(j.segs), i, i+1)
	j.filled -= s.end
	j.mu.Unlock()
	if g.From <= g.To && g.To > j.needed() {
		j.found(g)
	}
	return true
}

// gap counts a gap, unless the reader began behind it, or it is a segment that was
// deleted because nobody needs it: after a power cut older ones may be back.
func (r *Reader) gap(g Gap) {
	if g.To > 0 && g.To <= r.after || g.Bytes == 0 && g.To <= r.j.needed() {
		return
	}
	r.bytes += g.Bytes
	if g.From > 0 {
		r.lost += g.To - g.From + 1
	}
	r.j.found(g)
}

// needed returns the number behind which records may be deleted.
func (j *Journal) needed() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return min(j.cursor, j.bound)
}

// skipTo leaves out what comes before the record after seq.
func (r *Reader) skipTo(seq uint64) { r.after = max(r.after, seq) }
