package journal

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hanging is a file system of which some operations hang until it is let go.
type hanging struct {
	FS
	mu    sync.Mutex
	hangs func(op, name string) bool // nil: nothing
	free  chan struct{}
}

func (h *hanging) hang(which func(op, name string) bool) (let func()) {
	free := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hangs, h.free = which, free
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.hangs = nil
		close(free)
	}
}

func (h *hanging) op(op, name string) {
	h.mu.Lock()
	hangs, free := h.hangs, h.free
	h.mu.Unlock()
	if hangs != nil && hangs(op, filepath.Base(name)) {
		<-free
	}
}

func (h *hanging) Create(name string) (File, error) {
	h.op("create", name)
	f, err := h.FS.Create(name)
	return hangingFile{f, h, name}, err
}

func (h *hanging) Open(name string) (File, error) {
	f, err := h.FS.Open(name)
	return hangingFile{f, h, name}, err
}

func (h *hanging) Edit(name string) (File, error) {
	f, err := h.FS.Edit(name)
	return hangingFile{f, h, name}, err
}

type hangingFile struct {
	File
	h    *hanging
	name string
}

func (f hangingFile) Datasync() error {
	f.h.op("sync", f.name)
	return f.File.Datasync()
}

func (f hangingFile) ReadAt(b []byte, off int64) (int, error) {
	f.h.op("read", f.name)
	return f.File.ReadAt(b, off)
}

// A disk that does not answer is reported, and nobody waits for it: who gave records is
// answered, what is new is refused at once, and the figures can be had. What was appended before
// is written when the disk comes back.
func TestADiskThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		fs := &hanging{FS: newSim()}
		j := open(t, "/j", Options{FS: fs, Sync: Always, SegmentSize: 16 << 10, Keep: time.Hour, Log: slog.New(slog.NewTextHandler(&log, nil))})
		put(t, j, 5)
		let := fs.hang(func(op, _ string) bool { return op == "sync" || op == "read" })
		began := time.Now()
		answered := make(chan error, 20)
		for range 20 { // some are in the write that hangs, the others wait behind it
			n := j.Last() + 1
			if _, err := j.Append(Record{Kind: 1, Flags: 2, Time: int64(n) * 10, Body: body(n)}, false, func(err error) { answered <- err }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		go j.Stats() // the disk does not answer this either
		synctest.Wait()
		want(t, "state before it is sure", OK, j.Stats().State)
		for range 20 {
			if err := <-answered; !errors.Is(err, ErrHung) || !errors.Is(err, ErrFailed) {
				t.Fatalf("answered with %v", err)
			}
		}
		if took := time.Since(began); took < hungAfter || took > hungAfter+2*mindEvery {
			t.Errorf("answered after %v", took)
		}
		for _, urgent := range []bool{false, true} {
			if n, err := j.Append(Record{}, urgent, nil); n != 0 || !errors.Is(err, ErrHung) {
				t.Errorf("Append while it hangs: %d, %v", n, err)
			}
		}
		s := j.Stats()
		if state, err := j.Health(); state != Failed || !errors.Is(err, ErrHung) || s.State != Failed || !errors.Is(s.Err, ErrHung) {
			t.Errorf("health %s, %v; stats %s, %v", state, err, s.State, s.Err)
		}
		time.Sleep(time.Minute)
		let()
		time.Sleep(2 * mindEvery)
		want(t, "state afterwards", OK, j.Stats().State)
		put(t, j, 3)
		want(t, "records", upTo(1, 28), numbers(t, j, 0))
		for _, line := range []string{"nothing is recorded until it does", "the disk answers again"} {
			want(t, line, 1, strings.Count(log.String(), line))
		}
	})
}

// A checkpoint that hangs is reported, and records are taken and durable meanwhile.
func TestACheckpointThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		fs := &hanging{FS: newSim()}
		j := open(t, "/j", Options{FS: fs, Sync: Always, SegmentSize: 16 << 10, Log: slog.New(slog.NewTextHandler(&log, nil))})
		put(t, j, 5)
		let := fs.hang(func(_, name string) bool { return strings.HasPrefix(name, checkpointPrefix) })
		saved := make(chan error, 1)
		go func() { saved <- j.SaveCheckpoint(5, []byte("state")) }()
		time.Sleep(time.Minute)
		put(t, j, 5)
		if state, err := j.Health(); state != Failed || !errors.Is(err, ErrHung) || !strings.Contains(err.Error(), checkpointPrefix) {
			t.Errorf("health %s, %v", state, err)
		}
		let()
		if err := <-saved; err != nil {
			t.Error(err)
		}
		time.Sleep(2 * mindEvery)
		want(t, "state", OK, j.Stats().State)
		if got := strings.Count(log.String(), "\n"); got != 2 {
			t.Errorf("log:\n%s", &log)
		}
	})
}

// Close does not wait for a disk that does not answer.
func TestCloseOfADiskThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := &hanging{FS: newSim()}
		j := open(t, "/j", Options{FS: fs, Sync: Always, SegmentSize: 16 << 10})
		put(t, j, 5)
		let := fs.hang(func(op, _ string) bool { return op == "sync" })
		if _, err := j.Append(Record{Kind: 1, Body: body(6)}, false, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		if err := j.Close(); !errors.Is(err, ErrHung) {
			t.Errorf("Close: %v", err)
		}
		if took := time.Since(began); took > closeAfter+time.Second {
			t.Errorf("Close took %v", took)
		}
		let()
		synctest.Wait() // what was left behind ends
	})
}
