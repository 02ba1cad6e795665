package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

type opcode uint8

const (
	doSet     opcode = iota // scene, too
	doWait                  // for a time
	doUntil                 // for a condition
	doIf                    // no: jump to no; unknown: jump to end
	doJump                  // jump to end
	doLoop                  // next round, or jump to end
	doPublish               // hand in a message
	doLog
	doStop
)

// instr is one step, compiled. A run is where it is among them: a number.
type instr struct {
	op      opcode
	shown   string // how a trace names it
	goOn    bool   // on_error: continue
	sets    []setting
	prog    *expr.Program // until, if, while
	hold    time.Duration // wait; for
	limit   time.Duration // at_most; 0: none
	stop    bool          // on_timeout: stop
	no, end int
	times   int
	loop    int // which of the run's counters
	text    value
	message *publish
	node    *home.Node // where it is written
	seen    uint8      // see [Reach]
}

type publish struct {
	exchange, key value
	body          tree
}

// stepper lays a rule's steps out as instructions.
type stepper struct {
	*loader
	scope *expr.Scope
	code  []instr
	loops int
	depth int
	at    *home.Node // the step that is laid out
}

const maxSteps, maxNesting = 1000, 20

func (l *loader) steps(n *home.Node, s *expr.Scope) ([]instr, int) {
	b := &stepper{loader: l, scope: s}
	b.list(n, "do")
	if len(b.code) > maxSteps {
		l.faults.At(n, "", "%d steps; a rule has at most %d", len(b.code), maxSteps)
	}
	return b.code, b.loops
}

func (b *stepper) list(n *home.Node, what string) {
	if n.Kind != home.NodeList {
		b.faults.At(n, "write - before each step", "%s is %s, expected a list of steps", what, n.Describe())
		return
	}
	if len(n.Items) == 0 {
		b.faults.At(n, "", "%s has no step", what)
	}
	if b.depth++; b.depth > maxNesting {
		b.faults.At(n, "", "more than %d levels of steps", maxNesting)
		return
	}
	for _, item := range n.Items {
		b.step(item)
	}
	b.depth--
}

var stepWords = []string{"set", "scene", "wait", "if", "repeat", "publish", "log", "stop"}

func (b *stepper) step(n *home.Node) {
	if n.Kind != home.NodeMap {
		b.faults.At(n, "a step begins with one of "+strings.Join(stepWords, ", "), "%s is no step", n.Describe())
		return
	}
	d := b.decoder(n)
	if commaSlip(n) >= 0 {
		return
	}
	word := ""
	for _, p := range n.Pairs {
		if !slices.Contains(stepWords, p.Key) {
			continue
		}
		if word != "" {
			b.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: "one step has both " + word + " and " + p.Key,
				Hint: "write two steps"})
			d.Get(p.Key)
			continue
		}
		word = p.Key
	}
	if word == "" {
		b.noStep(n)
		return
	}
	value := d.Get(word)
	if value == nil {
		b.faults.At(n.Get(word), "", "%s has no value", word)
		return
	}
	b.at = n
	b.stepOf(word, value, d)
	d.Done()
}

func (b *stepper) noStep(n *home.Node) {
	hint := "a step begins with one of " + strings.Join(stepWords, ", ")
	for _, p := range n.Pairs {
		if word := home.Nearest(p.Key, stepWords); word != "" {
			hint = "did you mean " + word + "?"
		}
		if _, ok := b.house.Property(p.Key); ok {
			hint = "write: set: {" + p.Key + ": …}"
		}
		if p.Key == "while" {
			hint = "write repeat: N beside it"
		}
	}
	b.faults.At(n, hint, "this is no step")
}

func (b *stepper) stepOf(word string, n *home.Node, d *home.Decoder) {
	switch word {
	case "set", "scene", "publish":
		in := instr{goOn: d.Word("on_error", "stop", "stop", "continue") == "continue"}
		b.action(word, n, in)
	case "wait":
		b.wait(n)
	case "if":
		b.branch(n, d)
	case "repeat":
		b.repeat(d)
	case "log", "stop":
		op := map[string]opcode{"log": doLog, "stop": doStop}[word]
		if _, ok := b.text(n, word, "a text"); ok {
			b.emit(instr{op: op, shown: word, text: b.anyValue(n, b.scope)})
		}
	}
}

