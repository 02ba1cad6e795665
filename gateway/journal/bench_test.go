package journal

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

// BenchmarkAppend appends 300-byte records as fast as they are taken, on the disk
// of the temporary folder.
func BenchmarkAppend(b *testing.B) {
	for _, mode := range []struct {
		name string
		sync Sync
	}{{"always", Always}, {"200ms", 0}, {"os", OS}} {
		b.Run(mode.name, func(b *testing.B) {
			j, err := Open(b.TempDir(), Options{Sync: mode.sync, MaxSize: 1 << 40})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			rec := Record{Kind: 1, Body: make([]byte, 300)}
			for range 20_000 {
				appendOrWait(b, j, rec)
			}
			b.ReportAllocs()
			for b.Loop() {
				appendOrWait(b, j, rec)
			}
			waitDurable(b, j)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkAppendEach waits for each record, as one source that sends nothing
// more before it was told.
func BenchmarkAppendEach(b *testing.B) {
	j, err := Open(b.TempDir(), Options{Sync: Always})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	done := make(chan error, 1)
	told := func(err error) { done <- err }
	rec := Record{Kind: 1, Body: make([]byte, 300)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := j.Append(rec, false, told); err != nil {
			b.Fatal(err)
		}
		<-done
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkRead(b *testing.B) {
	j, err := Open(b.TempDir(), Options{Sync: OS})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	for range 100_000 {
		appendOrWait(b, j, Record{Kind: 1, Body: make([]byte, 300)})
	}
	waitDurable(b, j)
	r := j.Reader(0)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := r.TryNext(); err != nil {
			b.Fatal(err)
		} else if !ok {
			r.Close()
			r = j.Reader(0)
		}
	}
}

func appendOrWait(b *testing.B, j *Journal, rec Record) {
	for {
		_, err := j.Append(rec, false, nil)
		if err == nil {
			return
		}
		if !errors.Is(err, ErrFull) {
			b.Fatal(err)
		}
		waitDurable(b, j) // the disk is behind
	}
}

func waitDurable(b *testing.B, j *Journal) {
	if err := j.waitDurable(j.Last()); err != nil {
		b.Fatal(err)
	}
}

// What an open journal keeps in memory while nothing happens.
func TestAnIdleJournalIsSmall(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{SegmentSize: 64 << 10, MaxSize: 64 << 20, Sync: OS, Keep: time.Hour})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 30 {
			put(t, j, 1000)
		}
	})
	wg.Wait()
	j.Close()
	measure := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := measure()
	j2 := open(t, dir, Options{SegmentSize: 64 << 10, MaxSize: 64 << 20, Sync: OS, Keep: time.Hour})
	segments, took := j2.Stats().Segments, j2.Report().Took
	after := measure()
	t.Logf("%d segments, opened in %v, %d KiB", segments, took, (int64(after)-int64(before))/1024)
	if after > before+256<<10 {
		t.Errorf("an open journal with %d segments takes %d KiB", segments, (after-before)/1024)
	}
	runtime.KeepAlive(j2)
}
