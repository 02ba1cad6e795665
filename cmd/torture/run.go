package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hogar/bridge/chaos"
)

// settleLimit is how long after the last fault all must have arrived, beside the
// time that a backlog takes.
const settleLimit = 120 * time.Second

// startLimit is from exec to the first answer, whatever is in the journal.
const startLimit = 3 * time.Second

// silence is how long nothing comes when nothing more will: Mosquitto gives what
// came last at the end.
const silence = 3 * time.Second

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
	again := 0.0
	if v.delivered > 0 {
		again = 100 * float64(v.duplicates) / float64(v.delivered)
	}
	if v.siege != "" {
		return fmt.Sprintf("%s siege seed=%d accepted=%d delivered=%d dup=%.2f%% lost=%d reordered=%d %s starts=%d rss=%.1fMB took=%s", word, r.seed,
			v.accepted, v.delivered, again, v.lost, v.reordered, v.siege, r.starts, r.memory, r.took.Round(time.Second))
	}
	return fmt.Sprintf("%s seed=%d faults=%d accepted=%d delivered=%d dup=%.2f%% lost=%d reordered=%d phantom=%d mangled=%d mosquitto_lost=%d "+
		"commands=%d unanswered=%d set_twice=%d "+
		"starts=%d slowest_start=%s recovery=%s rss=%.1fMB took=%s",
		word, r.seed, r.faults, v.accepted, v.delivered, again, v.lost, v.reordered, v.phantom+v.strays, v.mangled, v.gone, v.commands, v.unanswered, v.twice,
		r.starts, r.slowest.Round(time.Millisecond), r.recovery.Round(100*time.Millisecond), r.memory, r.took.Round(time.Second))
}

// torture does one run.
func (o options) torture(ctx context.Context, b *brokers, dir string, seed uint64) (result, error) {
	r, err := newRig(ctx, b, o.hogar, dir, seed)
	if err != nil {
		return result{}, err
	}
	defer r.close()
	r.far = newProgress(seed)
	defer r.far.end()
	r.patience = cmp.Or(o.patience, settleLimit)
	var possible []kind
	all := kinds()
	if b.cluster != nil {
		all = clusterKinds()
	}
	for _, k := range all {
		if (k.can == nil || k.can(r)) && strings.Contains(k.name, o.only) {
			possible = append(possible, k)
		}
	}
	if len(possible) == 0 {
		return result{}, fmt.Errorf("no fault is called %q", o.only)
	}
	faults := schedule(seed, o.faults, possible)
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
	r.far.at(len(faults), len(faults), "until all has arrived")
	res := result{seed: seed, faults: o.faults}
	if res.recovery, err = r.settle(ctx); err != nil {
		return result{}, err
	}
	res.verdict = r.judge(o.faults)
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
		r.far.at(i, len(faults), f.Kind)
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
			r.complain("the gateway ended by itself, and is started again: %v", errors.Join(err, errors.New(r.gate.lastExit())))
		}
		r.locks.give(theGateway)
	}
}

// settle waits until all has arrived, and stops the gateway.
func (r *rig) settle(ctx context.Context) (time.Duration, error) {
	r.story.add("all faults are over")
	r.lines.each((*chaos.Proxy).Heal)
	r.mqttLine.Heal()
	sleep(ctx, time.Second) // what comes last is not lost by anybody
	r.source.end()
	r.commander.end()
	var recovery time.Duration
	err := r.consumer.drain(ctx, func() (err error) { recovery, err = r.wait(ctx); return err })
	return recovery, err
}

// wait is settle while the consumer takes what comes.
func (r *rig) wait(ctx context.Context) (time.Duration, error) {
	began, limit := time.Now(), settleLimit
	if s, err := r.gate.Status(ctx); err == nil { // what waits is sent at 500 messages a second at least
		limit += time.Duration(s.Journal.Waiting/500) * time.Second
	}
	err := r.until(ctx, limit, "all that was sent has arrived", func() bool { return r.arrived() || r.consumer.silent() > r.patience })
	recovery := time.Since(began)
	ledgerLimit := 2 * time.Minute
	if err == nil && !r.arrived() {
		err = fmt.Errorf("nothing comes for %s", r.patience)
	}
	if err != nil {
		ledgerLimit = r.patience / 2
	}
	switch {
	case ctx.Err() != nil:
		return 0, err
	case err != nil:
		r.complain("%v; %d are missing, and %d outcomes", err, r.source.missing(r.consumer.has, false), r.commander.unanswered(r.consumer.all()))
	}
	r.compareLedger(ctx, ledgerLimit)
	if err := r.gate.stop(30 * time.Second); err != nil {
		r.complain("%v", err)
	}
	err = r.consumer.quiet(ctx)
	r.story.add("all is settled")
	return recovery, err
}

// arrived reports whether all is there; where Mosquitto forgets, all that is owed
// and nothing more comes.
func (r *rig) arrived() bool {
	r.mu.Lock()
	forgets := r.forgets
	r.mu.Unlock()
	if r.commander.unanswered(r.consumer.all()) > 0 {
		return false
	}
	return r.source.missing(r.consumer.has, false) == r.known() ||
		forgets && r.consumer.silent() > silence && r.source.missing(r.consumer.has, true) == r.known()
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
	v := judge(evidence{taken: r.source.taken, place: r.source.place, acked: r.source.acked, damaged: r.damaged, arrived: r.consumer.arrived, forgets: r.forgets, faults: faults, starts: r.gate.starts - 1})
	v.complaints = append(v.complaints, r.complaints...)
	r.compareHoles(v)
	judgeCommands(v, r.commander.orders, r.commander.effects, r.consumer.arrived, r.gate.starts, r.forgets)
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	if r.gate.slowest > startLimit {
		v.complain("a start of the gateway took %s, expected %s at most", r.gate.slowest, startLimit)
	}
	return v
}
