package secret

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing else takes addresses apart: errors of net/url repeat what they could not read.
func TestOneRoomTakesAddressesApart(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "gateway/secret/") ||
			strings.Contains(name, "cmd/torture/") || strings.Contains(name, "cmd/dist/") {
			return err
		}
		seen++
		text, err := os.ReadFile(name)
		for _, call := range []string{"url.Parse(", "url.ParseRequestURI("} {
			if strings.Contains(string(text), call) {
				t.Errorf("%s calls %s, expected secret.Parse", name, call)
			}
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files, %v", seen, err)
	}
}
