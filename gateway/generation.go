package gateway

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"hogar/bridge"
	"hogar/drivers"
	"hogar/gateway/clock"
	"hogar/gateway/control"
	"hogar/gateway/home"
)

// generation is all that depends on the configuration: drivers, rules, sources
// and the bridge. A reload stops one and starts the next; the journal, the hub
// and the door outlive it.
type generation struct {
	plan  *Plan
	board drivers.Board
	urls  []string // of the brokers
	amqp  *bridged // nil: there is no broker to talk to

	runners map[string]*runner // of the devices on the board, by name
	found   *found             // the discovered devices
	links   []*link            // in the order of plan.brokers; none: they are not contacted

	simulated map[string]home.Catalog // devices of the catalog that are played, by name

	stopDevices context.CancelFunc
	devices     sync.WaitGroup
}

// start starts a generation of plan on board; its goroutines end with stop. The
// one before, old, has been stopped, but for what is carried over; nil: there was none.
func (g *gateway) start(ctx context.Context, plan *Plan, board drivers.Board, urls []string, old *Plan, kept *carried) (*generation, error) {
	gen := &generation{plan: plan, board: board, urls: urls, runners: make(map[string]*runner), found: g.newFound(plan, kept.found), simulated: make(map[string]home.Catalog)}
	free := context.WithoutCancel(ctx) // the order in which all ends is stop's
	deviceCtx, stopDevices := context.WithCancel(free)
	gen.stopDevices = stopDevices

	run, err := g.attach(deviceCtx, gen, old, kept)
	if err != nil {
		stopDevices()
		gen.devices.Wait()
		gen.closeBoard(g, kept.runners)
		return nil, err
	}
	if runs, ok := board.(interface{ Run(context.Context) error }); ok {
		gen.devices.Go(func() { g.report("board", runs.Run(deviceCtx)) })
	}
	for name, r := range gen.runners {
		if kept.runners[name] == nil {
			r.start(free)
		}
	}
	for i, l := range gen.links {
		if kept.links[i] == nil {
			l.run(free, g)
		}
	}
	for _, serve := range run {
		gen.devices.Go(func() { serve(deviceCtx) })
	}
	if gen.amqp = kept.amqp; gen.amqp != nil {
		gen.amqp.follow(g, plan)
	} else if len(urls) > 0 {
		gen.amqp = g.bridge(free, plan, urls)
	}
	gen.devices.Go(func() { g.tellBroker(deviceCtx, gen) })
	return gen, nil
}

// attach makes the devices known to the door and to the hub, and returns what is to run beside
// their runners. Nothing of it runs yet, so that a panic in it can be taken back.
func (g *gateway) attach(ctx context.Context, gen *generation, old *Plan, kept *carried) (run []func(context.Context), err error) {
	const doing = "start the devices"
	err = Guard(doing, g.o.Version, func() error {
		run = g.devices(ctx, gen, kept)
		var broken error // the hub's goroutine is another
		err := g.hub.Do(ctx, func() {
			broken = Guard(doing, g.o.Version, func() error { g.furnish(gen, old); g.remind(gen, kept); return nil })
		})
		return cmp.Or(err, broken)
	})
	return run, err
}

// furnish tells the hub what the house has now: which devices, and the rules,
// with the timers and runs of the old ones. It runs in the hub's goroutine.
func (g *gateway) furnish(gen *generation, old *Plan) {
	plan := gen.plan
	plan.engine.SetPatience(max(10*time.Second, g.o.Clock.House(5*time.Second)))
	if old != nil {
		state, err := old.engine.Save()
		if err == nil {
			err = plan.engine.Restore(state)
		}
		if err != nil {
			g.o.Log.Warn("timers and runs of the rules begin anew", "error", err)
		}
	}
	expect := make(map[string]time.Duration, len(plan.devices))
	var catalog []home.Event
	for _, d := range plan.devices {
		expect[d.Name] = d.staleAfter(g.o.Clock)
		g.hub.Filter(d.Name, d.properties(), d.filters)
		catalog = append(catalog, home.Event{Kind: home.KindCatalog, Device: d.Name,
			Catalog: &home.Catalog{Label: d.Label, Driver: d.Driver, Properties: d.properties()}})
	}
	g.rules.engine = plan.engine
	if len(plan.vars) > 0 {
		expect[home.Vars] = 0
		catalog = append(catalog, g.furnishVars(plan)...)
	}
	for name, c := range gen.simulated {
		expect[name] = 0
		catalog = append(catalog, home.Event{Kind: home.KindCatalog, Device: name, Catalog: &c},
			home.Event{Kind: home.KindStatus, Device: name, State: home.Online})
	}
	for _, name := range gen.found.here() {
		expect[name] = plan.furnished[name].StaleAfter
	}
	for _, known := range g.hub.Devices("#") {
		if gen.found.keeps(known) {
			expect[known.Name] = plan.furnished[known.Name].StaleAfter
		} else if _, ok := expect[known.Name]; !ok {
			g.hub.Filter(known.Name, nil, nil)
			catalog = append(catalog, home.Event{Kind: home.KindCatalog, Device: known.Name, Catalog: &home.Catalog{Removed: true}})
		}
	}
	g.hub.Expect(expect)
	g.hub.Accept(catalog, nil)
}

