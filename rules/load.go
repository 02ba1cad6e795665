package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// rule is one compiled rule and its state.
type rule struct {
	name, label, mode, missed string
	order                     int
	max                       int
	most                      int           // starts
	within                    time.Duration // this time, or it is paused
	disabled                  bool
	triggers                  []*trigger
	when                      expr.Scope // of everything but its conditions to start
	cond                      *expr.Program
	do                        *home.Node
	code                      []instr
	loops                     int

	state ruleState
	fired uint64 // the moment at which it was started last
	runs  []*run // running, waiting and queued, oldest first
	past  []RunTrace
	quiet []Quiet

	findings []string
}

// loader compiles rules and collects what is wrong with them.
type loader struct {
	house  *names
	o      Options
	faults *home.Faults
	table  *expr.Table
	scenes map[string]*home.Node
	loc    *time.Location
}

// Load checks and compiles the node of the rules: key, a map of a rule's name to
// the rule; nil means no rules. What is wrong goes to faults, with the path of
// the node and, in an expression, the offset in its text. With faults that are
// no warnings the engine is nil. Rules that start one another without end, or that
// set one thing differently at the same moment, are faults, too.
func Load(node *home.Node, house House, o Options, faults *home.Faults) *Engine {
	mine := &home.Faults{Asked: faults.Asked}
	defer func() { faults.List = append(faults.List, mine.List...) }()
	l := &loader{o: o, faults: mine, table: expr.NewTable(), loc: o.Location}
	if l.loc == nil {
		l.loc = time.UTC
	}
	l.house = &names{House: house}
	l.loadVars(o.Vars)
	l.loadScenes(o.Scenes)
	var list []*rule
	if node != nil && node.Kind != home.NodeNull {
		if node.Kind != home.NodeMap {
			mine.At(node, "write name: {when: …, do: […]}", "%s, expected a map of rules", node.Describe())
		}
		for _, p := range node.Pairs {
			list = append(list, l.rule(p))
		}
	}
	if !o.Unchecked && !mine.Failed() {
		l.analyse(list, node)
	}
	if mine.Failed() {
		return nil
	}
	l.notes(list, node)
	return l.engine(list)
}

// rule compiles one rule.
func (l *loader) rule(p home.Pair) *rule {
	r := &rule{name: p.Key}
	if err := home.CheckWord(p.Key); err != nil {
		l.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: "the name of a rule: " + err.Error()})
	}
	if p.Value.Kind != home.NodeMap {
		l.faults.At(p.Value, "write {when: …, do: […]}", "%s, expected a rule", p.Value.Describe())
		return r
	}
	d := l.decoder(p.Value)
	r.label = d.Text("label", "")
	r.mode = d.Word("mode", "single", "single", "restart", "queued", "parallel")
	r.max = d.Int("max", 10, 1, 1000)
	if r.most, r.within = d.Rate("rate", mostRate, time.Second, 24*time.Hour); r.most == 0 {
		r.most, r.within = runawayLimit, runawaySpan
	}
	r.missed = d.Word("missed", "if_still_true", "skip", "if_still_true", "run")
	r.disabled = !d.Bool("enabled", true)
	for _, n := range d.List("allow") {
		if words := []string{"loop", "conflict", "fight", "flutter", "never", "always"}; !slices.Contains(words, n.Text) {
			l.faults.At(n, near(n.Text, words), "allow has %s, expected one of %s", n.Describe(), strings.Join(words, ", "))
		}
	}
	d.Require("when", "do")
	if when := d.Get("when"); when != nil {
		l.when(r, when)
	}
	r.when = l.scopeOf(r)
	if n := d.Get("if"); n != nil {
		r.cond = l.condition(n, "if", &r.when)
	}
	if n := d.Get("do"); n != nil {
		r.do = n
		r.code, r.loops = l.steps(n, &r.when)
	}
	d.Done()
	l.forgive(p.Value)
	return r
}

// forgive drops the warnings that allow: silences.
func (l *loader) forgive(n *home.Node) {
	allow := (&home.Decoder{Node: n, Faults: &home.Faults{}}).Texts("allow")
	l.faults.List = slices.DeleteFunc(l.faults.List, func(f home.Fault) bool {
		word, _, _ := strings.Cut(f.Message, " ")
		return f.Warning && slices.Contains(allow, word) && len(f.Path) >= len(n.Path) &&
			slices.Equal(f.Path[:len(n.Path)], n.Path)
	})
}

// scopeOf is what the if and the steps of r may name.
func (l *loader) scopeOf(r *rule) expr.Scope {
	s := l.scope()
	for i, t := range r.triggers {
		s.Message = s.Message || t.kind == whenMessage
		if id := t.id.Text(); id != "" {
			s.Triggers = append(s.Triggers, id)
		}
		if t.value == nil {
			continue
		}
		switch {
		case s.Value == nil && i == 0 || s.Value == nil && r.firstValue(i):
			s.Value = t.value
		case s.Value.Type != t.value.Type || !slices.Equal(s.Value.Options, t.value.Options):
			s.Value = &home.Property{} // of several kinds: known only when it runs
		}
	}
	return s
}

