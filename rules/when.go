package rules

import (
	"slices"
	"strings"
	"time"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

type whenKind uint8

const (
	whenIs whenKind = iota
	whenChanged
	whenEvent
	whenTime    // at, sun, every, cron
	whenOnline  // a condition: the device is online
	whenOffline // a condition: it is not
	whenMessage
	whenStarted
)

// trigger is one way in which a rule is started, and its state.
type trigger struct {
	rule  *rule
	kind  whenKind
	index int    // in its rule
	order uint64 // among all triggers
	key   string // its text, by which it is known again
	shown string // how a trace names it
	id    home.Value

	prog     *expr.Program
	hold     time.Duration
	names    []string       // changed, event
	value    *home.Property // what value and previous are
	happened home.Value     // the event that is meant; unknown: any
	schedule schedule
	device   string
	exchange string
	pattern  string // of a message's key

	state triggerState
	due   timer // of a hold or a schedule
	ages  timer // of a comparison with age()
}

var whenWords = []string{"is", "changed", "event", "at", "sun", "every", "cron", "online", "offline", "message", "started"}

// when reads one trigger or a list of them.
func (l *loader) when(r *rule, n *home.Node) {
	nodes := []*home.Node{n}
	if n.Kind == home.NodeList {
		nodes = n.Items
	}
	if len(nodes) == 0 {
		l.faults.At(n, "write a condition, such as hall.motion.occupancy", "when is an empty list")
	}
	for i, one := range nodes {
		t := &trigger{rule: r, index: i, key: keyOf(one)}
		if one.Kind == home.NodeMap {
			l.trigger(t, one)
		} else {
			s := l.scope()
			t.prog = l.condition(one, "when", &s)
			t.shown = one.Text
		}
		r.triggers = append(r.triggers, t)
	}
}

// trigger reads a trigger that is a map.
func (l *loader) trigger(t *trigger, n *home.Node) {
	d := l.decoder(n)
	if commaSlip(n) >= 0 {
		return
	}
	word := ""
	for _, p := range n.Pairs {
		if !slices.Contains(whenWords, p.Key) {
			continue
		}
		if word != "" {
			l.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: "one trigger has both " + word + " and " + p.Key,
				Hint: "write a list of triggers: any of them starts the rule"})
			d.Get(p.Key)
			continue
		}
		word = p.Key
	}
	if word == "" {
		l.noTrigger(n)
		return
	}
	if id := d.Text("id", ""); id != "" {
		if err := home.CheckWord(id); err != nil {
			d.Fault("id", "", "id: %s", err)
		}
		t.id = home.TextOf(id)
	}
	value := d.Get(word)
	if value == nil {
		l.faults.At(n.Get(word), "", "%s has no value", word)
		value = &home.Node{}
	}
	t.shown = strings.TrimSpace(strings.TrimPrefix(word, "is") + " " + value.Text)
	if value.Kind != home.NodeNull || value.Slip != "" {
		l.triggerOf(t, word, value, d)
	}
	d.Done()
}

func (l *loader) noTrigger(n *home.Node) {
	hint := "a trigger begins with one of " + strings.Join(whenWords, ", ")
	for _, p := range n.Pairs {
		if word := home.Nearest(p.Key, whenWords); word != "" {
			hint = "did you mean " + word + "?"
		}
		if _, ok := l.house.Property(p.Key); ok {
			hint = "write a condition: " + p.Key + " == …"
		}
	}
	l.faults.At(n, hint, "this is no trigger")
}

func (l *loader) triggerOf(t *trigger, word string, n *home.Node, d *home.Decoder) {
	switch word {
	case "is":
		l.whenIs(t, n, d)
	case "changed":
		t.kind = whenChanged
		l.whenChanged(t, n)
	case "event":
		t.kind = whenEvent
		l.whenEvent(t, n)
	case "at", "sun", "every", "cron":
		t.kind = whenTime
		l.whenTime(t, word, n, d)
	case "online", "offline":
		t.kind = whenOnline
		if word == "offline" {
			t.kind = whenOffline
			t.hold = d.Duration("for", 0, 0, 366*24*time.Hour)
		}
		if text, ok := l.text(n, word, "a device"); ok && expr.MayCome(l.house, text) {
			l.faults.Add(home.Fault{Path: n.Path, Warning: true, Message: home.NotYet(text), Hint: near(text, l.house.Names())})
		} else if ok && !l.house.Device(text) {
			l.faults.At(n, near(text, l.house.Names()), "there is no device %s", text)
		}
		t.device = n.Text
	case "message":
		t.kind = whenMessage
		l.whenMessage(t, n)
	case "started":
		t.kind = whenStarted
		if n.Text != "true" {
			l.faults.At(n, "write: {started: true}", "started is %s", n.Describe())
		}
	}
}

