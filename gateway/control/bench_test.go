package control_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"hogar/gateway/control"
	"hogar/gateway/home"
)

// heap returns the bytes of the heap that are alive.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// inUse returns the bytes of the heap, dead ones included.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// BenchmarkCommand measures, with a real journal, from Submit to the driver's Set
// and to the outcome.
func BenchmarkCommand(b *testing.B) {
	for _, value := range []string{"on", "toggle"} {
		b.Run(value, func(b *testing.B) {
			l := &lamp{}
			h := open(b, b.TempDir(), 200*time.Millisecond, map[string]control.Actuator{"hall.lamp": l})
			h.send("", "off")
			var toSet, toOutcome []time.Duration
			for b.Loop() {
				began := time.Now()
				if o := h.send("", value); !o.Result.OK() {
					b.Fatal(o)
				}
				toOutcome = append(toOutcome, time.Since(began))
				l.mu.Lock()
				toSet = append(toSet, l.at.Sub(began))
				l.mu.Unlock()
			}
			report(b, "set", toSet)
			report(b, "outcome", toOutcome)
		})
	}
}

func report(b *testing.B, what string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-to-"+what+"-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-to-"+what+"-p99")
}

// BenchmarkFifty sends absolute sets to 50 devices, 16 under way at each, as fast
// as they end.
func BenchmarkFifty(b *testing.B) {
	const devices, window = 50, 10
	lamps := make(map[string]control.Actuator)
	for i := range devices {
		lamps[fmt.Sprintf("lamp.n%d", i)] = &lamp{}
	}
	h := open(b, b.TempDir(), 200*time.Millisecond, lamps)
	room := make(chan struct{}, devices*window)
	var told sync.WaitGroup
	n := 0
	for b.Loop() {
		room <- struct{}{}
		told.Add(1)
		h.Submit(home.Command{Device: fmt.Sprintf("lamp.n%d", n%devices), Set: home.Settings{{Property: "state", Value: home.BooleanOf(true)}}},
			func(home.Outcome) { <-room; told.Done() })
		n++
	}
	told.Wait()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "commands/s")
}

// BenchmarkFlood sends 50,000 commands without waiting for any.
func BenchmarkFlood(b *testing.B) {
	for b.Loop() {
		flood(b, 50_000)
	}
}

// BenchmarkSave is what a checkpoint costs with all the ids that are remembered at
// most: the hub, which waits for Freeze, and then another goroutine.
func BenchmarkSave(b *testing.B) {
	h := open(b, b.TempDir(), 200*time.Millisecond, map[string]control.Actuator{"hall.lamp": &lamp{}})
	for i := range 100_000 {
		h.Apply(&home.Event{Kind: home.KindOutcome, At: time.Now(), Outcome: &home.Outcome{ID: fmt.Sprint("a-plain-id-of-some-length-", i),
			Device: "hall.lamp", Result: home.Applied, Reading: home.Settings{{Property: "state", Value: home.BooleanOf(true)}},
			Source: "amqp:app", TookMS: int64(i % 50)}}, false)
	}
	var write func() (json.RawMessage, error)
	b.Run("freeze", func(b *testing.B) {
		for b.Loop() {
			write = h.Freeze()
		}
	})
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			data, err := write()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
		}
		b.ReportMetric(float64(heap()>>20), "MB-heap")
	})
}
