package bridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"
)

// queuesOf lists the queues of a virtual host with their arguments.
func queuesOf(t *testing.T, url string) map[string]string {
	t.Helper()
	vhost := vhostOf(url)
	var list []struct {
		Name      string
		Durable   bool
		Exclusive any // not told of quorum queues and streams
		Arguments [][3]any
	}
	out := ctl(t, "list_queues", "--vhost", vhost, "--formatter", "json", "name", "durable", "exclusive", "arguments")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	queues := make(map[string]string)
	for _, q := range list {
		var args []string
		for _, a := range q.Arguments {
			if f, ok := a[2].(float64); ok {
				a[2] = int64(f)
			}
			args = append(args, fmt.Sprintf("%v=%v", a[0], a[2]))
		}
		slices.Sort(args)
		queues[q.Name] = fmt.Sprintf("durable=%t exclusive=%t %s", q.Durable, q.Exclusive == true, strings.Join(args, " "))
	}
	return queues
}

func TestTopology(t *testing.T) {
	t.Parallel()
	const (
		dead  = "durable=true exclusive=false x-max-length-bytes=10000000 x-message-ttl=2592000000 x-overflow=drop-head x-queue-type="
		sac   = " x-single-active-consumer=true"
		moved = "durable=true exclusive=false x-dead-letter-exchange= x-dead-letter-routing-key=hogar.casa.expired "
		now   = "durable=false exclusive=true x-message-ttl=5000 x-queue-type=classic"
	)
	for kind, tc := range map[string]struct {
		options Options
		want    map[string]string
	}{
		"default": {Options{}, map[string]string{
			"hogar.casa.commands": moved + "x-message-ttl=60000 x-queue-type=classic" + sac,
			"hogar.casa.expired":  "durable=true exclusive=false x-queue-type=classic",
			"hogar.casa.dead":     dead + "classic",
			"hogar.casa.now":      now,
			"hogar.history": "durable=true exclusive=false x-max-age=30D x-max-length-bytes=1000000000 x-queue-type=stream " +
				"x-stream-max-segment-size-bytes=16000000",
		}},
		"quorum": {Options{QueueType: "quorum", History: "quorum"}, map[string]string{
			"hogar.casa.commands": "durable=true exclusive=false x-dead-letter-exchange= x-dead-letter-routing-key=hogar.casa.expired " +
				"x-dead-letter-strategy=at-least-once x-delivery-limit=5 x-message-ttl=60000 x-overflow=reject-publish x-queue-type=quorum" + sac,
			"hogar.casa.expired": "durable=true exclusive=false x-queue-type=quorum",
			"hogar.casa.dead":    dead + "quorum",
			"hogar.casa.now":     now,
			"hogar.history":      "durable=true exclusive=false x-max-length-bytes=32000000 x-overflow=drop-head x-queue-type=quorum",
		}},
	} {
		t.Run(kind, func(t *testing.T) {
			o := tc.options
			o.Declare = true
			j := openJournal(t)
			for round := range 2 { // the second finds all of it
				h := runOn(t, o, &door{}, j)
				o.URLs = []string{h.url}
				h.until("working", func() bool { return h.Status().Connected && h.Status().Commands })
				if round == 0 {
					if diff := cmp.Diff(tc.want, queuesOf(t, h.url)); diff != "" {
						t.Error(diff)
					}
				}
				h.reading("a", "x", uint64(round+1))
				h.until("the history has it", func() bool { return h.journal.Cursor() == uint64(round+1) })
				h.stop()
				if strings.Contains(h.log.String(), "WARN") {
					t.Errorf("round %d: %s", round, h.log)
				}
			}
		})
	}
}

// TestDifference finds other things than it wants, says so once, and goes on.
func TestDifference(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	c := dialClient(t, url)
	if _, err := c.ch.QueueDeclare("hogar.history", true, false, false, false,
		amqp.Table{"x-queue-type": "stream", "x-max-age": "8D"}); err != nil {
		t.Fatal(err)
	}
	h := runBridge(t, Options{URLs: []string{url}, Declare: true}, &door{})
	h.reading("a", "x", 1)
	h.until("the history has it", func() bool { return h.journal.Cursor() == 1 })
	h.stop()
	if log := h.log.String(); strings.Count(log, "inequivalent arg") != 1 {
		t.Errorf("want the difference told once: %s", log)
	}
}

func TestNotDeclared(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	h := runBridge(t, Options{URLs: []string{url}}, &door{})
	want := "exchange hogar does not exist: set amqp.declare to true, or create it as `hogar topology` prints"
	h.until("it is told", func() bool { return h.Status().Error == want })
	h.reading("a", "x", 1)
	runBridge(t, Options{URLs: []string{url}, Gateway: "other", Declare: true}, &door{}) // brings the exchanges
	h.until("publishing", func() bool { return h.Status().Connected })
	want = "queue hogar.casa.expired does not exist: set amqp.declare to true, or create it as `hogar topology` prints"
	h.until("the queues are missed", func() bool { return h.Status().Error == want && !h.Status().Commands })
}

// addUser is rabbitmqctl add_user, with the password secret.
func addUser(t testing.TB, name string) {
	t.Helper()
	eval(t, `ok = rabbit_auth_backend_internal:add_user(<<"%s">>, <<"secret">>, <<"test">>).`, name)
}

func TestRights(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	vhost := vhostOf(url)
	addUser(t, "casa")
	mine := "amqp://casa:secret@" + broker.Addr() + "/" + vhost
	h := runBridge(t, Options{URLs: []string{mine}, Declare: true}, &door{})
	says := func(what string) func() bool {
		return func() bool { return strings.Contains(h.Status().Error, what) }
	}
	h.until("it may not enter the virtual host", says("rabbitmqctl set_permissions -p "+vhost+" casa '.*' '.*' '.*'"))
	permit(t, "casa", vhost, "^$", "^$", "^$")
	grant := []string{"set_permissions", "-p", vhost, "casa", `^hogar(\..*)?$`, `^(hogar(\..*)?|amq\.default)$`, `^hogar(\..*)?$`}
	h.until("it may not declare", says(`grant it with rabbitmqctl set_permissions -p `+vhost+` casa '`+grant[4]+`' '`+grant[5]+`' '`+grant[6]+`'`))
	permit(t, "casa", vhost, grant[4], grant[5], grant[6])
	topics := func(write, read string) {
		eval(t, `ok = rabbit_auth_backend_internal:set_topic_permissions(<<"casa">>, <<"%s">>, <<"hogar">>, <<"%s">>, <<"%s">>, <<"test">>).`,
			vhost, strings.ReplaceAll(write, `\`, `\\`), strings.ReplaceAll(read, `\`, `\\`))
	}
	topics("^villa", ".*")
	h.reading("a", "x", 1)
	h.until("it may not use the key", says("rabbitmqctl set_topic_permissions -p "+vhost+" casa hogar"))
	topics(`^casa\..*`, `^casa\..*`)
	h.until("all is well", func() bool { return h.journal.Cursor() == 1 && h.Status().Commands && h.Status().Error == "" })
	bad := runBridge(t, Options{URLs: []string{"amqp://casa:wrong@" + broker.Addr() + "/" + vhost}}, &door{})
	bad.until("the password is wrong", func() bool { return strings.Contains(bad.Status().Error, "rabbitmqctl change_password casa") })
	if strings.Contains(bad.log.String()+h.log.String(), "secret") || strings.Contains(bad.Status().Error, "wrong@") {
		t.Error("a password is shown")
	}
}
