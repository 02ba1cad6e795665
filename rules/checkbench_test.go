package rules

import (
	"testing"

	"hogar/gateway/home"
)

// BenchmarkLoad compiles a thousand rules, with and without holding them against
// one another.
func BenchmarkLoad(b *testing.B) {
	for _, unchecked := range []bool{false, true} {
		name := map[bool]string{false: "checked", true: "unchecked"}[unchecked]
		b.Run(name, func(b *testing.B) {
			tree, h := node(manyRuleNodes(1000)), manyHouse(1000)
			o := place0
			o.Unchecked = unchecked
			for b.Loop() {
				var faults home.Faults
				if Load(tree, h, o, &faults) == nil {
					b.Fatal(faults.List)
				}
			}
		})
	}
}
