package journal

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func FuzzDecodeRecord(f *testing.F) {
	salt := saltOf([16]byte{1}, 7)
	for _, b := range [][]byte{nil, []byte("body"), make([]byte, 1000)} {
		rec := appendRecord(nil, Record{Seq: 7, Time: 8, Kind: 9, Flags: 10, Class: 11, Body: b})
		sealRecord(rec, salt)
		f.Add(rec)
		f.Add(append(rec, rec...))
		f.Add(rec[:len(rec)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, n, ok := decodeRecord(b, salt)
		if !ok {
			return
		}
		again := appendRecord(nil, r)
		again[markAt] = b[markAt] // the journal's own
		sealRecord(again, salt)
		if !bytes.Equal(again, b[:n]) {
			t.Fatalf("%x decodes, but encodes to %x", b[:n], again)
		}
	})
}

func FuzzDecodeCursor(f *testing.F) {
	id := [16]byte{1, 2}
	f.Add(encodeSlot(id, slot{1, 2, 3, ""}))
	f.Add(encodeSlot(id, slot{1, 2, 3, "a note"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, ok := decodeSlot(id, b); ok && !bytes.Equal(encodeSlot(id, s), b[:cursorLen+len(s.note)]) {
			t.Fatalf("%x is taken for %+v", b, s)
		}
	})
}

func FuzzDecodeCheckpoint(f *testing.F) {
	id := [16]byte{1, 2}
	f.Add(encodeCheckpoint(id, checkpoint{1, 2, []byte("state")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, ok := decodeCheckpoint(id, b); ok && !bytes.Equal(encodeCheckpoint(id, c), b) {
			t.Fatalf("%x is taken for %+v", b, c)
		}
	})
}

func FuzzDecodeHeader(f *testing.F) {
	f.Add(encodeHeader([16]byte{1}, &segment{first: 5, prev: 3, time: 9}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, s, ok := decodeHeader(b); ok && cmp.Equal(s.first, s.prev) {
			t.Fatalf("%x is taken for %x %+v", b, id, s)
		}
	})
}

// FuzzOpen opens a folder in which bytes were overwritten anywhere, as edits say:
// file, offset and byte in turn. It opens, gives out only what was written, in
// order, and takes further records.
func FuzzOpen(f *testing.F) {
	s := newSim()
	j, err := Open("/j", Options{FS: s, Sync: Always, SegmentSize: 1024, Keep: time.Hour})
	if err != nil {
		f.Fatal(err)
	}
	for range 40 {
		n := j.Last() + 1
		j.Append(Record{Kind: 1, Flags: 2, Time: int64(n) * 10, Body: body(n)}, true, nil)
		j.SaveCheckpoint(n, []byte("state"))
	}
	j.Confirm(20)
	j.Close()
	files, _ := s.ReadDir("/j")
	f.Add([]byte{0, 0, 10, 255, 1, 0, 64, 0, 2, 0, 0, 0})
	f.Add(bytes.Repeat([]byte{3, 0, 65, 1, 4, 1, 0, 9}, 20))
	f.Fuzz(func(t *testing.T, edits []byte) {
		c := s.kill()
		for ; len(edits) >= 4; edits = edits[4:] {
			n := c.names["/j/"+files[int(edits[0])%len(files)]]
			if at := int(binary.BigEndian.Uint16(edits[1:])); at < len(n.data) {
				n.data[at] = edits[3]
			} else if at > 60000 {
				n.data = n.data[:min(len(n.data), at-60000)]
			}
		}
		j, err := Open("/j", Options{FS: c, Sync: Always, SegmentSize: 1024, Keep: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		before := numbers(t, j, 0)
		n, err := add(t, j, true)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "numbers", append(before, n), numbers(t, j, 0))
	})
}
