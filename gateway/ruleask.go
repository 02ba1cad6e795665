package gateway

import (
	"context"
	"encoding/json"
	"net/http"

	"hogar/bridge"
	"hogar/gateway/api"
	"hogar/gateway/home"
	"hogar/rules"
)

// Rules implements [api.Rules].
func (g *gateway) Rules(ctx context.Context) ([]api.Rule, error) {
	list := []api.Rule{}
	err := g.askRules(ctx, func(e *rules.Engine) {
		for _, s := range e.Rules() {
			list = append(list, api.Rule(s))
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// RuleTrace implements [api.Rules].
func (g *gateway) RuleTrace(ctx context.Context, name string) (api.RuleTrace, error) {
	var h rules.History
	known, near := false, ""
	err := g.askRules(ctx, func(e *rules.Engine) {
		if h, known = e.History(name); !known {
			near = nearestRule(e, name)
		}
	})
	if err == nil && !known {
		err = noRule(name, near)
	}
	if err != nil {
		return api.RuleTrace{}, err
	}
	t := api.RuleTrace{Rule: api.Rule(h.Status), Runs: []api.RuleRun{}, Quiet: []api.RuleQuiet{}}
	for _, r := range h.Past {
		one := api.RuleRun{Run: r.Run, State: r.State, Reason: r.Reason, Began: r.Began, Ended: r.Ended, Trigger: r.Trigger,
			Event: r.Event, If: r.If, Steps: []api.RuleStep{}, Cut: r.Cut}
		for _, line := range r.Steps {
			one.Steps = append(one.Steps, api.RuleStep(line))
		}
		t.Runs = append(t.Runs, one)
	}
	for _, q := range h.Quiet {
		t.Quiet = append(t.Quiet, api.RuleQuiet(q))
	}
	return t, nil
}

// ruleAnswers implements [bridge.Rules].
type ruleAnswers struct{ *gateway }

// Rules returns a rule as the API has it.
func (a ruleAnswers) Rules(ctx context.Context, pattern string) ([]bridge.Rule, error) {
	list, err := a.gateway.Rules(ctx)
	if err != nil {
		return nil, err
	}
	var found []bridge.Rule
	for _, r := range list {
		if !home.Match(pattern, r.Name) {
			continue
		}
		var state any = r
		if r.Name == pattern {
			if state, err = a.RuleTrace(ctx, r.Name); err != nil {
				return nil, err
			}
		}
		body, err := json.Marshal(state)
		if err != nil {
			return nil, err
		}
		found = append(found, bridge.Rule{Name: r.Name, Body: body})
	}
	return found, nil
}

// SwitchRule implements [api.Rules].
func (g *gateway) SwitchRule(ctx context.Context, name string, on bool, reason string) (api.Rule, error) {
	if _, err := g.RuleTrace(ctx, name); err != nil {
		return api.Rule{}, err
	}
	durable := make(chan error, 1)
	g.hub.Accept([]home.Event{rules.Switch(name, on, reason)}, func(err error) { durable <- err })
	select {
	case err := <-durable:
		if err != nil {
			return api.Rule{}, &api.Error{Title: "switched, but not kept over a restart: " + err.Error(),
				Hint: "hogar journal stat tells about the disk", Code: http.StatusInsufficientStorage}
		}
	case <-ctx.Done():
		return api.Rule{}, ctx.Err()
	}
	t, err := g.RuleTrace(ctx, name)
	return t.Rule, err
}

// askRules calls ask with the rules, in the hub's goroutine.
func (g *gateway) askRules(ctx context.Context, ask func(e *rules.Engine)) error {
	return g.hub.Do(ctx, func() { ask(g.rules.engine) })
}

func nearestRule(e *rules.Engine, name string) string {
	var names []string
	for _, s := range e.Rules() {
		names = append(names, s.Name)
	}
	return home.Nearest(name, names)
}

func noRule(name, near string) error {
	hint := "hogar rule list lists them"
	if near != "" {
		hint = "did you mean " + near + "?"
	}
	return &api.Error{Title: "there is no rule " + name, Hint: hint, Code: http.StatusNotFound}
}

var _ api.Rules = (*gateway)(nil)
