package bridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
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
		dead    = "durable=true exclusive=false x-max-length-bytes=10000000 x-message-ttl=2592000000 x-overflow=drop-head x-queue-type="
		sac     = " x-single-active-consumer=true"
		expired = "durable=true exclusive=false x-dead-letter-exchange= x-dead-letter-routing-key=hogar.casa.dead " +
			"x-max-length-bytes=500000000 x-max-length=100000 x-message-ttl=2592000000 x-overflow=drop-head "
		moved = "durable=true exclusive=false x-dead-letter-exchange= x-dead-letter-routing-key=hogar.casa.expired "
		now   = "durable=false exclusive=true x-message-ttl=5000 x-queue-type=classic"
	)
	for kind, tc := range map[string]struct {
		options Options
		want    map[string]string
	}{
		"default": {Options{}, map[string]string{
			"hogar.casa.commands": moved + "x-message-ttl=60000 x-queue-type=classic" + sac,
			"hogar.casa.expired":  expired + "x-queue-type=classic",
			"hogar.casa.dead":     dead + "classic",
			"hogar.casa.now":      now,
			"hogar.history": "durable=true exclusive=false x-max-age=30D x-max-length-bytes=1000000000 x-queue-type=stream " +
				"x-stream-max-segment-size-bytes=16000000",
		}},
		"quorum": {Options{QueueType: "quorum", History: "quorum"}, map[string]string{
			"hogar.casa.commands": "durable=true exclusive=false x-dead-letter-exchange= x-dead-letter-routing-key=hogar.casa.expired " +
				"x-dead-letter-strategy=at-least-once x-delivery-limit=5 x-message-ttl=60000 x-overflow=reject-publish x-queue-type=quorum" + sac,
			"hogar.casa.expired": expired + "x-queue-type=quorum",
			"hogar.casa.dead":    dead + "quorum",
			"hogar.casa.now":     now,
			"hogar.history":      "durable=true exclusive=false x-max-length-bytes=32000000 x-overflow=drop-head x-queue-type=quorum",
		}},
	} {
		t.Run(kind, func(t *testing.T) {
			o := tc.options
			if kind == "quorum" && majorOf(t) >= 4 {
				for _, word := range []string{"dead", "expired"} {
					tc.want["hogar.casa."+word] = strings.Replace(tc.want["hogar.casa."+word], " x-max-length-bytes", " x-delivery-limit=-1 x-max-length-bytes", 1)
				}
			}
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

// majorOf is the version of the tests' RabbitMQ.
func majorOf(t testing.TB) int {
	t.Helper()
	conn := dialClient(t, rabbit(t)).conn
	version, _ := conn.Properties["version"].(string)
	major, err := strconv.Atoi(version[:strings.IndexByte(version, '.')])
	if err != nil {
		t.Fatal(err)
	}
	return major
}

// TestMadeWithoutTheLimit finds queues that an older hogar, or one on an older RabbitMQ, has made. They
// are used as they are, and what mends them is said by the log, the doctor and whoever looks at dead letters.
func TestMadeWithoutTheLimit(t *testing.T) {
	t.Parallel()
	if major := majorOf(t); major < 4 {
		t.Skip("nothing is amiss with RabbitMQ ", major)
	}
	url := rabbit(t)
	o := Options{URLs: []string{url}, Gateway: "casa", Declare: true, QueueType: "quorum", Messages: []Source{{"amq.topic", "a.b"}},
		Accept: func(_ []home.Event, done func(error)) { done(nil) }}
	c := dialClient(t, url)
	full := o.withDefaults()
	for _, q := range append(full.consumeTopology().queues, full.listenTopology().queues...) {
		if _, err := c.ch.QueueDeclare(q.name, true, false, false, false, q.args); err != nil {
			t.Fatal(err)
		}
	}
	h := runOn(t, o, &door{}, openJournal(t))
	h.until("working", func() bool { return h.Status().Connected && h.Status().Commands })
	h.until("listening", func() bool { return strings.Contains(h.log.String(), "listening to other applications") })
	line := `rabbitmqctl set_policy -p ` + vhostOf(url) + ` --apply-to queues hogar.casa.keep '^hogar\.casa\.(dead|expired|messages)$' '{"delivery-limit":-1}'`
	wrong := bad(t, Examine(t.Context(), o, true))
	for _, word := range []string{"dead", "expired", "messages"} {
		name := "queue hogar.casa." + word
		if !strings.Contains(wrong[name], line) {
			t.Errorf("the doctor says of %s: %q", name, wrong[name])
		}
		if log := h.log.String(); strings.Count(log, name+" was made without x-delivery-limit -1") != 1 {
			t.Errorf("want %s in the log once: %s", name, log)
		}
	}
	if len(wrong) != 3 {
		t.Errorf("wrong as well: %v", wrong)
	}
	letters := openDead(t, url)
	if advice := letters.Advice(); !strings.Contains(advice, line) {
		t.Errorf("who looks at dead letters is told %q", advice)
	}
	ctl(t, words(t, line)[1:]...) // it is a command that RabbitMQ takes
	if _, err := c.ch.QueueDelete("hogar.casa.dead", false, false, false); err != nil {
		t.Fatal(err)
	}
	h.stop()
	h = runOn(t, o, &door{}, openJournal(t))
	h.until("working", func() bool { return h.Status().Commands })
	if advice := openDead(t, url).Advice(); advice != "" {
		t.Errorf("made anew, and still: %s", advice)
	}
}

// TestHistoryComesLater: a history that the broker cannot make at present is made when it can, though nothing
// else is amiss and other queues take what is told.
func TestHistoryComesLater(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	c := dialClient(t, url)
	if err := c.ch.ExchangeDeclare("hogar", "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	c.bind("reader", "hogar", "casa.#")
	ctl(t, "set_vhost_limits", "-p", vhostOf(url), `{"max-queues":1}`)
	h := runBridge(t, Options{URLs: []string{url}, Declare: true}, &door{})
	h.until("it is missed", func() bool {
		return h.Status().Connected && strings.Contains(h.log.String(), `subject="queue hogar.history"`)
	})
	h.reading("a", "x", 1)
	h.until("the reader has it", func() bool { return h.journal.Cursor() == 1 })
	ctl(t, "clear_vhost_limits", "-p", vhostOf(url))
	h.until("it is there", func() bool { return queuesOf(t, url)["hogar.history"] != "" })
	if want := "x-queue-type=stream"; !strings.Contains(queuesOf(t, url)["hogar.history"], want) {
		t.Error(queuesOf(t, url))
	}
}

// Of the reasons of 541 and 406, as RabbitMQ 3.10.8 and 4.0.5 have them in rabbit_amqqueue and rabbit_stream_queue, two
// say that there are no streams.
func TestNoStreams(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]bool{
		"INTERNAL_ERROR - Cannot declare a queue 'hogar.history' of type 'rabbit_stream_queue' on node 'a@b': the corresponding feature flag is disabled": true,
		"PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue 'hogar.history' in vhost '/': \"unsupported queue type 'stream'\"":                    true,
		"INTERNAL_ERROR": false,
		"INTERNAL_ERROR - Could not declare queue 'hogar.history' in vhost '/' on node 'a@b' because the metadata store operation timed out": false,
		"INTERNAL_ERROR - Cannot declare queue 'hogar.history' in vhost '/' on node 'a@b': {error,coordinator_unavailable}":                  false,
		"PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'hogar.history' in vhost '/'":                                       false,
	} {
		code := amqp.InternalError
		if strings.HasPrefix(reason, "PRECONDITION") {
			code = amqp.PreconditionFailed
		}
		if got := unknownType(advise(&amqp.Error{Code: code, Reason: reason, Server: true}, &target{}, "declare")); got != want {
			t.Errorf("%s: %t", reason, got)
		}
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
