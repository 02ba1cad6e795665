package journal

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// filled returns a disk with 200 records in about ten segments and a batch for
// each ten records, closed cleanly.
func filled(t *testing.T) *sim {
	t.Helper()
	s := newSim()
	j := open(t, "/j", Options{FS: s, Sync: Always, SegmentSize: 4096, Keep: time.Hour})
	for range 20 {
		put(t, j, 10)
	}
	j.Close()
	return s
}

// placeOf returns the segment that holds a record, and where it begins in it.
func placeOf(t *testing.T, s *sim, number uint64) (name string, off int64) {
	t.Helper()
	for _, name := range s.segments("/j") {
		data := s.names["/j/"+name].data
		_, seg, ok := decodeHeader(data)
		if !ok {
			t.Fatal("damaged already")
		}
		w := walker{}
		f, _ := s.Open("/j/" + name)
		w.walk(f, seg)
		w.end = int64(len(data))
		for {
			off := w.off
			r, ok := w.next()
			if !ok {
				break
			}
			if r.Seq == number {
				return "/j/" + name, off
			}
		}
	}
	t.Fatalf("no record %d", number)
	return "", 0
}

// damageCase is one damage and the numbers it costs.
type damageCase struct {
	name string
	do   func(t *testing.T, s *sim)
	lost []uint64
}

func damages() []damageCase {
	flip := func(n uint64, at int64) func(t *testing.T, s *sim) {
		return func(t *testing.T, s *sim) {
			name, off := placeOf(t, s, n)
			s.flip(name, (off+at)*8+3)
		}
	}
	return []damageCase{
		{"a bit of a body in the middle", flip(50, 30), []uint64{50}},
		{"a bit of a len", flip(50, 1), []uint64{50}},
		{"a bit of a number", flip(50, 9), []uint64{50}},
		{"a bit of the last record", flip(200, 30), []uint64{200}},
		{"a bit in the last batch", flip(195, 30), []uint64{195}},
		{"the header of a segment", func(t *testing.T, s *sim) { s.flip("/j/"+s.segments("/j")[3], 80) }, nil},
		{"the header of the last segment", func(t *testing.T, s *sim) {
			names := s.segments("/j")
			s.flip("/j/"+names[len(names)-1], 80)
		}, nil},
		{"zeros over three records", func(t *testing.T, s *sim) {
			name, off := placeOf(t, s, 70)
			_, to := placeOf(t, s, 73)
			clear(s.names[name].data[off:to])
		}, upTo(70, 72)},
		{"the last segment cut", func(t *testing.T, s *sim) {
			name, off := placeOf(t, s, 198)
			s.names[name].data = s.names[name].data[:off+20]
		}, upTo(198, 200)},
		{"a segment deleted", func(t *testing.T, s *sim) {
			name, _ := placeOf(t, s, 100)
			delete(s.names, name)
		}, nil}, // what it costs is asked in the test
		{"the last segment deleted", func(t *testing.T, s *sim) {
			name, _ := placeOf(t, s, 200)
			delete(s.names, name)
		}, nil},
		{"a segment under another name", func(t *testing.T, s *sim) {
			name, _ := placeOf(t, s, 100)
			s.names["/j/00000000000000000333.seg"] = &inode{data: slices.Clone(s.names[name].data)}
		}, nil},
		{"the id", func(t *testing.T, s *sim) { s.flip("/j/"+idName, 5) }, nil},
		{"the id gone", func(t *testing.T, s *sim) { delete(s.names, "/j/"+idName) }, nil},
		{"the cursor", func(t *testing.T, s *sim) { clear(s.names["/j/"+cursorName].data) }, nil},
		{"the cursor cut", func(t *testing.T, s *sim) { s.names["/j/"+cursorName].data = nil }, nil},
	}
}

