// Package control is the one door to the actuators. AMQP, the rules and the
// command line all hand their commands to [Control.Submit]; there is no second
// way in.
//
// A command is checked, recorded as an intent, and only then queued at its
// device, in the order of the journal: control is a part of the hub, and what it
// is given there is what it carries out. Each device has a queue and a goroutine
// of its own ([Control.Serve]), so that one that hangs delays nobody else. Every
// command ends with exactly one outcome, which is recorded before its sender is
// told.
//
// An intent without an outcome, found at a start, is ended by [Control.Attach]:
// an absolute set is carried out again, what acts differently the second time
// (a toggle, a press) is not. For that the intent of such a one is on the disk before
// the device is touched; an absolute set need not wait for the disk.
package control

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// Hub is what control needs of the hub.
type Hub interface {
	Accept(events []home.Event, done func(error))
	Do(ctx context.Context, fn func()) error
}

// Actuator drives one property of a device and returns the readings that say
// what holds now. It is called by one goroutine at a time and returns when ctx
// ends.
type Actuator interface {
	Set(ctx context.Context, property string, v home.Value) ([]home.Event, error)
}

// Device is what a command may be about.
type Device struct {
	Properties []home.Property
	Actuator   Actuator      // nil: nothing of it can be set
	Timeout    time.Duration // machine time that one Set may take; 0: 5 s
	// Verify is the machine time within which the device itself tells its new state.
	// 0: it does not, and what Set returns is all there is; the gateway has read
	// back its own pin then, which is no proof that the lamp is lit.
	Verify time.Duration
	// Reapply: when it comes back from offline and shows something else, it is set
	// again to what the last command made of it. Else it is left as it is.
	Reapply bool
	Safety  *Safety // nil: none
}

// House is what the door leads to.
type House struct {
	Devices map[string]Device
	Groups  map[string][]string // to their devices
	Scenes  map[string]Scene
	Access  *Access // nil: everybody may do everything
}

// Control is the door. Its methods are safe for concurrent use.
type Control struct {
	hub   Hub
	clock *clock.Clock
	log   *slog.Logger

	mu      sync.Mutex
	house   House
	devices map[string]*device
	pending map[string]*job // by id: taken, and its outcome not yet told
	inHand  map[string]int  // by source: those of pending whose ids will be remembered
	fold    fold
	guards  guards
}

// device is a device with its queue.
type device struct {
	Device
	queue  []*job
	wake   chan struct{}
	stops  bool     // Serve has returned: nothing is taken any more
	served bool     // Serve has it
	cut    func()   // ends the Set under way; nil: there is none
	proofs []*proof // outcomes that wait for the device to tell its state
}

// job is a command on its way.
type job struct {
	cmd   home.Command
	taken time.Time // machine time
	done  []func(home.Outcome)
	todo  home.Settings // what is to be driven
	waits bool          // its intent is not on the disk yet, and has to be
	lost  error         // why its intent will never be there
	keeps bool          // its outcome is remembered

	parts  *fan // of a command to a group or a scene
	fan    *fan // of a part of one
	index  int  // of the part
	forced bool // by the safety envelope
}

// queueMax is how many commands may wait at one device.
const queueMax = 16

// defaultTimeout is how long one Set may take.
const defaultTimeout = 5 * time.Second

// New makes a door to no devices; [Control.Attach] says which there are. A nil clock is never set.
func New(hub Hub, house *clock.Clock, log *slog.Logger) *Control {
	if house == nil {
		house = clock.New(time.Time{}, 1)
	}
	return &Control{hub: hub, clock: house, log: log, devices: make(map[string]*device),
		pending: make(map[string]*job), inHand: make(map[string]int), fold: newFold(), guards: newGuards()}
}

// Attach says what the house has. It replaces what was said before, by [Control.Add],
// too; commands
// still waiting at a device that is no longer there fail. Those of an earlier run
// of the gateway that have no outcome yet are ended, or carried out again.
func (c *Control) Attach(h House) {
	c.mu.Lock()
	var lost []*job
	var proofs []*proof
	for _, d := range c.devices {
		lost = append(lost, d.queue...)
		proofs = append(proofs, d.proofs...)
		d.queue, d.stops = nil, true
	}
	c.house, c.devices = h, make(map[string]*device, len(h.Devices))
	for name, d := range h.Devices {
		c.devices[name] = newDevice(d)
	}
	c.guard()
	left := c.leftovers()
	c.mu.Unlock()
	c.failAll(lost)
	for _, p := range proofs {
		c.end(p)
	}
	for _, l := range left { // the wholes first: they take their parts in hand
		if l.whole {
			c.resumeWhole(l)
		}
	}
	for _, l := range left {
		if !l.whole {
			c.resume(l)
		}
	}
	if h.Access == nil {
		c.log.Info("access: is not set: who may send commands may set every device")
	}
}