func (b *stepper) emit(in instr) int {
	in.node = b.at
	b.code = append(b.code, in)
	return len(b.code) - 1
}

func (b *stepper) action(word string, n *home.Node, in instr) {
	switch word {
	case "set":
		in.op, in.shown = doSet, "set"
		in.sets = b.settings(n, b.scope)
	case "scene":
		in.op, in.shown = doSet, "scene "+n.Text
		scene, ok := b.scenes[n.Text]
		if !ok {
			var names []string
			for name := range b.scenes {
				names = append(names, name)
			}
			slices.Sort(names)
			b.faults.At(n, near(n.Text, names), "there is no scene %s", n.Text)
			return
		}
		quiet := *b.loader // a scene's faults were told where it stands
		quiet.faults = &home.Faults{}
		s := quiet.scope()
		in.sets = quiet.settings(scene, &s)
	case "publish":
		in.op, in.shown = doPublish, "publish"
		if n.Kind != home.NodeMap {
			b.faults.At(n, "write {exchange: alerts, key: casa.frost, body: …}", "publish is %s", n.Describe())
			return
		}
		in.message = b.message(n)
	}
	b.emit(in)
}

func (b *stepper) message(n *home.Node) *publish {
	d := b.decoder(n)
	d.Require("exchange", "key")
	m := &publish{}
	for _, one := range []struct {
		key string
		to  *value
	}{{"exchange", &m.exchange}, {"key", &m.key}} {
		if v := d.Get(one.key); v != nil {
			if _, ok := b.text(v, one.key, "a text"); ok {
				*one.to = b.anyValue(v, b.scope)
			}
		}
	}
	if v := d.Get("body"); v != nil {
		m.body = body(b.loader, v, b.scope)
	}
	d.Done()
	return m
}

const longest = 366 * 24 * time.Hour

func (b *stepper) wait(n *home.Node) {
	if n.Kind == home.NodeScalar {
		d, err := home.ParseDuration(n.Text)
		if err != nil {
			b.faults.At(n, "or write wait: {until: CONDITION}", "wait is '%s', expected a duration like 200ms, 10s, 5m, 1h30m, 2d or 1w", n.Text)
		}
		b.emit(instr{op: doWait, shown: "wait " + n.Text, hold: d})
		return
	}
	d := b.decoder(n)
	in := instr{op: doUntil, hold: d.Duration("for", 0, 0, longest), limit: d.Duration("at_most", 0, time.Millisecond, longest)}
	in.stop = d.Word("on_timeout", "continue", "continue", "stop") == "stop"
	if in.limit == 0 && d.Get("on_timeout") != nil {
		d.Fault("on_timeout", "write at_most: 1h beside it", "on_timeout without at_most")
	}
	d.Require("until")
	if until := d.Get("until"); until != nil {
		in.prog = b.condition(until, "until", b.scope)
		in.shown = "wait until " + until.Text
	}
	d.Done()
	b.emit(in)
}

// branch lays out: if, then, jump, else.
func (b *stepper) branch(n *home.Node, d *home.Decoder) {
	at := b.emit(instr{op: doIf, shown: "if " + n.Text, prog: b.condition(n, "if", b.scope)})
	yes, no := d.Get("then"), d.Get("else")
	if yes == nil {
		d.Require("then")
	} else {
		b.list(yes, "then")
	}
	b.code[at].no = len(b.code)
	if no != nil {
		jump := b.emit(instr{op: doJump})
		b.code[at].no = len(b.code)
		b.list(no, "else")
		b.code[jump].end = len(b.code)
	}
	b.code[at].end = len(b.code)
}

// repeat lays out: loop, steps, jump back.
func (b *stepper) repeat(d *home.Decoder) {
	in := instr{op: doLoop, times: d.Int("repeat", 1, 1, 100000), loop: b.loops}
	in.shown = "repeat " + strconv.Itoa(in.times)
	b.loops++
	if while := d.Get("while"); while != nil {
		in.prog = b.condition(while, "while", b.scope)
		in.shown += " while " + while.Text
	}
	at := b.emit(in)
	if steps := d.Get("do"); steps != nil {
		b.list(steps, "do")
	}
	d.Require("do")
	b.emit(instr{op: doJump, end: at})
	b.code[at].end = len(b.code)
}
