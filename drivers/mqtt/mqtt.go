// Package mqtt takes in devices that speak MQTT 3.1.1 and sets them. A
// [Connection] is the way to one broker; a [Topic] says how one property of a
// device is written on a plain topic. The library paho is used here only.
//
// # What is promised
//
// A message at QoS 1 is acknowledged to the broker when the gateway has it
// durably, which is when the done of accept is called with nil: in the order of
// receipt, never before. Until then the broker has it, and what was not
// acknowledged comes again with the next connection. So a message may come twice,
// and none is lost as long as the broker keeps its queue (mosquitto keeps 1,000
// messages for an absent gateway, and nothing over a crash of its own, unless
// max_queued_messages and persistence say otherwise). Messages at QoS 0 are as
// good as the network.
//
// Events are marked late ([home.FlagLate]) when the message was retained, came
// again, or waited in the broker and came before the subscription was renewed.
//
// When the gateway refuses an event (its journal is full), nothing more is
// acknowledged, and after a minute the connection is made anew, so that the broker
// sends again what was refused. Meanwhile messages go on to the house and commands
// to the devices.
//
// # Why each connection is a new client
//
// paho's own reconnection is not used: it would send a command that was given
// up long ago when the broker comes back, sleeps without an end that can be
// called, and a client cannot be used again after Disconnect.
package mqtt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hogar/gateway/home"
)

// The times of a connection, in machine time.
const (
	connectTimeout = 10 * time.Second
	writeTimeout   = 10 * time.Second
	keepAlive      = 20 * time.Second
	leastWait      = 2 * time.Second // before the next attempt; doubles
	mostWait       = 30 * time.Second
	refusedWait    = time.Minute            // until refused messages are asked for again
	parting        = 500 * time.Millisecond // for the last acknowledgements
)

// maxOpen is how many events may be without their done.
const maxOpen = 1024

// ErrNotConnected means that a command did not leave, because there is no
// connection to the broker.
var ErrNotConnected = errors.New("not connected")

// Accept takes events into the house. It does not block; done is called once,
// from any goroutine, when they are durable or with the reason why they are not.
type Accept = func(events []home.Event, done func(error))

// Connection is the way to one broker. All methods but Run are safe for
// concurrent use.
type Connection struct {
	broker   Broker
	clientID string
	devices  map[string]Topic      // by device
	told     map[string][]listener // by state topic
	accept   Accept
	log      *slog.Logger
	open     chan struct{} // one for each event without its done
	current  atomic.Pointer[session]

	leastWait, refusedWait time.Duration

	received, unreadable atomic.Uint64

	mu     sync.Mutex
	status Status
	faulty map[string]bool // devices of which a fault was logged
}

// listener is a device that is told by a topic.
type listener struct {
	device string
	topic  Topic
}

// Status is how a connection is.
type Status struct {
	Connected  bool
	Reason     string // why it is not connected
	Received   uint64 // messages
	Unreadable uint64 // readings that were not what the configuration says
}

// New makes a connection, on which nothing happens before Run. topics are by
// device; gateway is the name of the house.
func New(b Broker, gateway string, topics map[string]Topic, accept Accept, log *slog.Logger) *Connection {
	c := &Connection{
		broker: b, clientID: cmp.Or(b.clientID, "hogar-"+gateway), devices: maps.Clone(topics), accept: accept,
		log:  log.With("broker", b.String()),
		told: make(map[string][]listener), open: make(chan struct{}, maxOpen), faulty: make(map[string]bool),
		leastWait: leastWait, refusedWait: refusedWait,
	}
	for _, device := range slices.Sorted(maps.Keys(topics)) {
		t := topics[device]
		c.told[t.State] = append(c.told[t.State], listener{device, t})
	}
	return c
}

// Run keeps the connection until ctx ends and returns nil then. A broker that
// cannot be reached is logged once and tried again, at most every 30 s.
func (c *Connection) Run(ctx context.Context) error {
	defer c.setDown("the gateway stopped")
	wait := c.leastWait
	for {
		lasted, err := c.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if lasted > mostWait {
			wait = c.leastWait
		}
		c.lost(err)
		jitter := rand.N(wait / 2)
		select {
		case <-time.After(wait/2 + jitter):
		case <-ctx.Done():
			return nil
		}
		wait = min(2*wait, mostWait)
	}
}

// Connected reports whether messages come in now.
func (c *Connection) Connected() bool { return c.current.Load() != nil }

// Status tells how the connection is.
func (c *Connection) Status() Status {
	c.mu.Lock()
	s := c.status
	c.mu.Unlock()
	s.Received, s.Unreadable = c.received.Load(), c.unreadable.Load()
	return s
}

// Set sends v to the device's command topic at QoS 1 and returns when the broker
// has it. What the device does is seen by its state topic. After an error that
// is not [ErrNotConnected] the broker may have it all the same. It may take 10 s
// longer than ctx when the network hangs.
func (c *Connection) Set(ctx context.Context, device, property string, v home.Value) error {
	t, ok := c.devices[device]
	if !ok || t.property.Name != property || t.Command == "" {
		return fmt.Errorf("set %s: no topic for commands", home.Join(device, property))
	}
	payload, err := t.payload(v)
	if err != nil {
		return fmt.Errorf("set %s: %w", home.Join(device, property), err)
	}
	s := c.current.Load()
	if s == nil {
		return fmt.Errorf("set %s: broker %s: %w", home.Join(device, property), c.broker, ErrNotConnected)
	}
	if err := s.publish(ctx, t.Command, payload); err != nil {
		return fmt.Errorf("set %s: broker %s: %w", home.Join(device, property), c.broker, err)
	}
	return nil
}

// up notes that a connection is there.
func (c *Connection) up(s *session) {
	c.current.Store(s)
	c.mu.Lock()
	c.status.Connected, c.status.Reason = true, ""
	c.mu.Unlock()
	c.log.Info("mqtt broker connected")
}

// setDown notes that there is no connection and returns the reason before.
func (c *Connection) setDown(reason string) (before string) {
	c.current.Store(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.status.Reason
	c.status.Connected, c.status.Reason = false, reason
	return before
}

// lost tells of a loss, and of further attempts only when they fail for another
// reason.
func (c *Connection) lost(err error) {
	level := slog.LevelDebug
	if reason := root(err).Error(); c.setDown(reason) != reason {
		level = slog.LevelWarn
	}
	c.log.Log(context.Background(), level, "mqtt broker not connected, trying again", "error", err)
}

// root is the innermost error: without addresses and ports, which change.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
			inner = many.Unwrap()[len(many.Unwrap())-1]
		}
		if inner == nil {
			return err
		}
		err = inner
	}
}
