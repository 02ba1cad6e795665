package journal

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Machine times: how long the disk may take for one operation before it counts as hung, and how
// long before Close gives up; a slow card takes a second or two for a sync while it tidies
// up. And how often that is looked at.
const (
	hungAfter   = 10 * time.Second
	closeAfter  = 5 * time.Second
	mindEvery   = 2 * time.Second
	closingLook = 50 * time.Millisecond
)

// ErrHung is why nothing is recorded while the disk does not answer.
var ErrHung = errors.New("the disk does not answer")

// watched is a file system that knows which of its operations have not returned.
type watched struct {
	FS
	under *underWay
}

// underWay are the operations that have not returned. Safe for concurrent use.
type underWay struct {
	mu    sync.Mutex
	n     uint64
	began map[uint64]operation
}

type operation struct {
	what, file string
	at         time.Time
}

func newUnderWay() *underWay { return &underWay{began: make(map[uint64]operation)} }

func watch(fs FS) watched { return watched{fs, newUnderWay()} }

// begin notes an operation, and returns what to call at its end.
func (u *underWay) begin(what, file string) (end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n++
	n := u.n
	u.began[n] = operation{what, file, time.Now()}
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.began, n)
	}
}

// hung returns what has not returned for so long; nil: nothing.
func (u *underWay) hung(most time.Duration) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var oldest operation
	for _, op := range u.began {
		if oldest.at.IsZero() || op.at.Before(oldest.at) {
			oldest = op
		}
	}
	if oldest.at.IsZero() || time.Since(oldest.at) < most {
		return nil
	}
	return fmt.Errorf("%w: %w: %s %s has not returned for %v", ErrFailed, ErrHung, oldest.what, oldest.file, most)
}

// mind looks whether the disk answers, until the journal is closed. While it does not let the
// committer go on, nothing new is taken, and who waits is answered, so that the house goes
// on; the committer still has what was appended before.
func (j *Journal) mind() {
	defer close(j.minded)
	look := time.NewTicker(mindEvery)
	defer look.Stop()
	for {
		select {
		case <-j.stop:
			return
		case <-look.C:
		}
		err, stuck := j.under.hung(hungAfter), j.steps.hung(hungAfter) != nil
		j.mu.Lock()
		before := j.hung
		j.hung, j.stuck = err, stuck && err != nil
		stuck = j.stuck
		j.mu.Unlock()
		switch {
		case err != nil && before == nil && stuck:
			j.log.Error("the disk does not answer: nothing is recorded until it does", "error", err)
		case err != nil && before == nil:
			j.log.Error("a part of the disk does not answer; records are taken", "error", err)
		case err == nil && before != nil:
			j.log.Info("the disk answers again")
		}
		if stuck {
			j.release(err)
		}
	}
}

// release answers those who wait for a disk that does not.
func (j *Journal) release(err error) {
	j.mu.Lock()
	waiting := slices.Concat(j.waiting, j.pend.waiters)
	j.waiting, j.pend.waiters = nil, nil
	j.mu.Unlock()
	for _, w := range waiting {
		w.done(err)
	}
}

// outlast waits for the end of Close, unless the disk does not answer.
func (j *Journal) outlast(finished <-chan error) error {
	look := time.NewTicker(closingLook)
	defer look.Stop()
	for {
		select {
		case err := <-finished:
			return err
		case <-look.C:
			if err := j.under.hung(closeAfter); err != nil {
				return fmt.Errorf("close journal: %w", err)
			}
		}
	}
}

// Health returns the state of the journal, and why it is not [OK]. Unlike [Journal.Stats] it
// never waits for the disk.
func (j *Journal) Health() (State, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.health()
}

// health is Health for those who hold mu.
func (j *Journal) health() (State, error) {
	switch {
	case j.hung != nil:
		return Failed, j.hung
	case j.state == OK && j.crowded:
		return Full, nil // the disk is well
	}
	return j.state, j.lastErr
}

func (w watched) Create(name string) (File, error) { return w.file(w.FS.Create, "create", name) }
func (w watched) Edit(name string) (File, error)   { return w.file(w.FS.Edit, "open", name) }
func (w watched) Open(name string) (File, error)   { return w.file(w.FS.Open, "open", name) }

func (w watched) file(open func(string) (File, error), what, name string) (File, error) {
	defer w.under.begin(what, name)()
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	return watchedFile{f, name, w.under}, nil
}

func (w watched) MkdirAll(dir string) error {
	defer w.under.begin("make", dir)()
	return w.FS.MkdirAll(dir)
}

func (w watched) ReadDir(dir string) ([]string, error) {
	defer w.under.begin("read", dir)()
	return w.FS.ReadDir(dir)
}

func (w watched) Rename(from, to string) error {
	defer w.under.begin("rename", from)()
	return w.FS.Rename(from, to)
}

func (w watched) Remove(name string) error {
	defer w.under.begin("remove", name)()
	return w.FS.Remove(name)
}

func (w watched) SyncDir(dir string) error {
	defer w.under.begin("sync", dir)()
	return w.FS.SyncDir(dir)
}

type watchedFile struct {
	File
	name  string
	under *underWay
}

func (f watchedFile) ReadAt(b []byte, off int64) (int, error) {
	defer f.under.begin("read", f.name)()
	return f.File.ReadAt(b, off)
}

func (f watchedFile) WriteAt(b []byte, off int64) (int, error) {
	defer f.under.begin("write", f.name)()
	return f.File.WriteAt(b, off)
}

func (f watchedFile) Truncate(size int64) error {
	defer f.under.begin("cut", f.name)()
	return f.File.Truncate(size)
}

func (f watchedFile) Allocate(size int64) error {
	defer f.under.begin("allocate", f.name)()
	return f.File.Allocate(size)
}

func (f watchedFile) Datasync() error {
	defer f.under.begin("sync", f.name)()
	return f.File.Datasync()
}

func (f watchedFile) Size() (int64, error) {
	defer f.under.begin("measure", f.name)()
	return f.File.Size()
}
