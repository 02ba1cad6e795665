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

// steps measures the rules engine.
func (b *bench) steps(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^BenchmarkStep$", "100ms", func(name string) []figure {
		_, house, _ := strings.Cut(name, "/")
		name = "rule step, " + strings.NewReplacer("_", " ", "/", ", ").Replace(house)
		return []figure{{Name: name, Unit: "ns/op"}, {Name: name, Unit: "allocs/op"}}
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
