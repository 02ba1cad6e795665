package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// body is what the record with number n has in these tests.
func body(n uint64) []byte {
	return fmt.Appendf(nil, "record %d %s", n, strings.Repeat("x", int(n*37%200)))
}

func open(t *testing.T, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// put appends n records and waits until they are durable.
func put(t *testing.T, j *Journal, n int) {
	t.Helper()
	done := make(chan error, n)
	for range n {
		if _, err := j.Append(Record{Kind: 1, Flags: 2, Class: uint8((j.Last() + 1) % 2), Time: int64(j.Last()+1) * 10, Body: body(j.Last() + 1)}, true, func(err error) { done <- err }); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// numbers scans, checks each record, and returns the numbers.
func numbers(t *testing.T, j *Journal, after uint64) []uint64 {
	t.Helper()
	var got []uint64
	for r, err := range j.Scan(after) {
		if err != nil {
			t.Fatal(err)
		}
		if want := (Record{r.Seq, int64(r.Seq) * 10, 1, 2, r.Class, body(r.Seq)}); r.Time != want.Time || r.Kind != 1 || r.Flags != 2 || !bytes.Equal(r.Body, want.Body) {
			t.Fatalf("record %d is not as written:\n%s", r.Seq, cmp.Diff(want, r))
		}
		got = append(got, r.Seq)
	}
	return got
}

func upTo(from, to uint64) []uint64 {
	var s []uint64
	for n := from; n <= to; n++ {
		s = append(s, n)
	}
	return s
}

func want[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateErrors(), cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func TestRecordsSurviveReopening(t *testing.T) {
	t.Parallel()
	for _, mode := range []Sync{Always, 0, OS} {
		dir := t.TempDir()
		o := Options{Sync: mode, SegmentSize: 4096, Keep: time.Hour}
		var id string
		for round := range uint64(4) {
			j := open(t, dir, o)
			if id == "" {
				id = j.ID()
			}
			want(t, "id", id, j.ID())
			want(t, "gaps", nil, j.Report().Gaps)
			want(t, "numbers", upTo(1, round*100), numbers(t, j, 0))
			put(t, j, 100)
			want(t, "numbers", upTo(51, round*100+100), numbers(t, j, 50))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestReaderFollows(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), Options{Sync: Always, SegmentSize: 2048, Keep: time.Hour})
	go func() {
		for range 50 {
			put(t, j, 7)
		}
	}()
	r := j.Reader(5)
	defer r.Close()
	for n := uint64(6); n <= 350; n++ {
		rec, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want(t, "number", n, rec.Seq)
		want(t, "body", string(body(n)), string(rec.Body))
	}
	if rec, ok, err := r.TryNext(); ok || err != nil {
		t.Fatalf("a record after the last: %v, %v", rec.Seq, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := r.Next(ctx); err == nil || err.Error() != "enough" {
		t.Fatalf("Next after the context ended: %v", err)
	}
	ended := make(chan error)
	go func() {
		_, err := r.Next(t.Context())
		ended <- err
	}()
	j.Close()
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Fatalf("Next on a closed journal: %v", err)
	}
}

func TestTimesMayGoBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{Sync: Always})
	for _, at := range []int64{100, 50, 200, 199} {
		j.Append(Record{Time: at}, false, nil)
	}
	j.Close()
	j = open(t, dir, Options{Sync: Always})
	j.Append(Record{Time: 1}, true, nil)
	j.SaveCheckpoint(5, nil)
	var times []int64
	for r := range j.Scan(0) {
		times = append(times, r.Time)
	}
	want(t, "times", []int64{100, 50, 200, 199, 1}, times)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{})
	if _, err := j.Append(Record{Body: make([]byte, MaxBody+1)}, false, nil); !errors.Is(err, ErrTooBig) {
		t.Errorf("a body that is too big: %v", err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second Open: %v", err)
	}
	j.Close()
	if _, err := j.Append(Record{}, false, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	if err := j.SaveCheckpoint(0, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("SaveCheckpoint after Close: %v", err)
	}
	j = open(t, dir, Options{})
	if n, err := j.Append(Record{Body: make([]byte, MaxBody)}, true, nil); n != 1 || err != nil {
		t.Errorf("the biggest body: %d, %v", n, err)
	}
	if err := j.SaveCheckpoint(1, nil); err != nil {
		t.Error(err)
	}
}

func TestCommitOnTheLeadingEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, "/j", Options{FS: newSim(), Sync: Sync(200 * time.Millisecond)})
		start := time.Now()
		durable := func(urgent bool) chan time.Duration {
			c := make(chan time.Duration, 1)
			if _, err := j.Append(Record{}, urgent, func(error) { c <- time.Since(start) }); err != nil {
				t.Fatal(err)
			}
			return c
		}
		want(t, "at a start nothing waits", []time.Duration{0, 0}, []time.Duration{<-durable(false), <-durable(false)})
		time.Sleep(time.Second)
		start = time.Now()
		want(t, "the first", 0, <-durable(false))
		want(t, "the second waits for the interval", 200*time.Millisecond, <-durable(false))
		a := durable(false)
		time.Sleep(50 * time.Millisecond)
		b := durable(true)
		want(t, "an urgent one takes those before it along", []time.Duration{250 * time.Millisecond, 250 * time.Millisecond},
			[]time.Duration{<-a, <-b})
		time.Sleep(time.Second)
		want(t, "after a quiet interval", 1250*time.Millisecond, <-durable(false))
		var last chan time.Duration
		for range earlyRecords {
			last = durable(false)
		}
		want(t, "enough records", 1250*time.Millisecond, <-last)
		j.Append(Record{Body: make([]byte, earlyBytes)}, false, nil)
		synctest.Wait()
		want(t, "enough bytes", j.Last(), j.Durable())
		start = time.Now()
		for range stalledWaiters {
			last = durable(false)
		}
		want(t, "a source that waits to be told", stalledAfter, <-last)
		start = time.Now()
		for range stalledWaiters - 1 {
			last = durable(false)
		}
		want(t, "fewer may not be all", 200*time.Millisecond, <-last)
		start = time.Now()
		for range 2 * stalledWaiters {
			last = durable(false)
			time.Sleep(stalledAfter)
		}
		want(t, "a source at its own pace", 200*time.Millisecond, <-last)
	})
}

func TestCursorIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim()
		j := open(t, "/j", Options{FS: s, Sync: Always})
		put(t, j, 1000)
		j.ConfirmNoted(10, []byte("ten"))
		j.Confirm(5)
		want(t, "cursor", 10, j.Cursor())
		time.Sleep(8 * time.Second)
		j.ConfirmNoted(20, []byte("twenty"))
		time.Sleep(8 * time.Second)
		j.ConfirmNoted(30, []byte("thirty"))
		after := open(t, "/j", Options{FS: s.restart(nil0(), 0)})
		want(t, "cursor after a power cut", 20, after.Cursor())
		want(t, "its note", "twenty", string(after.Note()))
		j.Confirm(2000)
		want(t, "not beyond what is durable", 1000, j.Cursor())
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		after = open(t, "/j", Options{FS: s.restart(nil0(), 0)})
		want(t, "cursor after Close", 1000, after.Cursor())
		put(t, after, 1)
		want(t, "oldest", 10010, after.Stats().Oldest)
		want(t, "depth", 1, after.Stats().Depth)
	})
}