func TestDamageCostsOnlyWhatIsDamaged(t *testing.T) {
	t.Parallel()
	for _, c := range damages() {
		t.Run(c.name, func(t *testing.T) {
			s := filled(t)
			c.do(t, s)
			lost := c.lost
			var told []Gap
			for round := range 3 {
				j := open(t, "/j", Options{FS: s, Sync: Always, SegmentSize: 4096, Keep: time.Hour,
					OnGap: func(g Gap) { told = append(told, g) }})
				got := numbers(t, j, 0)
				told = append(told, j.Report().Gaps...)
				if lost == nil {
					lost = missing(got, 200)
				}
				have := slices.DeleteFunc(upTo(1, 200), func(n uint64) bool { return slices.Contains(lost, n) })
				have = append(have, upTo(201, uint64(200+round*3))...)
				want(t, fmt.Sprintf("numbers in round %d", round), have, got)
				want(t, fmt.Sprintf("lost, as told until round %d", round), lost, numbersOf(told))
				put(t, j, 3)
				j.Close()
			}
			if c.lost == nil && len(lost) > 0 && len(lost) > 40 {
				t.Errorf("%d records lost", len(lost))
			}
		})
	}
}

func missing(got []uint64, to uint64) []uint64 {
	return slices.DeleteFunc(upTo(1, to), func(n uint64) bool { return slices.Contains(got, n) })
}

func numbersOf(gaps []Gap) []uint64 {
	var s []uint64
	for _, g := range gaps {
		if g.From > 0 {
			s = append(s, upTo(g.From, g.To)...)
		}
	}
	return s
}

// A flip anywhere costs one record at most, and never gives out a wrong one.
func TestEveryBitFlip(t *testing.T) {
	t.Parallel()
	s := filled(t)
	names := s.segments("/j")
	step := int64(83)
	if testing.Short() {
		step = 997
	}
	for _, name := range []string{names[2], names[len(names)-1]} {
		n := s.names["/j/"+name]
		for bit := int64(0); bit < int64(len(n.data))*8; bit += step {
			c := s.kill()
			c.flip("/j/"+name, bit)
			j, err := Open("/j", Options{FS: c, Sync: Always, SegmentSize: 4096, Keep: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			if got := numbers(t, j, 0); len(got) < 199 {
				t.Fatalf("bit %d of %s costs %v", bit, name, missing(got, 200))
			}
			want(t, "last", 200, j.Last())
			j.Close()
		}
	}
}

func TestUnreadableBlocksCostWhatIsInThem(t *testing.T) {
	t.Parallel()
	s := newSim()
	o := Options{FS: s, Sync: Always, SegmentSize: 256 << 10, Keep: time.Hour}
	j := open(t, "/j", o)
	put(t, j, 600)
	s.mu.Lock()
	s.fault = func(op, name string, off int64) error {
		if op == "read" && name == j.segs[0].name() && (off == 8192+segmentHeader || off == segmentHeader) {
			return errors.New("bad block")
		}
		return nil
	}
	s.mu.Unlock()
	got := numbers(t, j, 0)
	if n := 600 - len(got); n < 20 || n > 120 { // two blocks of 4096 bytes
		t.Errorf("%d records lost", n)
	}
	want(t, "missing", uint64(600-len(got)), j.Stats().Missing)
}

func TestATornSlotLeavesTheOther(t *testing.T) {
	t.Parallel()
	s := newSim()
	c := cursorFile{fs: s, dir: "/j"}
	if err := errors.Join(c.write(10, 10, "a"), c.write(20, 20, "b"), c.sync(), c.write(30, 30, "c"), c.write(40, 40, "d")); err != nil {
		t.Fatal(err)
	}
	n := s.names["/j/cursor"]
	for i := range n.data {
		if !cmp.Equal(n.data[i], n.kept[i]) {
			n.data[i] ^= 0x55 // what was not synced is torn
		}
	}
	again := cursorFile{fs: s, dir: "/j"}
	got, lost := again.load()
	want(t, "cursor", 20, got.seq)
	want(t, "note", "b", got.note)
	want(t, "lost", false, lost)
}
