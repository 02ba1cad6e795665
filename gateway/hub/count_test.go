package hub

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
	"hogar/gateway/journal"
	"hogar/gateway/ledger"
)

// TestLedger takes events of each fate through the hub, and the counts over a
// restart without a last checkpoint.
func TestLedger(t *testing.T) {
	dir := t.TempDir()
	h, j := open(t, dir, nil)
	stop := run(t, h, j)
	temperature := reading("kitchen.climate", "temperature", 21.5)
	temperature.Class = home.ClassPoll
	long := temperature
	long.Value = home.TextOf(strings.Repeat("x", journal.MaxBody))
	same := home.Event{Kind: home.KindStatus, Device: "kitchen.climate", State: home.Online, Class: home.ClassMQTT}
	done := make(chan error, 1)
	h.Accept([]home.Event{long}, func(err error) { done <- err })
	if err := <-done; !errors.Is(err, journal.ErrTooBig) {
		t.Fatal(err)
	}
	accept(t, h, temperature, same, same, temperature,
		home.Event{Kind: home.KindCommand, Device: "kitchen.climate", Command: &home.Command{ID: "1"}}, // not to be published
		temperature)
	got := h.o.Ledger.Counts()
	want := map[string]ledger.Entry{
		"poll":    {Sampled: 4, Refused: map[string]uint64{"too_long": 1}, Accepted: 3, Waiting: 3},
		"mqtt":    {Sampled: 2, Filtered: 2},
		"gateway": {Sampled: 1, Accepted: 1, Waiting: 1}, // that it is online
	}
	if diff := cmp.Diff(want, got.Classes); diff != "" {
		t.Error(diff)
	}
	if err := h.Do(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}

	copied, err := journal.Look(dir) // as a kill leaves it: no checkpoint
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if seq, _ := copied.Checkpoint(); seq != 0 {
		t.Fatal("there is a checkpoint")
	}
	again := ledger.New(got.Since.Add(1e9))
	for r, err := range copied.Scan(0) {
		if err != nil {
			t.Fatal(err)
		}
		again.Apply(&home.Event{Kind: home.Kind(r.Kind), Class: home.Class(r.Class)}, false)
	}
	if diff := cmp.Diff([]uint64{4, 4}, []uint64{again.Counts().All.Sampled, again.Counts().All.Accepted}); diff != "" {
		t.Errorf("counted again: %s", diff)
	}
	stop()
}
