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
package control

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hogar/gateway/home"
)

// Hub is what control needs of the hub.
type Hub interface {
	Accept(events []home.Event, done func(error))
	Do(ctx context.Context, fn func()) error
	Last(device, property string) home.Value
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
}

// Control is the door. Its methods are safe for concurrent use.
type Control struct {
	hub   Hub
	clock *home.Clock
	log   *slog.Logger

	mu      sync.Mutex
	devices map[string]*device
	pending map[string]*job // by id: taken, no outcome yet
	ended   memory
}

// device is a device with its queue.
type device struct {
	Device
	queue []*job
	wake  chan struct{}
	stops bool // Serve has returned: nothing is taken any more
}

// job is a command on its way.
type job struct {
	cmd   home.Command
	taken time.Time // machine time
	done  []func(home.Outcome)
}

// queueMax is how many commands may wait at one device.
const queueMax = 16

// defaultTimeout is how long one Set may take.
const defaultTimeout = 5 * time.Second

// New makes a door to no devices; [Control.Attach] says which there are.
func New(hub Hub, clock *home.Clock, log *slog.Logger) *Control {
	return &Control{hub: hub, clock: clock, log: log, devices: make(map[string]*device),
		pending: make(map[string]*job), ended: newMemory()}
}

// Attach says which devices there are. It replaces what was said before; commands
// still waiting at a device that is no longer there fail.
func (c *Control) Attach(devices map[string]Device) {
	c.mu.Lock()
	var lost []*job
	for name, d := range c.devices {
		lost = append(lost, d.queue...)
		delete(c.devices, name)
	}
	for name, d := range devices {
		if d.Timeout == 0 {
			d.Timeout = defaultTimeout
		}
		c.devices[name] = &device{Device: d, wake: make(chan struct{}, 1)}
	}
	c.mu.Unlock()
	c.failAll(lost)
}

// Submit takes a command and returns at once. done, which may be nil, is called
// once with the final outcome when that is durable. A command without an id is
// given one. One whose id has been seen gets the first one's outcome again, and
// nothing moves.
func (c *Control) Submit(cmd home.Command, done func(home.Outcome)) {
	taken := time.Now()
	if done == nil {
		done = func(home.Outcome) {}
	}
	if cmd.ID == "" {
		cmd.ID = rand.Text()
	}
	if cmd.Received.IsZero() {
		cmd.Received = c.clock.At(taken)
	}
	c.mu.Lock()
	if known, o := c.seen(&cmd, done); known {
		c.mu.Unlock()
		if o != nil {
			done(*o)
		}
		return
	}
	problem := c.check(&cmd)
	j := &job{cmd: cmd, taken: taken, done: []func(home.Outcome){done}}
	c.pending[cmd.ID] = j
	c.mu.Unlock()
	if problem != nil {
		c.finish(j, *problem, nil)
		return
	}
	c.hub.Accept([]home.Event{{Kind: home.KindCommand, Device: cmd.Device, Command: &cmd}}, nil)
}

// Refuse records that a command could not be understood. done is called once
// with its outcome when that is durable.
func (c *Control) Refuse(cmd home.Command, problem, hint string, done func(home.Outcome)) {
	if cmd.ID == "" {
		cmd.ID = rand.Text()
	}
	if done == nil {
		done = func(home.Outcome) {}
	}
	c.mu.Lock()
	if known, o := c.seen(&cmd, done); known {
		c.mu.Unlock()
		if o != nil {
			done(*o)
		}
		return
	}
	j := &job{cmd: cmd, taken: time.Now(), done: []func(home.Outcome){done}}
	c.pending[cmd.ID] = j
	c.mu.Unlock()
	c.finish(j, home.Outcome{Result: home.Rejected, Error: problem, Hint: hint}, nil)
}

// seen looks whether the command's id is known. It returns the outcome to tell
// at once, or nil when the one under way will tell done. The lock is held.
func (c *Control) seen(cmd *home.Command, done func(home.Outcome)) (bool, *home.Outcome) {
	if first, ok := c.ended.get(cmd.ID); ok {
		if same(cmd, first.Device, first.Set) {
			return true, &first
		}
		return true, reuse(cmd)
	}
	if j := c.pending[cmd.ID]; j != nil {
		if !same(cmd, j.cmd.Device, j.cmd.Set) {
			return true, reuse(cmd)
		}
		j.done = append(j.done, done)
		return true, nil
	}
	return false, nil
}

// same compares what is asked for: on and true are the same wish.
func same(cmd *home.Command, device string, set home.Settings) bool {
	return cmd.Device == device && cmd.Set.String() == set.String()
}

// reuse is told to the sender only: the id has, or will have, an outcome of its own.
func reuse(cmd *home.Command) *home.Outcome {
	return &home.Outcome{ID: cmd.ID, Device: cmd.Device, Set: cmd.Set, Result: home.Rejected, Source: cmd.Source,
		Error: fmt.Sprintf("id %q was used for another command before", cmd.ID), Hint: "give each command an id of its own"}
}

// expired reports whether the command's time is over.
func (c *Control) expired(cmd *home.Command) bool {
	return !cmd.Deadline.IsZero() && !time.Now().Before(cmd.Deadline) ||
		!cmd.Expires.IsZero() && !c.clock.Now().Before(cmd.Expires)
}

// finish records the outcome, with the readings that belong to it, and tells
// the senders when it is durable.
func (c *Control) finish(j *job, o home.Outcome, readings []home.Event) {
	o.ID, o.Device, o.Set, o.Source, o.Reason = j.cmd.ID, j.cmd.Device, j.cmd.Set, j.cmd.Source, j.cmd.Reason
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
		delete(c.pending, o.ID)
		c.ended.put(o, c.clock.Now())
		senders := j.done
		c.mu.Unlock()
		for _, tell := range senders {
			tell(o)
		}
	})
}
