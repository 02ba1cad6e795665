package rules

import (
	"fmt"
	"slices"
	"time"

	"hogar/gateway/home"
)

// do does one step of a run.
func (e *Engine) do(r *run, in *instr) {
	in.seen |= seenStep
	switch in.op {
	case doSet:
		e.set(r, in)
	case doWait:
		r.note(e.wall(), in.shown)
		if in.hold == 0 {
			r.PC++
			return
		}
		e.wait(r, waitTime, e.now.Add(in.hold), time.Time{})
	case doUntil:
		var limit time.Time
		if in.limit > 0 {
			limit = e.now.Add(in.limit)
		}
		r.note(e.wall(), in.shown)
		e.wait(r, waitUntil, time.Time{}, limit)
		e.lookRun(r)
	case doIf:
		e.branch(r, in)
	case doJump:
		r.PC = in.end
	case doLoop:
		e.loop(r, in)
	case doPublish:
		e.publish(r, in)
	case doLog:
		r.note(e.wall(), "log "+in.text.eval(&e.env).String())
		r.PC++
	case doStop:
		e.end(r, "stopped", in.text.eval(&e.env).String())
	}
}

func (e *Engine) branch(r *run, in *instr) {
	v := in.prog.Eval(&e.env)
	saw := " (" + in.prog.Describe(&e.env, e.table) + ")"
	switch {
	case v.Kind() != home.Boolean:
		r.note(e.wall(), in.shown+": unknown, neither"+saw)
		r.PC = in.end
	case v.Boolean():
		in.seen |= seenTrue
		r.note(e.wall(), in.shown+": true"+saw)
		r.PC++
	default:
		in.seen |= seenFalse
		r.note(e.wall(), in.shown+": false"+saw)
		r.PC = in.no
	}
}

func (e *Engine) loop(r *run, in *instr) {
	goOn := r.Loops[in.loop] < in.times
	if goOn && in.prog != nil {
		goOn = in.prog.Eval(&e.env).Boolean()
	}
	if !goOn {
		r.note(e.wall(), fmt.Sprintf("%s: ended after %d", in.shown, r.Loops[in.loop]))
		r.Loops[in.loop] = 0
		r.PC = in.end
		return
	}
	r.Loops[in.loop]++
	r.Round++
	r.PC++
}

// set hands in commands, one for each device, and waits for their outcomes.
func (e *Engine) set(r *run, in *instr) {
	commands, err := e.commands(r, in)
	if err != "" {
		e.wrong(r, in, err)
		return
	}
	for _, c := range commands {
		r.note(e.wall(), "set "+c.Device+" "+c.Set.String())
		if c.Device == home.Vars {
			if !e.setVariables(r, c) {
				return
			}
			continue
		}
		r.Await = append(r.Await, c)
		e.awaited[c.ID] = r
		e.out = append(e.out, Decision{Command: c})
	}
	if len(r.Await) == 0 {
		r.PC++
		return
	}
	e.wait(r, waitOutcome, time.Time{}, e.now.Add(e.patience))
}

// commands computes the values of a set step; nothing is set when one is unknown.
func (e *Engine) commands(r *run, in *instr) (list []*home.Command, wrong string) {
	for i := range in.sets {
		s := &in.sets[i]
		v := s.value.eval(&e.env)
		if !v.Known() {
			why := ""
			if s.value.prog != nil {
				why = " because of " + s.value.prog.Describe(&e.env, e.table)
			}
			return nil, "the value of " + s.name + " is unknown" + why
		}
		got, err := s.prop.Accept(v)
		if err != nil {
			return nil, s.name + ": " + err.Error()
		}
		at := slices.IndexFunc(list, func(c *home.Command) bool { return c.Device == s.device })
		if at < 0 {
			at = len(list)
			list = append(list, &home.Command{ID: r.commandID(s.device), Device: s.device, Source: "rule:" + r.rule.name,
				Reason: r.Cause.Event, Expires: e.wall().Add(e.patience), Received: e.wall()})
		}
		list[at].Set = append(list[at].Set, home.Setting{Property: s.prop.Name, Value: got})
	}
	return list, ""
}

// wrong ends a run whose step failed, unless the step says to go on.
func (e *Engine) wrong(r *run, in *instr, what string) {
	if !in.goOn {
		e.end(r, "failed", what)
		return
	}
	r.note(e.wall(), in.shown+" failed, goes on: "+what)
	r.Waits, r.Wrong = waitNothing, ""
	r.PC++
}

