package journal

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fail makes s fail what which tells, n times; n < 0: until it is mended.
func (s *sim) fail(n int, err error, which func(op, name string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = func(op, name string, _ int64) error {
		if n == 0 || !which(op, name) {
			return nil
		}
		n--
		return err
	}
}

func (s *sim) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = nil
}

func ops(names ...string) func(op, name string) bool {
	return func(op, _ string) bool { return slices.Contains(names, op) }
}

// add appends one record and returns what was told of it.
func add(t *testing.T, j *Journal, urgent bool) (uint64, error) {
	t.Helper()
	done := make(chan error, 1)
	n := j.Last() + 1
	got, err := j.Append(Record{Kind: 1, Flags: 2, Time: int64(n) * 10, Body: body(n)}, urgent, func(err error) { done <- err })
	if err != nil {
		return 0, err
	}
	return got, <-done
}

func TestOneFailureIsMended(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"write": syscall.EIO, "sync": syscall.EIO} {
		for _, short := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := newSim()
				s.short = short
				j := open(t, "/j", Options{FS: s, Sync: Always, SegmentSize: 4096, Keep: time.Hour})
				put(t, j, 5)
				s.fail(1, err, ops(name))
				put(t, j, 5)
				want(t, "segments", 2, j.Stats().Segments)
				want(t, "state", OK, j.Stats().State)
				if j.Stats().Err == nil {
					t.Error("the error is not shown")
				}
				after := open(t, "/j", Options{FS: s.restart(nil0(), 0)})
				want(t, "numbers after a power cut", upTo(1, 10), numbers(t, after, 0))
				want(t, "numbers", upTo(1, 10), numbers(t, j, 0))
				want(t, "missing", 0, j.Stats().Missing+after.Stats().Missing)
			})
		}
	}
}

func TestAFailedSyncIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := newSim()
	j := open(t, "/j", Options{FS: s, Sync: Always, SegmentSize: 16 << 10})
	put(t, j, 1)
	name, syncs := s.segments("/j")[0], 0
	s.fail(-1, syscall.EIO, func(op, file string) bool {
		if op == "sync" && file == name {
			syncs++
			return true
		}
		return false
	})
	put(t, j, 3)
	j.Close()
	want(t, "syncs of the file that failed", 1, syncs)
}

func TestADeadDiskRefusesAndComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim()
		o := Options{FS: s, Sync: Always, SegmentSize: 16 << 10, Keep: time.Hour}
		j := open(t, "/j", o)
		put(t, j, 3)
		for _, bad := range []string{"sync", "write", "create"} {
			s.fail(-1, syscall.EROFS, func(op, _ string) bool { return op == bad || op == "write" })
			if _, err := add(t, j, false); !errors.Is(err, ErrFailed) || !errors.Is(err, syscall.EROFS) {
				t.Fatalf("%s fails: %v", bad, err)
			}
			want(t, "state", Failed, j.Stats().State)
			want(t, "durable moves over what was refused", j.Last(), j.Durable())
			before := j.Last()
			if n, err := j.Append(Record{}, false, nil); n != 0 || err != ErrFailed {
				t.Fatalf("Append while the disk is dead: %d, %v", n, err)
			}
			time.Sleep(5 * time.Second)
			want(t, "still", Failed, j.Stats().State)
			s.mend()
			time.Sleep(5 * time.Second)
			want(t, "mended", OK, j.Stats().State)
			n, err := add(t, j, false)
			want(t, "taken again", nil, err)
			want(t, "number", before+1, n)
		}
		have := []uint64{1, 2, 3, 5, 7, 9} // 4, 6 and 8 were refused
		want(t, "numbers", have, numbers(t, j, 0))
		want(t, "refused", 3, j.Stats().Refused)
		want(t, "what was refused is not called missing", 0, j.Stats().Missing)
		j.Close()
		j = open(t, "/j", o)
		want(t, "numbers after Open", have, numbers(t, j, 0))
		want(t, "nothing is called missing", 0, j.Stats().Missing)
	})
}

func TestAFullDiskKeepsRoomForUrgentRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim()
		j := open(t, "/j", Options{FS: s, Sync: Always, SegmentSize: 4096, Keep: time.Hour})
		put(t, j, 1)
		s.fail(-1, syscall.ENOSPC, ops("allocate", "create"))
		ordinary, err := 0, error(nil)
		for ; err == nil; ordinary++ {
			_, err = add(t, j, false)
		}
		if !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
		want(t, "state", Full, j.Stats().State)
		urgent := 0
		for err = nil; err == nil; urgent++ {
			_, err = add(t, j, true)
		}
		if !errors.Is(err, ErrFull) || urgent < 10 {
			t.Fatalf("%d urgent records, then %v", urgent, err)
		}
		have := numbers(t, j, 0)
		s.mend()
		time.Sleep(3 * time.Second)
		put(t, j, 10)
		want(t, "state", OK, j.Stats().State)
		want(t, "more", len(have)+10, len(numbers(t, j, 0)))
		want(t, "nothing was refused after it had a number", 0, j.Stats().Refused)
	})
}

func TestOpenOnAFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim()
		j := open(t, "/j", Options{FS: s, Sync: Always})
		put(t, j, 3)
		j.Close()
		s.fail(-1, syscall.ENOSPC, ops("allocate"))
		j = open(t, "/j", Options{FS: s, Sync: Always})
		want(t, "numbers", upTo(1, 3), numbers(t, j, 0))
		synctest.Wait()
		_, err := add(t, j, false)
		want(t, "an ordinary record is refused", ErrFull, err)
		_, err = add(t, j, true)
		want(t, "an urgent one is taken", nil, err)
	})
}

// fill appends ordinary records until the journal is full.
func fill(t *testing.T, j *Journal) (n int) {
	t.Helper()
	for ; n < 10000; n++ {
		if _, err := add(t, j, false); errors.Is(err, ErrFull) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestMaxSizeBlocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim()
		j := open(t, "/j", Options{FS: s, Sync: Always, MaxSize: 32 << 10, Keep: time.Hour})
		fill(t, j)
		st := j.Stats()
		want(t, "state", Full, st.State)
		size := int64(0)
		for _, n := range s.names {
			size += int64(len(n.data))
		}
		if size > 32<<10+2*cursorSlot || size < 20<<10 {
			t.Errorf("%d bytes on the disk of %d", size, 32<<10)
		}
		if _, err := add(t, j, true); err != nil {
			t.Errorf("an urgent record: %v", err)
		}
		// Confirmed history goes, although it should be kept for an hour.
		j.SaveCheckpoint(j.Last()-1, nil)
		j.SaveCheckpoint(j.Last(), nil)
		j.Confirm(j.Last())
		time.Sleep(2 * time.Second)
		for range 30 {
			put(t, j, 10)
			j.Confirm(j.Last())
			j.SaveCheckpoint(j.Last(), nil)
		}
		want(t, "dropped", 0, j.Stats().Dropped)
	})
}

func TestMaxSizeDropsTheOldest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gaps []Gap
		o := Options{FS: newSim(), Sync: Always, MaxSize: 32 << 10, WhenFull: DropOldest, OnGap: func(g Gap) { gaps = append(gaps, g) }}
		j := open(t, "/j", o)
		for range 600 {
			put(t, j, 1)
			if j.Last()%20 == 0 {
				j.SaveCheckpoint(j.Last(), nil)
			}
		}
		st := j.Stats()
		j.Close()
		next := uint64(1)
		for _, g := range gaps {
			odd := (g.To+1)/2 - next/2
			want(t, "gap", Gap{g.File, 0, g.Bytes, next, g.To, Dropped, map[uint8]uint64{0: g.To - next + 1 - odd, 1: odd}}, g)
			next = g.To + 1
		}
		want(t, "the first kept", next, st.First)
		want(t, "dropped", next-1, st.Dropped)
		want(t, "depth", 600-st.Dropped, st.Depth)
		if st.Dropped < 200 || st.Dropped > 550 {
			t.Errorf("%d of 600 dropped", st.Dropped)
		}
	})
}

func TestKeep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := open(t, "/j", Options{FS: newSim(), Sync: Always, SegmentSize: 1024, Keep: time.Second})
		for n := range 200 { // ten a second
			j.Append(Record{Time: int64(n) * 100_000, Body: make([]byte, 300)}, true, nil)
			synctest.Wait()
		}
		want(t, "not confirmed", 1, j.Stats().First)
		j.Confirm(200)
		j.SaveCheckpoint(150, nil)
		synctest.Wait()
		want(t, "one checkpoint only", 1, j.Stats().First)
		j.SaveCheckpoint(200, nil)
		synctest.Wait()
		if first := j.Stats().First; first > 151 || first < 147 {
			t.Errorf("kept from %d, behind the older checkpoint is 150", first)
		}
		j.SaveCheckpoint(200, nil)
		j.Append(Record{Time: 200 * 100_000, Body: make([]byte, 300)}, true, nil)
		j.SaveCheckpoint(201, nil)
		synctest.Wait()
		if first := j.Stats().First; first < 186 || first > 191 {
			t.Errorf("kept from %d, a second ago was 191", first)
		}
	})
}
