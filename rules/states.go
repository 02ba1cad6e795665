package rules

import (
	"math"
	"slices"
	"strings"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// mostStates is how many states of the house are tried at most.
const mostStates = 20_000

func (a *analyst) cutsOf(p *expr.Program) expr.Cuts {
	c, ok := a.cuts[p]
	if !ok {
		s := a.scope()
		s.Message, s.Value = true, &home.Property{}
		c = expr.CutsOf(p.Source, &s)
		a.cuts[p] = c
	}
	return c
}

// region is a name and one value of each kind that makes a difference.
type region struct {
	slot   int
	values []home.Value
}

// regions cuts the names that conditions read: a switch in two, a choice in its
// options, a number at and between the constants that it is compared with.
func (a *analyst) regions(progs []*expr.Program) []region {
	var list []region
	for _, p := range progs {
		for _, slot := range p.Names {
			if slices.ContainsFunc(list, func(r region) bool { return r.slot == slot }) {
				continue
			}
			var cuts []home.Value
			for _, other := range progs {
				cuts = append(cuts, a.cutsOf(other).Values[a.table.Name(slot)]...)
			}
			prop, _ := a.house.Property(a.table.Name(slot))
			list = append(list, region{slot, valuesOf(prop, cuts)})
		}
	}
	return list
}

// valuesOf lists one value for each region of a property.
func valuesOf(p home.Property, cuts []home.Value) []home.Value {
	switch p.Type {
	case home.TypeBoolean:
		return []home.Value{home.BooleanOf(false), home.BooleanOf(true)}
	case home.TypeChoice, home.TypeEvent:
		var list []home.Value
		for _, o := range p.Options {
			list = append(list, home.TextOf(o))
		}
		return list
	case home.TypeNumber:
		return numbersOf(p, cuts)
	}
	list := []home.Value{home.TextOf("x")}
	for _, c := range cuts {
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

func numbersOf(p home.Property, cuts []home.Value) []home.Value {
	var edges []float64
	for _, c := range cuts {
		if c.Kind() == home.Number {
			edges = append(edges, c.Number())
		}
	}
	low, high := math.Inf(-1), math.Inf(1)
	if p.Min != nil {
		low = *p.Min
	}
	if p.Max != nil {
		high = *p.Max
	}
	if len(edges) == 0 {
		edges = []float64{max(0, low)}
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	numbers := []float64{max(low, edges[0]-1), min(high, edges[len(edges)-1]+1)}
	for i, e := range edges {
		numbers = append(numbers, e)
		if i > 0 {
			numbers = append(numbers, (edges[i-1]+e)/2)
		}
	}
	slices.Sort(numbers)
	var list []home.Value
	for _, f := range slices.Compact(numbers) {
		if f >= low && f <= high {
			list = append(list, home.NumberOf(f))
		}
	}
	return list
}

// states lets try see every state of the names that conditions read, until it
// has seen enough and returns false. It reports whether there were few enough to
// be tried.
func (a *analyst) states(progs []*expr.Program, try func() bool) bool {
	regions := a.regions(progs)
	if !fewer(regions, mostStates) {
		return false
	}
	a.each(regions, try)
	for _, r := range regions {
		a.env.Slots[r.slot] = expr.Slot{}
	}
	return true
}

func fewer(regions []region, most int) bool {
	n := 1
	for _, r := range regions {
		if n *= len(r.values); n == 0 || n > most {
			return false
		}
	}
	return true
}

func (a *analyst) each(regions []region, try func() bool) bool {
	if len(regions) == 0 {
		return try()
	}
	for _, v := range regions[0].values {
		a.env.Slots[regions[0].slot].Value = v
		if !a.each(regions[1:], try) {
			return false
		}
	}
	return true
}

// both finds a state in which all conditions hold, and describes it; an empty
// text: there is none, or too many would have to be tried.
func (a *analyst) both(progs ...*expr.Program) string {
	progs = slices.DeleteFunc(progs, func(p *expr.Program) bool { return p == nil })
	found := ""
	a.states(progs, func() bool {
		for _, p := range progs {
			if !p.Eval(&a.env).Boolean() {
				return true
			}
		}
		var seen []string
		for _, r := range a.regions(progs) {
			seen = append(seen, a.table.Name(r.slot)+" is "+a.env.Slots[r.slot].Value.String())
		}
		if found = strings.Join(seen, ", "); found == "" {
			found = "always"
		}
		return false
	})
	return found
}
