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
// again, or waited in the broker: after subscribing, the connection sends a marker
// to itself, and what comes before it is late.
//
// On hogar/<gateway>/status the connection says "online", retained, and the broker
// says "offline" for it when it is gone.
//
// When the gateway refuses an event (its journal is full), nothing more is
// acknowledged or recorded, and after 10 s the connection is made anew, so that the
// broker sends again what was refused, and all that followed, in their order.
// Meanwhile messages go on to the house and commands to the devices.
//
// # Discovered devices
//
// A [Source] is a dialect that is spoken at the broker. Its devices are told to
// [Discover] and, as catalog events, to the house; [Connection.Set] sets them by
// the name that dialect.Names gave them. A first session of its own learns which
// devices there are, so that what waited in the lasting one finds them known. What a
// message only repeats is not told again.
//
// # A broker that is away
//
// Away for less than a minute it is not missed: it keeps what is said meanwhile.
// After that its devices are offline, and what they said last is unknown, since a
// device that broke would be believed for ever; when it is back, what they said last
// is told once more, late, so that it starts nothing.
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
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// The times of a connection, in machine time.
const (
	connectTimeout = 10 * time.Second
	writeTimeout   = 10 * time.Second
	keepAlive      = 20 * time.Second
	leastWait      = 2 * time.Second // before the next attempt; doubles
	mostWait       = 30 * time.Second
	refusedWait    = 10 * time.Second       // until refused messages are asked for again
	parting        = 500 * time.Millisecond // for the last acknowledgements
)

// maxOpen is how many events may be without their done.
const maxOpen = 512

// ErrNotConnected means that a command did not leave, because there is no
// connection to the broker.
var ErrNotConnected = errors.New("not connected")

// Accept takes events into the house. It does not block; done is called once,
// from any goroutine, when they are durable or with the reason why they are not.
type Accept = func(events []home.Event, done func(error))

// Client is the name by which the broker of the entry knows the gateway: it lets in only one at a
// time.
func (b Broker) Client(gateway string) string { return cmp.Or(b.clientID, "hogar-"+gateway) }

// Connection is the way to one broker. All methods but Run are safe for
// concurrent use.
type Connection struct {
	broker   Broker
	clientID string
	gateway  string
	devices  map[string]Topic      // by device
	told     map[string][]listener // by state topic
	handlers []Handler
	accept   Accept
	stream   func() Accept
	log      *slog.Logger
	open     chan struct{} // one for each event without its done
	current  atomic.Pointer[session]
	reach    *reach
	found    *found
	lessons  lessons           // of the session that learns; only Run has it
	learned  bool              // which devices there are; only Run has it
	answers  []dialect.Message // to what was learned; only Run has it

	leastWait, refusedWait, awayAfter, markerQuiet time.Duration // machine time; shorter in tests

	longest func() // logs the first message that was too long; only Run has it

	received, unreadable, tooLarge atomic.Uint64

	mu     sync.Mutex
	status Status
	faulty map[string]bool // devices of which a fault was logged
}

// listener is a device that is told by a topic.
type listener struct {
	device   string
	topic    Topic
	presence bool // whether it can be reached, and not its property
}

// Options of a connection.
type Options struct {
	Broker   Broker
	Gateway  string            // the name of the house
	Topics   map[string]Topic  // the devices on plain topics, by name
	Sources  []Source          // whose devices are discovered
	Names    *dialect.Names    // needed with Sources; one for all connections
	Labels   map[string]string // by device: instead of the one that it has at its source
	Sleeps   map[string]bool   // by device: it says that it is offline when it only sleeps, and that does not count
	Handlers []Handler         // who else listens
	Accept   Accept
	Stream   func() Accept // makes one for the messages of each session: it takes nothing that comes after a refusal; nil: Accept
	Discover Discover      // told of discovered devices; may be nil
	Log      *slog.Logger

	// Last is the last reading that the house knows; nil: nothing is. A message
	// that repeats what is known there is not told again.
	Last func(device, property string) home.Value
}

// Handler takes messages of a topic filter, one at a time, from when the connection
// stands. What it returns is sent.
type Handler struct {
	Filter string
	Take   func(dialect.Message) []dialect.Message
}

// New makes a connection to devices on plain topics; see [NewWith].
func New(b Broker, gateway string, topics map[string]Topic, accept Accept, log *slog.Logger) *Connection {
	return NewWith(Options{Broker: b, Gateway: gateway, Topics: topics, Accept: accept, Log: log})
}

// NewWith makes a connection, on which nothing happens before Run.
func NewWith(o Options) *Connection {
	c := &Connection{
		broker: o.Broker, clientID: o.Broker.Client(o.Gateway), gateway: o.Gateway,
		devices: maps.Clone(o.Topics), handlers: o.Handlers, accept: o.Accept, stream: o.Stream, log: o.Log.With("broker", o.Broker.String()),
		told: make(map[string][]listener), open: make(chan struct{}, maxOpen), faulty: make(map[string]bool),
		reach: newReach(), found: newFound(o),
		leastWait: leastWait, refusedWait: refusedWait, awayAfter: awayAfter, markerQuiet: markerQuiet,
	}
	if c.stream == nil {
		c.stream = func() Accept { return c.accept }
	}
	for _, device := range slices.Sorted(maps.Keys(o.Topics)) {
		t := o.Topics[device]
		c.told[t.State] = append(c.told[t.State], listener{device: device, topic: t})
		if at := t.presence.topic; at != "" {
			c.told[at] = append(c.told[at], listener{device, t, true})
		}
		c.reach.add(device)
	}
	for _, source := range o.Sources { // of the runs before: what they said last must not be believed for ever
		for _, id := range o.Names.Via(c.found.via(source)) {
			known := o.Names.Of(id)
			c.reach.add(known.Name)
			if r, ok := source.Dialect.(dialect.Rememberer); ok {
				r.Remember(id, known.Label)
			}
		}
	}
	return c
}

// Via says by which way the devices of a source are known, as [dialect.Known] has it.
func (b Broker) Via(s Source) string { return b.String() + "/" + s.Base }

// Run keeps the connection until ctx ends and returns nil then. A broker that
// cannot be reached is logged once and tried again, at most every 30 s.
func (c *Connection) Run(ctx context.Context) error {
	defer c.setDown("the gateway stopped")
	watch, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { c.watch(watch) })
	defer watcher.Wait()
	defer stop()
	wait := c.leastWait
	for {
		lasted, err := c.connect(ctx)
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

// connect makes one session. Before the first one it learns which devices there
// are, in a session of its own that is thrown away: the lasting one may begin
// with messages that waited, and they must find their devices known.
func (c *Connection) connect(ctx context.Context) (time.Duration, error) {
	if !c.learned && len(c.found.sources) > 0 {
		c.lessons = make(lessons)
		if _, err := c.session(ctx, true); err != nil || ctx.Err() != nil {
			return 0, err
		}
		for _, source := range c.found.sources {
			t := c.lessons.of(source)
			c.tell(c.understood(source, t, true))
			c.answers = append(c.answers, t.Send...)
		}
		c.learned, c.lessons = true, nil
	}
	return c.session(ctx, false)
}
