package hub

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// BenchmarkRecoverFull opens a journal of 512 MB, of which the broker has had
// nothing, and brings the state back. It is the worst case: the last checkpoint is
// nearly as far away as it may be.
func BenchmarkRecoverFull(b *testing.B) {
	dir := b.TempDir()
	records := fillJournal(b, dir)
	b.ResetTimer()
	for b.Loop() {
		began := time.Now()
		j, err := journal.Open(dir, journal.Options{})
		if err != nil {
			b.Fatal(err)
		}
		opened := time.Since(began)
		h := New(Options{Journal: j, Log: slog.New(slog.DiscardHandler)})
		h.Recover()
		b.ReportMetric(opened.Seconds()*1000, "ms-open")
		b.ReportMetric(time.Since(began).Seconds()*1000, "ms-start")
		if seq, _ := j.Checkpoint(); j.Last() != records || seq == 0 || h.state.devices["room9.climate"] == nil {
			b.Fatalf("%d records of %d, checkpoint %d", j.Last(), records, seq)
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// fillJournal lets a house live until its journal is full, and stops it without a
// last checkpoint, as a kill does. It returns how many records there are.
func fillJournal(b *testing.B, dir string) uint64 {
	b.Helper()
	j, err := journal.Open(dir, journal.Options{Sync: journal.Sync(time.Second)})
	if err != nil {
		b.Fatal(err)
	}
	h := New(Options{Journal: j, Log: slog.New(slog.DiscardHandler)})
	const nearly = 400e6 // of 512 MB, some are kept for what is urgent
	for i := 0; j.Stats().Bytes < nearly || h.sinceSaved < saveBytes*9/10; {
		for range 1000 {
			ev := reading(fmt.Sprintf("room%d.climate", i%10), "temperature", float64(i%1000)/10)
			ev.Class, ev.Time = home.ClassPoll, time.Now()
			h.Accept([]home.Event{ev}, nil)
			i++
		}
		h.drain()
		h.maybeSave()
		for j.Last()-j.Durable() > 8000 {
			time.Sleep(time.Millisecond) // it has 4 MB to write
		}
		if h.deaf.n > 0 {
			b.Fatal("the journal is full")
		}
	}
	if h.saving != nil {
		if err := <-h.saving; err != nil {
			b.Fatal(err)
		}
	}
	last := j.Last()
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	return last
}
