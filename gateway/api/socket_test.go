package api

import (
	"context"
	"errors"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hogar/gateway/home"
)

// folder is a short one: the path of a socket is at most 108 bytes.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "api")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// serve listens at path until stop is called.
func serve(t *testing.T, f *fake, path string) (stop func()) {
	t.Helper()
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- (&Server{House: f, Door: f}).Serve(ctx, l) }()
	stop = func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Serve does not end")
		}
		ended <- nil // for the cleanup
	}
	t.Cleanup(stop)
	return stop
}

// Only the user can reach the socket, and whoever does is known by name.
func TestSocket(t *testing.T) {
	f := &fake{events: make(chan followed, 1)}
	path := filepath.Join(folder(t), "hogar", "casa.sock")
	stop := serve(t, f, path)
	for file, want := range map[string]os.FileMode{path: 0o600 | os.ModeSocket, filepath.Dir(path): 0o700 | os.ModeDir} {
		if info, err := os.Stat(file); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", file, info.Mode(), err, want)
		}
	}
	c := NewClient(path)
	if s, err := c.Status(t.Context()); err != nil || s.Gateway != "casa" {
		t.Errorf("status: %+v, %v", s, err)
	}
	if found, err := c.Devices(t.Context(), "#.lamp"); err != nil || len(found) != 1 || f.pattern != "#.lamp" {
		t.Errorf("devices: %v, %v", found, err)
	}
	o, err := c.Command(t.Context(), home.Command{Device: "hall.lamp", Set: home.Settings{{Property: "state", Value: home.BooleanOf(true)}}})
	me, _ := user.Current()
	if err != nil || o.Result != home.Applied || f.commands[0].Source != "cli:"+me.Username {
		t.Errorf("command: %+v, %v, from %+v", o, err, f.commands)
	}
	if err := c.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "(restart it)") {
		t.Errorf("reload: %v", err)
	}

	// A stream that is open does not keep the gateway from stopping, and its reader is told.
	watched, seen := make(chan error, 1), make(chan Event, 1)
	started := make(chan struct{})
	go func() {
		watched <- c.Watch(t.Context(), "#", func() { close(started) }, func(ev Event) { seen <- ev })
	}()
	<-started
	f.events <- followed{reading("hall", 7, 12), 3}
	if ev := <-seen; ev.Kind != home.KindReading || ev.Seq != 12 || ev.Lost != 3 || !strings.Contains(string(ev.Data), `"value":7`) {
		t.Errorf("%+v", ev)
	}
	stop()
	if err := <-watched; err == nil || !strings.Contains(err.Error(), "the gateway went away") {
		t.Errorf("watch: %v", err)
	}
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "no gateway runs at "+path) {
		t.Errorf("after the stop: %v", err)
	}
}

// A reader who has seen enough ends the stream without an error.
func TestWatchEnds(t *testing.T) {
	f := &fake{events: make(chan followed, 1)}
	path := filepath.Join(folder(t), "s")
	serve(t, f, path)
	ctx, cancel := context.WithCancel(t.Context())
	if err := NewClient(path).Watch(ctx, "#", cancel, func(Event) {}); err != nil {
		t.Errorf("watch: %v", err)
	}
}

func TestListen(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "s")
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another gateway listens there") {
		t.Errorf("the socket of a running gateway: %v", err)
	}
	// A gateway that was killed leaves its socket behind.
	first.(*net.UnixListener).SetUnlinkOnClose(false)
	first.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	again, err := Listen(path)
	if err != nil {
		t.Fatalf("over a stale socket: %v", err)
	}
	again.Close()

	// What is no socket is not removed.
	file := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(file, []byte("dear diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file); err == nil || !strings.Contains(err.Error(), "that is no socket") {
		t.Errorf("over a file: %v", err)
	}
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		t.Error("the file is gone")
	}
	if _, err := Listen(filepath.Join(file, "s")); err == nil {
		t.Error("below a file")
	}
}

func TestFindSocket(t *testing.T) {
	dir := folder(t)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	if got := SocketPath("casa"); got != filepath.Join(dir, "hogar", "casa.sock") {
		t.Errorf("%s", got)
	}
	if got, err := FindSocket("casa"); err != nil || got != SocketPath("casa") {
		t.Errorf("by name: %s, %v", got, err)
	}
	if _, err := os.Stat(SystemSocket); err == nil {
		t.Skip("a gateway of this machine runs as a service")
	}
	if _, err := FindSocket(""); err == nil || !strings.Contains(err.Error(), "start one: hogar run --simulate") {
		t.Errorf("with none: %v", err)
	}
	serve(t, &fake{}, SocketPath("casa"))
	if got, err := FindSocket(""); err != nil || got != SocketPath("casa") {
		t.Errorf("the only one: %s, %v", got, err)
	}
	serve(t, &fake{}, SocketPath("tower"))
	if _, err := FindSocket(""); err == nil || !strings.Contains(err.Error(), "several gateways run: casa, tower (say which: --gateway casa)") {
		t.Errorf("of two: %v", err)
	}
}

// TestSocketHasABound holds more connections that send nothing than there is place for: only so
// many cost a file, and who asks something is answered when the silent ones are cut off.
func TestSocketHasABound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(folder(t), "s")
	stop := serve(t, &fake{}, path)
	const silent = 3 * maxConns / 2
	for range silent {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := NewClient(path).Status(ctx); err != nil {
		t.Errorf("who asks something: %v", err)
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil && len(files) > silent+maxConns+64 { // the callers' own are among them
		t.Errorf("%d files are open", len(files))
	}
	stop()
}
