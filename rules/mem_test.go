package rules

import (
	"fmt"
	"runtime"
	"testing"

	"hogar/gateway/home"
)

// memoryOfRule is what an engine keeps for a rule of usual size, in bytes.
func memoryOfRule(t testing.TB) uint64 {
	t.Helper()
	const n = 1000
	var rules pairs
	for i := range n {
		rules = append(rules, fmt.Sprintf("r%d", i), hallLight[1])
	}
	tree := node(rules)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var faults home.Faults
	e := Load(tree, house, place0, &faults)
	if e == nil {
		t.Fatal(faults.List)
	}
	each := (heap() - before) / n
	runtime.KeepAlive(e)
	runtime.KeepAlive(tree)
	return each
}

func TestMemory(t *testing.T) {
	if each := memoryOfRule(t); each > 3000 {
		t.Errorf("%d bytes a rule", each)
	}
}

func BenchmarkMemory(b *testing.B) {
	var each uint64
	for b.Loop() {
		each = memoryOfRule(b)
	}
	b.ReportMetric(float64(each), "B/rule")
}
