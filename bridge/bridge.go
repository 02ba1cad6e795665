// Package bridge carries the journal to AMQP and commands from AMQP to the house.
//
// A [Bridge] is built over a journal and the one door to the actuators, and does
// its work in [Bridge.Run], with or without a broker:
//
//	publisher   journal -> exchange hogar, confirmed and not returned -> cursor
//	side        two more channels beside it: messages of rules; refused commands
//	consumer    queues now, commands and expired -> Door -> receipt, ack; questions -> House
//	listener    messages of other applications -> Accept, ack
//	replier     receipts and answers -> reply_to
//
// What a queue cannot take at present is kept and tried again, in order, and so
// is what no queue takes. Only a message that the broker refuses for its own sake
// (it is too long; a rule sent it where there is nothing) is set aside, in the
// [Outbox], so that it blocks no other; [Bridge.Resend] tries it again.
//
// Publisher, consumer and replier have a connection each and are supervised each
// for itself: what one of them meets does not stop the others. Exchanges, queues
// and bindings are looked at, and declared where they are missing, over a
// connection that lives for nothing else, because a broker's "no" closes the
// channel or the connection on which the question was asked.
//
// [Client] talks to a gateway from elsewhere; [DeadLetters], [Examine] and
// [Topology] are for who looks after the broker.
package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
	"hogar/gateway/journal"
	"hogar/gateway/ledger"
)

// Door is the one door to the actuators. Neither method waits. done is called
// once, from any goroutine, when the outcome is durable; it does not wait either.
type Door interface {
	Submit(c home.Command, done func(home.Outcome))
	// Refuse records the outcome `rejected` of what could not be understood.
	Refuse(c home.Command, problem, hint string, done func(home.Outcome))
}

// Resolver knows the names of the house.
type Resolver interface {
	// Resolve cuts the name in a command's key, like hall.lamp.state, into a device
	// (a group, a scene) and its property; property is "" when the name is a
	// device's. known is false when it is neither. Safe for concurrent use.
	Resolve(name string) (device, property string, known bool)
}

// Options of a bridge.
type Options struct {
	URLs      []string // amqp or amqps, tried in turn; none: amqp://guest:guest@127.0.0.1:5672/
	Gateway   string   // the first word of all keys; required
	Exchange  string   // a topic exchange; "": hogar
	History   string   // of hogar.history: stream, quorum, classic, none; "": stream
	QueueType string   // of the queues of commands: classic, quorum; "": classic
	Declare   bool     // declare what is missing; else only look
	Simulated bool     // the house is simulated: everything published says so
	Version   string   // for app_id: hogar/<version>; "": dev
	Window    int      // messages sent and not yet confirmed; 0: 128
	Coalesce  bool     // gather small writes to the publisher's connection

	// Drop are the kinds that are dropped and counted when no queue takes them, instead of
	// being kept until one does; nil: status, rule, gateway, catalog.
	Drop []home.Kind
	// Names tells devices from properties; nil: a single value goes to the property
	// named by the last word of the key, an object to the device named by all.
	Names Resolver
	// Clock is house time, for Received and Expires of commands; nil: the machine's.
	Clock *clock.Clock
	// Worth says what the time of a record is worth: "", [home.ClockUntrusted], or
	// [home.ClockCorrected] and by how much it was behind; nil: as its flags say.
	Worth func(seq uint64) (word string, by time.Duration)
	// Messages are what the house wants to hear of other applications: each message
	// becomes an event of Accept. None: there is no queue for them.
	Messages   []Source
	MessageTTL time.Duration // how long one waits for a gateway that is away; 0: 60 s
	// Publishes are the exchanges to which rules publish, for [Topology].
	Publishes []string
	// ReplyTo are the queues that receipts and answers may go to, as the sender names them: patterns
	// like those of a topic, in which {user} stands for the sender, and the word direct for direct
	// replies. Those that begin with hogar. or amq. are none of them. nil: direct and all.
	ReplyTo []string
	// House answers questions about the devices; nil: they are refused.
	House House
	// Rules answers questions about the rules; nil: they are refused.
	Rules Rules
	// Mark is a file that is there while the bridge runs: where a start finds it, the process before
	// has died, and what RabbitMQ delivers again is taken one by one. "": none.
	Mark string
	// Ledger counts what becomes of the records; Outbox lists what is set aside. They are
	// those of the gateway, which outlive the bridge; nil: its own.
	Ledger *ledger.Ledger
	Outbox *Outbox
	// Accept takes the gateway's events about the outbox, and messages of other
	// applications, into the house, as the hub does; nil: nobody is told.
	Accept func(events []home.Event, done func(error))
	// Stream makes an Accept for one session of messages of other applications, which takes nothing more
	// after a refusal, as the hub's does; nil: Accept.
	Stream func() func(events []home.Event, done func(error))
}

