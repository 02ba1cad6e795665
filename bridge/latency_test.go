package bridge

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hogar/gateway/journal"
)

// The two benchmarks send a hundred readings a second and measure how long each
// takes: BenchmarkBareLatency from publish to confirm, BenchmarkLatency from the
// moment of measuring, through the journal with the default sync, to the cursor.

const latencyPace = 10 * time.Millisecond

func reportLatency(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(at float64) float64 { return float64(took[int(at*float64(len(took)-1))]) / 1e6 }
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
}

// paced calls step with 0 to n-1, one each pace.
func paced(n int, step func(i int)) {
	tick := time.NewTicker(latencyPace)
	defer tick.Stop()
	for i := range n {
		step(i)
		<-tick.C
	}
}

func BenchmarkBareLatency(b *testing.B) {
	ch := bareChannel(b, "stream", true)
	took := make([]time.Duration, b.N)
	waited := make(chan bool, b.N)
	b.ResetTimer()
	paced(b.N, func(i int) {
		began := time.Now()
		e := benchEvent(i)
		e.At = began
		body, _ := e.AppendJSON(nil) // a reading always has a form
		dc, err := ch.PublishWithDeferredConfirm("hogar", "casa.reading."+e.FullName(), true, false, bareMessage(i, body, int64(e.DSeq)))
		if err != nil {
			b.Fatal(err)
		}
		go func() {
			ok := dc.Wait()
			took[i] = time.Since(began)
			waited <- ok
		}()
	})
	for range b.N {
		if !<-waited {
			b.Fatal("not confirmed")
		}
	}
	b.StopTimer()
	reportLatency(b, took)
}

func BenchmarkLatency(b *testing.B) {
	url := benchHost(b, "stream")
	j, err := journal.Open(b.TempDir(), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	h := runOn(b, Options{URLs: []string{url}, Gateway: "casa", Declare: true, Coalesce: true, Window: benchWindow}, &door{}, j)
	defer h.stop()
	h.until("connected", func() bool { return h.Status().Connected && h.Status().Commands })
	time.Sleep(2 * time.Duration(journal.DefaultSync)) // the first interval after Open is synced at once
	took, measured := make([]time.Duration, b.N), make([]time.Time, b.N)
	b.ResetTimer()
	sent := make(chan error, 1)
	go func() {
		paced(b.N, func(i int) {
			measured[i] = time.Now()
			e := benchEvent(i)
			if err := appendEvent(j, e); err != nil {
				sent <- fmt.Errorf("append %d: %w", i, err)
			}
		})
		close(sent)
	}()
	for confirmed := 0; confirmed < b.N; {
		time.Sleep(200 * time.Microsecond) // how finely it is measured
		for now := time.Now(); confirmed < int(j.Cursor()); confirmed++ {
			took[confirmed] = now.Sub(measured[confirmed])
		}
	}
	b.StopTimer()
	if err := <-sent; err != nil {
		b.Fatal(err)
	}
	reportLatency(b, took)
}