// Submit takes a command and returns at once. done, which may be nil, is called
// once with the final outcome when that is durable. A command without an id is
// given one. One whose id has been seen gets the first one's outcome again, and
// nothing moves; an id that was refused before it could act counts as not seen.
func (c *Control) Submit(cmd home.Command, done func(home.Outcome)) {
	j := c.newJob(cmd, done)
	c.mu.Lock()
	c.normalise(&j.cmd)
	if known, tell := c.seen(j); known {
		c.mu.Unlock()
		tell()
		return
	}
	jobs, problem := c.check(j)
	if len(jobs) > 0 { // else its id stays free
		c.pending[j.cmd.ID] = j
		c.promise(j)
	}
	c.mu.Unlock()
	switch {
	case problem != nil:
		c.finish(j, *problem, nil)
	case len(jobs) == 0: // no part of it can be carried out
		c.finish(j, combine(j.parts.parts), nil)
	case j.parts != nil:
		c.record(append([]*job{j}, jobs...)...)
	default:
		c.record(j)
	}
}

// Refuse records that a command could not be understood. done is called once
// with its outcome when that is durable.
func (c *Control) Refuse(cmd home.Command, problem, hint string, done func(home.Outcome)) {
	j := c.newJob(cmd, done)
	c.mu.Lock()
	c.normalise(&j.cmd)
	if known, tell := c.seen(j); known {
		c.mu.Unlock()
		tell()
		return
	}
	c.mu.Unlock()
	c.finish(j, home.Outcome{Result: home.Rejected, Error: problem, Hint: hint}, nil)
}

// newJob fills in what the sender left out. A deadline counts from here in
// machine time, so that nobody's setting of the clock moves it.
func (c *Control) newJob(cmd home.Command, done func(home.Outcome)) *job {
	now := time.Now()
	if cmd.ID == "" {
		cmd.ID, cmd.OwnID = rand.Text(), true
	}
	if strings.HasPrefix(cmd.Source, ruleSource) {
		cmd.OwnID = true // a rule's run gives its commands ids that no other run gives
	}
	if cmd.Received.IsZero() {
		cmd.Received = c.clock.At(now)
	}
	switch {
	case cmd.Deadline.IsZero() && !cmd.Expires.IsZero():
		cmd.Deadline = now.Add(c.clock.Machine(cmd.Expires.Sub(c.clock.At(now))))
	case cmd.Expires.IsZero() && !cmd.Deadline.IsZero():
		cmd.Expires = c.clock.At(cmd.Deadline)
	}
	j := &job{cmd: cmd, taken: now}
	if done != nil {
		j.done = append(j.done, done)
	}
	return j
}

// ruleSource begins the source of a rule's command.
const ruleSource = "rule:"

// record appends the intents, together. Where a second time would differ from the
// first, they have to be on the disk before a device is touched.
func (c *Control) record(jobs ...*job) {
	if len(jobs) == 0 {
		return
	}
	events := make([]home.Event, len(jobs))
	wait := false
	for i, j := range jobs {
		cmd := j.cmd
		events[i] = home.Event{Kind: home.KindCommand, Device: cmd.Device, Command: &cmd}
		j.waits = cmd.Anew
		wait = wait || j.waits
	}
	if !wait {
		c.hub.Accept(events, nil)
		return
	}
	c.hub.Accept(events, func(err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, j := range jobs {
			j.waits, j.lost = false, err
			if d := c.devices[j.cmd.Device]; d != nil {
				d.poke()
			}
		}
	})
}

// expired reports whether the command's time is over.
func expired(cmd *home.Command) bool {
	return !cmd.Deadline.IsZero() && !time.Now().Before(cmd.Deadline)
}

// finish records the outcome, with the readings that belong to it, and tells
// the senders when it is durable.
func (c *Control) finish(j *job, o home.Outcome, readings []home.Event) {
	cmd := &j.cmd
	o.ID, o.Device, o.Set, o.Source, o.Reason, o.OwnID = cmd.ID, cmd.Device, cmd.Set, cmd.Source, cmd.Reason, cmd.OwnID
	o.TookMS = time.Since(j.taken).Milliseconds()
	if o.Set == nil {
		o.Set = home.Settings{}
	}
	ev := home.Event{Kind: home.KindOutcome, Device: o.Device, Outcome: &o}
	c.hub.Accept(append(readings, ev), func(err error) {
		if err != nil {
			c.log.Error("outcome is not recorded, its sender is told all the same", "command", o.ID, "error", err)
		}
		c.mu.Lock()
		if c.pending[o.ID] == j {
			delete(c.pending, o.ID)
		}
		c.remember(j, &o)
		c.mu.Unlock()
		j.tell(o)
	})
	if j.fan != nil {
		c.gather(j, o)
	}
	if j.forced {
		c.forcedEnd(j, o.Result)
	}
}
