package main

import (
	"context"
	"fmt"
	"strings"
)

// publish compares bare amqp091-go with the way through the journal, a round at a
// time: each of them once, then each of them again.
func (b *bench) publish(ctx context.Context, test string) error {
	type cell struct{ rate, cpu []float64 }
	cells := make(map[string]*cell)
	run := func(of, coalesce string) error {
		found, cpu, err := b.benchmarks(ctx, test, "^Benchmark"+of+"$/^coalesce="+coalesce+"$", fmt.Sprintf("%dx", b.messages))
		if err != nil {
			return err
		}
		c := cells[of+coalesce]
		if c == nil {
			c = &cell{}
			cells[of+coalesce] = c
		}
		c.rate = append(c.rate, found[0].values["msgs/s"])
		c.cpu = append(c.cpu, cpu.Seconds()/float64(b.messages)*10_000)
		return nil
	}
	for round := range b.rounds { // another begins in each
		for i := range 4 {
			of, coalesce := []string{"Bare", "Publish"}[(i+round)%2], []string{"false", "true"}[(i/2+round/2)%2]
			if err := run(of, coalesce); err != nil {
				return err
			}
		}
	}
	for _, c := range []struct{ coalesce, how string }{{"false", ""}, {"true", ", coalesced"}} {
		bare, hogar := cells["Bare"+c.coalesce], cells["Publish"+c.coalesce]
		b.report.add(figure{Name: "publish, bare amqp091-go" + c.how, Unit: "msgs/s", Samples: bare.rate})
		b.report.add(figure{Name: "publish, journal and bridge" + c.how, Unit: "msgs/s", Samples: hogar.rate})
		b.report.add(figure{Name: "publish, hogar / bare" + c.how, Goal: atLeast, Target: 0.6, Samples: ratios(hogar.rate, bare.rate)})
		b.report.add(figure{Name: "publish, processor time, bare" + c.how, Unit: "s/10k", Samples: bare.cpu})
		b.report.add(figure{Name: "publish, processor time, hogar" + c.how, Unit: "s/10k", Samples: hogar.cpu})
	}
	return nil
}

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
