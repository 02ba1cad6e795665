package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/bridge/localbroker"
	"hogar/gateway/home"
	"hogar/gateway/ledger"
)

func ruleSays(body string) home.Event {
	return home.Event{Kind: home.KindPublish, Name: "bell", Flags: home.FlagPublished,
		Message: &home.Message{Exchange: "amq.topic", Key: "bell", Body: json.RawMessage(body)}}
}

// TestRuleMessageIsKept has a rule publish to a queue that is full: its messages
// wait for room, in order, and the readings go on meanwhile.
func TestRuleMessageIsKept(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	c := dialClient(t, h.url)
	c.bind("reader", "hogar", "casa.reading.#")
	if _, err := c.ch.QueueDeclare("bells", true, false, false, false, amqp.Table{"x-max-length": int64(1), "x-overflow": "reject-publish"}); err != nil {
		t.Fatal(err)
	}
	if err := c.ch.QueueBind("bells", "bell", "amq.topic", false, nil); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		h.event(ruleSays(fmt.Sprint(i)))
		h.reading("a", "x", uint64(i+1))
	}
	checkReadings2(t, c.consume("reader", 6))
	h.until("it is said what is held", func() bool { return strings.HasPrefix(h.Status().Held, "amq.topic bell: the broker refuses it") })
	connected, held := h.Status().Since, time.Now()
	h.until("it lasts longer than a confirm may", func() bool { return time.Since(held) > h.times.confirm*5/4 })
	if again := h.Status().Since; !again.Equal(connected) {
		t.Error("it connected anew because of it")
	}
	if cursor := h.journal.Cursor(); cursor == h.journal.Durable() {
		t.Error("the cursor went past what is not taken")
	}
	for i, d := range c.consume("bells", 6) {
		if string(d.Body) != fmt.Sprint(i) {
			t.Errorf("message %d is %s", i, d.Body)
		}
	}
	h.until("the cursor is at the end", func() bool { return h.journal.Cursor() == h.journal.Durable() && h.Status().Held == "" })
	if st := h.Status(); st.Dropped != 0 || st.SetAside != 0 {
		t.Errorf("status %+v", st)
	}
}

// checkReadings2 wants dseq 1, 2, 3 …
func checkReadings2(t *testing.T, got []amqp.Delivery) {
	t.Helper()
	for i, d := range got {
		if d.Headers["dseq"] != int64(i+1) {
			t.Errorf("reading %d has dseq %v", i, d.Headers["dseq"])
		}
	}
}

