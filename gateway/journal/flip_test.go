package journal

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// field is a place of a file of the journal.
type field struct {
	file, name string
	off        int64
}

// lived makes a journal in dir that has a history: several segments, both slots of the cursor
// written, two checkpoints, and records that wait.
func lived(t *testing.T, dir string) {
	t.Helper()
	j, err := Open(dir, Options{Sync: Always, SegmentSize: 4 << 10, Keep: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	put(t, j, 50)
	save := func(at uint64) {
		t.Helper()
		j.ConfirmNoted(at, []byte("note"))
		if err := j.SaveCheckpoint(at, bytes.Repeat([]byte("state "), 50)); err != nil {
			t.Fatal(err)
		}
	}
	save(10)
	put(t, j, 50)
	save(20)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	// The second slot is written when the cursor has moved again.
	if j, err = Open(dir, Options{Sync: Always, SegmentSize: 4 << 10, Keep: time.Hour}); err != nil {
		t.Fatal(err)
	}
	j.Confirm(30)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// fields lists each field of each file in dir.
func fields(t *testing.T, dir string) (all []field) {
	t.Helper()
	add := func(path string, base int64, names string) {
		for one := range strings.SplitSeq(names, " ") {
			var off int64
			name, at, _ := strings.Cut(one, ":")
			if _, err := fmt.Sscan(at, &off); err != nil {
				t.Fatal(err)
			}
			all = append(all, field{path, name, base + off})
		}
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(segments) < 3 {
		t.Fatalf("segments: %v, %v", segments, err)
	}
	for _, path := range []string{segments[0], segments[len(segments)/2], segments[len(segments)-1]} {
		add(filepath.Base(path), 0, "magic:3 version:8 flags:10 zero:13 uuid:20 first:33 prev:41 time:49 zeros:57 checksum:61")
		add(filepath.Base(path), segmentHeader, "len:0 length:1 checksum:5 seq:9 time:17 kind:24 flags:25 mark:26 class:27 body:35")
	}
	add(cursorName, 0, "magic:2 uuid:9 generation:25 cursor:33 last:41 checksum:49 length:52 note:55")
	add(cursorName, cursorSlot, "magic:2 uuid:9 generation:25 cursor:33 last:41 checksum:49 length:52 note:55")
	for _, n := range []uint64{10, 20} {
		add(checkpointName(n), 0, "magic:2 uuid:9 seq:25 cursor:33 length:41 checksum:49 data:60")
	}
	add(idName, 0, "uuid:3 dash:8 end:35 space:36 checksum:40")
	return all
}

// judged is what a look at the folder says.
func judged(t *testing.T, dir string) (damaged int64, missing uint64, gaps int) {
	t.Helper()
	v, err := Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, err := range v.Scan(0) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return v.Stats().Damaged, v.Stats().Missing, len(v.Gaps())
}

// One bit, anywhere: the log has a line, the report or OnGap has it, and a look at the folder
// says the same as the running journal, before the start that steps over it, and after it. A
// second start is silent.
func TestEveryFlipIsReported(t *testing.T) {
	t.Parallel()
	whole := t.TempDir()
	lived(t, whole)
	if damaged, missing, gaps := judged(t, whole); damaged != 0 || missing != 0 || gaps != 0 {
		t.Fatalf("the whole one: %d bytes, %d numbers, %d gaps", damaged, missing, gaps)
	}
	all := fields(t, whole)
	if len(all) < 54 {
		t.Fatalf("only %d places", len(all))
	}
	for _, f := range all {
		t.Run(f.file+" "+f.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, f.file)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[f.off] ^= 4
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, before := judged(t, dir)
			if before == 0 {
				t.Error("a look at it finds nothing")
			}
			for start := range 2 {
				var log bytes.Buffer
				told := 0
				j, err := Open(dir, Options{Sync: Always, SegmentSize: 4 << 10, Keep: time.Hour, OnGap: func(Gap) { told++ },
					Log: slog.New(slog.NewTextHandler(&log, nil))})
				if err != nil {
					t.Fatal(err)
				}
				for _, err := range j.Scan(0) {
					if err != nil {
						t.Fatal(err)
					}
				}
				told += len(j.Report().Gaps)
				s := j.Stats()
				put(t, j, 3)
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				lines := strings.Count(log.String(), "file="+f.file)
				if start == 0 && (told != 1 || lines != 1) || start == 1 && (told != 0 || log.Len() > 0) {
					t.Errorf("start %d: reported %d times, log:\n%s", start, told, &log)
				}
				damaged, missing, gaps := judged(t, dir)
				if damaged != s.Damaged || missing != s.Missing || damaged == 0 || gaps != 1 {
					t.Errorf("start %d: a look says %d bytes, %d numbers, %d gaps; the journal %d, %d", start, damaged, missing, gaps, s.Damaged, s.Missing)
				}
			}
		})
	}
}
