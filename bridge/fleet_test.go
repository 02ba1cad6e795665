package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"hogar/bridge/localbroker"
)

// TestFromSitesToTheCentre: the readings of a site come to another RabbitMQ by federation and by a shovel, as docs/fleet.md
// says: with their keys and ids, in order, also those that were told while the centre was away.
func TestFromSitesToTheCentre(t *testing.T) {
	t.Parallel()
	site := rabbit(t)
	started := make(chan error, 1)
	var centre *localbroker.RabbitMQ
	go func() {
		var err error
		centre, err = localbroker.StartRabbitMQ(context.Background(), localbroker.Options{Dir: t.TempDir(), Plugins: []string{"rabbitmq_federation", "rabbitmq_shovel"}})
		started <- err
	}()
	for user, may := range map[string][3]string{ // centre as docs/fleet.md has it
		"site7":  {".*", ".*", ".*"},
		"centre": {"^(federation: hogar.*|centre)$", "^(federation: hogar.*|centre)$", "^(hogar|federation: hogar.*|centre)$"},
	} {
		eval(t, `catch rabbit_auth_backend_internal:add_user(<<"%s">>, <<"secret">>, <<"test">>).`, user)
		permit(t, user, vhostOf(site), may[0], may[1], may[2])
	}
	eval(t, `ok = rabbit_auth_backend_internal:set_topic_permissions(<<"centre">>, <<"%s">>, <<"hogar">>, <<"^$">>, <<".*">>, <<"test">>).`, vhostOf(site))
	as := func(user string) string {
		u, err := url.Parse(site)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(user, "secret")
		return u.String()
	}
	h := runBridge(t, Options{URLs: []string{as("site7")}, Gateway: "site7", Declare: true}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(centre.Kill)
	dialClient(t, site).bind("centre", "hogar", "#")
	c := dialClient(t, centre.URL())
	for _, exchange := range []string{"hogar", "shovelled"} {
		if err := c.ch.ExchangeDeclare(exchange, "topic", true, false, false, false, nil); err != nil {
			t.Fatal(err)
		}
		c.bind("all."+exchange, exchange, "site7.reading.#")
	}
	set := func(command, name string, more ...any) {
		t.Helper()
		args := []string{command, name}
		for _, one := range more {
			text, is := one.(string)
			if !is {
				body, err := json.Marshal(one)
				if err != nil {
					t.Fatal(err)
				}
				text = string(body)
			}
			args = append(args, text)
		}
		if _, err := centre.Ctl(context.Background(), args...); err != nil {
			t.Fatal(err)
		}
	}
	set("set_parameter", "federation-upstream", "site7", map[string]any{"uri": as("centre"), "reconnect-delay": 1})
	set("set_policy", "sites", "^hogar$", map[string]any{"federation-upstream-set": "all"}, "--apply-to", "exchanges")
	set("set_parameter", "shovel", "site7", map[string]any{"src-protocol": "amqp091", "src-uri": as("centre"), "src-queue": "centre", "reconnect-delay": 1,
		"dest-protocol": "amqp091", "dest-uri": "amqp://", "dest-exchange": "shovelled", "ack-mode": "on-confirm"})
	h.until("the federation's link", func() bool {
		return eval(t, `length([X || X <- rabbit_binding:list(<<"%s">>), element(1, X) =:= binding,
		element(4, element(2, X)) =:= <<"hogar">>, element(3, X) =:= <<"site7.reading.#">>, element(3, element(4, X)) =:= exchange]).`, vhostOf(site)) == "1"
	})
	tell := func(from, to uint64) {
		for n := from; n <= to; n++ {
			h.reading("hall.probe", "temperature", n)
		}
	}
	tell(1, 50)
	seen := map[string]uint64{"all.hogar": 0, "all.shovelled": 0}
	for queue := range seen {
		seen[queue] = c.arrive(queue, 0, 50)
	}
	centre.Kill()
	tell(51, 100)
	h.until("the site's broker has all", func() bool { return h.journal.Stats().Depth == 0 })
	if err := centre.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	c = dialClient(t, centre.URL())
	for queue, last := range seen {
		c.arrive(queue, last, 100)
	}
}

// arrive consumes until a reading has the number to. Those up to last may come again; the others come
// in order.
func (c *client) arrive(queue string, last, to uint64) uint64 {
	c.t.Helper()
	user := map[string]string{"all.hogar": "", "all.shovelled": "site7"}[queue] // a federation takes it off
	deliveries, err := c.ch.Consume(queue, "", true, false, false, false, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	for deadline := time.After(40 * time.Second); last < to; {
		select {
		case d := <-deliveries:
			var body struct{ DSeq uint64 }
			if err := json.Unmarshal(d.Body, &body); err != nil {
				c.t.Fatalf("%s: %q: %v", queue, d.Body, err)
			}
			if d.RoutingKey != "site7.reading.hall.probe.temperature" || d.Type != "hogar.reading.v1" || d.UserId != user ||
				!strings.HasSuffix(d.MessageId, fmt.Sprintf("-%d", body.DSeq)) || body.DSeq > last+1 {
				c.t.Fatalf("%s after %d: key %s, type %s, user %q, id %s: %s", queue, last, d.RoutingKey, d.Type, d.UserId, d.MessageId, d.Body)
			}
			last = max(last, body.DSeq)
		case <-deadline:
			c.t.Fatalf("%s: %d is the last in time, want %d", queue, last, to)
		}
	}
	return last
}
