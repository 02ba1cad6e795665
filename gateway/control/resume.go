package control

import (
	"time"

	"hogar/gateway/home"
)

// lives is how long a command without a deadline may be carried out after a
// restart: as long as one that comes over AMQP.
const lives = time.Minute

// readBack is how long a device is waited for that is asked what it does, after a
// restart.
const readBack = 2 * time.Second

// leftover is a command of an earlier run of the gateway that has no outcome.
type leftover struct {
	*intent
	job   *job
	whole bool // of a group or a scene
}

// leftovers returns the intents that nobody carries out, in the order of the
// journal, and takes them in hand. The lock is held.
func (c *Control) leftovers() []leftover {
	var list []leftover
	for _, in := range c.fold.inOrder() {
		if c.pending[in.ID] != nil {
			continue
		}
		in.Anew = in.Anew || c.differs(&in.Command) // a journal of an earlier version does not say
		j := &job{cmd: in.Command, taken: time.Now()}
		c.pending[in.ID] = j
		c.promise(j)
		list = append(list, leftover{in, j, c.isWhole(in.Device)})
	}
	return list
}

// resume ends a command that was cut between its intent and its outcome. Nobody
// knows whether the device was driven. What can be done twice, is, unless its
// time is over or a newer command has been carried out since. What cannot is read
// back where the device tells, and else unknown.
func (c *Control) resume(l leftover) {
	j, device := l.job, l.Device
	left, ok := c.timeLeft(l.intent)
	c.mu.Lock()
	d := c.devices[device]
	if d == nil || d.Actuator == nil {
		c.mu.Unlock()
		c.finish(j, cutOff(j, device+" is not in the configuration any more"), nil)
		return
	}
	j.todo = c.notOvertaken(l.intent)
	j.cmd.Deadline = time.Now().Add(left)
	c.mu.Unlock()
	switch {
	case l.Anew:
		c.readBack(d, j, cutOff(j, ""))
	case len(j.todo) == 0:
		c.finish(j, home.Outcome{Result: home.Superseded, Error: "the gateway stopped before its outcome was recorded, and a newer command was carried out"}, nil)
	case !ok:
		c.readBack(d, j, home.Outcome{Result: home.Expired, Error: "the gateway stopped before its outcome was recorded, and its time is over"})
	default:
		c.enqueue(l.ID)
	}
}

// cutOff is the outcome of what can be neither done again nor read.
func cutOff(j *job, why string) home.Outcome {
	o := home.Outcome{Result: home.Undecided, Error: "the gateway stopped before its outcome was recorded: it may or may not have acted",
		Hint: "look at the device, then set it on or off"}
	if !j.cmd.Anew {
		o.Result, o.Hint = home.Failed, ""
	}
	if why != "" {
		o.Error += "; " + why
	}
	return o
}

// timeLeft is the machine time until the command's deadline. Where nobody knows how long
// the gateway was off, nothing is left.
func (c *Control) timeLeft(in *intent) (time.Duration, bool) {
	left := in.until().Sub(c.clock.Elapsed())
	return c.clock.Machine(left), left > 0 && !c.clock.Gap()
}

// notOvertaken returns what no newer command has set since. The lock is held.
func (c *Control) notOvertaken(in *intent) home.Settings {
	var todo home.Settings
	for _, s := range in.Set {
		if p := c.fold.shown[name{in.Device, s.Property}]; p == nil || p.Driven <= in.Order {
			todo = append(todo, s)
		}
	}
	return todo
}

// readBack ends j as verified when the device shows, soon, what was asked for,
// and else as told. A toggle asked for the other state than the last one known.
func (c *Control) readBack(d *device, j *job, otherwise home.Outcome) {
	c.mu.Lock()
	p := &proof{job: j, device: d, within: max(d.Verify, readBack), otherwise: otherwise}
	known := true
	for _, s := range j.cmd.Set {
		if s.Value == home.Toggle {
			last := c.fold.property(name{j.cmd.Device, s.Property}).Value
			known = known && last.Kind() == home.Boolean
			s.Value = home.BooleanOf(!last.Boolean())
		}
		p.want = append(p.want, s)
	}
	if known {
		d.proofs = append(d.proofs, p)
	} else {
		p.within = 0
	}
	c.mu.Unlock()
	c.await(p)
}
