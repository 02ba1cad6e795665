package main

import (
	"context"
	"fmt"

	"hogar/bridge/localbroker"
)

// histories are the kinds of queue that everything goes to, each in a virtual host
// of its own; that of the stream is the broker's first.
var histories = []string{"stream", "quorum", "classic"}

// hosts makes the virtual hosts.
func hosts(ctx context.Context, rabbit *localbroker.RabbitMQ) error {
	for _, name := range histories[1:] {
		if _, err := rabbit.Ctl(ctx, "add_vhost", name); err != nil {
			return err
		}
		if _, err := rabbit.Ctl(ctx, "set_permissions", "-p", name, "guest", ".*", ".*", ".*"); err != nil {
			return err
		}
	}
	return nil
}

// way is one of those that are compared.
type way struct {
	history, coalesce string
	how               string // for people
	ratio, cpu        float64
}

// ways are a plain stream, and each kind with coalesced writes, as hogar has it.
// The targets are those of coalesced writes.
var ways = []way{
	{history: "stream", coalesce: "false", ratio: 0.6},
	{history: "stream", coalesce: "true", how: ", coalesced", ratio: 0.85, cpu: 1.5},
	{history: "quorum", coalesce: "true", how: ", coalesced, quorum", ratio: 0.85, cpu: 1.5},
	{history: "classic", coalesce: "true", how: ", coalesced, classic", ratio: 0.85, cpu: 1.5},
}

// publish compares bare amqp091-go with the way through the journal, a round at a
// time: each of them once, then each of them again.
func (b *bench) publish(ctx context.Context, test string) error {
	type cell struct{ rate, cpu []float64 }
	cells := make(map[string]*cell)
	run := func(of string, w way) error {
		pattern := fmt.Sprintf("^Benchmark%s$/^history=%s$/^coalesce=%s$", of, w.history, w.coalesce)
		found, cpu, err := b.benchmarks(ctx, test, pattern, fmt.Sprintf("%dx", b.messages))
		if err != nil {
			return err
		}
		c := cells[of+w.how]
		if c == nil {
			c = &cell{}
			cells[of+w.how] = c
		}
		c.rate = append(c.rate, found[0].values["msgs/s"])
		c.cpu = append(c.cpu, cpu.Seconds()/float64(b.messages)*10_000)
		return nil
	}
	for round := range b.rounds { // another begins in each
		for i := range ways {
			w := ways[(i+round)%len(ways)]
			for j := range 2 {
				if err := run([]string{"Bare", "Publish"}[(j+round)%2], w); err != nil {
					return err
				}
			}
		}
	}
	for _, w := range ways {
		bare, hogar := cells["Bare"+w.how], cells["Publish"+w.how]
		b.report.add(figure{Name: "publish, bare amqp091-go" + w.how, Unit: "msgs/s", Samples: bare.rate})
		b.report.add(figure{Name: "publish, journal and bridge" + w.how, Unit: "msgs/s", Samples: hogar.rate})
		b.report.add(figure{Name: "publish, hogar / bare" + w.how, Goal: atLeast, Target: w.ratio, Samples: ratios(hogar.rate, bare.rate)})
		b.report.add(figure{Name: "publish, processor time, bare" + w.how, Unit: "s/10k", Samples: bare.cpu})
		b.report.add(figure{Name: "publish, processor time, hogar" + w.how, Unit: "s/10k", Samples: hogar.cpu})
		f := figure{Name: "publish, processor time, hogar / bare" + w.how, Samples: ratios(hogar.cpu, bare.cpu)}
		if w.cpu > 0 {
			f.Goal, f.Target = atMost, w.cpu
		}
		b.report.add(f)
	}
	return nil
}

// latency compares how long a reading takes to be confirmed, at a hundred a second:
// the journal syncs every 200 ms, and the broker needs what it needs of bare
// amqp091-go in the same round.
func (b *bench) latency(ctx context.Context, test string) error {
	const sync = 200.0 // ms
	var bare, hogar, times []float64
	for range min(b.rounds, 3) {
		var p99 [2]float64
		for i, of := range []string{"BareLatency", "Latency"} {
			found, _, err := b.benchmarks(ctx, test, "^Benchmark"+of+"$", "500x")
			if err != nil {
				return err
			}
			p99[i] = found[0].values["p99-ms"]
		}
		bare, hogar = append(bare, p99[0]), append(hogar, p99[1])
		times = append(times, (p99[1]-p99[0])/sync)
	}
	b.report.add(figure{Name: "100 a second, bare amqp091-go to confirm, p99", Unit: "ms", Samples: bare})
	b.report.add(figure{Name: "100 a second, measured to confirmed, p99", Unit: "ms", Samples: hogar})
	b.report.add(figure{Name: "100 a second, what hogar adds, in sync intervals", Goal: atMost, Target: 1.5, Samples: times})
	return nil
}

// fullStart measures the start on a journal of 512 MB.
func (b *bench) fullStart(ctx context.Context, test string) error {
	found, _, err := b.benchmarks(ctx, test, "^BenchmarkRecoverFull$", "3x")
	if err != nil {
		return err
	}
	b.report.add(figure{Name: "start, a full journal of 512 MB opened", Unit: "ms", Samples: []float64{found[0].values["ms-open"]}})
	b.report.add(figure{Name: "start, and its state brought back", Unit: "ms", Goal: atMost, Target: 3000, Samples: []float64{found[0].values["ms-start"]}})
	return nil
}
