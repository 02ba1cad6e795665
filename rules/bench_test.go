package rules

import (
	"fmt"
	"testing"
	"time"

	"hogar/gateway/home"
)

// manyRules makes n rules, of which ten look at the first name.
func manyRules(b *testing.B, n int) *Engine {
	var faults home.Faults
	e := Load(node(manyRuleNodes(n)), manyHouse(n), place0, &faults)
	if e == nil {
		b.Fatal(faults.List)
	}
	return e
}

func manyRuleNodes(n int) pairs {
	var rules pairs
	for i := range n {
		rules = append(rules, fmt.Sprintf("r%d", i), pairs{"when", manyName(i) + " < 4 and not hall.lamp.state",
			"do", []any{set("hall.lamp.state", "on")}})
	}
	return rules
}

func manyName(i int) string { return fmt.Sprintf("room.n%d.temperature", max(0, i-9)) }

func manyHouse(n int) testHouse {
	h := testHouse{"hall.lamp.state": house["hall.lamp.state"]}
	for i := range n {
		h[manyName(i)] = home.Property{Name: "temperature", Type: home.TypeNumber}
	}
	return h
}

func BenchmarkStep(b *testing.B) {
	for _, n := range []int{200, 1000} {
		for _, name := range []string{"room.n0", "room.n5", "other.thing"} {
			b.Run(fmt.Sprintf("%d rules/%s", n, name), func(b *testing.B) {
				e := manyRules(b, n)
				ev := home.Event{Kind: home.KindReading, Device: name, Property: "temperature", At: night}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					i++
					ev.At = ev.At.Add(time.Millisecond)
					ev.Value = home.NumberOf(float64(10 + i%10))
					e.Step(ev)
				}
			})
		}
	}
}

func TestUnreadEventsAllocateNothing(t *testing.T) {
	e := load(t, hallLight, place0)
	e.Step(event(night, []string{"tick"}))
	ev := home.Event{At: night, Kind: home.KindReading, Device: "far.away", Property: "state", Value: home.BooleanOf(true)}
	read := home.Event{At: night, Kind: home.KindReading, Device: "hall.light", Property: "illuminance", Value: home.NumberOf(40)}
	if n := testing.AllocsPerRun(100, func() { e.Step(ev); e.Step(read) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
