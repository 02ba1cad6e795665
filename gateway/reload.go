package gateway

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// next is what a reload starts.
type next struct {
	plan  *Plan
	board drivers.Board
	urls  []string
	same  []device // those that may go on
}

// reloadNow reads the configuration again and replaces the generation: all of it
// or nothing, also when a part of that panics.
func (g *gateway) reloadNow(ctx context.Context) error {
	g.reload.Lock()
	defer g.reload.Unlock()
	old := g.get()
	var n next
	err := Guard("reload", g.o.Version, func() (err error) {
		n, err = g.prepare(old.plan)
		return err
	})
	if err != nil {
		return err
	}
	kept := old.carry(n)
	release := sync.OnceFunc(kept.hold())
	defer release()
	old.stop(g, 0, kept) // what was not sent yet, the next bridge sends
	gen, err := g.start(ctx, n.plan, n.board, n.urls, old.plan, kept)
	if _, broken := errors.AsType[*Broken](err); broken {
		return errors.Join(err, g.goBack(ctx, old, kept))
	}
	if err != nil {
		return err // the gateway is stopping
	}
	g.set(gen)
	release()
	g.o.Clock.SetTrust(n.plan.trust())
	gen.settle(ctx)
	g.tell(home.EventReloaded, map[string]any{"devices": len(n.plan.devices), "rules": n.plan.rules})
	return nil
}

// prepare reads and checks all that a reload needs. The house that runs is not touched.
func (g *gateway) prepare(old *Plan) (n next, err error) {
	if n.plan, err = g.o.Reload(); err != nil {
		return n, err
	}
	switch cfg := n.plan.Config; {
	case cfg.Gateway != old.Config.Gateway:
		return n, fmt.Errorf("gateway is %s now and was %s: that needs a restart", cfg.Gateway, old.Config.Gateway)
	case cfg.Journal != old.Config.Journal:
		return n, errors.New("journal is not what it was: that needs a restart")
	case !reflect.DeepEqual(cfg.Web, old.Config.Web):
		return n, errors.New("web is not what it was: that needs a restart")
	}
	if n.urls, err = g.urls(n.plan); err != nil {
		return n, err
	}
	n.same = n.plan.inherit(old)
	n.board, err = g.o.Board(n.plan.Parts())
	return n, err
}

// goBack starts the generation that was stopped for one that could not be started.
func (g *gateway) goBack(ctx context.Context, old *generation, kept *carried) error {
	return Guard("go back to the configuration before", g.o.Version, func() error {
		board, err := g.o.Board(old.plan.Parts())
		if err != nil {
			return err
		}
		if kept.found != nil {
			kept.found.names.Renew(old.plan.taken()) // they fitted before
		}
		gen, err := g.start(ctx, old.plan, board, old.urls, nil, kept)
		if err == nil {
			g.set(gen)
		}
		return err
	})
}

// settleMost is how long a reload waits for its brokers, in machine time.
const settleMost = 5 * time.Second

// settle returns when all that was subscribed is subscribed again, or cannot be for now, or
// settleMost is over.
func (gen *generation) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleMost)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !gen.settled() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

func (gen *generation) settled() bool {
	for _, l := range gen.links {
		if !l.settles() {
			return false
		}
	}
	return gen.amqp == nil || gen.amqp.settles()
}

// keep returns the runners that go on over a reload: those of devices that are the same,
// when the board is. It is nil, and not empty, when the board is another.
func (gen *generation) keep(board drivers.Board, same []device) map[string]*runner {
	if board != gen.board {
		return nil
	}
	kept := make(map[string]*runner)
	for _, d := range same {
		if r := gen.runners[d.Name]; r != nil && r.every == d.Every {
			kept[d.Name] = r
		}
	}
	return kept
}

// remind tells the rules what is known of the devices that go on over a reload: those
// will not tell it again, and a new rule has not heard it. It starts nothing. It runs in
// the hub's goroutine.
func (g *gateway) remind(gen *generation, kept *carried) {
	for _, d := range g.hub.Devices("#") {
		if d.Status != home.Online || !kept.goesOn(gen, d.Name) {
			continue
		}
		now := g.o.Clock.Read()
		g.rules.Apply(&home.Event{Kind: home.KindStatus, Device: d.Name, State: d.Status, Time: d.Since, At: now.At, Elapsed: now.Elapsed, Flags: home.FlagLate}, true)
		for _, r := range d.Readings {
			if _, property := home.Split(r.Name); r.Value.Known() {
				g.rules.Apply(&home.Event{Kind: home.KindReading, Device: d.Name, Property: property, Value: r.Value, Time: r.Time,
					At: now.At, Elapsed: now.Elapsed, Flags: home.FlagLate}, true)
			}
		}
	}
}

func (g *gateway) urls(plan *Plan) ([]string, error) {
	if g.o.URLs == nil {
		return nil, nil
	}
	return g.o.URLs(plan.Config.AMQP)
}
