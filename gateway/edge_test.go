package gateway

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// An edge at a contact switches a relay by one of two rules.
const edges = `
gateway: casa
devices:
  hall.button: {driver: contact, pin: GPIO27, property: pressed, pull: down, debounce: 0s}
  hall.lamp:   {driver: relay, pin: GPIO17}
rules:
  light_on:  {when: hall.button.pressed, mode: restart, do: [{set: {hall.lamp.state: on}}]}
  light_off: {when: not hall.button.pressed, mode: restart, do: [{set: {hall.lamp.state: off}}]}
`

// runEdges runs a house whose time flies: else two rules that start a hundred
// times within a second would be paused as runaways.
func runEdges(tb testing.TB) *testHouse {
	tb.Helper()
	h := runHouse(tb, planOf(tb, edges), clock.New(time.Now(), 100_000), nil)
	await(tb, "contact and relay have told", func() bool {
		return h.device("hall.button").Status == home.Online && h.device("hall.lamp").Status == home.Online
	})
	return h
}

// await waits for a condition.
func await(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(60 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within a minute: %s", what)
		}
	}
}

// edge drives the contact and returns how long the relay took to follow. It looks
// without sleeping: a sleep takes longer than what is measured.
func (h *testHouse) edge(high bool) time.Duration {
	h.t.Helper()
	began := time.Now()
	if err := h.board.Drive("GPIO27", high); err != nil {
		h.t.Fatal(err)
	}
	for h.board.Level("GPIO17") != high {
		if time.Since(began) > 20*time.Second {
			h.t.Fatalf("the relay did not follow an edge to %v", high)
		}
		runtime.Gosched()
	}
	return time.Since(began)
}

// percentile of sorted spans.
func percentile(took []time.Duration, p float64) time.Duration {
	return took[min(len(took)-1, int(float64(len(took))*p))]
}

func summary(took []time.Duration) string {
	slices.Sort(took)
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, max %s", percentile(took, 0.5), percentile(took, 0.9), percentile(took, 0.99), took[len(took)-1])
}

// A burst of 1,000 edges, as fast as they can be made: whatever is left out on
// the way, at the end the lamp is as the contact is, and nothing sticks.
func TestBurstOfEdges(t *testing.T) {
	h := runEdges(t)
	for round, end := range []bool{true, false} {
		for i := range 1000 {
			_ = h.board.Drive("GPIO27", i%2 == 1 == end)
		}
		await(t, fmt.Sprintf("after burst %d the lamp is %v", round, end), func() bool {
			lamp, button := h.device("hall.lamp").Readings[0].Value, h.device("hall.button").Readings[0].Value
			return h.board.Level("GPIO17") == end && lamp == home.BooleanOf(end) && button == home.BooleanOf(end)
		})
	}
	var o home.Outcome
	await(t, "the rules have said all that the burst made them say", func() bool {
		o = h.set("hall.lamp", "state", home.BooleanOf(true))
		return o.Result != home.Superseded
	})
	if o.Result != home.Applied {
		t.Errorf("a command after the burst: %+v", o)
	}
	h.edge(true)
	h.edge(false)
	for _, rule := range []string{"paused", "failed"} {
		if strings.Contains(h.log.String(), rule) {
			t.Errorf("a rule was %s", rule)
		}
	}
}

// 1,000 edges, each after the relay has followed the one before. How long that
// takes is in the log; what counts here is that every single one is followed.
func TestEdgeToPin(t *testing.T) {
	h := runEdges(t)
	var took []time.Duration
	for i := range 1000 {
		took = append(took, h.edge(i%2 == 0))
	}
	t.Logf("edge to pin, %d edges: %s", len(took), summary(took))
}

func BenchmarkEdgeToPin(b *testing.B) {
	h := runEdges(b)
	var took []time.Duration
	level := false
	for b.Loop() {
		level = !level
		took = append(took, h.edge(level))
	}
	slices.Sort(took)
	b.ReportMetric(float64(percentile(took, 0.5).Microseconds()), "p50-µs")
	b.ReportMetric(float64(percentile(took, 0.99).Microseconds()), "p99-µs")
}
