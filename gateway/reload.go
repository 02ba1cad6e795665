package gateway

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"hogar/drivers"
	"hogar/gateway/home"
)

// reloadNow reads the configuration again and replaces the generation: all of it
// or nothing.
func (g *gateway) reloadNow(ctx context.Context) error {
	g.reload.Lock()
	defer g.reload.Unlock()
	plan, err := g.o.Reload()
	if err != nil {
		return err
	}
	old := g.get()
	if plan.Config.Gateway != old.plan.Config.Gateway {
		return fmt.Errorf("gateway is %s now and was %s: that needs a restart", plan.Config.Gateway, old.plan.Config.Gateway)
	}
	if plan.Config.Journal != old.plan.Config.Journal {
		return errors.New("journal is not what it was: that needs a restart")
	}
	if !reflect.DeepEqual(plan.Config.Web, old.plan.Config.Web) {
		return errors.New("web is not what it was: that needs a restart")
	}
	urls, err := g.urls(plan)
	if err != nil {
		return err
	}
	same := plan.inherit(old.plan)
	board, err := g.o.Board(plan.Parts())
	if err != nil {
		return err
	}
	kept := old.keep(board, same)
	old.stop(g, 0, kept) // what was not sent yet, the next bridge sends
	gen, err := g.start(ctx, plan, board, urls, old.plan, kept)
	if err != nil {
		return err // the gateway is stopping
	}
	g.set(gen)
	g.o.Clock.SetTrust(plan.trust())
	g.tell("reloaded", map[string]any{"devices": len(plan.devices), "rules": plan.rules})
	return nil
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
func (g *gateway) remind(kept map[string]*runner) {
	for _, d := range g.hub.Devices("#") {
		if kept[d.Name] == nil || d.Status != home.Online {
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
