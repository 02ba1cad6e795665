package journal

import (
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func nil0() *rand.Rand { return rand.New(rand.NewPCG(0, 0)) }

// world is what was told about a journal, by which it is judged after a cut.
type world struct {
	acked      map[uint64]bool
	bodies     map[uint64]string // as appended last under the number
	cursor     uint64
	checkpoint uint64
	seen       uint64 // the newest number a reader gave out
}

// story is what the model test does with a journal; every wait ends, also when
// the disk is gone.
func (w *world) story(j *Journal, rng *rand.Rand) {
	r := j.Reader(w.cursor)
	for range 12 {
		for range 1 + rng.IntN(5) {
			w.append(j, rng)
		}
		if rng.IntN(2) == 0 {
			time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		}
		w.read(r)
		if rng.IntN(3) == 0 {
			j.Confirm(w.seen)
			w.cursor = max(w.cursor, w.seen)
		}
		if n := j.Durable(); rng.IntN(4) == 0 && j.SaveCheckpoint(n, []byte("state")) == nil {
			w.checkpoint = n
		}
	}
	r.Close()
}

// read reads on as the publisher would.
func (w *world) read(r *Reader) {
	for {
		rec, ok, err := r.TryNext()
		if !ok || err != nil {
			return
		}
		w.seen = max(w.seen, rec.Seq)
	}
}

func (w *world) append(j *Journal, rng *rand.Rand) {
	b := make([]byte, rng.IntN(700))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	n := j.Last() + 1 // known here before the committer can tell
	_, err := j.Append(Record{Time: int64(n), Body: b}, rng.IntN(4) == 0, func(err error) {
		if err == nil {
			w.acked[n] = true
		}
	})
	if err == nil {
		w.bodies[n] = string(b)
	}
}

// check holds a journal that was opened after a cut against what was told.
func (w *world) check(t *testing.T, j *Journal) {
	t.Helper()
	got := map[uint64]bool{}
	last := uint64(0)
	for r, err := range j.Scan(0) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Seq <= last {
			t.Fatalf("record %d comes after %d", r.Seq, last)
		}
		last = r.Seq
		got[r.Seq] = true
		if b, ok := w.bodies[r.Seq]; !ok || b != string(r.Body) {
			t.Fatalf("record %d is not what was written", r.Seq)
		}
	}
	for n := range w.acked {
		if !got[n] && (n > w.cursor || n > w.checkpoint) {
			t.Fatalf("record %d was durable and is gone; cursor %d, checkpoint %d, report %+v", n, w.cursor, w.checkpoint, j.Report())
		}
		if n > j.Last() {
			t.Fatalf("record %d is beyond the last, %d", n, j.Last())
		}
	}
	if s := j.Stats(); s.Missing > 0 {
		t.Fatalf("%d records are said to be missing: %+v", s.Missing, j.Report())
	}
	if j.Cursor() > w.cursor || j.Last() < w.seen {
		t.Fatalf("cursor %d, was %d; last %d, seen %d", j.Cursor(), w.cursor, j.Last(), w.seen)
	}
	if seq, data := j.Checkpoint(); seq < w.checkpoint || seq > 0 && string(data) != "state" {
		t.Fatalf("checkpoint %d, was %d", seq, w.checkpoint)
	}
}

// TestPowerCutAfterEveryOperation cuts the power after each operation of several
// stories, lets the disk keep one of seven choices of what was not synced (or all, as after
// SIGKILL), and goes on from there through a second cut.
func TestPowerCutAfterEveryOperation(t *testing.T) {
	cuts := 0
	for seed := range uint64(4) {
		for cut := 1; ; cut++ {
			s := newSim()
			s.cutAt = cut
			if !cutOnce(t, s, seed, &cuts) {
				break
			}
			if testing.Short() {
				cut += 7
			} else if seed > 0 {
				cut += 2 // the first story is cut everywhere, the others here and there
			}
		}
	}
	t.Logf("%d cuts", cuts)
}

// cutOnce runs a story on s, and reports whether the power was cut in it.
func cutOnce(t *testing.T, s *sim, seed uint64, cuts *int) bool {
	t.Helper()
	o := Options{SegmentSize: 2048, MaxSize: 1 << 20}
	ended := false
	synctest.Test(t, func(t *testing.T) {
		o.FS = s
		rng := rand.New(rand.NewPCG(seed, uint64(s.cutAt)))
		w := world{acked: map[uint64]bool{}, bodies: map[uint64]string{}}
		if j, err := Open("/j", o); err == nil {
			w.story(j, rand.New(rand.NewPCG(seed, 0)))
			j.Close()
		}
		ended = s.ops < s.cutAt
		for style := range 8 {
			*cuts++
			after := s.restart(rng, style)
			if style == 7 {
				after = s.kill()
			}
			o.FS = after
			j, err := Open("/j", o)
			if err != nil {
				t.Fatalf("seed %d, cut %d, style %d: %v", seed, s.cutAt, style, err)
			}
			t.Cleanup(func() { j.Close() })
			w.check(t, j)
			again := w.clone()
			if style == 7 {
				again.read(j.Reader(0))
			} else {
				again.story(j, rng)
			}
			after.mu.Lock()
			after.cutAt = after.ops // now
			after.mu.Unlock()
			j.Close()
			o.FS = after.restart(rng, style%7)
			if j, err = Open("/j", o); err != nil {
				t.Fatal(err)
			}
			again.check(t, j)
			j.Close()
			if t.Failed() {
				t.Fatalf("seed %d, cut %d, style %d", seed, s.cutAt, style)
			}
		}
	})
	return !ended
}

func (w *world) clone() *world {
	c := *w
	c.acked, c.bodies = map[uint64]bool{}, map[uint64]string{}
	for n := range w.acked {
		c.acked[n] = true
	}
	maps.Copy(c.bodies, w.bodies)
	return &c
}
