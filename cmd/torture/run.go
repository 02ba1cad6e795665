package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// settleLimit is how long after the last fault all must have arrived.
const settleLimit = 120 * time.Second

// result is what came of a run.
type result struct {
	seed     uint64
	faults   int
	verdict  *verdict
	recovery time.Duration // from the last fault's end until all had arrived
	slowest  time.Duration // start of the gateway
	starts   int
	memory   float64 // MB, the most that was resident
	took     time.Duration
}

// line is the figures of the run.
func (r result) line() string {
	v, word := r.verdict, "PASS"
	if !v.passed() {
		word = "FAIL"
	}
	share := 0.0
	if v.delivered > 0 {
		share = 100 * float64(v.duplicates) / float64(v.delivered)
	}
	return fmt.Sprintf("%s seed=%d faults=%d accepted=%d delivered=%d dup=%.2f%% lost=%d reordered=%d phantom=%d mangled=%d "+
		"starts=%d slowest_start=%s recovery=%s rss=%.1fMB took=%s",
		word, r.seed, r.faults, v.accepted, v.delivered, share, v.lost, v.reordered, v.phantom+v.strays, v.mangled,
		r.starts, r.slowest.Round(time.Millisecond), r.recovery.Round(100*time.Millisecond), r.memory, r.took.Round(time.Second))
}

// torture does one run.
func torture(ctx context.Context, b *brokers, program, dir string, seed uint64, n int) (result, error) {
	r, err := newRig(ctx, b, program, dir, seed)
	if err != nil {
		return result{}, err
	}
	defer r.close()
	var possible []kind
	for _, k := range kinds() {
		if k.can == nil || k.can(r) {
			possible = append(possible, k)
		}
	}
	faults := schedule(seed, n, possible)
	text, err := json.MarshalIndent(faults, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "schedule.json"), text, 0o600)
	}
	if err != nil {
		return result{}, err
	}
	if err := r.commit(ctx, faults); err != nil {
		return result{}, err
	}
	res := result{seed: seed, faults: n}
	if res.recovery, err = r.settle(ctx); err != nil {
		return result{}, err
	}
	res.verdict = r.judge(n)
	r.gate.mu.Lock()
	res.slowest, res.starts, res.memory = r.gate.slowest, r.gate.starts, r.gate.most
	r.gate.mu.Unlock()
	res.took = time.Since(r.began)
	return res, nil
}

// commit does what the schedule says.
func (r *rig) commit(ctx context.Context, faults []fault) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	nursing, enough := context.WithCancel(ctx)
	var nurse sync.WaitGroup
	nurse.Go(func() { r.nurse(nursing) })
	defer nurse.Wait()
	defer enough()
	defer wg.Wait()
	for i, f := range faults {
		if !sleep(ctx, f.Gap) {
			break
		}
		r.locks.take(f.kind.uses)
		r.story.add("%d %s begins, for %s", i+1, f.Kind, f.Hold)
		ended := make(chan struct{})
		wg.Go(func() {
			defer close(ended)
			defer r.locks.give(f.kind.uses)
			if err := f.kind.run(ctx, r, f); err != nil {
				cancel(fmt.Errorf("%s: %w", f.Kind, err))
			}
			r.story.add("%d %s is over", i+1, f.Kind)
		})
		if !f.Overlap {
			select {
			case <-ended:
			case <-ctx.Done():
			}
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}

// nurse starts the gateway again when it has ended by itself, as systemd would.
func (r *rig) nurse(ctx context.Context) {
	for sleep(ctx, 200*time.Millisecond) {
		if !r.locks.try(theGateway) {
			continue
		}
		if revived, err := r.gate.revive(); revived {
			r.complain("the gateway ended by itself (%v)", err)
		}
		r.locks.give(theGateway)
	}
}

// settle waits until all has arrived, and stops the gateway.
func (r *rig) settle(ctx context.Context) (time.Duration, error) {
	r.story.add("all faults are over")
	r.line.Heal()
	r.mqttLine.Heal()
	r.source.end()
	following, enough := context.WithCancel(ctx)
	defer enough()
	followed := make(chan error, 1)
	go func() { followed <- r.consumer.follow(following) }()
	began, missing := time.Now(), 0
	err := r.until(ctx, settleLimit, "all that was sent has arrived", func() bool {
		missing = r.source.missing(r.consumer.has)
		return missing == r.known()
	})
	recovery := time.Since(began)
	if err != nil {
		if ctx.Err() != nil {
			return 0, err
		}
		r.complain("%v; %d are missing", err, missing)
	}
	if err := r.gate.stop(30 * time.Second); err != nil {
		r.complain("%v", err)
	}
	if err := r.consumer.quiet(ctx); err != nil {
		return 0, err
	}
	enough()
	r.story.add("all is settled")
	return recovery, <-followed
}

// known is how many numbers are missing for a reason.
func (r *rig) known() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for meter, numbers := range r.damaged {
		for number := range numbers {
			if !r.consumer.has(meter, number) {
				n++
			}
		}
	}
	return n
}

// judge holds what was seen against the invariants.
func (r *rig) judge(faults int) *verdict {
	v := judge(evidence{taken: r.source.taken, acked: r.source.acked, damaged: r.damaged, arrived: r.consumer.arrived, forgets: r.forgets, faults: faults})
	v.complaints = append(v.complaints, r.complaints...)
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	if r.gate.slowest > 20*time.Second {
		v.complain("a start of the gateway took %s", r.gate.slowest)
	}
	return v
}
