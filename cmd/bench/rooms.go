package main

import (
	"context"
	"fmt"
	"strings"
)

// ratios divides what was measured in the same round.
func ratios(over, under []float64) []float64 {
	all := make([]float64, len(over))
	for i := range all {
		all[i] = over[i] / under[i]
	}
	return all
}

// journal measures appends, in each way of syncing.
func (b *bench) journal(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^Benchmark(Append|AppendEach)$", "300ms", func(name string) []figure {
		_, mode, _ := strings.Cut(name, "/")
		what := "journal, appends, sync " + mode
		if mode == "" {
			what = "journal, appends, one by one, sync always"
		}
		return []figure{{Name: what, Unit: "records/s"}}
	})
}

// events measures the hub: an event from Accept to applied, with its record.
func (b *bench) events(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^BenchmarkAccept$", "200ms", func(string) []figure {
		return []figure{{Name: "event accepted, appended, applied", Unit: "ns/op"},
			{Name: "event accepted, appended, applied", Unit: "allocs/op"}}
	})
}

// templates measures a value template that is a path into a message.
func (b *bench) templates(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^BenchmarkPure$", "300ms", func(string) []figure {
		return []figure{{Name: "template, a path", Unit: "ns/op", Goal: atMost, Target: 300}, {Name: "template, a path", Unit: "allocs/op", Goal: atMost, Target: 1}}
	})
}

// steps measures the rules engine.
func (b *bench) steps(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^BenchmarkStep$", "100ms", func(name string) []figure {
		_, house, _ := strings.Cut(name, "/")
		name = "rule step, " + strings.NewReplacer("_", " ", "/", ", ").Replace(house)
		return []figure{{Name: name, Unit: "ns/op", Goal: atMost, Target: 10_000}, {Name: name, Unit: "allocs/op", Goal: atMost, Target: 10}}
	})
}

// memory measures what the engine keeps of a rule.
func (b *bench) memory(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^BenchmarkMemory$", "1x", func(string) []figure {
		return []figure{{Name: "memory of a rule", Unit: "B/rule", Goal: atMost, Target: 3000}}
	})
}

// days measures how fast a home lives in virtual time: 40 sensors, each read every
// five minutes, and 50 rules.
func (b *bench) days(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^BenchmarkDays$", "1x", func(string) []figure {
		return []figure{{Name: "1,000 simulated days of 50 rules", Unit: "s/1000-days", Goal: atMost, Target: 60}}
	})
}

// pin measures from an edge at a pin to the pin that a rule drives for it.
func (b *bench) pin(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^BenchmarkEdgeToPin$", "2000x", func(string) []figure {
		return []figure{{Name: "edge to pin, a rule between", Unit: "p50-µs"},
			{Name: "edge to pin, a rule between", Unit: "p99-µs", Goal: atMost, Target: 5000}}
	})
}

// rows runs benchmarks in rounds and reports the figures that name makes of each:
// their units say which values are theirs.
func (b *bench) rows(ctx context.Context, binary, pattern, benchtime string, name func(benchmark string) []figure) error {
	var order []string
	samples := make(map[string][]float64)
	for range b.rounds {
		found, _, err := b.benchmarks(ctx, binary, pattern, benchtime)
		if err != nil {
			return err
		}
		for _, r := range found {
			for _, f := range name(r.name) {
				key := r.name + " " + f.Unit
				v, ok := r.values[f.Unit]
				if !ok {
					return fmt.Errorf("benchmark %s has no %s", r.name, f.Unit)
				}
				samples[key] = append(samples[key], v)
			}
			if len(samples[r.name+" "+name(r.name)[0].Unit]) == 1 {
				order = append(order, r.name)
			}
		}
	}
	for _, benchmark := range order {
		for _, f := range name(benchmark) {
			f.Samples = samples[benchmark+" "+f.Unit]
			b.report.add(f)
		}
	}
	return nil
}
