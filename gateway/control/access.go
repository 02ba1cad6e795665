package control

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hogar/gateway/home"
)

// Verbs of rights.
const (
	VerbSet     = "set"
	VerbGet     = "get"
	VerbMeasure = "measure"
)

// kinds of sources: what comes before the colon. Those that are local are open
// until the first entry of their kind: the rules are the owner's own, the socket's
// mode guards the command line, and the log-in guards the page.
var kinds = []struct {
	name  string
	local bool
}{{"amqp", false}, {"cli", true}, {"mqtt", false}, {"rule", true}, {"web", true}}

// Access says who may do what.
type Access struct {
	Grants []Grant
}

// Grant gives one source, or all of a kind, patterns of names (see [home.Match])
// by verb. A device's name stands for all its properties.
type Grant struct {
	Source   string // amqp:app, or amqp for all users but the anonymous
	Patterns map[string][]string
}

// anonymous is the source of AMQP messages without a user_id that the broker checked.
const anonymous = "amqp:anonymous"

// may reports whether a source has a right. That to set includes the others.
func (a *Access) may(source, verb, device, property string) bool {
	if a == nil {
		return true
	}
	kind, _, _ := strings.Cut(source, ":")
	spoken := false
	for _, g := range a.Grants {
		of, _, _ := strings.Cut(g.Source, ":")
		spoken = spoken || of == kind
		if g.Source != source && (g.Source != kind || source == anonymous) {
			continue
		}
		patterns := g.Patterns[verb]
		if verb != VerbSet { // who may set a thing may see it
			patterns = slices.Concat(patterns, g.Patterns[VerbSet])
		}
		for _, pattern := range patterns {
			if home.Match(pattern, device) || property != "" && home.Match(pattern, home.Join(device, property)) {
				return true
			}
		}
	}
	if spoken {
		return false
	}
	return slices.ContainsFunc(kinds, func(k struct {
		name  string
		local bool
	}) bool {
		return k.name == kind && k.local
	})
}

// May reports whether a source (amqp:<user>, cli:<user>, rule:<name>,
// web:<user>) has the right to a verb: set, get or measure. property may be "".
func (c *Control) May(source, verb, device, property string) bool {
	c.mu.Lock()
	a := c.house.Access
	c.mu.Unlock()
	return a.may(source, verb, device, property)
}

// whom names a sender in a sentence.
func whom(source string) string { return cmp.Or(source, "a sender without a name") }

// authorise says why the sender may not give this command; nil: it may. The lock is held.
func (c *Control) authorise(cmd *home.Command) *home.Outcome {
	for _, s := range cmd.Set {
		if c.house.Access.may(cmd.Source, VerbSet, cmd.Device, s.Property) {
			continue
		}
		hint := "access: in the configuration says who may do what"
		if cmd.Source == anonymous {
			hint = "send it with user_id, which RabbitMQ checks; " + hint
		}
		return rejected(fmt.Sprintf("%s may not set %s", whom(cmd.Source), home.Join(cmd.Device, s.Property)), hint)
	}
	return nil
}
