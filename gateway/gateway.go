// Package gateway builds the house from a configuration and runs it. It knows
// all rooms and plugs them together; every goroutine is started here or in a Run
// below, and has ended when [Run] returns.
package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"hogar/bridge"
	"hogar/drivers"
	"hogar/gateway/api"
	"hogar/gateway/clock"
	"hogar/gateway/config"
	"hogar/gateway/control"
	"hogar/gateway/home"
	"hogar/gateway/hub"
	"hogar/gateway/journal"
	"hogar/gateway/ledger"
	"hogar/systemd"
)

// Options of a gateway.
type Options struct {
	Plan *Plan
	// Board makes the board with the parts that the devices occupy: the machine's
	// or a simulated one. One that has a Run or a Close method is run and closed. At a
	// reload it may return the board from before, with the new parts on it: then devices
	// with an unchanged entry go on and notice nothing.
	Board func(parts map[string][]drivers.Part) (drivers.Board, error)
	Clock *clock.Clock // nil: the machine's time
	// URLs says where RabbitMQ is, tried in turn, by what stands in the
	// configuration; none, or nil: nowhere. It is asked again at each reload.
	URLs      func(config.AMQP) ([]string, error)
	Journal   string           // folder
	Socket    string           // path of the unix socket; empty: none
	Web       string           // where the page is served, instead of what the configuration says
	WebOpened func(url string) // called when the page can be seen; may be nil
	NoMQTT    bool             // the sources below mqtt: are not contacted
	Simulated bool             // everything published says so
	// Simulation is what can be done to a simulated house beside commanding it; nil: it is real.
	Simulation api.Simulation
	Reload     func() (*Plan, error)    // reads the configuration again; nil: not possible
	Config     func() api.Configuration // its files and their faults; nil: cannot be shown
	Reloads    <-chan struct{}          // asks for a reload: SIGHUP; may be nil
	Ready      func(a *api.Server)      // called when all runs; may be nil
	Version    string                   // of hogar
	Notify     systemd.Notifier         // tells systemd
	Log        *slog.Logger
}

// flush is how long a stopping gateway waits for the broker to confirm what came last.
const flush = 3 * time.Second

// gateway is a running house.
type gateway struct {
	o       Options
	started time.Time
	journal *journal.Journal
	hub     *hub.Hub
	control *control.Control
	outbox  *bridge.Outbox
	meters  *meters
	rules   *ruleset // whose engine is the newest plan's; the hub's goroutine has it
	ledger  *ledger.Ledger
	turns   *hub.Turns
	backlog backlog
	gaps    gaps

	mu  sync.Mutex
	now *generation

	reload sync.Mutex // one at a time
}

// Run runs the house until ctx ends. Its error says why it could not start; a
// broker, a device or a disk that fails later is told in the log and tried again.
func Run(ctx context.Context, o Options) error {
	if o.Clock == nil {
		o.Clock = clock.System(clock.Trust{})
	}
	o.Clock.SetTrust(o.Plan.trust())
	g := &gateway{o: o, started: time.Now()}
	if err := g.open(); err != nil {
		return err
	}
	defer func() { g.report("journal", g.journal.Close()) }()

	var sockets net.Listener
	if o.Socket != "" {
		l, err := api.Listen(o.Socket)
		if err != nil {
			return err
		}
		sockets = l
	}
	var wg sync.WaitGroup
	ctx, dead := context.WithCancelCause(ctx)
	defer dead(nil)
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	wg.Go(func() { g.report("hub", g.hub.Run(hubCtx)) })
	wg.Go(func() { g.keepLedger(hubCtx) })
	wg.Go(func() { g.o.Clock.Watch(hubCtx) })
	wg.Go(func() {
		if watchDisk(hubCtx, g.diskDead) && o.Plan.Config.Journal.WhenDead == "exit" {
			dead(ErrDisk)
		}
	})
	err := g.serve(ctx, sockets)
	if sockets != nil {
		sockets.Close() // in case it was never served
	}
	stopHub()
	wg.Wait()
	if err == nil && errors.Is(context.Cause(ctx), ErrDisk) {
		err = ErrDisk
	}
	return err
}

