package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What BenchmarkTrip and BenchmarkCommands of bridge expect of the house.
const (
	gatewayVar  = "HOGAR_BENCH_GATEWAY"
	gatewayName = "bench"
	pairs       = 4
	switches    = 15 // flood.n0 to flood.n14; the pins reach for no more
	dimmers     = 35 // flood.n15 to flood.n49, one on each chip

	tripsOfRound  = 300
	sustained     = 20_000 // commands at 2,000 a second
	floodCommands = 50_000
)

// commandHouse writes a configuration with that house.
func (b *bench) commandHouse() (string, error) {
	var y strings.Builder
	fmt.Fprintf(&y, "gateway: %s\ndevices:\n  hall.lamp: {driver: relay, pin: GPIO4}\n", gatewayName)
	pin := 5
	relay := func(device string) {
		fmt.Fprintf(&y, "  %s: {driver: relay, pin: GPIO%d}\n", device, pin)
		pin++
	}
	for i := range pairs {
		relay(fmt.Sprintf("probe.n%d", i))
		relay(fmt.Sprintf("mirror.n%d", i))
	}
	for i := range switches {
		relay(fmt.Sprintf("flood.n%d", i))
	}
	for i := range dimmers {
		fmt.Fprintf(&y, "  flood.n%d: {driver: pca9685, address: %#x, out0: level}\n", switches+i, 0x40+i)
	}
	y.WriteString("rules:\n")
	for i := range pairs {
		fmt.Fprintf(&y, "  mirror_%d: {when: {changed: probe.n%d.state}, do: [{set: {mirror.n%d.state: = probe.n%d.state}}], mode: queued}\n", i, i, i, i)
	}
	path := filepath.Join(b.dir, "commands.yaml")
	return path, os.WriteFile(path, []byte(y.String()), 0o600)
}

// commands measures the way of a command through a running hogar beside a bare
// consumer on the same broker, and what many at a time do to it.
func (b *bench) commands(ctx context.Context, test string) (err error) {
	config, err := b.commandHouse()
	if err != nil {
		return err
	}
	h, err := b.start(ctx, config, filepath.Join(b.dir, "commands"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.stop()) }()
	if err := h.connected(ctx); err != nil {
		return err
	}
	if err := b.trips(ctx, test); err != nil {
		return err
	}
	if err := b.many(ctx, test, "rate=2000", "commands, 2,000 a second", sustained); err != nil {
		return err
	}
	if err := b.many(ctx, test, "flood", "commands, flood of 50,000", floodCommands); err != nil {
		return err
	}
	m, err := memoryOf(h.cmd.Process.Pid)
	if err != nil {
		return err
	}
	b.report.add(figure{Name: "commands, resident memory, highest", Unit: "MB", Goal: atMost, Target: 60, Samples: []float64{m.highest}})
	return nil
}

func (b *bench) trips(ctx context.Context, test string) error {
	p50, p99 := make(map[string][]float64), make(map[string][]float64)
	for range b.rounds {
		found, _, err := b.benchmarks(ctx, test, "^BenchmarkTrip$", fmt.Sprintf("%dx", tripsOfRound))
		if err != nil {
			return err
		}
		for _, r := range found {
			_, way, _ := strings.Cut(r.name, "/")
			p50[way] = append(p50[way], r.values["µs-p50"])
			p99[way] = append(p99[way], r.values["µs-p99"])
		}
	}
	for _, way := range []struct{ key, name string }{{"bare", "bare consumer and reply"}, {"bare_sync", "bare, that syncs its outcome"}, {"bare_all", "bare, that also publishes what it did"},
		{"set", "hogar, on or off"}, {"toggle", "hogar, toggle"}} {
		b.report.add(figure{Name: "command to receipt, " + way.name + ", p50", Unit: "µs", Samples: p50[way.key]})
		b.report.add(figure{Name: "command to receipt, " + way.name + ", p99", Unit: "µs", Samples: p99[way.key]})
	}
	// The ceiling is the one that does the same: a receipt promises that the outcome is remembered, also after a power cut,
	// and what a command did is published. One sync alone takes longer than three tenths of what a consumer needs that
	// promises nothing, and the broker has the messages of one command in hand when the next arrives.
	b.report.add(figure{Name: "command to receipt, on or off / bare, p50", Samples: ratios(p50["set"], p50["bare"])})
	b.report.add(figure{Name: "command to receipt, on or off / bare that syncs, p50", Samples: ratios(p50["set"], p50["bare_sync"])})
	b.report.add(figure{Name: "command to receipt, on or off / bare that also publishes, p50", Goal: atMost, Target: 1.3, Samples: ratios(p50["set"], p50["bare_all"])})
	var syncs []float64 // more than an on or off costs, in syncs
	for i := range p50["toggle"] {
		syncs = append(syncs, (p50["toggle"][i]-p50["set"][i])/(p50["bare_sync"][i]-p50["bare"][i]))
	}
	b.report.add(figure{Name: "command to receipt, syncs more for a toggle", Goal: atMost, Target: 1, Samples: syncs})
	return nil
}

func (b *bench) many(ctx context.Context, test, which, name string, commands int) error {
	found, _, err := b.benchmarks(ctx, test, "^BenchmarkCommands$/^"+which+"$", fmt.Sprintf("%dx", commands))
	if err != nil {
		return err
	}
	v := found[0].values
	b.report.add(figure{Name: name, Unit: "commands/s", Samples: []float64{v["commands/s"]}})
	b.report.add(figure{Name: name + ", superseded by newer ones", Samples: []float64{v["superseded"]}})
	b.report.add(figure{Name: name + ", a rule reacts, p50", Unit: "ms", Samples: []float64{v["ms-reaction-p50"]}})
	b.report.add(figure{Name: name + ", a rule reacts, slowest", Unit: "ms", Goal: atMost, Target: 20, Samples: []float64{v["ms-reaction-max"]}})
	return nil
}
