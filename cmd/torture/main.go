// Command torture shows that nothing is lost:
//
//	go run ./cmd/torture -hogar build/hogar -seeds 7 -faults 200
//
// It runs the real program between a real RabbitMQ and a real Mosquitto and does
// to the three, and to the lines between them, what happens in houses: kills,
// hangs, cut and half-open connections, changed bytes, deleted queues, full
// disks. What happens when is drawn from the seed. Oracles of its own, which use
// nothing of the gateway's code, write down what devices sent, what the gateway
// acknowledged and what arrived; at the end they are compared. It prints a line of
// figures for each seed and exits with 1 when anything was lost, invented,
// mangled or reordered.
//
// With -siege the neighbours mean harm instead, all at once and without a pause, while the
// gateway keeps the limits of its systemd unit: see siege.go.
//
// The logs of a run that failed stay below -dir.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.hogar, "hogar", "build/hogar", "the program under torture")
	flag.StringVar(&o.seeds, "seeds", "1", "seeds, with commas between: each is a run")
	flag.IntVar(&o.faults, "faults", 200, "faults of a run")
	flag.StringVar(&o.dir, "dir", "build/torture", "folder for journals, brokers and logs")
	flag.StringVar(&o.only, "only", "", "only faults (or mutants) whose names contain this")
	flag.BoolVar(&o.mutants, "mutants", false, "show that the torture or a test notices each mutant of the code; run it in the repository")
	flag.BoolVar(&o.cluster, "cluster", false, "with a RabbitMQ of three nodes, whose queues are quorum queues")
	flag.DurationVar(&o.siege, "siege", 0, "instead of faults: neighbours who mean harm, all at once, for so long")
	flag.BoolVar(&o.keep, "keep", false, "keep the logs of runs that passed, too")
	limit := flag.Duration("limit", time.Hour, "give up after so long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, fmt.Errorf("not done within %s (-limit)", *limit))
	defer cancel()
	if err := o.run(ctx); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

type options struct {
	hogar, seeds, dir string
	only              string
	faults            int
	keep, mutants     bool
	cluster           bool
	siege             time.Duration // 0: faults
	patience          time.Duration // 0: settleLimit
}

// errViolated means that a promise was broken.
var errViolated = errors.New("the gateway broke its promise")

func (o options) run(ctx context.Context) (err error) {
	var seeds []uint64
	for word := range strings.SplitSeq(o.seeds, ",") {
		seed, err := strconv.ParseUint(strings.TrimSpace(word), 10, 64)
		if err != nil {
			return fmt.Errorf("-seeds is %q, expected numbers like 1,2,3", o.seeds)
		}
		seeds = append(seeds, seed)
	}
	for _, path := range []*string{&o.hogar, &o.dir} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if _, err := os.Stat(o.hogar); err != nil {
		return fmt.Errorf("%w: run make build, which makes it", err)
	}
	runDir := filepath.Join(o.dir, "brokers")
	if err := errors.Join(os.RemoveAll(runDir), os.MkdirAll(runDir, 0o700)); err != nil {
		return err
	}
	b, err := startBrokers(ctx, runDir, o.cluster)
	if err != nil {
		return err
	}
	defer func() {
		b.close()
		_ = os.RemoveAll(runDir)
	}()
	if o.mutants {
		return o.hunts(ctx, b)
	}
	for _, seed := range seeds {
		dir := filepath.Join(o.dir, fmt.Sprintf("seed-%d", seed))
		run := o.torture
		if o.siege > 0 {
			run = o.besiege
		}
		res, seedErr := run(ctx, b, dir, seed)
		if seedErr != nil {
			return fmt.Errorf("seed %d: %w (logs in %s)", seed, seedErr, dir)
		}
		fmt.Println(res.line())
		if res.verdict.passed() {
			if !o.keep {
				_ = os.RemoveAll(dir)
			}
			continue
		}
		for _, c := range res.verdict.complaints {
			fmt.Println("  ", c)
		}
		fmt.Println("   logs:", dir)
		err = errViolated
	}
	return err
}
