package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// Rules knows the rules and what they did. Safe for concurrent use.
type Rules interface {
	// Rules returns those whose name fits a pattern, in the order of the configuration; of
	// one whose name it is, also what it did last.
	Rules(ctx context.Context, pattern string) ([]Rule, error)
}

// Rule is a rule as an answer has it.
type Rule struct {
	Name string
	Body json.RawMessage // how it is: an object
}

// The types of a question about rules, and of its answer.
const (
	typeTrace = "hogar.trace.v1"
	typeRules = "hogar.rules.v1"
)

// rulesBody is the body of an answer about rules.
type rulesBody struct {
	Time  time.Time         `json:"time"` // house time of the answer
	Rules []json.RawMessage `json:"rules"`
	refusal
}

// trace answers with the rules that the name fits and the sender may see: who has the
// right to get rule.NAME.
func (b *Bridge) trace(ctx context.Context, d *amqp.Delivery, from origin) rulesBody {
	answer := rulesBody{Time: b.opts.Clock.Now().UTC(), Rules: []json.RawMessage{}}
	refuse := func(bad *trouble) rulesBody {
		answer.refusal = refusal{bad.problem, bad.hint}
		return answer
	}
	pattern, bad := b.asked(d, from)
	if bad == nil && b.opts.Rules == nil {
		bad = troubled("", "this gateway answers no questions about rules")
	}
	if bad != nil {
		return refuse(bad)
	}
	found, err := b.opts.Rules.Rules(ctx, pattern)
	if err != nil {
		return refuse(troubled("", "%v", err))
	}
	source := sourceOf(d)
	for _, r := range b.mayGet(source, found) {
		answer.Rules = append(answer.Rules, r.Body)
	}
	switch name := plain(pattern, maxName); {
	case len(answer.Rules) > 0:
	case len(found) > 0:
		return refuse(troubled(accessHint(source), "%s may not get rule.%s", source, name))
	case strings.ContainsAny(pattern, "*#"): // there are none
	default:
		return refuse(troubled(b.nearRule(ctx, source, pattern), "there is no rule %s", name))
	}
	return answer
}

func (b *Bridge) mayGet(source string, rules []Rule) (seen []Rule) {
	for _, r := range rules {
		if b.opts.House.May(source, "get", "rule", r.Name) {
			seen = append(seen, r)
		}
	}
	return seen
}

// nearRule is what to do about a name that is no rule's.
func (b *Bridge) nearRule(ctx context.Context, source, name string) string {
	var names []string
	all, _ := b.opts.Rules.Rules(ctx, "#") // else none is near
	for _, r := range b.mayGet(source, all) {
		names = append(names, r.Name)
	}
	if near := home.Nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "`hogar rule list` lists them"
}

// Rules asks the gateway how the rules are whose name fits pattern, and of one whose name
// it is also what it did; each is a JSON object.
func (c *Client) Rules(ctx context.Context, pattern string) ([]json.RawMessage, error) {
	d, err := c.question(ctx, typeTrace, pattern)
	if err != nil {
		return nil, err
	}
	if d.Type != typeRules {
		return nil, fmt.Errorf("the gateway %s does not know this question; its hogar is older", c.gateway)
	}
	var answer rulesBody
	if err := json.Unmarshal(d.Body, &answer); err != nil {
		return nil, fmt.Errorf("the gateway's answer cannot be read: %w", err)
	}
	c.at = answer.Time
	return answer.Rules, answer.err()
}
