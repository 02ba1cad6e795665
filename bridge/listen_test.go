package bridge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
	"hogar/gateway/ledger"
)

// ear is a house that hears messages, and has them on its disk when it is told to.
type ear struct {
	mu     sync.Mutex
	heard  []string
	open   []func(error)
	forget bool // the disk takes nothing yet
}

func (e *ear) accept(events []home.Event, done func(error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range events {
		if ev.Kind != home.KindMessage { // an event of the gateway, which comes alone
			done(nil)
			return
		}
		m := ev.Message
		e.heard = append(e.heard, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", m.Exchange, m.Key, m.ID, m.Body, ev.Reason)))
	}
	if e.forget {
		e.open = append(e.open, done)
	} else if done != nil {
		done(nil)
	}
}

func (e *ear) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.heard...)
}

func (c *client) publish(exchange, key string, msg amqp.Publishing) {
	c.t.Helper()
	if err := c.ch.Publish(exchange, key, false, false, msg); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) topic(exchange string) {
	c.t.Helper()
	if err := c.ch.ExchangeDeclare(exchange, "topic", true, false, false, false, nil); err != nil {
		c.t.Fatal(err)
	}
}

// listen runs a bridge that listens, on a broker with the topic exchange shop and the
// fanout exchange bells.
func (e *ear) listen(t *testing.T, to ...Source) (*house, *client) {
	t.Helper()
	url := rabbit(t)
	c := dialClient(t, url)
	c.topic("shop")
	if err := c.ch.ExchangeDeclare("bells", "fanout", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	h := runBridge(t, Options{URLs: []string{url}, Declare: true, Accept: e.accept, Messages: to}, &door{})
	h.until("it listens", func() bool { return strings.Contains(h.log.String(), "listening to other applications") })
	return h, c
}

// TestListen hears what fits, whatever its body is.
func TestListen(t *testing.T) {
	t.Parallel()
	e := &ear{}
	h, c := e.listen(t, Source{"shop", "order.*"}, Source{"bells", "#"}, Source{"shop", "stock.#"})
	c.publish("shop", "order.placed", amqp.Publishing{Body: []byte(`{"sku": "A-7"}`), MessageId: "o1"})
	c.publish("shop", "order.placed.twice", amqp.Publishing{Body: []byte(`{}`)})
	c.publish("shop", "stock.a.b", amqp.Publishing{Body: []byte("seven left")})
	c.publish("shop", "stock", amqp.Publishing{})
	c.publish("bells", "", amqp.Publishing{Body: []byte("true")})
	c.publish("shop", "order.raw", amqp.Publishing{Body: []byte{0xff, 0xfe}})
	c.publish("shop", "order.long", amqp.Publishing{Body: []byte(strings.Repeat("7", maxHeard+1))})
	want := []string{`shop order.placed o1 {"sku": "A-7"}`, `shop stock.a.b  "seven left"`, `shop stock  ""`, `bells   true`,
		"shop order.raw  null its body is left out: it is not UTF-8",
		"shop order.long  null its body is left out: it has 65537 bytes, at most 65536 are read"}
	h.until("all are heard", func() bool { return len(e.all()) >= len(want) })
	if diff := cmp.Diff(want, e.all()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h.stop()
	if n := waiting(t, c, "hogar.casa.messages"); n > 0 {
		t.Errorf("%d were not acknowledged", n)
	}
}

// TestListenKeeps: what is not durable is delivered again, and what is, is not.
func TestListenKeeps(t *testing.T) {
	t.Parallel()
	e := &ear{forget: true}
	h, c := e.listen(t, Source{"shop", "#"})
	for i := range 3 {
		c.publish("shop", "order", amqp.Publishing{Body: fmt.Append(nil, i), DeliveryMode: amqp.Persistent})
	}
	h.until("three are heard", func() bool { return len(e.all()) == 3 })
	e.mu.Lock()
	e.open[0](nil)
	e.open[1](fmt.Errorf("the disk is full"))
	e.forget = false
	e.mu.Unlock()
	h.until("two are heard again", func() bool { return len(e.all()) == 5 })
	want := []string{"shop order  0", "shop order  1", "shop order  2", "shop order  1", "shop order  2"}
	if diff := cmp.Diff(want, e.all()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c = dialClient(t, h.url)
	h.stop()
	if n := waiting(t, c, "hogar.casa.messages"); n > 0 {
		t.Errorf("%d were not acknowledged", n)
	}
}

// TestListenRefused: when the house refuses a message for a while, that one and all behind it come again by themselves,
// in their order, and nothing that came behind it is recorded before.
func TestListenRefused(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var recorded []string
	refusals := 0
	h := runBridge(t, Options{Declare: true, Messages: []Source{{"amq.topic", "order"}}, Accept: func(events []home.Event, done func(error)) {
		mu.Lock()
		defer mu.Unlock()
		m := events[0].Message
		if m != nil && m.ID == "40" && refusals < 3 {
			refusals++
			done(errors.New("no space left on device"))
			return
		}
		if m != nil {
			recorded = append(recorded, m.ID)
		}
		if done != nil {
			done(nil)
		}
	}}, &door{})
	h.until("it listens", func() bool { return strings.Contains(h.log.String(), "listening to other applications") })
	c := dialClient(t, h.url)
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint(i))
		c.publish("amq.topic", "order", amqp.Publishing{MessageId: fmt.Sprint(i), DeliveryMode: amqp.Persistent})
	}
	h.until("all are recorded", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(recorded) >= len(want)
	})
	mu.Lock()
	if diff := cmp.Diff(want, recorded); diff != "" || refusals != 3 {
		t.Errorf("after %d refusals (-want +got):\n%s", refusals, diff)
	}
	mu.Unlock()
	h.until("all are acknowledged", func() bool { return waiting(t, c, "hogar.casa.messages") == 0 })
	if n := strings.Count(h.log.String(), "stays with rabbitmq"); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
}