// open opens the journal and brings the state back.
func (g *gateway) open() error {
	c := g.o.Plan.Config.Journal
	sync := map[string]journal.Sync{"always": journal.Always, "os": journal.OS, "interval": journal.Sync(c.SyncEvery)}[c.Sync]
	full := map[string]journal.WhenFull{"block": journal.Block, "drop_oldest": journal.DropOldest}[c.WhenFull]
	g.turns = &hub.Turns{}
	j, err := journal.Open(g.o.Journal, journal.Options{Elapsed: g.turns.Elapsed, Sync: sync, MaxSize: c.MaxSize, Keep: c.Keep, WhenFull: full, Log: g.o.Log,
		OnGap: g.gap, OnRefuse: func(class uint8, n uint64, err error) { g.hub.Withdraw(class, n, err) }})
	if err != nil {
		if errors.Is(err, journal.ErrLocked) {
			return fmt.Errorf("%w: is another hogar running? (%s)", err, g.o.Journal)
		}
		return err
	}
	g.journal = j
	var flags home.Flags
	if g.o.Simulated {
		flags = home.FlagSimulated
	}
	g.ledger = ledger.New(g.o.Clock.Now())
	g.hub = hub.New(hub.Options{Journal: j, Ledger: g.ledger, Clock: g.o.Clock, Turns: g.turns, Flags: flags, Log: g.o.Log,
		Alive: func() { _ = g.o.Notify.Alive() }})
	g.control = control.New(source{g.hub, home.ClassControl}, g.o.Clock, g.o.Log)
	g.outbox = bridge.NewOutbox(g.ledger)
	g.hub.Attach("ledger", g.ledger)
	g.hub.Attach("outbox", g.outbox)
	g.meters = newMeters()
	g.hub.Attach("meters", g.meters)
	g.hub.Attach("control", g.control)
	g.rules = &ruleset{engine: g.o.Plan.engine, hub: g.hub, control: g.control}
	g.hub.Attach("rules", g.rules)
	g.hub.Recover()
	if err := g.ledger.RestoreNote(j.Note()); err != nil {
		g.o.Log.Warn("what was confirmed is counted as of the last checkpoint", "error", err)
	}
	g.backlog = backlog{after: j.Cursor(), to: j.Last(), aside: make(map[uint64]bool)}
	for _, s := range g.outbox.SetAside() {
		g.backlog.aside[s.Seq] = true
	}
	g.ledger.CountWaiting(j.Stats().First)
	g.openGaps()
	return nil
}

// serve runs the first generation, answers on the socket, and reloads, until ctx
// ends.
func (g *gateway) serve(ctx context.Context, sockets net.Listener) error {
	urls, err := g.urls(g.o.Plan) // before there is a board to be closed
	if err != nil {
		return err
	}
	board, err := g.o.Board(g.o.Plan.Parts())
	if err != nil {
		return err
	}
	gen, err := g.start(ctx, g.o.Plan, board, urls, nil, &carried{})
	if err != nil {
		return err
	}
	g.set(gen)
	g.tell(home.EventStarted, map[string]any{"version": g.o.Version, "devices": len(gen.plan.devices), "rules": gen.plan.rules})
	server := &api.Server{House: g, Door: g.control, Sender: g, Rules: g, Past: past{g}, Config: g.o.Config, Simulation: g.o.Simulation,
		Measure: g.Measure, May: g.May, Rights: g.control.Rights, Raw: g.followRaw}
	if g.o.Reload != nil {
		// Who asks may go away in the middle of it; the gateway's own end ends it.
		server.Reload = func(context.Context) error { return g.reloadNow(ctx) }
	}
	var wg sync.WaitGroup
	if sockets != nil {
		wg.Go(func() { g.report("socket", server.Serve(ctx, sockets)) })
	}
	if page := g.page(server.Handler()); page != nil {
		wg.Go(func() { g.timeDelivery(ctx) })
		wg.Go(func() { g.report("web", page.Run(ctx)) })
	}
	_ = g.o.Notify.Ready(fmt.Sprintf("%s, %d devices", gen.plan.Config.Gateway, len(gen.plan.devices)))
	if g.o.Ready != nil {
		g.o.Ready(server)
	}
	for running := true; running; {
		select {
		case <-g.o.Reloads:
			if err := g.reloadNow(ctx); err != nil {
				g.o.Log.Error("not reloaded, the old configuration goes on", "error", err)
			}
		case <-ctx.Done():
			running = false
		}
	}
	_ = g.o.Notify.Stopping()
	g.o.Log.Info("stopping", "cause", context.Cause(ctx))
	g.tellLedger()
	g.tell(home.EventStopping, nil)
	wg.Wait()
	g.reload.Lock()
	defer g.reload.Unlock()
	g.get().stop(g, flush, &carried{})
	return nil
}

func (g *gateway) get() *generation {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *gateway) set(gen *generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = gen
}

// tell publishes an event of the gateway about itself.
func (g *gateway) tell(what string, facts map[string]any) {
	ev := home.Event{Kind: home.KindGateway, Name: what}
	if facts != nil {
		ev.Detail, _ = json.Marshal(facts) // numbers and texts always encode
	}
	g.hub.Accept([]home.Event{ev}, nil)
	g.o.Log.Info("gateway "+what, "gateway", g.o.Plan.Config.Gateway)
}

// Follow implements [api.House].
func (g *gateway) Follow() func(ctx context.Context) (home.Event, uint64, error) {
	return g.hub.Follow().Next
}

func (g *gateway) followRaw() func(ctx context.Context) (home.Event, uint64, error) {
	return g.hub.FollowRaw().Next
}

var _ api.House = (*gateway)(nil)

// URLs returns where RabbitMQ is: override when it is given, else what the
// configuration says. A simulated house is kept from brokers on other machines
// unless override names one; refused are those it was kept from, without their
// passwords.
func URLs(cfg config.AMQP, override string, simulated bool) (urls, refused []string, err error) {
	if override != "" {
		return []string{override}, nil, nil
	}
	all, err := cfg.Dial()
	if err != nil || !simulated {
		return all, nil, err
	}
	for _, u := range all {
		if config.Loopback(u) {
			urls = append(urls, u)
		} else {
			refused = append(refused, config.Redact(u))
		}
	}
	return urls, refused, nil
}
