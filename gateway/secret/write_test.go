package secret

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWriteLine adds a user, another, and the first one again. The file can be read as a secret.
func TestWriteLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	for _, step := range []struct{ name, line, want string }{
		{"ana", "ana:1", "ana:1\n"},
		{"bea", "bea:2", "ana:1\nbea:2\n"},
		{"ana", "ana:3", "ana:3\nbea:2\n"},
	} {
		if err := WriteLine(file, step.name, step.line); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(file); string(got) != step.want || err != nil {
			t.Errorf("after %s: %q, %v", step.line, got, err)
		}
	}
	if err := os.WriteFile(file, []byte("# people\nana:1\n#ana:0\nana:2\nbea:2"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteLine(file, "ana", "ana:9"); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(file); string(got) != "# people\nana:9\n#ana:0\nbea:2\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