// TestCursorAfterABacklog: much that was confirmed in a moment does not come again
// after a power cut a second later.
func TestCursorAfterABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim()
		j := open(t, "/j", Options{FS: s, Sync: Always})
		put(t, j, 1000)
		j.Confirm(10)
		time.Sleep(8 * time.Second)
		for n := uint64(11); n <= 1000; n++ {
			j.Confirm(n)
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		after := open(t, "/j", Options{FS: s.restart(nil0(), 0)})
		if again := 1000 - after.Cursor(); again > cursorEvery {
			t.Errorf("%d records would come again", again)
		}
		j.Close()
	})
}

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	s := newSim()
	j := open(t, "/j", Options{FS: s, Sync: Always, SegmentSize: 16 << 10})
	seq, data := j.Checkpoint()
	want(t, "none yet", 0, seq)
	want(t, "none yet", nil, data)
	put(t, j, 30)
	for _, n := range []uint64{10, 20, 30} {
		if err := j.SaveCheckpoint(n, fmt.Appendf(nil, "state %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	if j.SaveCheckpoint(31, nil) == nil || j.SaveCheckpoint(29, nil) == nil {
		t.Error("a checkpoint of the future, and one of the past, are taken")
	}
	j.Close()
	j = open(t, "/j", Options{FS: s})
	seq, data = j.Checkpoint()
	want(t, "the newest", "30 state 30", fmt.Sprint(seq, " ", string(data)))
	j.Close()
	s.flip("/j/"+checkpointName(30), 8*checkpointHeader)
	j = open(t, "/j", Options{FS: s})
	seq, data = j.Checkpoint()
	want(t, "the one before", "20 state 20", fmt.Sprint(seq, " ", string(data)))
	want(t, "reported", true, j.Report().CheckpointLost)
}