// DefaultURL is the broker of a bridge that is given none.
const DefaultURL = "amqp://guest:guest@127.0.0.1:5672/"

// Names of what a bridge uses on the broker; those of the queues of one gateway
// are hogar.<gateway>.<word>.
const (
	nowExchange  = "hogar.now"
	historyQueue = "hogar.history"
)

func (o Options) withDefaults() Options {
	if len(o.URLs) == 0 {
		o.URLs = []string{DefaultURL}
	}
	o.Exchange = orElse(o.Exchange, "hogar")
	o.History = orElse(o.History, "stream")
	o.QueueType = orElse(o.QueueType, "classic")
	o.Version = orElse(o.Version, "dev")
	if o.ReplyTo == nil {
		o.ReplyTo = []string{ReplyDirect, ReplyAny}
	}
	if o.MessageTTL <= 0 {
		o.MessageTTL = defaultMessageTTL
	}
	if o.Window <= 0 {
		o.Window = 128
	}
	if o.Drop == nil {
		o.Drop = []home.Kind{home.KindStatus, home.KindRule, home.KindGateway, home.KindCatalog}
	}
	return o
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// queue returns the name of one of the gateway's own queues.
func (o *Options) queue(word string) string { return "hogar." + o.Gateway + "." + word }

func (o *Options) drops(k home.Kind) bool { return slices.Contains(o.Drop, k) }

// Bridge is the way between one gateway and its broker. Status is safe for concurrent use.
type Bridge struct {
	opts    Options
	journal *journal.Journal
	door    Door
	log     *slog.Logger
	status  status
	outbox  *Outbox
	side    chan sideJob
	missing chan struct{} // tells the consumer that the exchange is gone, and its binding with it

	good     atomic.Int64 // the place of the broker that was connected to last
	receipts *receipts
	times    times
	limits   limits

	hand    *hand   // since Run
	refused bool    // the house refused the listener's last message
	careful uint64  // the publisher sends records up to this number one by one
	suspect suspect // the publisher's, across its sessions
}

// times are the waits of a bridge, in machine time. Tests shorten them.
type times struct {
	confirm  time.Duration // for the confirm of a message
	backoff  time.Duration // after the first failure; doubles up to the cap
	cap      time.Duration
	patience time.Duration // until a taken name is another gateway's: three heartbeats

	heartbeat time.Duration // a connection that is silent for one and a half of them is dead
	write     time.Duration // of one write; amqp091 itself sets no limit and would hang
	greet     time.Duration // for TLS and the AMQP handshake
}

// look is how often the queue now is looked at: once a minute.
func (t *times) look() time.Duration { return 2 * t.cap }

// New makes a bridge. It does nothing before Run.
func New(o Options, j *journal.Journal, door Door, log *slog.Logger) *Bridge {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if o.Ledger == nil {
		o.Ledger = ledger.New(o.Clock.Now())
	}
	if o.Outbox == nil {
		o.Outbox = NewOutbox(o.Ledger)
	}
	return &Bridge{
		opts: o.withDefaults(), journal: j, door: door, log: log, outbox: o.Outbox,
		side: make(chan sideJob, 64), receipts: newReceipts(), missing: make(chan struct{}, 1),
		limits: takenLimits,
		times: times{confirm: 10 * time.Second, backoff: 500 * time.Millisecond, cap: 30 * time.Second,
			patience: 3 * heartbeat, heartbeat: heartbeat, write: writeTimeout, greet: greetTimeout},
	}
}

// Run publishes and takes commands until ctx ends. It waits for a missing broker
// and never returns because of one. When it has returned, all connections are
// closed. Run is called once. Its error means that the options are wrong.
func (b *Bridge) Run(ctx context.Context) error {
	targets, err := b.targets()
	if err != nil {
		return err
	}
	if err := home.CheckWord(b.opts.Gateway); err != nil {
		return fmt.Errorf("the gateway's name: %w", err)
	}
	b.hand = openHand(b.opts.Mark, b.log)
	defer b.hand.close()
	sessions := map[part]func(context.Context, *target) error{partPublish: b.publish, partConsume: b.consume, partReply: b.reply}
	if len(b.opts.Messages)+len(b.outbox.Bound()) > 0 && b.opts.Accept != nil {
		sessions[partListen] = b.listen
	}
	var wg sync.WaitGroup
	for p, session := range sessions {
		wg.Go(func() { b.supervise(ctx, p, targets, session) })
	}
	wg.Wait()
	return nil
}
