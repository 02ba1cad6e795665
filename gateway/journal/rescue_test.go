package journal

import (
	"errors"
	"testing"
	"time"
)

// TestRescue copies a journal off a disk with a bad block. A gateway goes on with the copy: same numbers, same cursor, same state.
func TestRescue(t *testing.T) {
	t.Parallel()
	s := filled(t)
	o := Options{FS: s, Sync: Always, SegmentSize: 4096, Keep: time.Hour}
	j := open(t, "/j", o)
	if err := j.SaveCheckpoint(190, []byte("state")); err != nil {
		t.Fatal(err)
	}
	j.Confirm(30)
	id := j.ID()
	j.Close()
	segments := s.segments("/j")
	bad := segments[2]
	s.fault = func(op, name string, _ int64) error {
		if name == bad && op == "read" {
			return errors.New("input/output error")
		}
		return nil
	}
	told := 0
	got, err := rescue(s, "/j", "/copy", func(Rescued) { told++ })
	if err != nil || len(got.Lost) != 0 || got.Files < len(segments) || told != got.Files {
		t.Fatalf("%+v, %v", got, err)
	}
	s.fault = nil
	if _, err := rescue(s, "/j", "/copy", func(Rescued) {}); err == nil {
		t.Error("a folder that holds a journal was overwritten")
	}

	var gaps []Gap
	o.OnGap = func(g Gap) { gaps = append(gaps, g) }
	j = open(t, "/copy", o)
	defer j.Close()
	seq, state := j.Checkpoint()
	want(t, "id", id, j.ID())
	want(t, "cursor", 30, j.Cursor())
	want(t, "checkpoint", 190, seq)
	want(t, "state", "state", string(state))
	want(t, "last", 200, j.Last())
	kept := numbers(t, j, 0)
	if n := len(kept); n < 170 || n > 190 { // one of about ten segments is lost
		t.Errorf("%d records of 200", n)
	}
	var missing uint64
	for _, g := range append(gaps, j.Report().Gaps...) {
		if g.From > 0 {
			missing += g.To - g.From + 1
		}
	}
	want(t, "told", uint64(200-len(kept)), missing)
	put(t, j, 1)
	want(t, "the next", 201, j.Last())
}

func TestRescueOfWhatIsInUse(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{Sync: Always})
	put(t, j, 10)
	to := t.TempDir()
	if _, err := Rescue(dir, to, func(Rescued) {}); !errors.Is(err, ErrLocked) {
		t.Errorf("in use: %v", err)
	}
	j.Close()
	if r, err := Rescue(dir, to, func(Rescued) {}); err != nil || r.Bytes == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	again := open(t, to, Options{Sync: Always})
	defer again.Close()
	want(t, "last", 10, again.Last())
}
