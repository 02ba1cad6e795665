package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// book is Rules: hall_light may be seen by all, frost_guard by those who may see the hall.
type book struct{ wrong error }

func (b book) Rules(_ context.Context, pattern string) (found []Rule, _ error) {
	for _, name := range []string{"hall_light", "frost_guard"} {
		if home.Match(pattern, name) {
			found = append(found, Rule{name, json.RawMessage(`{"rule":"` + name + `"}`)})
		}
	}
	return found, b.wrong
}

// guarded lets everybody get the rule hall_light, and guest all.
type guarded struct{ rooms }

func (guarded) May(source, verb, device, property string) bool {
	return source == "amqp:guest" || verb == "get" && home.Join(device, property) == "rule.hall_light"
}

func TestQuestionsAboutRules(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true, House: guarded{}, Rules: book{}}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	for _, one := range []struct{ key, user, body, want string }{
		{"casa.#", "guest", "", `[{"rule":"hall_light"},{"rule":"frost_guard"}]`},
		{"casa.#", "", "", `[{"rule":"hall_light"}]`},
		{"casa.hall_light", "", " ", `[{"rule":"hall_light"}]`},
		{"casa.frost*", "guest", "", "[]"}, // * is a word
		{"casa.hall_lihgt", "guest", "", "there is no rule hall_lihgt|did you mean hall_light?"},
		{"casa.frost_gard", "", "", "there is no rule frost_gard|`hogar rule list` lists them"},
		{"casa.frost_guard", "", "", "amqp:anonymous may not get rule.frost_guard|send it with user_id, which RabbitMQ checks; access: in the configuration says who may do what"},
		{"casa.hall_light", "", "{}", "a question has no body|name it, or a pattern like kitchen.#, in the key"},
	} {
		_, d := c.ask(t, nowExchange, one.key, amqp.Publishing{Type: typeTrace, UserId: one.user, Body: []byte(one.body)})
		var answer rulesBody
		if err := json.Unmarshal(d.Body, &answer); err != nil || d.Type != typeRules || answer.Time.IsZero() || answer.Rules == nil {
			t.Fatalf("%s: %s %v", one.key, d.Body, err)
		}
		got := answer.Error + "|" + answer.Hint
		if answer.Error == "" {
			list, _ := json.Marshal(answer.Rules)
			got = string(list)
		}
		if got != one.want {
			t.Errorf("%s by %q:\ngot  %s\nwant %s", one.key, one.user, got, one.want)
		}
	}
	if n := h.Status().Received; n != 0 {
		t.Errorf("%d commands were counted", n)
	}
}

func TestRulesThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		rules Rules
		says  string
	}{{nil, "this gateway answers no questions about rules"}, {book{errors.New("it stops")}, "it stops"}} {
		h := runBridge(t, Options{Declare: true, House: guarded{}, Rules: one.rules}, &door{})
		h.until("taking commands", func() bool { return h.Status().Commands })
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		c, err := Connect(ctx, h.url, "", "casa")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if list, err := c.Rules(ctx, "#"); len(list) > 0 || err == nil || !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s, %v, want %s", list, err, one.says)
		}
	}
}