// devices attaches the devices to the door, so that it sees all that they tell,
// and returns what is to run beside their runners: one function for each source, and
// for each device that can be set.
func (g *gateway) devices(ctx context.Context, gen *generation, kept *carried) (run []func(context.Context)) {
	doors := make(map[string]control.Device)
	for _, d := range gen.plan.devices {
		if d.topic != nil {
			continue
		}
		r := kept.runners[d.Name]
		if r == nil {
			r = g.runner(&d, gen.board)
			for _, text := range d.doubts(gen.board.Files()) {
				g.o.Log.Warn("the machine is not as the device wants it", "device", d.Name, "error", text)
			}
		}
		doors[d.Name] = control.Device{Properties: d.spec.Properties, Actuator: settable(d.spec.Properties, r), Timeout: d.spec.Timeout}
		gen.runners[d.Name] = r
	}
	for i, b := range gen.plan.brokers {
		l := g.connect(ctx, gen, b, kept.links[i])
		g.doorsAt(gen, b, l, doors)
		if !g.o.NoMQTT {
			gen.links = append(gen.links, l)
		}
	}
	if g.o.NoMQTT {
		g.simulateCatalog(gen, doors)
	}
	for _, d := range gen.plan.devices {
		one := doors[d.Name]
		one.Safety, one.Reapply = d.safety, d.OnReturn == "reapply"
		doors[d.Name] = one
	}
	if len(gen.plan.vars) > 0 {
		doors[home.Vars] = varsDoor(gen.plan.vars)
	}
	house := gen.plan.door
	house.Devices = doors
	g.control.Attach(house)
	for name, d := range doors {
		if d.Actuator != nil {
			run = append(run, func(ctx context.Context) { g.report("control", g.control.Serve(ctx, name)) })
		}
	}
	return run
}

// runner makes the runner of a device.
func (g *gateway) runner(d *device, board drivers.Board) *runner {
	return &runner{name: d.Name, spec: d.spec, every: d.Every, clock: g.o.Clock, board: board,
		accept: g.hub.Accept, log: g.o.Log, asked: make(chan request)}
}

// settable returns a when one of the properties can be set, else nil.
func settable(properties []home.Property, a control.Actuator) control.Actuator {
	if slices.ContainsFunc(properties, func(p home.Property) bool { return p.Settable }) {
		return a
	}
	return nil
}

func (g *gateway) bridgeOptions(plan *Plan, urls []string) bridge.Options {
	o := plan.Bridge(urls, g.o.Version)
	o.Simulated, o.Clock, o.Outbox, o.Ledger, o.Accept = g.o.Simulated, g.o.Clock, g.outbox, g.ledger, g.hub.Accept
	o.Worth = g.turns.Worth
	o.Stream, o.Mark = g.hub.Stream, filepath.Join(g.o.Journal, "in-hand")
	o.House, o.Rules = g, ruleAnswers{g}
	return o
}

// Bridge returns the options of a bridge to the brokers at urls, as far as the
// configuration decides them.
func (p *Plan) Bridge(urls []string, version string) bridge.Options {
	a := p.Config.AMQP
	o := bridge.Options{Clock: clock.System(p.trust()), URLs: urls, Gateway: p.Config.Gateway, Exchange: a.Exchange, History: a.History,
		QueueType: a.QueueType, MessageTTL: a.MessageTTL, Declare: a.Declare, Version: version, Coalesce: true, Names: p.resolver(), Publishes: p.engine.Publishes()}
	o.ReplyTo = a.ReplyTo
	if o.ReplyTo == nil && p.Config.Access != nil {
		o.ReplyTo = []string{bridge.ReplyDirect, bridge.ReplyOwn}
	}
	for _, s := range p.engine.Messages() {
		o.Messages = append(o.Messages, bridge.Source(s))
	}
	return o
}

// stop ends the generation: the devices first, then, when what they told last is
// with the broker or flush is over, the bridge. What is kept goes on, and with the runners
// the board.
func (gen *generation) stop(g *gateway, flush time.Duration, kept *carried) {
	var ends []chan struct{}
	for name, r := range gen.runners {
		if kept.runners[name] == nil {
			r.stop()
			ends = append(ends, r.ended)
		}
	}
	for i, l := range gen.links {
		if kept.links[i] == nil {
			l.stop()
			ends = append(ends, l.ended)
		}
	}
	gen.stopDevices()
	for _, ended := range ends {
		<-ended
	}
	gen.devices.Wait()
	if gen.amqp != nil && kept.amqp == nil {
		gen.flush(g, flush)
		gen.amqp.stop()
		<-gen.amqp.ended
	}
	gen.closeBoard(g, kept.runners)
}

// closeBoard closes the board, unless there are runners that go on with it.
func (gen *generation) closeBoard(g *gateway, kept map[string]*runner) {
	if c, ok := gen.board.(io.Closer); ok && kept == nil {
		g.report("board", c.Close())
	}
}

// flush waits until the broker has all that was accepted, at most so long.
func (gen *generation) flush(g *gateway, most time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	if g.hub.Do(ctx, func() {}) != nil { // what was told last is in the journal after it
		return
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for gen.amqp.Status().Connected && g.journal.Cursor() < g.journal.Last() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// report logs what ended with an error, although it should have gone on.
func (g *gateway) report(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		g.o.Log.Error("ended with an error", "part", what, "error", err)
	}
}
