package rules

import (
	"fmt"
	"runtime"
	"testing"

	"hogar/gateway/home"
)

// TestMemory holds what an engine keeps for a rule of usual size.
func TestMemory(t *testing.T) {
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
	t.Logf("%d bytes a rule", each)
	if each > 3000 {
		t.Errorf("%d bytes a rule", each)
	}
}
