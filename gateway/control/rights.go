package control

import (
	"fmt"
	"strings"
)

// Rights returns what a source has been granted, as a text: after a reload another text
// means other rights. Safe for concurrent use.
func (c *Control) Rights(source string) string {
	c.mu.Lock()
	a := c.house.Access
	c.mu.Unlock()
	if a == nil {
		return "all"
	}
	kind, _, _ := strings.Cut(source, ":")
	var b strings.Builder
	spoken := false // of the kind: whoever is not named has no rights then
	for _, g := range a.Grants {
		of, _, _ := strings.Cut(g.Source, ":")
		spoken = spoken || of == kind
		if g.Source == source || g.Source == kind && source != anonymous {
			fmt.Fprintln(&b, g.Patterns) // in the order of the verbs
		}
	}
	fmt.Fprint(&b, spoken)
	return b.String()
}
