package bridge

import (
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

func TestMatchQueue(t *testing.T) {
	for _, c := range []struct {
		pattern, queue, user string
		want                 bool
	}{
		{"{user}.#", "panel.answers", "panel", true},
		{"{user}.#", "panel.answers.2", "panel", true},
		{"{user}.#", "panel", "panel", true},
		{"{user}.#", "panelists", "panel", false},
		{"{user}.#", "panel2.answers", "panel", false},
		{"{user}.#", "billing.orders", "panel", false},
		{"{user}.#", ".answers", "", false},
		{"{user}.#", "anything", "", false},
		{"{user}.#", "billing.orders", "#", false},
		{"{user}.#", "billing.orders", "*", false},
		{"{user}.#", "{user}.x", "panel", false},
		{"{user}.#", "a.b.answers", "a.b", true},
		{"{user}.#", "a.answers", "a.b", false},
		{"{user}-answers", "panel-answers", "panel", true},
		{"answers.*", "answers.x", "", true},
		{"answers.*", "answers.x.y", "", false},
		{"#", "billing.orders", "", true},
		{"answers", "answers", "panel", true},
	} {
		if got := matchQueue(c.pattern, c.queue, c.user); got != c.want {
			t.Errorf("%s, %s of %q: %t", c.pattern, c.queue, c.user, got)
		}
	}
	for pattern, ok := range map[string]bool{"direct": true, "{user}.#": true, "{user}-x": true, "#": true, "answers.*": true,
		"": false, "{usr}.#": false, "panel*": false, "{user}#": false, "hogar.casa.dead": false, "amq.gen": false, strings.Repeat("x", 256): false} {
		if err := CheckReplyTo(pattern); (err == nil) != ok {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

// LavinMQ puts another word into the place of a direct reply; both are direct replies, whatever
// patterns there are.
func TestDirectReplies(t *testing.T) {
	for to, want := range map[string][2]bool{ // with direct, and without
		"amq.rabbitmq.reply-to.g1h2.x": {true, false}, "amq.direct.reply-to.abc": {true, false},
		"amq.rabbitmq.reply-to": {false, true}, "amq.direct.reply-to": {false, true}, "answers": {false, true},
	} {
		d := &amqp.Delivery{ReplyTo: to}
		for i, patterns := range [][]string{{ReplyDirect}, {ReplyAny}} {
			o := Options{ReplyTo: patterns}
			if got := o.repliesTo(d); got != want[i] {
				t.Errorf("%s, %v: %t", to, patterns, got)
			}
		}
	}
	if !mayReply("amq.direct.reply-to.abc") || mayReply("amq.direct.reply-to") {
		t.Error("LavinMQ's direct replies")
	}
}

// A sender cannot have the gateway write to another's queue with its receipts. What it is refused
// is logged once and counted, and its commands have their outcomes all the same.
func TestReceiptsGoToTheirSenderOnly(t *testing.T) {
	t.Parallel()
	d := &door{}
	h := runBridge(t, Options{Declare: true, ReplyTo: []string{ReplyDirect, ReplyOwn}}, d)
	h.until("taking commands", func() bool { return h.Status().Commands })
	guest := dialClient(t, h.url)
	vhost := vhostOf(h.url)
	panel := "panel-" + vhost
	for _, user := range []string{panel, panel[:len(panel)-1]} {
		ctl(t, "add_user", user, "secret")
		permit(t, user, vhost, ".*", ".*", ".*")
	}
	for _, q := range []string{panel + ".answers", panel + "x.answers", "billing.orders"} {
		if _, err := guest.ch.QueueDeclare(q, false, false, false, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	send := func(user, to string) {
		t.Helper()
		c, id := guest, ""
		if user != "" {
			c = dialClient(t, strings.Replace(h.url, "guest:guest@", user+":secret@", 1))
			id = user
		}
		err := c.ch.Publish("hogar", "casa.command.a.state", false, false,
			amqp.Publishing{Body: []byte("on"), ReplyTo: to, UserId: id, MessageId: user + ">" + to})
		if err != nil {
			t.Fatal(err)
		}
	}
	send(panel, "billing.orders")
	send(panel, panel+"x.answers")
	send(panel, "billing.orders")
	send("", panel+".answers")
	send(panel[:len(panel)-1], panel+".answers")
	send(panel, panel+".answers")
	got := guest.consume(panel+".answers", 1)[0]
	if got.CorrelationId != panel+">"+panel+".answers" || got.UserId != "guest" {
		t.Errorf("the first in the sender's queue: %q, user_id %q", got.CorrelationId, got.UserId)
	}
	c := dialClient(t, strings.Replace(h.url, "guest:guest@", panel+":secret@", 1))
	if o, reply := c.ask(t, "hogar", "casa.command.a.state", amqp.Publishing{Body: []byte("on"), UserId: panel}); o.Result != home.Applied || reply.UserId != "guest" {
		t.Errorf("a direct reply: %+v, user_id %q", o, reply.UserId)
	}
	for _, q := range []string{panel + "x.answers", "billing.orders", panel + ".answers"} {
		if d, ok, err := guest.ch.Get(q, true); ok || err != nil {
			t.Errorf("%s has %q of %q, %v", q, d.Body, d.CorrelationId, err)
		}
	}
	if n := len(d.commands()); n != 7 {
		t.Errorf("%d commands were taken", n)
	}
	if s := h.Status(); s.Dropped != 5 || s.Replied != 2 {
		t.Errorf("%d dropped, %d receipts", s.Dropped, s.Replied)
	}
	if n := strings.Count(h.log.String(), "a receipt was dropped"); n != 3 { // one for each sender
		t.Errorf("%d lines in the log: %s", n, h.log.String())
	}
}

// However many queues a sender names, little is remembered and logged of it.
func TestRefusedReceiptsAreLoggedOnce(t *testing.T) {
	h := runBridge(t, Options{Declare: true, ReplyTo: []string{ReplyDirect}}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	for i := range 300 {
		if err := c.ch.Publish("hogar", "casa.command.a.state", false, false, amqp.Publishing{Body: []byte("on"), ReplyTo: "q" + strings.Repeat("x", i%200)}); err != nil {
			t.Fatal(err)
		}
	}
	h.until("all are counted", func() bool { return h.Status().Dropped == 300 })
	h.status.mu.Lock()
	n := len(h.status.told)
	h.status.mu.Unlock()
	if lines := strings.Count(h.log.String(), "a receipt was dropped"); lines != 1 || n > 3 {
		t.Errorf("%d lines, %d subjects", lines, n)
	}
}
