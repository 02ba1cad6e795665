package journal

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestKeepByElapsedTime sets the clock by years under a journal: what is kept is younger than
// it should be by the clock that is never set.
func TestKeepByElapsedTime(t *testing.T) {
	t.Parallel()
	const second, year = int64(time.Second / time.Microsecond), int64(365 * 24 * time.Hour / time.Microsecond)
	offset := func(seq uint64) int64 { return []int64{0, 56 * year, -year, 3600 * second}[(seq-1)/50] }
	for _, known := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			j := open(t, "/j", Options{FS: newSim(), Sync: Always, SegmentSize: 1024, Keep: 2 * time.Second,
				Elapsed: func(seq uint64, at int64) (int64, bool) { return at - offset(seq), known }})
			for n := range 200 { // ten a second
				j.Append(Record{Time: int64(n)*second/10 + offset(uint64(n)+1), Body: make([]byte, 300)}, true, nil)
				j.Confirm(uint64(n) + 1)
				j.SaveCheckpoint(uint64(n)+1, nil)
				synctest.Wait()
				first, most := j.Stats().First, max(1, n-18)
				if known && (int(first) > most || int(first) < most-8) {
					t.Fatalf("at %d the first is %d, want about %d", n+1, first, most)
				}
			}
			if !known {
				want(t, "nothing goes while its age is not known", 1, j.Stats().First)
			}
		})
	}
}

// TestRange finds the records of a time where the clock was set at record 51, 101 and 151.
func TestRange(t *testing.T) {
	t.Parallel()
	starts := []int64{1000, 9000, 500, 1100, 0}
	j := open(t, t.TempDir(), Options{Sync: Always, SegmentSize: 1024})
	for n := range 200 {
		j.Append(Record{Time: starts[n/50] + int64(n%50), Body: make([]byte, 300)}, false, nil)
	}
	if _, err := syncedAll(j); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		first, last int64
		want        int
	}{{0, 10_000, 201}, {1000, 1049, 50}, {9010, 9019, 10}, {500, 500, 1}, {1049, 1100, 2}, {2000, 3000, 0}, {10_000, 20_000, 0}} {
		found, read := 0, 0
		for i, from := range []uint64{0, 51, 101, 151} {
			end := []uint64{51, 101, 151, 0}[i]
			after, before := j.Range(from, end, c.first, c.last)
			for r := range j.Scan(after) {
				if r.Seq >= before {
					break
				}
				if read++; r.Time >= c.first && r.Time <= c.last {
					found++
				}
			}
		}
		if found != c.want || read > c.want+4*8 {
			t.Errorf("from %d to %d: %d found of %d read, want %d", c.first, c.last, found, read, c.want)
		}
	}
}

// syncedAll waits until all records are on the disk.
func syncedAll(j *Journal) (uint64, error) {
	done := make(chan error, 1)
	seq, err := j.Append(Record{Time: 1149}, true, func(err error) { done <- err })
	if err != nil {
		return 0, err
	}
	return seq, <-done
}
