package hub

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// hangs is a disk on which syncs of files with a prefix do not return until free is closed.
type hangs struct {
	journal.FS
	prefix atomic.Pointer[string] // nil: none
	free   chan struct{}
	hung   atomic.Int32 // how many have begun
}

func (h *hangs) Create(name string) (journal.File, error) {
	f, err := h.FS.Create(name)
	return hangingFile{f, h, filepath.Base(name)}, err
}

type hangingFile struct {
	journal.File
	h    *hangs
	name string
}

func (f hangingFile) Datasync() error {
	if p := f.h.prefix.Load(); p != nil && strings.HasPrefix(f.name, *p) {
		f.h.hung.Add(1)
		<-f.h.free
	}
	return f.File.Datasync()
}

// hangingHouse is a hub that runs on such a disk.
type hangingHouse struct {
	*Hub
	disk  *hangs
	j     *journal.Journal
	alive atomic.Int32
	stop  context.CancelFunc
	ended chan error
}

func newHangingHouse(t *testing.T) *hangingHouse {
	t.Helper()
	disk := &hangs{FS: journal.Disk(), free: make(chan struct{})}
	j, err := journal.Open(t.TempDir(), journal.Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	h := &hangingHouse{disk: disk, j: j, ended: make(chan error, 1)}
	h.Hub = New(Options{Journal: j, Alive: func() { h.alive.Add(1) }})
	logged(h.Hub)
	h.Recover()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	h.stop = stop
	go func() { h.ended <- h.Run(ctx) }()
	return h
}

// end stops the house and checks that it ends in spite of the disk.
func (h *hangingHouse) end(t *testing.T, most time.Duration) {
	t.Helper()
	began := time.Now()
	h.stop()
	if err := <-h.ended; err == nil || time.Since(began) > most {
		t.Errorf("ended after %v with %v", time.Since(began), err)
	}
	close(h.disk.free)
	synctest.Wait()
	if err := h.j.Close(); err != nil {
		t.Error(err)
	}
}

// A card that hangs in a checkpoint delays neither events nor the watchdog, and no second
// checkpoint waits behind it. A stop gives up after a while.
func TestACheckpointThatHangsStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHangingHouse(t)
		accept(t, h.Hub, reading("a", "t", 0))
		prefix := "checkpoint"
		h.disk.prefix.Store(&prefix)
		h.alive.Store(0)
		const hours = 2
		for i := range hours * 60 {
			began := time.Now()
			accept(t, h.Hub, reading("a", "t", float64(i)))
			if took := time.Since(began); took > time.Second {
				t.Fatalf("a reading took %v", took)
			}
			time.Sleep(time.Minute)
		}
		if n := h.disk.hung.Load(); n != 1 {
			t.Errorf("%d checkpoints hang", n)
		}
		if n := h.alive.Load(); n < int32(hours*time.Hour/heartbeat) {
			t.Errorf("alive %d times in %d hours", n, hours)
		}
		h.end(t, lastSave+time.Second)
	})
}

// A disk that does not answer at all: the house knows the readings at once, who waits is
// answered, and what is new is refused at once.
func TestADiskThatHangsStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHangingHouse(t)
		accept(t, h.Hub, reading("a", "t", 0))
		every := ""
		h.disk.prefix.Store(&every)
		slow := 0
		for i := range 100 {
			began, done := time.Now(), make(chan error, 1)
			h.Accept([]home.Event{reading("a", "t", float64(i))}, func(err error) { done <- err })
			synctest.Wait()
			if v := h.Last("a", "t").Number(); v != float64(i) {
				t.Fatalf("the house has %v, want %d", v, i)
			}
			if err := <-done; !errors.Is(err, journal.ErrHung) {
				t.Errorf("answered with %v", err)
			}
			if time.Since(began) > time.Second {
				slow++
			}
			time.Sleep(time.Second)
		}
		if slow > 1 {
			t.Errorf("%d readings waited for the disk, want the first", slow)
		}
		h.end(t, lastSave+time.Second)
	})
}
