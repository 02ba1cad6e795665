package control

import (
	"fmt"
	"slices"

	"hogar/gateway/home"
)

// Scene is what one name sets at several devices.
type Scene struct {
	Sets []Wish
	// Computed names a property whose value is an expression: such a scene is for
	// the rules, which can compute it.
	Computed string
}

// Wish is what a scene sets at one device.
type Wish struct {
	Device string
	Set    home.Settings
}

// Activate is the one property of a scene.
const Activate = "activate"

// fan gathers the outcomes of the parts of a command to a group or a scene.
type fan struct {
	whole *job
	parts []home.Outcome
	left  int // parts without an outcome
}

// isWhole reports whether the name is a group's or a scene's. The lock is held.
func (c *Control) isWhole(device string) bool {
	_, group := c.house.Groups[device]
	_, scene := c.house.Scenes[device]
	return group || scene
}

// split makes the commands to the devices of a group or a scene. The lock is held.
func (c *Control) split(cmd *home.Command) ([]home.Command, *home.Outcome) {
	var wishes []Wish
	if scene, is := c.house.Scenes[cmd.Device]; is {
		on := len(cmd.Set) == 1 && cmd.Set[0].Property == Activate && slices.Contains([]string{"on", "true", "1"}, cmd.Set[0].Value.String())
		if !on {
			return nil, rejected(cmd.Device+" is a scene, which is activated and nothing else", "set "+home.Join(cmd.Device, Activate)+" on")
		}
		if scene.Computed != "" {
			return nil, rejected(fmt.Sprintf("scene %s computes %s, which only a rule can", cmd.Device, scene.Computed), "start it by a rule")
		}
		wishes = scene.Sets
	} else {
		for _, member := range c.house.Groups[cmd.Device] {
			wishes = append(wishes, Wish{member, cmd.Set})
		}
	}
	parts := make([]home.Command, len(wishes))
	for i, w := range wishes {
		parts[i] = *cmd
		parts[i].ID, parts[i].OwnID = cmd.ID+"/"+w.Device, true
		parts[i].Device, parts[i].Set = w.Device, w.Set
	}
	return parts, nil
}

// fanOut makes a job of each part that can be carried out. A part that cannot has
// its outcome at once, and does not keep the others back. The lock is held.
func (c *Control) fanOut(j *job, parts []home.Command) []*job {
	f := &fan{whole: j, parts: make([]home.Outcome, len(parts))}
	j.parts = f
	var jobs []*job
	for i := range parts {
		cmd := parts[i]
		c.normalise(&cmd)
		if problem := c.checkDevice(&cmd); problem != nil {
			f.parts[i] = part(*problem, &cmd)
			continue
		}
		one := &job{cmd: cmd, todo: cmd.Set, taken: j.taken, fan: f, index: i}
		c.pending[cmd.ID] = one
		f.left++
		jobs = append(jobs, one)
	}
	return jobs
}

// part is an outcome as it stands in the whole's.
func part(o home.Outcome, cmd *home.Command) home.Outcome {
	o.ID, o.Device, o.Set = cmd.ID, cmd.Device, cmd.Set
	o.Source, o.Reason, o.OwnID = "", "", false // the whole has them
	return o
}

// gather takes the outcome of a part, and ends the whole with the last one.
func (c *Control) gather(j *job, o home.Outcome) {
	f := j.fan
	c.mu.Lock()
	f.parts[j.index] = part(o, &j.cmd)
	f.left--
	last := f.left == 0
	c.mu.Unlock()
	if last {
		c.finish(f.whole, combine(f.parts), nil)
	}
}

// combine makes one outcome of those of the parts: what all of them have, or else
// applied when no part missed its aim.
func combine(parts []home.Outcome) home.Outcome {
	whole := home.Outcome{Result: parts[0].Result, Hint: parts[0].Hint, Parts: parts}
	missed, same := 0, true
	for _, p := range parts {
		same = same && p.Result == parts[0].Result
		if p.Result.OK() || p.Result == home.Superseded { // superseded: a newer wish is followed already
			continue
		}
		if missed++; missed == 1 {
			whole.Error, whole.Hint = p.Device+": "+p.Error, p.Hint
		}
	}
	switch {
	case same && missed == 0:
		whole.Error, whole.Hint = parts[0].Error, parts[0].Hint
	case missed == 0:
		whole.Result, whole.Hint = home.Applied, ""
	default:
		if !same {
			whole.Result = home.Failed
		}
		whole.Error = fmt.Sprintf("%d of %d: %s", missed, len(parts), whole.Error)
	}
	return whole
}

// resumeWhole ends a command to a group or a scene that was cut off. Parts that
// have an outcome keep it, parts with an intent are ended like any command, and
// the others, which cannot have acted, are carried out if there is time.
func (c *Control) resumeWhole(l leftover) {
	_, inTime := c.timeLeft(l.intent)
	c.mu.Lock()
	parts, problem := c.split(&l.Command)
	if problem != nil || len(parts) == 0 {
		c.mu.Unlock()
		c.finish(l.job, cutOff(l.job, l.Device+" has changed since"), nil)
		return
	}
	f := &fan{whole: l.job, parts: make([]home.Outcome, len(parts))}
	l.job.parts = f
	var fresh []*job
	for i, cmd := range parts {
		ended := slices.IndexFunc(l.Parts, func(o home.Outcome) bool { return o.ID == cmd.ID })
		c.normalise(&cmd)
		switch open := c.pending[cmd.ID]; {
		case ended >= 0:
			f.parts[i] = part(l.Parts[ended], &cmd)
			continue
		case open != nil:
			open.fan, open.index = f, i
		case !inTime:
			f.parts[i] = part(home.Outcome{Result: home.Expired, Error: "the gateway stopped before it was carried out"}, &cmd)
			continue
		default:
			one, o := c.resumePart(l.intent, cmd)
			if o != nil {
				f.parts[i] = part(*o, &cmd)
				continue
			}
			one.fan, one.index = f, i
			fresh = append(fresh, one)
		}
		f.left++
	}
	none := f.left == 0
	c.mu.Unlock()
	if none {
		c.finish(l.job, combine(f.parts), nil)
	}
	c.record(fresh...)
}

// resumePart makes the job of a part whose intent was lost. The lock is held.
func (c *Control) resumePart(whole *intent, cmd home.Command) (*job, *home.Outcome) {
	if problem := c.checkDevice(&cmd); problem != nil {
		return nil, problem
	}
	todo := c.notOvertaken(&intent{Command: cmd, Order: whole.Order})
	if len(todo) == 0 {
		return nil, &home.Outcome{Result: home.Superseded, Error: "a newer command was carried out while the gateway was away"}
	}
	j := c.newJob(cmd, nil)
	j.todo = todo
	c.pending[cmd.ID] = j
	return j, nil
}
