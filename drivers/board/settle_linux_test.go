package board

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"hogar/drivers"
)

// TestDebouncedHere: where the pin's chip refuses to debounce, bounces are left out here. The refusals are those of the
// kernel's drivers for OMAP (too long), Aspeed (no timer free, too long) and others.
func TestDebouncedHere(t *testing.T) {
	for _, refusal := range []error{syscall.EINVAL, syscall.EPERM, syscall.ERANGE} {
		t.Run(refusal.Error(), func(t *testing.T) { debouncedHere(t, refusal) })
	}
}

func debouncedHere(t *testing.T, refusal error) {
	b, k, log := newTestBoard(t)
	k.rough = refusal
	door := mustTake(t, b, drivers.LineOptions{Pin: "GPIO27", Pull: drivers.PullUp, ActiveLow: true, Debounce: 50 * time.Millisecond})
	got := k.requests[len(k.requests)-1].config
	if got.count != 0 || got.flags != lineInput|lineActiveLow|lineEdgeRising|lineEdgeFalling|linePullUp {
		t.Errorf("requested with flags %#x and %d attributes", got.flags, got.count)
	}
	if text := log.String(); !strings.Contains(text, "refuses to debounce") || !strings.Contains(text, refusal.Error()) {
		t.Errorf("the log says %s", text)
	}
	count := uint32(0)
	edge := func(active bool) {
		count++
		e := lineEvent{nanoseconds: uint64(monotonic()), id: 2, count: count}
		if active {
			e.id = eventRising
		}
		k.edge(e)
	}
	next := func(within time.Duration) (drivers.Edge, error) {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		return door.Next(ctx)
	}
	for _, active := range []bool{true, false, true} { // closes, with a bounce
		edge(active)
	}
	if e, err := next(time.Minute); err != nil || !e.Active {
		t.Errorf("closing is %+v, %v", e, err)
	}
	edge(false) // a spike
	edge(true)
	if e, err := next(300 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a spike is %+v, %v", e, err)
	}
	edge(false)
	if e, err := next(time.Minute); err != nil || e.Active {
		t.Errorf("opening is %+v, %v", e, err)
	}
	k.refuse = errors.New("no")
	if _, err := b.Line(drivers.LineOptions{Pin: "GPIO4", Debounce: time.Second}); err == nil {
		t.Error("another refusal is none")
	}
}
