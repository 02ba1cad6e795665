package rules

import (
	"maps"
	"slices"
	"strings"
	"time"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// judge lets a few rules live, in an engine of their own, through every state and
// every single change; waits are passed. One case that does not come to rest is
// enough.
func (a *analyst) judge(group []*rule) {
	slices.SortFunc(group, func(x, y *rule) int { return slices.Index(a.rules, x) - slices.Index(a.rules, y) })
	node := &home.Node{Kind: home.NodeMap}
	var progs []*expr.Program
	for _, r := range group {
		node.Pairs = append(node.Pairs, home.Pair{Key: r.name, Value: a.nodes[r]})
		progs = append(progs, r.programs()...)
	}
	regions := a.regions(progs)
	for _, r := range group { // names that are only looked at as they change
		for _, t := range r.triggers {
			for _, name := range t.names {
				slot := a.table.Slot(name)
				if prop, ok := a.house.Property(name); ok && !slices.ContainsFunc(regions, func(r region) bool { return r.slot == slot }) {
					regions = append(regions, region{slot, valuesOf(prop, []home.Value{home.NumberOf(0), home.NumberOf(1)})})
				}
			}
		}
	}
	o := a.o
	o.Unchecked = true
	e := Load(node, a.house.House, o, &home.Faults{})
	if e == nil {
		return
	}
	total := uint64(1)
	for _, r := range regions {
		total = min(total*uint64(max(1, len(r.values))), 1<<40)
	}
	cases := min(total, uint64(max(1, mostCases/max(1, len(regions)))))
	for n := range cases {
		state := n
		if cases < total {
			state = spread(n) // not all of them, but of all kinds
		}
		for i := range max(1, len(regions)) {
			if chain, change := a.live(e, regions, state, i); chain != nil {
				a.tellLoop(group, chain, change)
				return
			}
		}
	}
}

// spread mixes the bits of n (the end of splitmix64).
func spread(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// tellLoop names the chain of rules from its first repetition on.
func (a *analyst) tellLoop(group []*rule, chain []string, change string) {
	end := slices.Index(chain[1:], chain[0]) + 1
	if end > 0 {
		chain = chain[:end+1]
	}
	if len(chain) > 12 {
		chain = append(chain[:12], "…")
	}
	concerned := slices.DeleteFunc(slices.Clone(group), func(r *rule) bool { return !slices.Contains(chain, r.name) })
	if len(concerned) == 0 {
		concerned = group
	}
	slices.Reverse(concerned) // told at the first
	a.tell("loop", false, concerned, strings.Join(chain, " → ")+" without end, when "+change, "let one of them ask by if whether there is anything to do")
}

// trial is one change in one state of the house.
type trial struct {
	engine *Engine
	now    time.Time
	queue  []home.Event
	values map[string]home.Value
	chain  []string // rules as they were started
	starts map[string]int
	loop   bool
}

// live tries one change: the region i goes to its next value. It returns the
// rules in the order in which they were started when they do not come to rest.
func (a *analyst) live(e *Engine, regions []region, state uint64, i int) (chain []string, change string) {
	e = e.fresh()
	e.timeless = true
	t := &trial{engine: e, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), values: make(map[string]home.Value), starts: make(map[string]int)}
	var changed home.Event
	for j, r := range regions {
		if len(r.values) == 0 {
			continue
		}
		k := int(state % uint64(len(r.values)))
		state /= uint64(len(r.values))
		name := a.table.Name(r.slot)
		prop, _ := a.house.Property(name)
		ev := observed(name, prop, r.values[k])
		if j == i {
			changed = observed(name, prop, r.values[(k+1)%len(r.values)])
			change = name + " turns " + changed.Value.String()
			if ev.Kind == home.KindReading || ev.Kind == home.KindVariable {
				change = name + " goes from " + ev.Value.String() + " to " + changed.Value.String()
			}
		}
		if prop.Type != home.TypeEvent {
			ev.Flags |= home.FlagLate // to be known, and to start nothing
			t.take(ev)
		}
	}
	clear(t.starts)
	t.chain = nil
	if len(regions) == 0 { // messages alone
		changed, change = a.anyMessage(e), "a message comes"
	}
	t.take(changed)
	for n := 0; n < mostMoments && !t.loop; n++ {
		next := e.Next()
		if next.IsZero() {
			break
		}
		t.now = next
		t.take(home.Event{})
	}
	if !t.loop {
		return nil, ""
	}
	return t.settled(), change
}

// fresh is an engine of the same rules that has seen nothing; e is not to be used
// any more.
func (e *Engine) fresh() *Engine {
	for _, r := range e.rules {
		r.state, r.fired, r.runs, r.past, r.quiet = ruleState{}, 0, nil, nil, nil
		for _, t := range r.triggers {
			t.state = triggerState{}
		}
	}
	return e.loader.engine(e.rules)
}

func (a *analyst) anyMessage(e *Engine) home.Event {
	for _, b := range e.Messages() {
		key := strings.NewReplacer("*", "x", "#", "x").Replace(b.Key)
		return home.Event{Kind: home.KindMessage, Message: &home.Message{Exchange: b.Exchange, Key: key, Body: []byte("{}")}}
	}
	return home.Event{}
}

// observed is the event by which a name is seen to have a value.
func observed(name string, p home.Property, v home.Value) home.Event {
	device, property := home.Split(name)
	switch {
	case device == home.Vars:
		return home.Event{Kind: home.KindVariable, Name: property, Value: v}
	case p.Type == home.TypeEvent:
		return home.Event{Kind: home.KindEvent, Device: device, Property: property, Value: v}
	}
	return home.Event{Kind: home.KindReading, Device: device, Property: property, Value: v}
}

// take steps an event and all that follows from it. The clock stays unknown, so
// that no time of day starts anything.
func (t *trial) take(ev home.Event) {
	t.queue = append(t.queue, ev)
	for len(t.queue) > 0 && !t.loop {
		ev := t.queue[0]
		t.queue = t.queue[1:]
		ev.At, ev.Flags = t.now, ev.Flags|home.FlagUntrusted
		if ev.Kind == home.KindReading {
			t.values[ev.FullName()] = ev.Value
		}
		for _, d := range t.engine.Step(ev) {
			t.decided(d)
		}
	}
}

func (t *trial) decided(d Decision) {
	if c := d.Command; c != nil {
		// The outcome first, as with devices that tell later what they did: a run
		// that is over can be started again by it.
		t.queue = append(t.queue, home.Event{Kind: home.KindOutcome, Device: c.Device,
			Outcome: &home.Outcome{ID: c.ID, Device: c.Device, Result: home.Applied}})
		for _, s := range c.Set {
			name, v := home.Join(c.Device, s.Property), s.Value
			if v == home.Toggle {
				v = home.BooleanOf(!t.values[name].Boolean())
			}
			if t.values[name] != v {
				t.queue = append(t.queue, home.Event{Kind: home.KindReading, Device: c.Device, Property: s.Property, Value: v})
			}
		}
		return
	}
	switch ev := d.Event; {
	case ev.Kind == home.KindPublish:
		t.queue = append(t.queue, *ev, home.Event{Kind: home.KindMessage, Message: ev.Message})
	case ev.Kind == home.KindRule && ev.State == "started":
		t.chain = append(t.chain, ev.Name)
		t.starts[ev.Name]++
		t.loop = t.loop || t.starts[ev.Name] > mostStarts
	case ev.Kind == home.KindRule && (ev.State == "paused" || ev.State == "failed" && strings.HasPrefix(ev.Reason, tooDeep)):
		t.loop = true
	}
}

// settled is the chain from where it repeats: the rules that were started most.
func (t *trial) settled() []string {
	if len(t.chain) == 0 {
		return slices.Sorted(maps.Keys(t.starts))
	}
	last := t.chain[len(t.chain)-1]
	from := len(t.chain) - 1
	for from > 0 && t.chain[from-1] != last {
		from--
	}
	if from == 0 {
		return []string{last}
	}
	return t.chain[from-1:]
}
