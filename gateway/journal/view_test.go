package journal

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contents returns the hash of each file below dir.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	files := make(map[string][32]byte)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		files[name] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestLook looks at a journal that is in use and damaged: all that is intact is
// seen, and no byte changes.
func TestLook(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, Options{Sync: Always, SegmentSize: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	durable := make(chan error, 1)
	const n = 200
	for i := range n {
		if _, err := j.Append(Record{Time: int64(i), Kind: 1, Body: make([]byte, 100)}, false, func(err error) {
			if i == n-1 || err != nil {
				durable <- err
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-durable; err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(segments) < 2 {
		t.Fatalf("%v, %v", segments, err)
	}
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	b[segmentHeader+200] ^= 1 // in the second record
	if err := os.WriteFile(segments[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	v, err := Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	seen := 0
	for _, err := range v.Scan(0) {
		if err != nil {
			t.Fatal(err)
		}
		seen++
	}
	if s := v.Stats(); seen != n-1 || s.Last != n || s.Depth != n || s.Missing != 1 || v.ID() != j.ID() {
		t.Errorf("%d records seen, stats %+v", seen, s)
	}
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Errorf("the folder has changed:\n%s", diff)
	}
}

func TestLookWhereThereIsNothing(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Join(dir, "absent")} {
		if _, err := Look(d); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", d, err)
		}
	}
	if files := contents(t, dir); len(files) != 0 {
		t.Errorf("files were made: %v", files)
	}
}