// TestSetAside has a broker that takes no long messages: each is set aside, the
// others go on, and a resend under a broker that takes them mends it.
func TestSetAside(t *testing.T) {
	t.Parallel()
	site := localbroker.Options{Dir: t.TempDir(), Conf: "max_message_size = 20000\n"}
	small := startRabbit(t, site)
	url := small.URL()
	l := ledger.New(time.Now())
	j, out := openJournal(t), NewOutbox(l)
	o := Options{URLs: []string{url}, Declare: true, Ledger: l, Outbox: out}
	o.Accept = func(events []home.Event, done func(error)) { // as the hub does
		for _, e := range events {
			e.Flags, e.At = home.FlagPublished, time.Now()
			out.Apply(&e, true)
			done(appendEvent(j, e))
		}
	}
	h := runOn(t, o, &door{}, j)
	h.until("connected", func() bool { return h.Status().Connected })
	c := dialClient(t, url)
	c.bind("reader", "hogar", "casa.reading.#", "casa.gateway.#")
	long := home.TextOf(strings.Repeat("x", 30_000))
	for i := range 40 {
		e := home.Event{Kind: home.KindReading, Device: "a", Property: "x", Value: home.NumberOf(1), DSeq: uint64(i + 1), Flags: home.FlagPublished, Class: home.ClassPoll}
		if i == 3 || i == 30 {
			e.Value = long
		}
		h.event(e)
	}
	h.until("all is settled", func() bool { return h.Status().SetAside == 2 && j.Cursor() == j.Durable() })
	seen := map[string]bool{}
	for _, d := range c.consume("reader", waiting(t, c, "reader")) {
		seen[d.MessageId] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d messages, want 38 readings and two events", len(seen))
	}
	var got []string
	for _, s := range out.SetAside() {
		got = append(got, fmt.Sprint(s.Seq, " ", s.Exchange, " ", s.Key, " ", s.Bytes > 30_000, " ", strings.Contains(s.Reason, "message size")))
	}
	want := []string{"4 hogar casa.reading.a.x true true", "31 hogar casa.reading.a.x true true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	saved, err := out.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := NewOutbox(ledger.New(time.Time{}))
	if err := again.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(out.SetAside(), again.SetAside()); diff != "" {
		t.Errorf("restored: %s", diff)
	}

	if err := small.Stop(); err != nil {
		t.Fatal(err)
	}
	site.Conf, site.Port = "", portOf(t, small)
	startRabbit(t, site)
	h.until("connected again", func() bool { return h.Status().Connected })
	c = dialClient(t, url)
	c.bind("late", "hogar", "casa.reading.#")
	done, err := h.Resend(t.Context(), time.Now().Add(-time.Hour))
	if err != nil || done.Sent != 42 || done.Unrouted+done.Refused != 0 {
		t.Errorf("%+v %v, want 40 readings and two events sent", done, err)
	}
	ids := map[string]bool{}
	for _, d := range c.consume("late", 40) {
		ids[d.MessageId] = true
	}
	if !ids[j.ID()+"-4"] || !ids[j.ID()+"-31"] || len(ids) != 40 {
		t.Errorf("%d ids", len(ids))
	}
	if left := out.SetAside(); len(left) != 0 {
		t.Errorf("still set aside: %v", left)
	}
	if n := l.Counts().Classes["poll"]; n.SetAside != 0 || n.Confirmed != 40 {
		t.Errorf("counts %+v", n)
	}
	if done, err := h.Resend(t.Context(), time.Now().Add(time.Hour)); err != nil || done.Sent != 0 {
		t.Errorf("a resend from later on: %+v %v", done, err)
	}
}

// startRabbit starts a RabbitMQ of the test's own.
func startRabbit(t *testing.T, o localbroker.Options) *localbroker.RabbitMQ {
	t.Helper()
	r, err := localbroker.StartRabbitMQ(context.Background(), o)
	if errors.Is(err, localbroker.ErrNotInstalled) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	return r
}

func portOf(t *testing.T, r *localbroker.RabbitMQ) int {
	t.Helper()
	_, port, err := net.SplitHostPort(r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSuspect ends sessions over one message. After five it is left out of the
// next, and set aside when another gets through there.
func TestSuspect(t *testing.T) {
	poison := &amqp.Error{Code: amqp.InternalError, Reason: "INTERNAL_ERROR", Server: true}
	for _, tc := range []struct {
		name   string
		err    error
		others bool // get through without it
		aside  int
	}{
		{"poison", poison, true, 1},
		{"the broker is ill", poison, false, 0},
		{"rights", &amqp.Error{Code: amqp.AccessRefused, Server: true}, true, 0},
		{"no line", amqp.ErrClosed, true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := New(Options{Gateway: "casa"}, openJournal(t), nil, nil)
			b.status.proven(partPublish)
			for session := range 6 {
				p := &publisher{b: b, sideJobs: make(chan sideJob, 8), sideDone: make(chan sideEntry, 8)}
				if b.suspect.skip != (tc.err == poison && session == 5) {
					t.Fatalf("session %d: left out: %t", session, b.suspect.skip)
				}
				if !b.suspect.skip {
					p.win.push(&message{seq: 7}, 1).out = true
				} else if err := p.send(&message{seq: 7}); err != nil {
					t.Fatal(err)
				}
				if b.suspect.skip && tc.others {
					e := p.win.push(&message{seq: 8}, 2)
					p.judge(e, true)
					p.settleSide(<-p.sideDone)
				}
				p.blame(tc.err)
			}
			if got := len(b.outbox.SetAside()); got != tc.aside || b.suspect.skip {
				t.Errorf("%d set aside, want %d", got, tc.aside)
			}
		})
	}
}

// TestBlameOneByOne narrows the suspicion to one of many.
func TestBlameOneByOne(t *testing.T) {
	b := New(Options{Gateway: "casa"}, nil, nil, nil)
	p := &publisher{b: b, sent: 9}
	p.win.push(&message{seq: 8}, 1).out = true
	p.win.push(&message{seq: 9}, 2).out = true
	p.blame(&amqp.Error{Code: amqp.InternalError, Server: true})
	if b.careful != 9 || b.suspect != (suspect{}) {
		t.Errorf("careful up to %d, suspect %+v", b.careful, b.suspect)
	}
}
