package control

import (
	"slices"
	"time"

	"hogar/gateway/home"
)

// proof is an outcome that waits for readings of the device to confirm it.
type proof struct {
	job       *job
	device    *device
	want      home.Settings // what is not confirmed yet
	got       home.Settings // what is
	armed     bool          // the device has been driven: want is complete
	over      bool
	partly    bool // a part of it is never confirmed
	within    time.Duration
	otherwise home.Outcome // when no reading confirms it in time
	readings  []home.Event // that belong to it
	timer     *time.Timer
}

// expect begins to look for readings that confirm the command, before the
// device is driven, since it may answer faster than its driver. What an earlier
// command set, and this one sets again, can be confirmed no more.
func (c *Control) expect(d *device, j *job) *proof {
	c.mu.Lock()
	p := &proof{job: j, device: d, within: d.Verify}
	var old []*proof
	for _, q := range d.proofs {
		if slices.ContainsFunc(q.want, func(s home.Setting) bool { return sets(j.todo, s.Property) }) {
			old = append(old, q)
		}
	}
	if p.within > 0 {
		d.proofs = append(d.proofs, p)
	}
	c.mu.Unlock()
	for _, q := range old {
		c.end(q)
	}
	return p
}

// want notes which reading will confirm that a sets s.
func (c *Control) want(p *proof, a Actuator, s home.Setting) {
	v, tells := s.Value, true
	if w, ok := a.(Witness); ok {
		v, tells = w.Proof(s.Property, v)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !tells || c.momentary(p.job.cmd.Device, s.Property) {
		p.partly = true // no reading can tell
		return
	}
	p.want = slices.DeleteFunc(p.want, func(w home.Setting) bool { return w.Property == s.Property }) // of where it was before
	p.want = append(p.want, home.Setting{Property: s.Property, Value: v})
}

// await ends the proof at once when there is nothing to wait for, or else in time.
func (c *Control) await(p *proof) {
	c.mu.Lock()
	p.armed = true
	wait := p.open() && len(p.want) > 0
	if wait {
		p.timer = time.AfterFunc(p.within, func() { c.end(p) })
	}
	c.mu.Unlock()
	if !wait {
		c.end(p)
	}
}

// open reports whether readings can change the outcome.
func (p *proof) open() bool {
	r := p.otherwise.Result
	return p.within > 0 && r != home.Failed && r != home.Rejected
}

// proven takes a reading into the proofs of its device, and returns those that
// wait for nothing more. The lock is held.
func (c *Control) proven(ev *home.Event) []*proof {
	d := c.devices[ev.Device]
	if d == nil || !ev.Value.Known() || ev.Late() {
		return nil
	}
	var done []*proof
	for _, p := range d.proofs {
		i := slices.IndexFunc(p.want, func(s home.Setting) bool { return s.Property == ev.Property && s.Value == ev.Value })
		if i < 0 {
			continue
		}
		p.got = append(p.got, p.want[i])
		p.want = slices.Delete(p.want, i, i+1)
		if p.armed && len(p.want) == 0 {
			done = append(done, p)
		}
	}
	return done
}

// end tells the outcome of a proof, once.
func (c *Control) end(p *proof) {
	c.mu.Lock()
	if p.over || !p.armed {
		c.mu.Unlock()
		return
	}
	p.over = true
	d := p.device
	d.proofs = slices.DeleteFunc(d.proofs, func(q *proof) bool { return q == p })
	o := p.otherwise
	if p.open() && len(p.want) == 0 && !p.partly {
		o.Result, o.Error, o.Hint = home.Verified, "", ""
	}
	for _, wish := range p.job.cmd.Set {
		i := slices.IndexFunc(p.got, func(s home.Setting) bool { return s.Property == wish.Property })
		if i >= 0 && !sets(o.Reading, wish.Property) {
			o.Reading = append(o.Reading, p.got[i])
		}
	}
	timer := p.timer
	c.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	c.finish(p.job, o, p.readings)
	d.poke()
}
