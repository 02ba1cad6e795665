package bridge

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/bridge/localbroker"
	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// broker is the one RabbitMQ of all tests in this package, started by the first that needs it.
var broker struct {
	once sync.Once
	*localbroker.RabbitMQ
	err    error
	vhosts atomic.Int64
}

func TestMain(m *testing.M) {
	if url, dir, is := strings.Cut(os.Getenv(actAsGateway), " "); is {
		beGateway(url, dir)
		os.Exit(0)
	}
	dir, err := os.MkdirTemp("", "hogar-bridge-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("HOGAR_TEST_DIR", dir)
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // the tests mostly wait
	code := m.Run()
	if broker.RabbitMQ != nil {
		broker.Kill()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// rabbit returns the URL of an empty virtual host on the tests' broker.
func rabbit(t testing.TB) string {
	t.Helper()
	broker.once.Do(func() {
		broker.RabbitMQ, broker.err = localbroker.StartRabbitMQ(context.Background(),
			localbroker.Options{Dir: os.Getenv("HOGAR_TEST_DIR") + "/rabbitmq", Plugins: []string{"rabbitmq_federation"}}) // a site: docs/fleet.md
	})
	if errors.Is(broker.err, localbroker.ErrNotInstalled) && os.Getenv("CI") == "" {
		t.Skip(broker.err)
	}
	if broker.err != nil {
		t.Fatal(broker.err)
	}
	vhost := fmt.Sprintf("test%d", broker.vhosts.Add(1))
	eval(t, `ok = rabbit_vhost:add(<<"%s">>, <<"test">>).`, vhost)
	permit(t, "guest", vhost, ".*", ".*", ".*")
	return broker.URL() + vhost
}

// eval runs Erlang in the broker.
func eval(t testing.TB, format string, args ...any) string {
	t.Helper()
	out, err := broker.Eval(context.Background(), fmt.Sprintf(format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// permit is rabbitmqctl set_permissions.
func permit(t testing.TB, user, vhost, configure, write, read string) {
	t.Helper()
	quote := func(s string) string { return `<<"` + strings.ReplaceAll(s, `\`, `\\`) + `">>` }
	eval(t, `ok = rabbit_auth_backend_internal:set_permissions(%s, %s, %s, %s, %s, <<"test">>).`,
		quote(user), quote(vhost), quote(configure), quote(write), quote(read))
}

func vhostOf(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

// closeAll closes all connections of a virtual host, as an operator would.
func closeAll(t testing.TB, url string) {
	t.Helper()
	eval(t, `[catch rabbit_networking:close_connection(P, "test") || P <- rabbit_networking:connections(),
		[{vhost, <<"%s">>}] =:= (catch rabbit_reader:info(P, [vhost]))].`, vhostOf(url))
}

func ctl(t testing.TB, args ...string) string {
	t.Helper()
	out, err := broker.Ctl(context.Background(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// house is a bridge under test, with what stands at both its ends.
type house struct {
	*Bridge
	t       testing.TB
	url     string
	journal *journal.Journal
	stop    func()
	log     *lines
}

// lines keeps what is logged.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func openJournal(t testing.TB) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{Sync: journal.OS, Keep: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// runBridge starts a bridge with short waits. Its options get a URL and a name if they have none.
func runBridge(t testing.TB, o Options, door Door) *house {
	t.Helper()
	return runOn(t, o, door, openJournal(t))
}

func runOn(t testing.TB, o Options, door Door, j *journal.Journal) *house {
	t.Helper()
	if o.URLs == nil {
		o.URLs = []string{rabbit(t)}
	}
	if o.Gateway == "" {
		o.Gateway = "casa"
	}
	h := &house{t: t, url: o.URLs[len(o.URLs)-1], journal: j, log: &lines{}}
	h.Bridge = New(o, h.journal, door, slog.New(slog.NewTextHandler(h.log, nil)))
	h.times = times{confirm: 5 * time.Second, backoff: 50 * time.Millisecond, cap: 200 * time.Millisecond,
		patience: 500 * time.Millisecond, heartbeat: 2 * time.Second, write: 2 * time.Second, greet: 10 * time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Run did not return within 20 s")
		}
		if t.Failed() {
			t.Log(h.log.String())
		}
	})
	t.Cleanup(h.stop)
	return h
}

// until waits for a condition.
func (h *house) until(what string, is func() bool) {
	h.t.Helper()
	until(h.t, what, is)
}

func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// reading appends a reading to the journal.
func (h *house) reading(device, property string, dseq uint64) {
	h.t.Helper()
	h.event(home.Event{Kind: home.KindReading, Device: device, Property: property, Value: home.NumberOf(21.5), Unit: "°C",
		DSeq: dseq, Flags: home.FlagPublished})
}

func (h *house) event(e home.Event) {
	h.t.Helper()
	if err := appendEvent(h.journal, e); err != nil {
		h.t.Fatal(err)
	}
}

func appendEvent(j *journal.Journal, e home.Event) error {
	at := time.Now()
	if e.At.IsZero() {
		e.At = at
	}
	body, err := e.AppendJSON(nil)
	if err != nil {
		return err
	}
	_, err = j.Append(journal.Record{Time: at.UnixMicro(), Kind: uint8(e.Kind), Flags: uint8(e.Flags), Class: uint8(e.Class), Body: body}, false, nil)
	return err
}

// client is another application on the broker.
type client struct {
	t    testing.TB
	conn *amqp.Connection
	ch   *amqp.Channel
}

func dialClient(t testing.TB, url string) *client {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, conn, ch}
}

// bind makes a durable queue with a binding.
func (c *client) bind(queue, exchange string, keys ...string) {
	c.t.Helper()
	if _, err := c.ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		c.t.Fatal(err)
	}
	for _, key := range keys {
		if err := c.ch.QueueBind(queue, key, exchange, false, nil); err != nil {
			c.t.Fatal(err)
		}
	}
}

// consume takes n messages from a queue.
func (c *client) consume(queue string, n int) []amqp.Delivery {
	c.t.Helper()
	deliveries, err := c.ch.Consume(queue, "", true, false, false, false, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	limit := time.After(30 * time.Second)
	var got []amqp.Delivery
	for len(got) < n {
		select {
		case d, ok := <-deliveries:
			if !ok {
				c.t.Fatalf("queue %s: closed after %d of %d messages", queue, len(got), n)
			}
			got = append(got, d)
		case <-limit:
			c.t.Fatalf("queue %s: %d of %d messages within 30 s", queue, len(got), n)
		}
	}
	return got
}
