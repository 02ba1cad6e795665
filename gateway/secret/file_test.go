package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRead reads a secret in each mode: its group may read it, others may not.
func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, good := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o440: true, 0o644: false, 0o604: false, 0o666: false, 0o602: false} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		data, err := Read(file)
		if got := string(data) == "a\nb\n" && err == nil; got != good {
			t.Errorf("%04o: %q, %v", mode, data, err)
		}
		if why := Check(file); (why == nil) != good || why != nil && (!why.Open || !strings.Contains(why.Error(), "chmod 600 "+file)) {
			t.Errorf("check of %04o: %v", mode, why)
		}
	}
	_, err := Read(file + ".none")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "sudo install -m 640") {
		t.Error(err)
	}
}

// TestMayRead asks for users who are not the one that runs the test.
func TestMayRead(t *testing.T) {
	folder, err := os.MkdirTemp("/tmp", "hogar-may")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	file := filepath.Join(folder, "secret")
	if err := errors.Join(os.Chmod(folder, 0o755), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	at := info.Sys().(*syscall.Stat_t)
	owner, member, stranger := Account{uid: at.Uid}, Account{uid: at.Uid + 7, groups: []uint32{at.Gid}}, Account{uid: at.Uid + 7}
	for _, c := range []struct {
		folder, file            fs.FileMode
		owner, member, stranger bool
	}{
		{0o755, 0o600, true, false, false},
		{0o755, 0o640, true, true, false},
		{0o755, 0o644, true, true, true},
		{0o750, 0o644, true, true, false},
		{0o700, 0o644, true, false, false},
		{0o755, 0o040, false, true, false},
	} {
		if err := errors.Join(os.Chmod(folder, c.folder), os.Chmod(file, c.file)); err != nil {
			t.Fatal(err)
		}
		if o, m, s := owner.may(file), member.may(file), stranger.may(file); o != c.owner || m != c.member || s != c.stranger {
			t.Errorf("%04o in %04o: owner %v, member of the group %v, stranger %v", c.file, c.folder, o, m, s)
		}
	}
}

// TestDeniedSaysWhatToDo: for the service an owner, for a person a group.
func TestDeniedSaysWhatToDo(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "/etc/hogar/x", Err: syscall.EACCES}
	for name, want := range map[string]string{
		"hogar": "by the user hogar: permission denied: sudo chown root:hogar /etc/hogar/x && sudo chmod 640 /etc/hogar/x",
		"ana":   "by the user ana: permission denied: type sudo before the command, or join the group: sudo usermod -aG hogar ana, then log in again",
	} {
		err := trouble("/etc/hogar/x", denied, Account{Name: name})
		if !strings.HasSuffix(err.Error(), want) || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
