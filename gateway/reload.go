package gateway

import (
	"context"
	"errors"
	"fmt"
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
	if plan.Config.Web != old.plan.Config.Web {
		return errors.New("web is not what it was: that needs a restart")
	}
	urls, err := g.urls(plan)
	if err != nil {
		return err
	}
	plan.inherit(old.plan)
	board, err := g.o.Board(plan.Parts())
	if err != nil {
		return err
	}
	old.stop(g, 0) // what was not sent yet, the next bridge sends
	gen, err := g.start(ctx, plan, board, urls, old.plan)
	if err != nil {
		return err // the gateway is stopping
	}
	g.set(gen)
	g.tell("reloaded", map[string]any{"devices": len(plan.devices), "rules": plan.rules})
	return nil
}

func (g *gateway) urls(plan *Plan) ([]string, error) {
	if g.o.URLs == nil {
		return nil, nil
	}
	return g.o.URLs(plan.Config.AMQP)
}
