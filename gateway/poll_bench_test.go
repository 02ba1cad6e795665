package gateway

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hogar/gateway/home"
)

// fifty is a house of fifty sensors on five buses, each asked every second.
func fifty() string {
	var b strings.Builder
	b.WriteString("gateway: casa\ndevices:\n")
	for bus := 1; bus <= 5; bus++ {
		for n, chip := range []string{"bme280, address: 0x76", "bme280, address: 0x77", "bh1750, address: 0x23", "bh1750, address: 0x5c",
			"sht3x, address: 0x44", "sht4x, address: 0x46", "tmp102, address: 0x48", "mcp9808, address: 0x18", "ina219, address: 0x40", "aht20"} {
			fmt.Fprintf(&b, "  room%d.sensor%d: {driver: %s, bus: I2C%d, every: 1s}\n", bus, n, chip, bus)
		}
	}
	return b.String()
}

// BenchmarkPoll lets a house of fifty sensors live for a second each time round: what
// counts is the processor's time, cpu-%, of one core.
func BenchmarkPoll(b *testing.B) {
	h := runHouse(b, planOf(b, fifty()), nil, nil)
	await(b, "all have told", func() bool {
		online := 0
		for _, d := range h.House.Devices("#") {
			if d.Status == home.Online {
				online++
			}
		}
		return online == 50
	})
	begin, used := time.Now(), processorTime(b)
	for b.Loop() {
		time.Sleep(time.Second)
	}
	b.ReportMetric(100*float64(processorTime(b)-used)/float64(time.Since(begin)), "cpu-%")
}

// processorTime is what this process has used of the processors.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEdgeToJournal drives edges one after another and waits for each to stand in the
// journal. ceiling-µs is half of the hand-overs of a value between two goroutines, which
// is the least that any way from a pin to a reader takes.
func BenchmarkEdgeToJournal(b *testing.B) {
	h := runEdges(b)
	next := h.House.Follow()
	var took, ceiling []time.Duration
	there, back := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(back)
		for range there {
			back <- struct{}{}
		}
	}()
	high := false
	for b.Loop() {
		high = !high
		began := time.Now()
		if err := h.board.Drive("GPIO27", high); err != nil {
			b.Fatal(err)
		}
		for {
			ev, _, err := next(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if ev.Device == "hall.button" && ev.Kind == home.KindReading && ev.Value == home.BooleanOf(high) {
				break
			}
		}
		took = append(took, time.Since(began))
		began = time.Now()
		there <- struct{}{}
		<-back
		ceiling = append(ceiling, time.Since(began)/2)
	}
	close(there)
	slices.Sort(took)
	slices.Sort(ceiling)
	for name, t := range map[string]time.Duration{"p50-µs": percentile(took, 0.5), "p99-µs": percentile(took, 0.99),
		"ceiling-µs": percentile(ceiling, 0.5), "ceiling-p99-µs": percentile(ceiling, 0.99)} {
		b.ReportMetric(float64(t.Nanoseconds())/1e3, name)
	}
}