// outcome lets a run go on when all its commands have ended.
func (e *Engine) outcome(o *home.Outcome) {
	r := e.awaited[o.ID]
	if r == nil {
		return
	}
	delete(e.awaited, o.ID)
	r.Await = slices.DeleteFunc(r.Await, func(c *home.Command) bool { return c.ID == o.ID })
	r.note(e.wall(), o.Device+" "+string(o.Result)+suffix(o.Error))
	if !o.Result.OK() && o.Result != home.Superseded { // superseded: a newer wish is already followed
		r.Wrong = o.Device + " " + string(o.Result) + suffix(o.Error)
	}
	if len(r.Await) > 0 {
		return
	}
	e.due.clear(&r.timer)
	if r.Wrong != "" {
		e.wrong(r, r.step(), r.Wrong)
	} else {
		r.Waits = waitNothing
		r.PC++
	}
	e.exec(r)
}

func suffix(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

func (e *Engine) publish(r *run, in *instr) {
	exchange, key := in.message.exchange.eval(&e.env), in.message.key.eval(&e.env)
	if !exchange.Known() || !key.Known() {
		e.wrong(r, in, "the exchange or the key of the message is unknown")
		return
	}
	m := &home.Message{Exchange: exchange.String(), Key: key.String(), Body: in.message.body.eval(&e.env)}
	r.note(e.wall(), "publish "+m.Exchange+" "+m.Key)
	ev := home.Event{At: e.wall(), Kind: home.KindPublish, Name: r.rule.name, Message: m, Reason: r.commandID(m.Exchange)}
	e.unsent = bounded(append(e.unsent, ev), keptUnsent)
	e.out = append(e.out, Decision{Event: &ev})
	r.PC++
}

// keptUnsent is how many messages out are remembered until they come back as
// recorded.
const keptUnsent = 1000

// recorded takes a message out that has come back: it is in the journal.
func (e *Engine) recorded(ev *home.Event) {
	e.unsent = slices.DeleteFunc(e.unsent, func(u home.Event) bool { return u.Reason == ev.Reason && u.Name == ev.Name })
}

// again decides once more what may never have left the engine: commands without
// an outcome, which the door drops when it has them, and messages that were not
// recorded.
func (e *Engine) again(r *run) {
	for _, c := range r.Await {
		c.Expires, c.Received = e.wall().Add(e.patience), e.wall()
		e.out = append(e.out, Decision{Command: c})
	}
}

// pendingVariable is a variable that was set: who looks at it does so right after
// the present event.
type pendingVariable struct {
	watch           *watch
	value, previous home.Value
	deep            int // how many sets led to it
}

const tooDeep = "rules that set variables started one another"

// setVariables sets variables. The steps behind it have the new value; rules are
// started right after the present event. It reports whether the run goes on.
func (e *Engine) setVariables(r *run, c *home.Command) bool {
	if e.deep >= variableDeep {
		e.end(r, "failed", fmt.Sprintf("%s %d deep", tooDeep, variableDeep))
		return false
	}
	for _, s := range c.Set {
		w := e.names[nameKey{home.Vars, s.Property}]
		one := &e.env.Slots[w.slot]
		v := s.Value
		if v == home.Toggle && e.isSwitch(s.Property) {
			v = home.BooleanOf(!one.Value.Boolean())
		}
		e.pending = append(e.pending, pendingVariable{w, v, e.known[w.slot], e.deep + 1})
		one.Value, one.Why, one.At = v, "", e.now
		e.known[w.slot] = v
		e.out = append(e.out, Decision{Event: &home.Event{At: e.wall(), Kind: home.KindVariable, Name: s.Property, Value: v, Reason: c.Source}})
	}
	return true
}

func (e *Engine) isSwitch(name string) bool {
	return slices.ContainsFunc(e.vars, func(v *variable) bool { return v.Name == name && v.Type == home.TypeBoolean })
}

// settle lets rules look at the variables that rules have set, one after the other.
func (e *Engine) settle() {
	for len(e.pending) > 0 {
		p := e.pending[0]
		e.pending = e.pending[1:]
		e.moment++
		e.deep = p.deep
		e.lookAll(p.watch, p.value, p.previous, false)
	}
	e.deep = 0
}
