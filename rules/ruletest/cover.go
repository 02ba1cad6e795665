package ruletest

import (
	"fmt"
	"io"

	"hogar/gateway/home"
	"hogar/rules"
)

// Coverage is what tests reached of the rules.
type Coverage struct {
	order []*home.Node
	steps map[*home.Node]rules.Reach
}

func (c *Coverage) add(e *rules.Engine) {
	if c == nil || e == nil {
		return
	}
	if c.steps == nil {
		c.steps = make(map[*home.Node]rules.Reach)
	}
	for _, r := range e.Reached() {
		was, ok := c.steps[r.Node]
		if !ok {
			c.order = append(c.order, r.Node)
			was = r
		}
		was.Done, was.True, was.False = was.Done || r.Done, was.True || r.True, was.False || r.False
		c.steps[r.Node] = was
	}
}

// Print tells how many rules, steps and branches were reached, and which were
// not; place tells where a path is written.
func (c *Coverage) Print(w io.Writer, place func(path []string) string) error {
	var all, reached struct{ rules, steps, branches int }
	ran := make(map[string]bool)
	var missing []string
	miss := func(n *home.Node, format string, args ...any) {
		missing = append(missing, "  "+place(n.Path)+": "+fmt.Sprintf(format, args...))
	}
	for _, n := range c.order {
		r := c.steps[n]
		if _, known := ran[r.Rule]; !known {
			ran[r.Rule] = r.Done
			all.rules++
			if r.Done {
				reached.rules++
			}
		}
		all.steps++
		if r.Done {
			reached.steps++
		} else {
			miss(n, "%s: %s is never reached", r.Rule, r.Shown)
		}
		if !r.Branch {
			continue
		}
		all.branches += 2
		for _, way := range []struct {
			was  bool
			word string
		}{{r.True, "true"}, {r.False, "false"}} {
			if way.was {
				reached.branches++
			} else if r.Done {
				miss(n, "%s: %s is never %s", r.Rule, r.Shown, way.word)
			}
		}
	}
	_, err := fmt.Fprintf(w, "cover: %d of %d rules, %d of %d steps, %d of %d branches\n",
		reached.rules, all.rules, reached.steps, all.steps, reached.branches, all.branches)
	for _, line := range missing {
		if err == nil {
			_, err = fmt.Fprintln(w, line)
		}
	}
	return err
}
