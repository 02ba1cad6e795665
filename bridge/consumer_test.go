package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// ask publishes a command and returns its receipt.
func (c *client) ask(t *testing.T, exchange, key string, p amqp.Publishing) (home.Outcome, amqp.Delivery) {
	t.Helper()
	ch, err := c.conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	replies, err := ch.Consume("amq.rabbitmq.reply-to", "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.ReplyTo = "amq.rabbitmq.reply-to"
	if err := ch.Publish(exchange, key, false, false, p); err != nil {
		t.Fatal(err)
	}
	select {
	case d, ok := <-replies:
		if !ok {
			t.Fatal("the channel was closed instead of a receipt")
		}
		var o home.Outcome
		if err := json.Unmarshal(d.Body, &o); err != nil {
			t.Fatalf("receipt %s: %v", d.Body, err)
		}
		return o, d
	case <-time.After(20 * time.Second):
		t.Fatal("no receipt within 20 s")
	}
	panic("unreachable")
}

func TestCommands(t *testing.T) {
	t.Parallel()
	d := &door{}
	h := runBridge(t, Options{Declare: true, Names: names{"hall.lamp"}}, d)
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	for _, tc := range []struct {
		exchange, key string
		pub           amqp.Publishing
		want          home.Command
	}{
		{"hogar", "casa.command.hall.lamp.state", amqp.Publishing{Body: []byte("on\n"), MessageId: "m1"},
			home.Command{ID: "m1", Device: "hall.lamp", Set: home.Settings{{Property: "state", Value: home.TextOf("on")}}}},
		{"hogar", "casa.command.hall.lamp", amqp.Publishing{Body: []byte(`{"state":true,"brightness":40}`), MessageId: "m2"},
			home.Command{ID: "m2", Device: "hall.lamp", Set: home.Settings{{Property: "state", Value: home.BooleanOf(true)}, {Property: "brightness", Value: home.NumberOf(40)}}}},
		{"hogar.now", "casa.hall.lamp", amqp.Publishing{Type: "hogar.command.v1", UserId: "guest",
			Body: []byte(`{"id":"e1","set":{"state":"toggle"},"reason":"night mode"}`)},
			home.Command{ID: "e1", Device: "hall.lamp", Source: "amqp:guest", Reason: "night mode",
				Set: home.Settings{{Property: "state", Value: home.Toggle}}}},
	} {
		tc.pub.CorrelationId = "c-" + tc.want.ID
		o, reply := c.ask(t, tc.exchange, tc.key, tc.pub)
		if tc.want.Source == "" {
			tc.want.Source = "amqp:anonymous"
		}
		want := home.Outcome{ID: tc.want.ID, Device: "hall.lamp", Set: tc.want.Set, Result: home.Applied}
		if diff := cmp.Diff(want, o, equalValues); diff != "" {
			t.Errorf("%s: %s", tc.key, diff)
		}
		if reply.CorrelationId != tc.pub.CorrelationId || reply.Type != "hogar.outcome.v1" {
			t.Errorf("%s: receipt with correlation id %q, type %q", tc.key, reply.CorrelationId, reply.Type)
		}
		taken := d.commands()
		got := taken[len(taken)-1]
		if got.Expires.IsZero() || got.Received.IsZero() || got.Deadline.IsZero() {
			t.Errorf("%s: without times: %+v", tc.key, got)
		}
		got.Expires, got.Received, got.Deadline = time.Time{}, time.Time{}, time.Time{}
		if diff := cmp.Diff(tc.want, got, equalValues); diff != "" {
			t.Errorf("%s: %s", tc.key, diff)
		}
	}
	if o, _ := c.ask(t, "hogar", "casa.command.hall.lamp.state", amqp.Publishing{Body: []byte("1")}); !strings.HasPrefix(o.ID, "amqp-") {
		t.Errorf("a command without an id got %q", o.ID)
	}
	if taken := d.commands(); !taken[len(taken)-1].OwnID {
		t.Error("it is not marked as the gateway's own id")
	}
}

// TestRefused sends what cannot be obeyed. Each gets a receipt, and a copy goes to dead.
func TestRefused(t *testing.T) {
	t.Parallel()
	d := &door{submit: func(c home.Command, done func(home.Outcome)) {
		o := home.Outcome{ID: c.ID, Device: c.Device, Set: c.Set, Result: home.Rejected, Error: "no device is called so"}
		if time.Now().After(c.Deadline) {
			o.Result, o.Error = home.Expired, "it came too late"
		}
		done(o)
	}}
	h := runBridge(t, Options{Declare: true}, d)
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	type sent struct {
		key, problem string
		result       home.Result
		pub          amqp.Publishing
	}
	all := []sent{
		{"casa.command.hall.lamp", "cannot be read", home.Rejected, amqp.Publishing{Body: []byte(`{"state":`)}},
		{"casa.command.hall.lamp", "envelope cannot be read", home.Rejected, amqp.Publishing{Type: "hogar.command.v1", Body: []byte("on")}},
		{"casa.command.hall.lamp.state", "is empty", home.Rejected, amqp.Publishing{}},
		{"casa.command.hall.lamp.state", "hogar.get.v9", home.Rejected, amqp.Publishing{Type: "hogar.get.v9", Body: []byte("on")}},
		{"casa.command.No.Lamp", "names no device", home.Rejected, amqp.Publishing{Body: []byte("on")}},
		{"casa.command.no.lamp.state", "no device is called so", home.Rejected, amqp.Publishing{Body: []byte("on"), UserId: "guest", Expiration: "50000"}},
		{"casa.command.hall.lamp", "too late", home.Expired, amqp.Publishing{Type: "hogar.command.v1",
			Body: []byte(`{"id":"late","set":{"state":true},"expires":"2020-01-01T00:00:00Z"}`)}},
		{"casa.command.hall.lamp.state", "too late", home.Expired, amqp.Publishing{Body: []byte("on"), Expiration: "30000",
			Timestamp: time.Now().Add(-time.Minute)}},
		{"elsewhere", "CC header", home.Rejected, amqp.Publishing{Body: []byte("on"), Headers: amqp.Table{"CC": []any{"casa.command.hall.lamp"}, "mine": "1"}}},
	}
	for _, s := range all {
		s.pub.CorrelationId = "c"
		o, reply := c.ask(t, "hogar", s.key, s.pub)
		if o.Result != s.result || !strings.Contains(o.Error, s.problem) || reply.CorrelationId != "c" || o.ID == "" {
			t.Errorf("%s %s: receipt %+v, want %s with %q", s.key, s.pub.Body, o, s.result, s.problem)
		}
	}
	for i, got := range c.consume("hogar.casa.dead", len(all)) {
		s := all[i]
		reason, _ := got.Headers["hogar-reason"].(string)
		if got.Headers["hogar-key"] != s.key || !strings.Contains(reason, s.problem) || string(got.Body) != string(s.pub.Body) ||
			got.Headers["hogar-exchange"] != "hogar" || got.Headers["hogar-user-id"] != s.pub.UserId || got.MessageId == "" {
			t.Errorf("copy %d: %v %s, want %s %q", i, got.Headers, got.Body, s.key, s.problem)
		}
		if got.Headers["CC"] != nil || got.Headers["mine"] != s.pub.Headers["mine"] {
			t.Errorf("copy %d has the headers %v", i, got.Headers)
		}
	}
	h.until("all are acknowledged", func() bool {
		q, err := c.ch.QueueDeclarePassive("hogar.casa.commands", true, false, false, false, nil)
		return err == nil && q.Messages == 0
	})
	h.stop()
	if q, err := c.ch.QueueDeclarePassive("hogar.casa.commands", true, false, false, false, nil); err != nil || q.Messages != 0 {
		t.Errorf("after the end %d commands wait (%v)", q.Messages, err)
	}
}

// TestBadReplyTo sends what closes the reply connection; the next receipt comes all the same.
func TestBadReplyTo(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	for _, to := range []string{"amq.rabbitmq.reply-to.AAAA.BBBB", "hogar.casa.commands", "amq.gen-x", "gone"} {
		if err := c.ch.Publish("hogar", "casa.command.a.state", false, false, amqp.Publishing{Body: []byte("on"), ReplyTo: to}); err != nil {
			t.Fatal(err)
		}
	}
	if o, _ := c.ask(t, "hogar", "casa.command.a.state", amqp.Publishing{Body: []byte("on")}); o.Result != home.Applied {
		t.Errorf("receipt %+v", o)
	}
	h.until("the log tells of it", func() bool { return strings.Contains(h.log.String(), "no receipt goes to queues") })
	if st := h.Status(); !st.Connected || !st.Commands || st.Received != 5 {
		t.Errorf("status %+v", st)
	}
}

// TestDeadGone deletes the queue dead: the command gets its receipt, and is not held for ever.
func TestDeadGone(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	if _, err := c.ch.QueueDelete("hogar.casa.dead", false, false, false); err != nil {
		t.Fatal(err)
	}
	if o, _ := c.ask(t, "hogar", "casa.command.a", amqp.Publishing{Body: []byte("on")}); o.Result != home.Rejected {
		t.Errorf("receipt %+v", o)
	}
	h.until("it is told", func() bool { return strings.Contains(h.log.String(), "commands that expired stay in their queue") })
	h.stop()
	if got := c.consume("hogar.casa.expired", 1); string(got[0].Body) != "on" {
		t.Errorf("moved %s", got[0].Body)
	}
}

// TestRedelivered ends the connection while a command is under way.
func TestRedelivered(t *testing.T) {
	t.Parallel()
	waiting := make(chan func(home.Outcome), 4)
	d := &door{submit: func(c home.Command, done func(home.Outcome)) { waiting <- done }}
	h := runBridge(t, Options{Declare: true}, d)
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	c.bind("answers", "amq.topic", "x")
	if err := c.ch.Publish("hogar", "casa.command.a.state", false, false,
		amqp.Publishing{Body: []byte("on"), MessageId: "same", ReplyTo: "answers"}); err != nil {
		t.Fatal(err)
	}
	first := <-waiting
	closeAll(t, h.url)
	h.until("what was not done is delivered again", func() bool { return len(d.commands()) > 1 })
	second := <-waiting
	if taken := d.commands(); taken[0].Redelivered || !taken[1].Redelivered || taken[1].OwnID {
		t.Errorf("taken %+v", taken)
	}
	first(home.Outcome{ID: "same", Result: home.Applied})
	second(home.Outcome{ID: "same", Result: home.Applied})
	c = dialClient(t, h.url)
	if got := c.consume("answers", 2); got[0].CorrelationId != "same" || string(got[0].Body) != string(got[1].Body) {
		t.Errorf("receipts %s and %s", got[0].Body, got[1].Body)
	}
	h.until("acknowledged", func() bool {
		q, err := c.ch.QueueDeclarePassive("hogar.casa.commands", true, false, false, false, nil)
		return err == nil && q.Messages == 0
	})
}

func TestSecondGateway(t *testing.T) {
	t.Parallel()
	first := runBridge(t, Options{Declare: true}, &door{})
	first.until("taking commands", func() bool { return first.Status().Commands })
	second := runBridge(t, Options{Declare: true, URLs: []string{first.url}}, &door{})
	second.until("the name is told to be taken", func() bool {
		return strings.Contains(second.Status().Error, "another gateway called casa is connected")
	})
	if st := second.Status(); st.Commands || !st.Connected {
		t.Errorf("status %+v, want it to publish and to take no commands", st)
	}
	first.stop()
	second.until("the name is free", func() bool { return second.Status().Commands })
	if st := second.Status(); st.Error != "" {
		t.Errorf("still told: %s", st.Error)
	}
}

// TestQueueDeleted deletes the queue that is consumed.
func TestQueueDeleted(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	if _, err := c.ch.QueueDelete("hogar.casa.commands", false, false, false); err != nil {
		t.Fatal(err)
	}
	h.until("it is there again", func() bool {
		ch, err := c.conn.Channel()
		if err != nil {
			t.Fatal(err)
		}
		defer ch.Close()
		q, err := ch.QueueDeclarePassive("hogar.casa.commands", true, false, false, false, nil)
		return err == nil && q.Consumers == 1
	})
	if o, _ := c.ask(t, "hogar", "casa.command.a.state", amqp.Publishing{Body: []byte("on")}); o.Result != home.Applied {
		t.Errorf("receipt %+v", o)
	}
}

// TestBindingComesBack deletes the exchange, and with it the binding of the commands,
// of which the consumer's own connection tells nothing.
func TestBindingComesBack(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	if err := c.ch.ExchangeDelete("hogar", false, false); err != nil {
		t.Fatal(err)
	}
	h.reading("a", "temperature", 1) // by which the publisher finds it out
	h.until("a command finds its queue", func() bool {
		ch, err := c.conn.Channel()
		if err != nil || ch.Confirm(false) != nil {
			t.Fatal(err)
		}
		defer ch.Close()
		returns := ch.NotifyReturn(make(chan amqp.Return, 1))
		sent, err := ch.PublishWithDeferredConfirm("hogar", "casa.command.a.state", true, false, amqp.Publishing{Body: []byte("on")})
		return err == nil && sent.Wait() && len(returns) == 0
	})
}

// TestNoBroker runs and stops without one.
func TestNoBroker(t *testing.T) {
	t.Parallel()
	j := openJournal(t)
	b := New(Options{Gateway: "casa", URLs: []string{"amqp://casa:secret@127.0.0.1:1/"}}, j, &door{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	until(t, "it is told", func() bool { return b.Status().Error != "" })
	want := "connect at amqp://casa@127.0.0.1:1/: dial tcp 127.0.0.1:1: connect: connection refused; is RabbitMQ running at " +
		"127.0.0.1:1? (systemctl status rabbitmq-server; it is installed by apt-get install rabbitmq-server)"
	if got := b.Status().Error; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestReceiptsOfAFlood sends commands faster than receipts can be confirmed: each
// has its receipt all the same.
func TestReceiptsOfAFlood(t *testing.T) {
	t.Parallel()
	const commands = 3000
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	replies, err := c.ch.Consume("amq.rabbitmq.reply-to", "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for i := range commands {
			if err := c.ch.Publish("hogar", "casa.command.a.state", false, false,
				amqp.Publishing{Body: []byte("on"), MessageId: fmt.Sprint(i), ReplyTo: "amq.rabbitmq.reply-to"}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	seen := make(map[string]bool)
	for len(seen) < commands {
		select {
		case d := <-replies:
			seen[d.CorrelationId] = true
		case <-time.After(30 * time.Second):
			t.Fatalf("%d of %d receipts; %d were dropped", len(seen), commands, h.Status().Dropped)
		}
	}
}
