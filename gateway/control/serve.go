package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hogar/gateway/home"
)

// Apply makes control a part of the hub: an intent is queued at its device when
// it stands in the journal, an outcome is remembered.
func (c *Control) Apply(ev *home.Event, live bool) {
	switch {
	case ev.Kind == home.KindCommand && live:
		c.enqueue(ev.Command.ID)
	case ev.Kind == home.KindOutcome && !live:
		c.mu.Lock()
		c.ended.put(*ev.Outcome, ev.At)
		c.mu.Unlock()
	}
}

// Save returns the ids and outcomes that are remembered.
func (c *Control) Save() (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.Marshal(c.ended.list)
}

// Restore takes back what Save returned.
func (c *Control) Restore(data json.RawMessage) error {
	var list []ending
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = newMemory()
	for _, e := range list {
		c.ended.put(e.Outcome, e.At)
	}
	return nil
}

// enqueue puts the recorded command at its device's queue.
func (c *Control) enqueue(id string) {
	c.mu.Lock()
	j := c.pending[id]
	if j == nil {
		c.mu.Unlock()
		return
	}
	d := c.devices[j.cmd.Device]
	if d == nil || d.stops {
		c.mu.Unlock()
		c.finish(j, gone(j.cmd.Device), nil)
		return
	}
	old := d.supersede(j)
	busy := len(d.queue) >= queueMax
	if !busy {
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
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// supersede takes out of the queue the commands that set nothing that j does not
// set as well. A toggle counts by its number, so it neither replaces nor is replaced.
func (d *device) supersede(j *job) []*job {
	if !absolute(j.cmd.Set) {
		return nil
	}
	var old []*job
	d.queue = slices.DeleteFunc(d.queue, func(q *job) bool {
		for _, s := range q.cmd.Set {
			if s.Value == home.Toggle || !slices.ContainsFunc(j.cmd.Set, func(n home.Setting) bool { return n.Property == s.Property }) {
				return false
			}
		}
		old = append(old, q)
		return true
	})
	return old
}

func absolute(set home.Settings) bool {
	return !slices.ContainsFunc(set, func(s home.Setting) bool { return s.Value == home.Toggle })
}

// Serve carries out the commands of one attached device, one after the other,
// until ctx ends. The one under way is finished then; those that wait fail.
func (c *Control) Serve(ctx context.Context, name string) error {
	c.mu.Lock()
	d := c.devices[name]
	c.mu.Unlock()
	if d == nil || d.Actuator == nil {
		return fmt.Errorf("serve %s: not an attached actuator", name)
	}
	for {
		if j := c.take(d); j != nil {
			c.carryOut(ctx, d, j)
			continue
		}
		select {
		case <-d.wake:
		case <-ctx.Done():
			c.mu.Lock()
			lost := d.queue
			d.queue, d.stops = nil, true
			c.mu.Unlock()
			c.failAll(lost)
			return nil
		}
	}
}

func (c *Control) take(d *device) *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(d.queue) == 0 {
		return nil
	}
	j := d.queue[0]
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

// carryOut drives the actuator. The deadline is looked at once more, just before.
func (c *Control) carryOut(ctx context.Context, d *device, j *job) {
	if c.expired(&j.cmd) {
		c.finish(j, home.Outcome{Result: home.Expired, Error: "its time was over before the actuator was driven"}, nil)
		return
	}
	// A command under way is finished when the gateway stops; its own timeout bounds it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.Timeout)
	defer cancel()
	o := home.Outcome{Result: home.Applied}
	var readings []home.Event
	for _, s := range j.cmd.Set {
		got, err := c.drive(ctx, d, j.cmd.Device, s)
		readings = append(readings, got...)
		if err != nil {
			o.Result, o.Error = home.Failed, err.Error()
			break
		}
	}
	for _, r := range readings {
		o.Reading = append(o.Reading, home.Setting{Property: r.Property, Value: r.Value})
	}
	c.finish(j, o, readings)
}

// drive sets one property; a toggle becomes the other state of the newest reading.
func (c *Control) drive(ctx context.Context, d *device, name string, s home.Setting) ([]home.Event, error) {
	v := s.Value
	if v == home.Toggle {
		var last home.Value
		// After all that was accepted before, the outcome of the last toggle included.
		if err := c.hub.Do(ctx, func() { last = c.hub.Last(name, s.Property) }); err != nil {
			return nil, fmt.Errorf("toggle %s: %w", home.Join(name, s.Property), err)
		}
		if last.Kind() != home.Boolean {
			return nil, fmt.Errorf("toggle %s: its state is unknown; set it on or off", home.Join(name, s.Property))
		}
		v = home.BooleanOf(!last.Boolean())
	}
	got, err := d.Actuator.Set(ctx, s.Property, v)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer from %s within %s", name, d.Timeout.Round(time.Millisecond))
	}
	return got, err
}
