package main

import "context"

// poll measures what fifty sensors cost that are asked each second.
func (b *bench) poll(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^BenchmarkPoll$", "2x", func(string) []figure {
		return []figure{{Name: "50 simulated sensors, each asked every second", Unit: "cpu-%"}}
	})
}

// edge measures the way from a pin to the journal, beside an empty hand-over between two
// goroutines.
func (b *bench) edge(ctx context.Context, test string) error {
	return b.rows(ctx, test, "^BenchmarkEdgeToJournal$", "1000x", func(string) []figure {
		return []figure{{Name: "edge to journal", Unit: "p50-µs"}, {Name: "edge to journal", Unit: "p99-µs"},
			{Name: "hand-over between goroutines", Unit: "ceiling-µs"}, {Name: "hand-over between goroutines", Unit: "ceiling-p99-µs"}}
	})
}
