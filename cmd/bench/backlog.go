package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// loaded measures a house that was without a broker for a long time, while it
// sends what waits.
func (b *bench) loaded(ctx context.Context, _ string) (err error) {
	state := filepath.Join(b.dir, "loaded")
	if err := b.prime(ctx, state); err != nil {
		return err
	}
	h, err := b.start(ctx, b.config, state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.stop()) }()
	if err := h.connected(ctx); err != nil {
		return err
	}
	pid, began := h.cmd.Process.Pid, time.Now()
	before, err := processorTime(pid)
	if err != nil {
		return err
	}
	sent, err := h.drained(ctx, b.backlog)
	if err != nil {
		return err
	}
	took := time.Since(began)
	after, err := processorTime(pid)
	if err != nil {
		return err
	}
	m, err := memoryOf(pid)
	if err != nil {
		return err
	}
	cpu := (after - before).Seconds() / float64(sent) * 10_000
	b.report.add(figure{Name: "loaded, backlog sent", Unit: "msgs/s", Samples: []float64{float64(sent) / took.Seconds()}})
	b.report.add(figure{Name: "loaded, processor time", Unit: "s/10k", Samples: []float64{cpu}})
	b.report.add(figure{Name: "loaded, resident memory, highest", Unit: "MB", Goal: atMost, Target: 40, Samples: []float64{m.highest}})
	b.report.add(figure{Name: "loaded, of it not in files, at the end", Unit: "MB", Samples: []float64{m.anonymous}})
	return nil
}

// prime makes a journal in which the backlog waits: a house that has run once,
// and then readings of one of its devices.
func (b *bench) prime(ctx context.Context, state string) error {
	h, err := b.start(ctx, b.config, state)
	if err != nil {
		return err
	}
	if err := errors.Join(h.connected(ctx), h.stop()); err != nil {
		return err
	}
	j, err := openJournal(state)
	if err != nil {
		return err
	}
	for i := range b.backlog {
		if err := appendReading(ctx, j, i); err != nil {
			return errors.Join(fmt.Errorf("fill the journal: %w", err), j.Close())
		}
	}
	return j.Close()
}

func appendReading(ctx context.Context, j *journal.Journal, i int) error {
	now := time.Now()
	e := home.Event{Kind: home.KindReading, Flags: home.FlagPublished, At: now, Device: "kitchen.climate", Property: "temperature",
		Value: home.NumberOf(float64(i%1000) / 10), Unit: "°C", DSeq: uint64(1000 + i)}
	body, err := e.AppendJSON(nil)
	if err != nil {
		return err
	}
	r := journal.Record{Time: now.UnixMicro(), Kind: uint8(e.Kind), Flags: uint8(e.Flags), Body: body}
	for {
		if _, err = j.Append(r, false, nil); !errors.Is(err, journal.ErrFull) {
			return err
		}
		select { // the disk is behind
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// drained waits until nothing waits for the broker, and returns how many messages
// were confirmed since it was called.
func (h *house) drained(ctx context.Context, backlog int) (sent uint64, err error) {
	first, err := h.Status(ctx)
	if err != nil {
		return 0, err
	}
	for {
		s, err := h.Status(ctx)
		if err != nil {
			return 0, err
		}
		sent = s.AMQP.Confirmed - first.AMQP.Confirmed
		if s.Journal.Waiting == 0 {
			if sent < uint64(backlog/2) {
				return 0, fmt.Errorf("only %d of %d waiting messages were seen to be confirmed", sent, backlog)
			}
			return sent, nil
		}
		if err := h.sleep(ctx, 20*time.Millisecond); err != nil {
			return 0, err
		}
	}
}
