package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hogar/gateway/home"
)

// carryOut drives the actuator. The deadline is looked at once more, just before.
func (c *Control) carryOut(ctx context.Context, d *device, j *job) {
	if expired(&j.cmd) {
		c.finish(j, home.Outcome{Result: home.Expired, Error: "its time was over before the actuator was driven"}, nil)
		return
	}
	if j.lost != nil {
		c.finish(j, home.Outcome{Result: home.Failed, Error: "it could not be recorded, and a toggle that is not might act twice: " + j.lost.Error(),
			Hint: "set it on or off, which is done in any case"}, nil)
		return
	}
	// A command under way is finished when the gateway stops; its own timeout bounds it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout(d))
	defer cancel()
	if !j.cmd.Deadline.IsZero() { // the driver may be busy until then
		ctx, cancel = context.WithDeadline(ctx, j.cmd.Deadline)
		defer cancel()
	}
	p := c.expect(d, j)
	o := home.Outcome{Result: home.Applied}
	var readings []home.Event
	for i, s := range j.todo {
		got, err := c.drive(ctx, d, p, s)
		readings = append(readings, got...)
		if err == nil {
			continue
		}
		o.Result, o.Error = home.Failed, err.Error()
		if r, refused := errors.AsType[*refusal](err); refused && i == 0 {
			o.Result, o.Hint = home.Rejected, r.hint
		}
		break
	}
	for _, r := range readings {
		if r.Kind == home.KindReading {
			o.Reading = append(o.Reading, home.Setting{Property: r.Property, Value: r.Value})
		}
	}
	p.otherwise, p.readings = o, readings
	c.await(p)
}

// drive sets one property; a toggle becomes the other state of what shows now.
func (c *Control) drive(ctx context.Context, d *device, p *proof, s home.Setting) ([]home.Event, error) {
	n, v := name{p.job.cmd.Device, s.Property}, s.Value
	if v == home.Toggle {
		var err error
		if v, err = c.other(ctx, n); err != nil {
			return nil, err
		}
	}
	if err := c.begin(p.job, n, v); err != nil {
		return nil, err
	}
	began := time.Now()
	got, err := c.setAt(ctx, d, p, home.Setting{Property: s.Property, Value: v})
	c.done(n, v, err)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer from %s within %s", n.device, time.Since(began).Round(time.Millisecond))
	}
	return got, err
}

// setAt sets a property where the device is: once more when it moves meanwhile, unless
// a second time would differ from the first.
func (c *Control) setAt(ctx context.Context, d *device, p *proof, s home.Setting) ([]home.Event, error) {
	for {
		h := c.lend(ctx, d)
		if h == nil {
			return nil, fmt.Errorf("%s cannot be set any more", home.Join(p.job.cmd.Device, s.Property))
		}
		c.want(p, h.Actuator, s)
		got, err := h.Set(h.ctx, s.Property, s.Value)
		if moved := h.over(); err == nil || !moved {
			return got, err
		}
		if p.job.cmd.Anew || c.removed(d) {
			return got, errMoved
		}
	}
}

// timeout is how long one Set of the device may take.
func (c *Control) timeout(d *device) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return d.Timeout
}

// other returns the value that a toggle sets.
func (c *Control) other(ctx context.Context, n name) (home.Value, error) {
	var last home.Value
	// After all that was accepted before, the outcome of the last toggle included.
	if err := c.hub.Do(ctx, func() { last = c.showing(n) }); err != nil {
		return home.Value{}, fmt.Errorf("toggle %s: %w", n, err)
	}
	if last.Kind() != home.Boolean {
		return home.Value{}, fmt.Errorf("toggle %s: its state is unknown; set it on or off", n)
	}
	return home.BooleanOf(!last.Boolean()), nil
}

// showing returns what a property shows.
func (c *Control) showing(n name) home.Value {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.fold.shown[n]; s != nil {
		return s.Value
	}
	return home.Value{}
}
