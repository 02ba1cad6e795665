package hub

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// give hands in a text and returns what became of it.
func give(accept func([]home.Event, func(error)), text string) error {
	result := make(chan error, 1)
	accept([]home.Event{{Kind: home.KindReading, Device: "meter", Property: "note", Value: home.TextOf(text)}}, func(err error) { result <- err })
	return <-result
}

// A stream records nothing after a refusal, though there is room again: what was
// refused comes again, and what came after it would be before it.
func TestAStreamKeepsItsOrder(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	defer run(t, h, j)()
	first := h.Stream()
	for size := 200 << 10; size > 0; size /= 2 {
		for give(h.Accept, strings.Repeat("x", size)) == nil {
		}
	}
	if err := give(first, "one"); !errors.Is(err, journal.ErrFull) {
		t.Fatalf("the journal is not full: %v", err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for give(h.Accept, "of another") != nil {
		if j.Confirm(j.Durable()); time.Now().After(deadline) {
			t.Fatal("there is no room again")
		}
	}
	if err := give(first, "two"); !errors.Is(err, journal.ErrFull) {
		t.Errorf("what comes after it is recorded: %v", err)
	}
	again := h.Stream()
	for _, text := range []string{"one", "two"} {
		if err := give(again, text); err != nil {
			t.Error(err)
		}
	}
	all := strings.Join(written(t, j), "\n")
	if strings.Count(all, `"one"`) != 1 || strings.Count(all, `"two"`) != 1 || strings.Index(all, `"one"`) > strings.Index(all, `"two"`) {
		t.Errorf("recorded:\n%s", all)
	}
	if got := h.Last("meter", "note"); got != home.TextOf("two") {
		t.Errorf("the house has %v", got)
	}
}

// What can never be recorded must not come again for ever, and block what is behind it.
func TestAStreamPassesOverWhatIsTooLong(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	defer run(t, h, j)()
	stream := h.Stream()
	for _, text := range []string{strings.Repeat("x", journal.MaxBody), "fits"} {
		if err := give(stream, text); err != nil {
			t.Errorf("%.9s: %v", text, err)
		}
	}
	if n := h.o.Ledger.Counts().All.Refused[refusedTooLong]; n != 1 {
		t.Errorf("%d are counted as too long", n)
	}
}
