package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Rule is the present state of one rule. All times are house time.
type Rule struct {
	Name     string    `json:"rule"`
	Label    string    `json:"label,omitempty"`
	Enabled  bool      `json:"enabled"`
	State    string    `json:"state"`              // idle, running, paused, disabled
	Why      string    `json:"why"`                // one sentence: why it is in this state
	Running  int       `json:"running"`            // runs that run or wait now
	Started  int       `json:"started"`            // runs ever
	Last     time.Time `json:"last,omitzero"`      // when the last run began; absent: never, as far as is remembered
	Next     time.Time `json:"next,omitzero"`      // when it looks again by itself; absent: only when something happens
	Findings []string  `json:"findings,omitempty"` // what hogar check warns of
}

// RuleTrace is a rule with what it did last, the oldest first.
type RuleTrace struct {
	Rule
	Runs  []RuleRun   `json:"runs"`
	Quiet []RuleQuiet `json:"quiet"`
}

// RuleRun is one run of a rule.
type RuleRun struct {
	Run     int        `json:"run"` // counted from 1
	State   string     `json:"state"`
	Reason  string     `json:"reason,omitempty"`
	Began   time.Time  `json:"began"`
	Ended   time.Time  `json:"ended,omitzero"`
	Trigger string     `json:"trigger"`       // as it is written
	Event   string     `json:"event"`         // what happened, with its values
	If      string     `json:"if,omitempty"`  // the values that the condition saw
	Steps   []RuleStep `json:"steps"`         // with the values seen and the outcomes of commands
	Cut     int        `json:"cut,omitempty"` // steps that are left out, because there are too many
}

// RuleStep is one thing that a run did.
type RuleStep struct {
	At   time.Time `json:"at"`
	Step int       `json:"step"` // its place in the rule, from 0
	Did  string    `json:"did"`
}

// RuleQuiet is a trigger that came and started nothing.
type RuleQuiet struct {
	At      time.Time `json:"at"`
	Why     string    `json:"why"` // if is false, if is unknown, it runs already, paused
	Trigger string    `json:"trigger"`
	Event   string    `json:"event,omitempty"`
	If      string    `json:"if,omitempty"` // the values that the condition saw
}

// Rules can be asked about the rules. Its methods are safe for concurrent use.
// A name that is no rule's is refused with an [Error] of code 404.
type Rules interface {
	Rules(ctx context.Context) ([]Rule, error)
	RuleTrace(ctx context.Context, name string) (RuleTrace, error)
	// SwitchRule enables or disables a rule, and returns when that is durable.
	SwitchRule(ctx context.Context, name string, on bool, reason string) (Rule, error)
}

func (s *Server) rules(w http.ResponseWriter, r *http.Request) {
	all, err := s.Rules.Rules(r.Context())
	seen := []Rule{}
	for _, rule := range all {
		if s.may(r, "get", "rule", rule.Name) {
			seen = append(seen, rule)
		}
	}
	if len(seen) == 0 && len(all) > 0 {
		s.forbid(w, r, "get", "rule.#")
		return
	}
	answer(w, seen, err)
}

func (s *Server) rule(w http.ResponseWriter, r *http.Request) {
	t, err := s.Rules.RuleTrace(r.Context(), r.PathValue("name"))
	answer(w, t, err)
}

func (s *Server) switchRule(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		reason := "by " + source(r)
		if why := r.URL.Query().Get("reason"); why != "" {
			reason += ": " + why
		}
		rule, err := s.Rules.SwitchRule(r.Context(), name, on, reason)
		answer(w, rule, err)
	}
}

// answer replies with v, or says what went wrong.
func answer(w http.ResponseWriter, v any, err error) {
	var refusal *Error
	switch {
	case errors.As(err, &refusal):
		refuse(w, refusal.Code, refusal.Title, refusal.Hint)
	case err != nil:
		refuse(w, http.StatusInternalServerError, err.Error(), "the gateway's log has more")
	default:
		reply(w, v)
	}
}

// Rules asks for the present state of all rules, in the order of the configuration.
func (c *Client) Rules(ctx context.Context) ([]Rule, error) {
	var list []Rule
	err := c.call(ctx, http.MethodGet, "/api/rules", nil, &list)
	return list, err
}

// RuleTrace asks what a rule did last.
func (c *Client) RuleTrace(ctx context.Context, name string) (RuleTrace, error) {
	var t RuleTrace
	err := c.call(ctx, http.MethodGet, "/api/rules/"+url.PathEscape(name), nil, &t)
	return t, err
}

// SwitchRule enables or disables a rule, which is kept over restarts and reloads.
func (c *Client) SwitchRule(ctx context.Context, name string, on bool, reason string) (Rule, error) {
	word := "disable"
	if on {
		word = "enable"
	}
	var r Rule
	err := c.call(ctx, http.MethodPost, "/api/rules/"+url.PathEscape(name)+"/"+word+"?reason="+url.QueryEscape(reason), nil, &r)
	return r, err
}
