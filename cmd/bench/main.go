// Command bench measures what hogar costs, beside the ceilings of the same run:
//
//	go run ./cmd/bench -hogar build/hogar -arm64 build/hogar-linux-arm64 -json build/bench.jsonl
//
// It starts a RabbitMQ of its own, runs the benchmarks of the packages against it
// in interleaved rounds, and watches hogar as a process from outside. Each figure
// is a line for a person and a line of JSON for a program. A target that is
// missed is shown as missed; only a measurement that fails fails the run.
//
// On a shared machine absolute figures wander by half within minutes: trust the
// ratios, which are taken within a round, and look at the load that is printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"hogar/bridge/localbroker"
)

func main() {
	var b bench
	flag.StringVar(&b.hogar, "hogar", "build/hogar", "binary for this machine, stripped")
	flag.StringVar(&b.arm64, "arm64", "build/hogar-linux-arm64", "binary for linux arm64, stripped")
	flag.StringVar(&b.config, "config", "configs/demo.yaml", "configuration with ten devices")
	flag.StringVar(&b.json, "json", "build/bench.jsonl", "file for the lines of JSON, written anew")
	flag.StringVar(&b.only, "only", "", "measure only: idle, start, loaded, pages, publish, latency, command, mqtt, waiting, template, journal, disk, full, event, rule, memory, days, pin, poll, edge")
	flag.IntVar(&b.backlog, "backlog", 100_000, "readings that wait when the loaded house starts")
	flag.IntVar(&b.rounds, "rounds", 7, "interleaved rounds")
	flag.IntVar(&b.messages, "messages", 20_000, "messages of each publishing benchmark")
	limit := flag.Duration("limit", 16*time.Minute, "give up after so long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, fmt.Errorf("not done within %s (-limit)", *limit))
	defer cancel()
	if err := b.run(ctx); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	hogar, arm64, config, json, only string
	rounds, messages, backlog        int

	dir    string // of this run, beside the JSON: a disk, which the system's temporary folder may not be
	broker string // URL
	report *report
}

func (b *bench) run(ctx context.Context) (err error) {
	out, err := os.Create(b.json)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	b.report = newReport(os.Stdout, out, versionOf(ctx, b.hogar))
	if b.dir, err = os.MkdirTemp(filepath.Dir(b.json), "bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	b.report.load()
	if err := b.sizes(); err != nil {
		return err
	}
	parts, err := b.parts(ctx)
	if err != nil {
		return err
	}
	rabbit, err := localbroker.StartRabbitMQ(ctx, localbroker.Options{Dir: filepath.Join(b.dir, "rabbitmq")})
	if err != nil {
		return err
	}
	defer rabbit.Kill()
	b.broker = rabbit.URL()
	if err := hosts(ctx, rabbit); err != nil {
		return err
	}
	for _, p := range parts {
		if err := p.measure(ctx, p.test); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	b.report.load()
	return nil
}

// part measures one thing.
type part struct {
	name    string
	test    string // a package of benchmarks; parts makes it the path of their binary
	measure func(ctx context.Context, test string) error
}

// parts returns what is to be measured, with the benchmarks built.
func (b *bench) parts(ctx context.Context) ([]part, error) {
	parts := []part{
		{"idle", "", b.idle}, {"start", "", b.starts}, {"loaded", "", b.loaded}, {"pages", "", b.pages}, {"publish", "bridge", b.publish}, {"latency", "bridge", b.latency}, {"command", "bridge", b.commands}, {"mqtt", "cmd/bench", b.mqtt}, {"waiting", "cmd/bench", b.mqttWaiting}, {"template", "drivers/mqtt/template", b.templates},
		{"journal", "gateway/journal", b.journal}, {"disk", "", b.disk}, {"full", "gateway/hub", b.fullStart}, {"event", "gateway/hub", b.events}, {"rule", "rules", b.steps}, {"memory", "rules", b.memory}, {"days", "rules/ruletest", b.days}, {"pin", "gateway", b.pin}, {"poll", "gateway", b.poll}, {"edge", "gateway", b.edge},
	}
	if b.only != "" {
		parts = slices.DeleteFunc(parts, func(p part) bool { return p.name != b.only })
		if len(parts) == 0 {
			return nil, fmt.Errorf("there is no part %q, expected idle, start, loaded, pages, publish, latency, command, mqtt, waiting, template, journal, disk, full, event, rule, memory, days, pin, poll or edge", b.only)
		}
	}
	for i := range parts {
		if parts[i].test == "" {
			continue
		}
		var err error
		if parts[i].test, err = b.compile(ctx, parts[i].test); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// sizes of the stripped binaries.
func (b *bench) sizes() error {
	for _, f := range []struct{ name, path string }{{"binary, arm64", b.arm64}, {"binary, this machine", b.hogar}} {
		info, err := os.Stat(f.path)
		if err != nil {
			return fmt.Errorf("%w: run make bench, which builds it", err)
		}
		fig := figure{Name: f.name, Unit: "MB", Samples: []float64{float64(info.Size()) / 1e6}}
		if f.path == b.arm64 {
			fig.Goal, fig.Target = atMost, 12
		}
		b.report.add(fig)
	}
	return nil
}
