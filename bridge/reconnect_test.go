package bridge

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// silent is a broker that takes connections and never answers; count says how many.
func silent(t *testing.T) (url string, count func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
		}
	}()
	return "amqp://guest:guest@" + l.Addr().String() + "/", func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(open)
	}
}

// TestSilentBroker: a broker that never answers is left after 5 s where there are others, and the one that was
// good last is tried before it.
func TestSilentBroker(t *testing.T) {
	t.Parallel()
	first, tried := silent(t)
	second := rabbit(t)
	began := time.Now()
	h := runBridge(t, Options{Declare: true, URLs: []string{first, second}}, &door{})
	h.until("taking commands", func() bool { st := h.Status(); return st.Commands && st.Connected })
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("connected after %s", took)
	}
	before := tried()
	for range 2 {
		began = time.Now()
		since := h.Status().Since
		closeAll(t, h.url)
		h.until("the connection is lost", func() bool { return h.Status().Since != since })
		h.until("it is back", func() bool { st := h.Status(); return st.Commands && st.Connected })
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("back after %s", took)
		}
	}
	if n := tried() - before; n > 0 {
		t.Errorf("the silent broker was tried %d times though the other one was good", n)
	}
}

// TestRetrySoon: nothing waits longer than 4 s before it is tried again.
func TestRetrySoon(t *testing.T) {
	b := New(Options{Gateway: "casa"}, nil, nil, nil)
	for range 2000 {
		if d := b.retry(1000); d > 4*time.Second+time.Millisecond {
			t.Fatalf("%s after 1000 failures", d)
		}
	}
}

// TestSetAsideIsNotTakenForTheNext holds back what says that a rule's message is set aside, while a reading
// that no queue takes has the publisher begin anew: the message is set aside once, and all goes on.
func TestSetAsideIsNotTakenForTheNext(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var held []func(error)
	asides := 0
	hold := true
	accept := func(events []home.Event, done func(error)) {
		mu.Lock()
		defer mu.Unlock()
		if events[0].Name == home.EventSetAside {
			asides++
			if hold {
				held = append(held, done)
				return
			}
		}
		if done != nil {
			done(nil)
		}
	}
	h := runBridge(t, Options{Declare: true, History: "none", Accept: accept, Window: 4}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	for range 6 {
		h.event(home.Event{Kind: home.KindPublish, Flags: home.FlagPublished, Message: &home.Message{Exchange: "missing", Key: "k", Body: []byte("1")}})
		h.reading("a", "temperature", 1)
	}
	h.until("a reading came back", func() bool { return h.Status().Returned > 0 })
	twice := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return asides > 1
	}
	for limit := time.Now().Add(500 * time.Millisecond); !twice() && time.Now().Before(limit); { // it would begin anew meanwhile
		time.Sleep(10 * time.Millisecond)
	}
	mu.Lock()
	hold = false
	for _, done := range held {
		done(nil)
	}
	mu.Unlock()
	c := dialClient(t, h.url)
	c.bind("q", "hogar", "casa.#")
	h.until("all is sent, or set aside", func() bool { return h.journal.Cursor() == h.journal.Last() })
	mu.Lock()
	defer mu.Unlock()
	if asides != 6 {
		t.Errorf("6 messages were set aside %d times", asides)
	}
}

// TestNowVanishes deletes the queue now behind the back of its consumer, as RabbitMQ has lost such queues: it is claimed anew.
func TestNowVanishes(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	// The record of the queue goes, its process and consumer stay, and nobody is told.
	eval(t, `{atomic, _} = mnesia:transaction(fun() -> mnesia:delete({rabbit_queue, {resource, <<"%s">>, queue, <<"hogar.casa.now">>}}) end).`, vhostOf(h.url))
	c := dialClient(t, h.url)
	h.until("it is there again", func() bool {
		ch, err := c.conn.Channel()
		if err != nil {
			t.Fatal(err)
		}
		defer ch.Close()
		_, err = ch.QueueDeclare("hogar.casa.now", false, true, true, false, amqp.Table{"x-queue-type": "classic", "x-message-ttl": nowTTL})
		if err == nil { // it was missing, and now it is this connection's
			_, err = ch.QueueDelete("hogar.casa.now", false, false, false)
		}
		return hasCode(err, amqp.ResourceLocked)
	})
	if o, _ := dialClient(t, h.url).ask(t, "hogar.now", "casa.a.state", amqp.Publishing{Body: []byte("on")}); o.Result != home.Applied {
		t.Errorf("receipt %+v", o)
	}
}

// TestPrefetchGrows: a session takes one command at a time at first, and then sixteen, in order.
func TestPrefetchGrows(t *testing.T) {
	t.Parallel()
	d := &door{}
	h := runBridge(t, Options{Declare: true}, d)
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	var want []string
	for i := range 200 {
		id := string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		want = append(want, id)
		c.publish("hogar", "casa.command.a.state", amqp.Publishing{MessageId: id, Body: []byte("on")})
	}
	h.until("all are taken", func() bool { return len(d.commands()) == len(want) })
	var got []string
	for _, cmd := range d.commands() {
		got = append(got, cmd.ID)
	}
	if !slices.Equal(want, got) {
		t.Errorf("taken in another order: %v", got)
	}
	h.until("the prefetch has grown", func() bool {
		out, err := broker.Ctl(context.Background(), "list_consumers", "-p", vhostOf(h.url), "queue_name", "prefetch_count")
		return err == nil && strings.Contains(out, "hogar.casa.commands\t16") && strings.Contains(out, "hogar.casa.expired\t16")
	})
}
