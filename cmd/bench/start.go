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

// startsMeasured is how often hogar is started; the first start, which makes the
// journal and the topology, is not among them.
const startsMeasured = 7

// starts measures from exec to the first confirmed reading, with journal and
// topology in place. From outside it asks the gateway every millisecond how many
// messages are confirmed. Afterwards the journal tells how many of them there
// were up to the first reading of that run: they go out in its order.
func (b *bench) starts(ctx context.Context, _ string) error {
	var answers, confirmed []float64
	for i := range 1 + startsMeasured {
		answered, first, err := b.oneStart(ctx)
		if err != nil {
			return err
		}
		if i > 0 {
			answers = append(answers, float64(answered)/1e6)
			confirmed = append(confirmed, float64(first)/1e6)
		}
	}
	b.report.add(figure{Name: "exec to first answer on its socket", Unit: "ms", Samples: answers})
	b.report.add(figure{Name: "exec to first confirmed reading", Unit: "ms", Goal: atMost, Target: 100, Samples: confirmed})
	return nil
}

// sample is how many messages were confirmed so long after exec.
type sample struct {
	at        time.Duration
	confirmed uint64
}

func (b *bench) oneStart(ctx context.Context) (answered, first time.Duration, err error) {
	state := filepath.Join(b.dir, "start")
	before, err := unconfirmed(state)
	if err != nil {
		return 0, 0, err
	}
	h, err := b.start(ctx, b.config, state)
	if err != nil {
		return 0, 0, err
	}
	samples, err := h.sample(ctx)
	if err := errors.Join(err, h.stop()); err != nil {
		return 0, 0, err
	}
	n, err := upToReading(state, before)
	if err != nil {
		return 0, 0, err
	}
	for _, s := range samples {
		if s.confirmed >= n {
			return samples[0].at, s.at, nil
		}
	}
	return 0, 0, fmt.Errorf("%d messages up to the first reading, %v confirmed", n, samples[len(samples)-1].confirmed)
}

// sample asks the house what is confirmed until nothing more has come for a second.
func (h *house) sample(ctx context.Context) ([]sample, error) {
	var all []sample
	var last uint64
	changed := time.Now()
	for last == 0 || time.Since(changed) < time.Second {
		s, err := h.Status(ctx)
		at := time.Since(h.began)
		if err == nil {
			all = append(all, sample{at, s.AMQP.Confirmed})
			if s.AMQP.Confirmed > last {
				last, changed = s.AMQP.Confirmed, time.Now()
			}
		}
		if at > 20*time.Second {
			return nil, errors.New("nothing was confirmed within 20 s")
		}
		if err := h.sleep(ctx, time.Millisecond); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func openJournal(state string) (*journal.Journal, error) {
	found, err := filepath.Glob(filepath.Join(state, "hogar", "*", "journal-sim"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("expected one journal below %s, found %v", state, found)
	}
	return journal.Open(found[0], journal.Options{Keep: 24 * time.Hour})
}

// unconfirmed returns the number up to which all is confirmed: where the next
// run begins to publish. Without a journal it is 0.
func unconfirmed(state string) (uint64, error) {
	if found, _ := filepath.Glob(filepath.Join(state, "hogar", "*")); len(found) == 0 {
		return 0, nil
	}
	j, err := openJournal(state)
	if err != nil {
		return 0, err
	}
	return j.Cursor(), j.Close()
}

// upToReading counts the published records after the number, up to the first reading.
func upToReading(state string, after uint64) (n uint64, err error) {
	j, err := openJournal(state)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	r := j.Reader(after)
	defer r.Close()
	for {
		rec, ok, err := r.TryNext()
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, errors.New("the journal has no new reading")
		}
		if home.Flags(rec.Flags)&home.FlagPublished == 0 {
			continue
		}
		n++
		if home.Kind(rec.Kind) == home.KindReading {
			return n, nil
		}
	}
}
