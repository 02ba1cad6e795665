package journal

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// sent is a journal of which a broker has had 60 of 100 records, and that was killed.
func sent(t *testing.T) (s *sim, id string) {
	t.Helper()
	s = newSim()
	j := open(t, "/j", Options{FS: s, Sync: Always, SegmentSize: 4096, Keep: time.Hour})
	put(t, j, 50)
	j.ConfirmNoted(50, []byte("note"))
	if err := j.SaveCheckpoint(50, []byte("state")); err != nil {
		t.Fatal(err)
	}
	put(t, j, 50)
	j.ConfirmNoted(60, []byte("note"))
	j.Close()
	return s, j.ID()
}

// without returns a copy of s without the files whose name begins with one of the prefixes.
func without(s *sim, prefixes ...string) *sim {
	c := s.kill()
	for name := range c.names {
		for _, p := range prefixes {
			if strings.HasPrefix(name, "/j/"+p) {
				delete(c.names, name)
				delete(c.kept, name)
			}
		}
	}
	return c
}

// A number must not stand for two records under one id. When all segments are gone, nobody
// knows which were given: the id is new. What is left of the state stays.
func TestAJournalWithoutRecordsGetsANewID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		gone             []string
		next             uint64 // the next number
		checkpoint, from uint64
	}{
		{[]string{"0", cursorName, checkpointPrefix}, 1, 0, 0},
		{[]string{"0", cursorName}, 51, 50, 0},
		{[]string{"0"}, 101, 50, 61},
		{[]string{"0", idName}, 101, 50, 61},
		{[]string{"0", checkpointPrefix}, 101, 0, 61},
	} {
		t.Run(fmt.Sprint(c.gone), func(t *testing.T) {
			whole, id := sent(t)
			s := without(whole, c.gone...)
			for start := range 2 {
				var log bytes.Buffer
				j := open(t, "/j", Options{FS: s, Sync: Always, SegmentSize: 4096, Keep: time.Hour, Log: slog.New(slog.NewTextHandler(&log, nil))})
				r := j.Report()
				if j.ID() == id || r.Renewed != (start == 0) || strings.Contains(log.String(), "goes on under a new id") != (start == 0) {
					t.Fatalf("start %d: id %s, was %s, %+v, log:\n%s", start, j.ID(), id, r, &log)
				}
				if start == 0 {
					want(t, "numbers lost", upTo(max(c.from, 1), 100*min(c.from, 1)), numbersOf(r.Gaps))
				} else {
					want(t, "gaps at the second start", nil, r.Gaps)
				}
				seq, data := j.Checkpoint()
				want(t, "checkpoint", c.checkpoint, seq)
				want(t, "state", c.checkpoint > 0, string(data) == "state")
				want(t, "waiting", uint64(3*start), j.Stats().Depth)
				want(t, "newest", c.next-1+uint64(3*start), j.Last())
				put(t, j, 3)
				want(t, "records", upTo(c.next, j.Last()), numbers(t, j, 0))
				j.Close()
				id = j.ID()
				s = s.kill()
				if start == 0 {
					id = "" // it stays now
				}
			}
		})
	}
}

// The new id, the checkpoint under it and the cursor come one after the other: a power cut in
// between costs nothing more.
func TestPowerCutWhileTheIDIsRenewed(t *testing.T) {
	t.Parallel()
	whole, id := sent(t)
	for cut := 1; ; cut++ {
		s := without(whole, "0")
		s.cutAt = s.ops + cut
		j, err := Open("/j", Options{FS: s, Sync: Always, SegmentSize: 4096})
		if err == nil {
			j.Close()
		}
		ended := s.ops < s.cutAt
		for style := range 8 {
			after := s.restart(rand.New(rand.NewPCG(1, uint64(cut))), style%7)
			if style == 7 {
				after = s.kill()
			}
			again, err := Open("/j", Options{FS: after, Sync: Always, SegmentSize: 4096})
			if err != nil {
				t.Fatalf("cut %d, style %d: %v", cut, style, err)
			}
			seq, data := again.Checkpoint()
			if again.ID() == id || again.Last() != 100 || seq != 50 || string(data) != "state" || again.Stats().Depth != 0 {
				t.Fatalf("cut %d, style %d: id %s, last %d, checkpoint %d", cut, style, again.ID(), again.Last(), seq)
			}
			again.Close()
		}
		if ended {
			return
		}
	}
}

// The last segment is gone and, with the cursor, all that knew of it: its numbers do not come
// again.
func TestNumbersOfALostSegmentDoNotComeAgain(t *testing.T) {
	t.Parallel()
	whole, id := sent(t)
	names := whole.segments("/j")
	s := without(whole, cursorName, checkpointPrefix, names[len(names)-1])
	var log bytes.Buffer
	j := open(t, "/j", Options{FS: s, Sync: Always, SegmentSize: 4096, Log: slog.New(slog.NewTextHandler(&log, nil))})
	put(t, j, 1)
	if j.ID() != id || j.Last() <= 100 || !strings.Contains(log.String(), "the newest records of the journal are gone") ||
		!strings.Contains(log.String(), "the cursor cannot be read or is gone") {
		t.Errorf("id %s, was %s; last %d, log:\n%s", j.ID(), id, j.Last(), &log)
	}
	if seq, _, _ := strings.Cut(names[len(names)-1], "."); strings.Contains(strings.Join(s.segments("/j"), " "), seq) {
		t.Errorf("%s is there again", seq)
	}
}