func (r *rule) firstValue(i int) bool {
	return !slices.ContainsFunc(r.triggers[:i], func(t *trigger) bool { return t.value != nil })
}

// scope is what any expression may name.
func (l *loader) scope() expr.Scope {
	return expr.Scope{House: l.house, Groups: l.o.Groups, Slots: l.table, Sun: l.o.Latitude != 0 || l.o.Longitude != 0}
}

func (l *loader) decoder(n *home.Node) *home.Decoder {
	d := home.NewDecoder(n, l.faults)
	if i := commaSlip(n); i >= 0 {
		l.faults.At(n.Pairs[i].Value, "put the value in '…'", "a comma ends the value inside {}: %s", n.Pairs[i].Value.Text)
		return home.NewDecoder(&home.Node{Path: n.Path, Kind: home.NodeMap}, &home.Faults{}) // the rest follows from it
	}
	return d
}

// commaSlip finds the value that a comma inside {} cut in two: its bracket stays
// open, and what came behind looks like a key without a value. -1: there is none.
func commaSlip(n *home.Node) int {
	for i, p := range n.Pairs {
		if i == 0 || p.Value.Kind != home.NodeNull || p.Value.Slip != "" {
			continue
		}
		for j := i - 1; j >= 0; j-- {
			if t := n.Pairs[j].Value.Text; strings.Count(t, "(")+strings.Count(t, "[") > strings.Count(t, ")")+strings.Count(t, "]") {
				return j
			}
		}
	}
	return -1
}

// slips says what YAML takes away and what to write instead.
var slips = map[string]struct{ found, hint string }{
	"!": {"! begins a YAML tag", "write: not a.b"},
	"&": {"& names a YAML anchor", "write: and"},
	"*": {"* is a YAML alias", "begin with a word, a number or ("},
	">": {"> begins a YAML block of text", "begin with a name: a.b > 5, or turn it round: 5 < a.b"},
	"|": {"| begins a YAML block of text", "write: or"},
}

// text returns the text of a scalar; what is none is a fault.
func (l *loader) text(n *home.Node, what, expected string) (string, bool) {
	if slip, ok := slips[n.Slip]; ok && !(n.Kind == home.NodeScalar && n.Text != "" && (n.Slip == ">" || n.Slip == "|")) {
		l.faults.At(n, slip.hint, "%s: %s", what, slip.found)
		return "", false
	}
	if n.Kind != home.NodeScalar {
		l.faults.At(n, "", "%s is %s, expected %s", what, n.Describe(), expected)
		return "", false
	}
	return n.Text, true
}

// condition compiles an expression that is true or false.
func (l *loader) condition(n *home.Node, what string, s *expr.Scope) *expr.Program {
	text, ok := l.text(n, what, "a condition")
	if !ok {
		return nil
	}
	if rest, computed := strings.CutPrefix(strings.TrimSpace(text), "="); computed && !strings.HasPrefix(rest, "=") {
		l.faults.At(n, "write: "+strings.TrimSpace(rest), "%s is always computed, so it needs no =", what)
		return nil
	}
	prog, faults := expr.Compile(text, expr.Want{}, s)
	l.add(n, 0, faults)
	return prog
}

func (l *loader) add(n *home.Node, offset int, faults []expr.Fault) {
	for _, f := range faults {
		l.faults.Add(home.Fault{Path: n.Path, Offset: offset + f.Offset, Message: f.Message, Hint: f.Hint, Warning: f.Warning})
	}
}

// formula splits "= a.b / 2" into its expression and the offset of that.
func formula(n *home.Node) (src string, offset int, ok bool) {
	trimmed := strings.TrimLeft(n.Text, " \t\n")
	src, ok = strings.CutPrefix(trimmed, "=")
	if n.Kind != home.NodeScalar || !ok {
		return "", 0, false
	}
	return src, utf8.RuneCountInString(n.Text) - utf8.RuneCountInString(src), true
}

func near(s string, list []string) string {
	if word := home.Nearest(s, list); word != "" {
		return "did you mean " + word + "?"
	}
	return ""
}

// keyOf is the text by which a piece of a rule is known again after a reload.
func keyOf(n *home.Node) string {
	b, err := json.Marshal(plain(n))
	if err != nil {
		return fmt.Sprint(err) // plain makes nothing that JSON has not
	}
	return string(b)
}

// plain is a node without its place, with the order of its keys.
func plain(n *home.Node) any {
	switch n.Kind {
	case home.NodeScalar:
		return n.Text
	case home.NodeList:
		list := []any{}
		for _, item := range n.Items {
			list = append(list, plain(item))
		}
		return list
	case home.NodeMap:
		list := []any{"{"}
		for _, p := range n.Pairs {
			list = append(list, p.Key, plain(p.Value))
		}
		return list
	}
	return nil
}
