package journal

import (
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNewerIsRefused: what a newer program wrote is refused with a clear word, by
// Open and Look, and not one byte of it is changed.
func TestNewerIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(header []byte){
		"version": func(b []byte) { le.PutUint16(b[8:], formatVersion+1) },
		"magic":   func(b []byte) { b[7] = '2' },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := j.Append(Record{Body: []byte("one")}, true, nil); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			segments, _ := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
			data, err := os.ReadFile(segments[0])
			if err != nil {
				t.Fatal(err)
			}
			change(data)
			le.PutUint32(data[60:], crc32.Checksum(data[:60], castagnoli))
			if err := os.WriteFile(segments[0], data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "spare.tmp"), []byte("the newer one's"), 0o600); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			_, openErr := Open(dir, Options{})
			_, lookErr := Look(dir)
			for _, err := range []error{openErr, lookErr} {
				if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "is of version 2, and this hogar knows 1") {
					t.Errorf("the newer journal is met with: %v", err)
				}
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("the folder is changed: %s", diff)
			}
			change(data) // with a checksum that does not fit it is damage, which is no reason to stop
			data[60]++
			if err := os.WriteFile(segments[0], data, 0o600); err != nil {
				t.Fatal(err)
			}
			j, err = Open(dir, Options{})
			if err != nil {
				t.Fatalf("a damaged header: %v", err)
			}
			j.Close()
		})
	}
}
