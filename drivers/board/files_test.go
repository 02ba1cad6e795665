package board

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFiles(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{"sys/devices/a/temp1_input": "21000\n", "sys/devices/a/pwm1": "255\n", "secret": "x"} {
		name = filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "sys/class"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../devices/a", filepath.Join(root, "sys/class/hwmon0")); err != nil {
		t.Fatal(err)
	}
	b, err := New(Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	f := b.Files()
	names, err := f.Glob("sys/class/hwmon*/*")
	if diff := cmp.Diff([]string{"sys/class/hwmon0/pwm1", "sys/class/hwmon0/temp1_input"}, names); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if text, err := f.ReadFile("sys/class/hwmon0/temp1_input"); string(text) != "21000\n" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if err := f.WriteFile("sys/class/hwmon0/pwm1", []byte("0")); err != nil {
		t.Error(err)
	}
	if text, err := f.ReadFile("sys/devices/a/pwm1"); string(text) != "0" || err != nil {
		t.Errorf("after writing %q, %v", text, err)
	}
	if err := f.WriteFile("sys/class/hwmon0/pwm2", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("writing to a file that is not there: %v", err)
	}
	if _, err := f.ReadFile("sys/nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a file that is not there: %v", err)
	}
	for _, name := range []string{"../secret", "/secret", "sys/../secret"} {
		if _, err := f.ReadFile(name); err == nil {
			t.Errorf("%s is read", name)
		}
		if err := f.WriteFile(name, nil); err == nil {
			t.Errorf("%s is written", name)
		}
	}
}