// TestListenToWhatIsNotThere: an exchange that its application declares later is
// heard from then on, and does not keep the others back.
func TestListenToWhatIsNotThere(t *testing.T) {
	t.Parallel()
	e := &ear{}
	h, c := e.listen(t, Source{"mill", "#"}, Source{"shop", "#"})
	h.until("it is told", func() bool { return strings.Contains(h.log.String(), "no exchange 'mill'") })
	c.publish("shop", "a", amqp.Publishing{Body: []byte("1")})
	h.until("the shop is heard", func() bool { return len(e.all()) == 1 })
	c.topic("mill")
	h.until("the mill is heard", func() bool {
		c.publish("mill", "b", amqp.Publishing{Body: []byte("2")})
		all := e.all()
		return all[len(all)-1] == "mill b  2"
	})
	if n := strings.Count(h.log.String(), "no exchange 'mill'"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// TestListenEnds: what no rule listens to any more is not sent to the gateway any more,
// also when it was restarted in between, and when no rule listens to anything.
func TestListenEnds(t *testing.T) {
	t.Parallel()
	orders, stock := Source{"shop", "order.*"}, Source{"shop", "stock.#"}
	url := rabbit(t)
	c := dialClient(t, url)
	c.topic("shop")
	returned := c.ch.NotifyReturn(make(chan amqp.Return, 1))
	if err := c.ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	takes := func(key string) bool { // whether a queue is bound to it
		t.Helper()
		sent, err := c.ch.PublishWithDeferredConfirm("shop", key, true, false, amqp.Publishing{})
		if err != nil || !sent.Wait() {
			t.Fatal("not confirmed: ", err)
		}
		select {
		case <-returned:
			return false
		default:
			return true
		}
	}
	outbox := NewOutbox(ledger.New(time.Now()))
	for _, step := range []struct {
		to            []Source
		order, stocks bool
	}{{[]Source{orders, stock}, true, true}, {[]Source{stock}, false, true}, {nil, false, false}, {[]Source{orders}, true, false}} {
		state, err := outbox.Save()
		if err != nil {
			t.Fatal(err)
		}
		outbox = NewOutbox(ledger.New(time.Now())) // a restart
		if err := outbox.Restore(state); err != nil {
			t.Fatal(err)
		}
		h := runBridge(t, Options{URLs: []string{url}, Declare: true, Messages: step.to, Outbox: outbox, Accept: func(events []home.Event, done func(error)) {
			for i := range events {
				outbox.Apply(&events[i], true)
			}
			if done != nil {
				done(nil)
			}
		}}, &door{})
		h.until("it is remembered", func() bool { return sameSources(outbox.Bound(), step.to) })
		if got, want := []bool{takes("order.placed"), takes("stock.low")}, []bool{step.order, step.stocks}; !cmp.Equal(got, want) {
			t.Errorf("listening to %v: orders and stock are taken: %v, want %v", step.to, got, want)
		}
		h.stop()
	}
}

// TestRefusedForLong: while the disk is full a message stays, however long that is. RabbitMQ 4 deletes one that is given
// back 21 times from a quorum queue that was made without x-delivery-limit.
func TestRefusedForLong(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	o := Options{URLs: []string{url}, Gateway: "casa", Declare: true, QueueType: "quorum", MessageTTL: time.Hour, Messages: []Source{{"amq.topic", "order"}}}
	full := o.withDefaults()
	c := dialClient(t, url)
	for _, q := range full.listenTopology().queues {
		if _, err := c.ch.QueueDeclare(q.name, true, false, false, false, q.args); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var taken []string
	refusals := 0
	o.Accept = func(events []home.Event, done func(error)) {
		mu.Lock()
		defer mu.Unlock()
		if events[0].Message == nil { // to what it listens
			done(nil)
			return
		}
		if refusals++; refusals <= 30 {
			done(errors.New("no room"))
			return
		}
		taken = append(taken, string(events[0].Message.Body))
		done(nil)
	}
	h := runOn(t, o, &door{}, openJournal(t))
	h.until("bound", func() bool { return strings.Contains(h.log.String(), "listening to other applications") })
	for _, body := range []string{"1", "2", "3"} {
		if err := c.ch.Publish("amq.topic", "order", false, false, amqp.Publishing{Body: []byte(body), DeliveryMode: amqp.Persistent}); err != nil {
			t.Fatal(err)
		}
	}
	h.until("all are taken", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(taken) >= 3 && taken[len(taken)-1] == "3"
	})
	if got := strings.Join(slices.Compact(taken), " "); got != "1 2 3" {
		t.Error(got)
	}
}