func (l *loader) whenIs(t *trigger, n *home.Node, d *home.Decoder) {
	s := l.scope()
	t.hold = d.Duration("for", 0, 0, 366*24*time.Hour)
	band := d.Number("hysteresis", 0, 0, 1e9)
	if d.Get("hysteresis") == nil || band == 0 {
		t.prog = l.condition(n, "is", &s)
		return
	}
	text, ok := l.text(n, "is", "a condition")
	if !ok {
		return
	}
	prog, faults := expr.CompileHysteresis(text, band, &s)
	l.add(n, 0, faults)
	t.prog = prog
}

func (l *loader) whenChanged(t *trigger, n *home.Node) {
	items := []*home.Node{n}
	if n.Kind == home.NodeList {
		items = n.Items
	}
	for _, item := range items {
		name, ok := l.text(item, "changed", "a name")
		if !ok {
			continue
		}
		p, ok := l.readable(item, name)
		if ok && p.Type == home.TypeEvent {
			l.faults.At(item, "write: {event: "+name+"}", "%s is momentary: it happens, and never changes", name)
		}
		t.addValue(&p)
		t.names = append(t.names, name)
	}
}

// addValue notes of what kind value and previous are.
func (t *trigger) addValue(p *home.Property) {
	if t.value == nil {
		t.value = p
		return
	}
	if t.value.Type != p.Type || !slices.Equal(t.value.Options, p.Options) {
		t.value = &home.Property{}
	}
}

func (l *loader) readable(n *home.Node, name string) (home.Property, bool) {
	p, ok := l.house.Property(name)
	if !ok {
		f := home.Fault{Path: n.Path, Message: "there is no " + name, Hint: near(name, l.house.Names())}
		if l.house.Device(name) {
			f.Message, f.Hint = name+" is a device", "name one of its properties"
		}
		l.faults.Add(f)
	} else if device, _ := home.Split(name); expr.MayCome(l.house, device) {
		l.faults.Add(home.Fault{Path: n.Path, Warning: true, Message: home.NotYet(name), Hint: near(name, l.house.Names())})
	}
	return p, ok
}

// whenEvent reads {NAME: VALUE}, or NAME for anything that happens.
func (l *loader) whenEvent(t *trigger, n *home.Node) {
	name, value := n.Text, (*home.Node)(nil)
	if n.Kind == home.NodeMap && len(n.Pairs) == 1 {
		name, value = n.Pairs[0].Key, n.Pairs[0].Value
	} else if n.Kind != home.NodeScalar {
		l.faults.At(n, "write {hall.button.action: single}", "event is %s, expected a name and what happens", n.Describe())
		return
	}
	t.shown = "event " + name
	where := n
	if value != nil {
		where = value
	}
	p, ok := l.readable(where, name)
	if !ok {
		return
	}
	t.names, t.value = []string{name}, &p
	if p.Type != home.TypeEvent && p.Type != "" {
		l.faults.At(where, "write: when: "+name+", or {changed: "+name+"}", "%s is no event: it is a %s, which stays", name, p.Type)
		return
	}
	if value == nil {
		return
	}
	text, ok := l.text(value, "event", "what happens")
	if ok && len(p.Options) > 0 && !slices.Contains(p.Options, text) {
		hint := near(text, p.Options)
		if hint == "" {
			hint = "it is one of " + strings.Join(p.Options, ", ")
		}
		l.faults.At(value, hint, "%s is never %s", name, text)
	}
	t.happened = home.TextOf(text)
	t.shown += " " + text
}

// mostKey is how many bytes AMQP allows for an exchange's name and for a key.
const mostKey = 255

func (l *loader) whenMessage(t *trigger, n *home.Node) {
	if n.Kind != home.NodeMap {
		l.faults.At(n, "write {exchange: shop, key: order.placed}", "message is %s", n.Describe())
		return
	}
	d := l.decoder(n)
	d.Require("exchange", "key")
	t.exchange, t.pattern = d.Text("exchange", ""), d.Text("key", "")
	t.shown = "message " + t.exchange + " " + t.pattern
	for key, s := range map[string]string{"exchange": t.exchange, "key": t.pattern} {
		if d.Get(key) != nil && (s == "" || len(s) > mostKey) {
			d.Fault(key, "write {exchange: shop, key: order.placed}; # is any key", "%s has %d bytes, expected from 1 to %d", key, len(s), mostKey)
		}
	}
	if n := home.Hashes(t.pattern); n > home.MostHashes {
		d.Fault("key", "like order.#; what two cannot say, an if: over the message can", "key has %d words #, and RabbitMQ takes at most %d since 4.3.5", n, home.MostHashes)
	}
	d.Done()
}
