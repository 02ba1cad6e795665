package control

import (
	"context"
	"fmt"
	"slices"

	"hogar/gateway/home"
)

// enqueue puts the recorded command at its device's queue.
func (c *Control) enqueue(id string) {
	c.mu.Lock()
	j := c.pending[id]
	if j == nil || j.parts != nil { // the parts have intents of their own
		c.mu.Unlock()
		return
	}
	d := c.devices[j.cmd.Device]
	if d == nil || d.stops {
		c.mu.Unlock()
		c.finish(j, gone(j.cmd.Device), nil)
		return
	}
	if problem := c.stillFits(j); problem != nil { // the device is another since the command was taken
		c.mu.Unlock()
		c.finish(j, *problem, nil)
		return
	}
	old := d.supersede(j)
	busy := len(d.queue) >= queueMax && !j.forced
	switch {
	case j.forced: // safety does not stand in line
		d.queue = slices.Insert(d.queue, 0, j)
	case !busy:
		d.queue = append(d.queue, j)
	}
	c.mu.Unlock()
	for _, o := range old {
		c.finish(o, home.Outcome{Result: home.Superseded, Error: "a newer command took its place before it was carried out"}, nil)
	}
	if busy {
		c.finish(j, *rejected(fmt.Sprintf("busy: %d commands wait at %s", queueMax, j.cmd.Device), "send fewer, or wait for their outcomes"), nil)
		return
	}
	d.poke()
}

// supersede takes out of the queue the commands that set nothing that j does not
// set as well. A toggle counts by its number, so it neither replaces nor is replaced.
func (d *device) supersede(j *job) []*job {
	if j.forced || j.cmd.Anew {
		return nil
	}
	var old []*job
	d.queue = slices.DeleteFunc(d.queue, func(q *job) bool {
		if q.forced || q.cmd.Anew || !covers(j.cmd.Set, q.cmd.Set) {
			return false
		}
		old = append(old, q)
		return true
	})
	return old
}

// covers reports whether newer sets all that older sets.
func covers(newer, older home.Settings) bool {
	for _, s := range older {
		if !sets(newer, s.Property) {
			return false
		}
	}
	return true
}

func sets(set home.Settings, property string) bool {
	return slices.ContainsFunc(set, func(s home.Setting) bool { return s.Property == property })
}

// poke wakes the device's goroutine.
func (d *device) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Serve carries out the commands of one attached device, one after the other,
// until ctx ends or the device is removed. The one under way is finished then; those that wait fail.
func (c *Control) Serve(ctx context.Context, name string) error {
	c.mu.Lock()
	d := c.devices[name]
	if d == nil || d.Actuator == nil {
		c.mu.Unlock()
		return fmt.Errorf("serve %s: not an attached actuator", name)
	}
	served := d.served // it was removed and added before the first Serve began
	d.served = true
	c.mu.Unlock()
	if served {
		return nil
	}
	for ctx.Err() == nil && !c.removed(d) {
		if j := c.take(d); j != nil {
			c.carryOut(ctx, d, j)
			continue
		}
		select {
		case <-d.wake:
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	lost, proofs := d.queue, slices.Clone(d.proofs)
	d.queue, d.stops = nil, true
	c.mu.Unlock()
	c.failAll(lost)
	for _, p := range proofs {
		c.end(p)
	}
	return nil
}

func (c *Control) removed(d *device) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return d.stops
}

// take returns the next command that can be carried out now. One that counts from
// the present state waits until its intent is on the disk and the device has told
// what became of the command before it; it keeps its place in the queue.
func (c *Control) take(d *device) *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(d.queue) == 0 {
		return nil
	}
	j := d.queue[0]
	if j.waits || len(d.proofs) > 0 && j.cmd.Anew {
		return nil
	}
	d.queue = slices.Delete(d.queue, 0, 1)
	return j
}

func (c *Control) failAll(jobs []*job) {
	for _, j := range jobs {
		c.finish(j, gone(j.cmd.Device), nil)
	}
}

func gone(device string) home.Outcome {
	return home.Outcome{Result: home.Failed, Error: device + " was stopped or taken out of the configuration before the command was carried out",
		Hint: "send it again"}
}
