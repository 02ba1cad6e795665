package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// punctual is a door that looks at deadlines.
func punctual() *door {
	return &door{submit: func(c home.Command, done func(home.Outcome)) {
		o := home.Outcome{ID: c.ID, Device: c.Device, Set: c.Set, Result: home.Applied}
		if time.Now().After(c.Deadline) {
			o.Result, o.Error = home.Expired, "it came too late"
		}
		done(o)
	}}
}

func waiting(t *testing.T, c *client, queue string) int {
	t.Helper()
	q, err := c.ch.QueueDeclarePassive(queue, true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q.Messages
}

// TestExpired sends commands while the gateway is away. When it is back, each
// that ran out gets its outcome and ends in dead.
func TestExpired(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"classic", "quorum"} {
		t.Run(kind, func(t *testing.T) {
			o := Options{Declare: true, QueueType: kind}
			h := runBridge(t, o, punctual())
			h.until("taking commands", func() bool { return h.Status().Commands })
			h.stop()
			c := dialClient(t, h.url)
			c.bind("answers", "amq.topic")
			for _, pub := range []amqp.Publishing{
				{MessageId: "one", Body: []byte("on"), UserId: "guest"},
				{MessageId: "two", Body: []byte("{"), CorrelationId: "2"},
				{MessageId: "three", Type: typeGet},
				{MessageId: "four", Type: typeCommand, Body: []byte(`{"set":{"state":true},"expires":"2100-01-01T00:00:00Z"}`)},
			} {
				pub.Expiration, pub.ReplyTo, pub.DeliveryMode = "10", "answers", amqp.Persistent
				if err := c.ch.Publish("hogar", "casa.command.hall.lamp.state", false, false, pub); err != nil {
					t.Fatal(err)
				}
			}
			h.until("all are expired", func() bool { return waiting(t, c, "hogar.casa.expired") == 4 })
			o.URLs = []string{h.url}
			d := punctual()
			h = runOn(t, o, d, openJournal(t))
			got := map[string]string{}
			for _, r := range c.consume("answers", 3) {
				var o home.Outcome
				if err := json.Unmarshal(r.Body, &o); err != nil {
					t.Fatal(err)
				}
				got[o.ID] = string(o.Result) + " " + r.CorrelationId
			}
			want := map[string]string{"one": "expired one", "two": "rejected 2", "four": "expired four"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			reasons := map[string]string{}
			for _, m := range c.consume("hogar.casa.dead", 4) {
				if m.Headers["hogar-key"] != "casa.command.hall.lamp.state" || m.Headers["hogar-exchange"] != "hogar" {
					t.Errorf("headers %v", m.Headers)
				}
				reasons[m.MessageId], _, _ = strings.Cut(m.Headers["hogar-reason"].(string), ":")
			}
			want = map[string]string{"one": "expired", "two": "rejected", "three": "rejected", "four": "expired"}
			if diff := cmp.Diff(want, reasons); diff != "" {
				t.Error(diff)
			}
			h.until("expired is empty", func() bool { return waiting(t, c, "hogar.casa.expired") == 0 })
			if taken := d.commands(); len(taken) != 2 || taken[0].Source != "amqp:guest" {
				t.Errorf("the door was given %+v", taken)
			}
		})
	}
}

// TestExpiredForeign puts into expired what is no expired command.
func TestExpiredForeign(t *testing.T) {
	t.Parallel()
	d := &door{}
	h := runBridge(t, Options{Declare: true}, d)
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	if err := c.ch.Publish("", "hogar.casa.expired", false, false, amqp.Publishing{Body: []byte("junk"), MessageId: "j"}); err != nil {
		t.Fatal(err)
	}
	if m := c.consume("hogar.casa.dead", 1)[0]; m.MessageId != "j" || !strings.Contains(m.Headers["hogar-reason"].(string), "it was in the queue hogar.casa.expired") {
		t.Errorf("%+v", m)
	}
	if len(d.commands()) != 0 {
		t.Error("the door was given junk")
	}
}

// TestExpiredStays has no queue dead for many sessions: what is in expired waits until there is one. RabbitMQ 4
// deletes what is given back 21 times to a quorum queue that was made without x-delivery-limit.
func TestExpiredStays(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	full := (Options{URLs: []string{url}, Gateway: "casa", QueueType: "quorum", History: "none"}).withDefaults()
	c := dialClient(t, url)
	for _, x := range full.consumeTopology().exchanges {
		if err := c.ch.ExchangeDeclare(x.name, "topic", true, false, false, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	declare := func(q queue) {
		if _, err := c.ch.QueueDeclare(q.name, true, false, false, false, q.args); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range full.consumeTopology().queues {
		if q.name != full.queue("dead") {
			declare(q)
		}
	}
	if err := c.ch.Publish("", full.queue("expired"), false, false, amqp.Publishing{MessageId: "j", Body: []byte("junk"), DeliveryMode: amqp.Persistent}); err != nil {
		t.Fatal(err)
	}
	h := runOn(t, full, &door{}, openJournal(t))
	sessions := func() int { return strings.Count(h.log.String(), "taking commands from rabbitmq") }
	for n := range 25 {
		h.until("working", func() bool { return sessions() > n && h.Status().Commands })
		h.until("it is in hand, or was given back", func() bool {
			q, err := c.ch.QueueDeclarePassive(full.queue("expired"), true, false, false, false, nil)
			return err == nil && (q.Messages == 1 || q.Consumers == 1)
		})
		closeAll(t, url)
		c = dialClient(t, url)
	}
	declare(full.deadQueue("quorum"))
	if m := c.consume(full.queue("dead"), 1)[0]; m.MessageId != "j" {
		t.Errorf("%+v", m)
	}
}

// rooms is a House.
type rooms struct{ measured chan string }

func (r rooms) Devices(pattern string) []home.DeviceState {
	var found []home.DeviceState
	for _, name := range []string{"kitchen.climate", "hall.lamp"} {
		if home.Match(pattern, name) {
			found = append(found, home.DeviceState{Name: name, Status: home.Online, Properties: []home.Property{},
				Readings: []home.LastReading{{Name: "state", Value: home.BooleanOf(true)}}})
		}
	}
	return found
}

func (r rooms) Measure(ctx context.Context, device string) error {
	if device != "kitchen.climate" {
		return errors.New("it measures nothing")
	}
	r.measured <- device
	return ctx.Err()
}

// May lets everybody get what is not in the hall, and only guest measure.
func (r rooms) May(source, verb, device, _ string) bool {
	return source == "amqp:guest" || verb == "get" && device != "hall.lamp"
}

func TestClient(t *testing.T) {
	t.Parallel()
	r := rooms{make(chan string, 1)}
	shows := clock.New(time.Time{}, 1)
	h := runBridge(t, Options{Declare: true, House: r, Names: names{"hall.lamp"}, Clock: shows}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	c, err := Connect(ctx, h.url, "", "casa")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for pattern, want := range map[string][]home.DeviceState{"#": r.Devices("#"), "kitchen.*": r.Devices("kitchen.climate")} {
		got, err := c.Devices(ctx, pattern)
		if diff := cmp.Diff(want, got, equalValues); diff != "" || err != nil {
			t.Errorf("%s: %v %s", pattern, err, diff)
		}
	}
	for _, level := range []clock.Level{clock.Doubted, clock.Assumed, clock.Doubted, clock.Vouched} {
		shows.SetLevel(level)
		if _, err := c.Devices(ctx, "#"); err != nil || c.Doubted() != (level == clock.Doubted) {
			t.Errorf("at level %d the clock is doubted: %v (%v)", level, c.Doubted(), err)
		}
	}
	if _, err := c.Devices(ctx, "attic"); err == nil || !strings.Contains(err.Error(), "no device or property is called attic") {
		t.Error(err)
	}
	if got, err := c.Measure(ctx, "kitchen.climate"); err != nil || len(got) != 1 || len(r.measured) != 1 {
		t.Error(got, err)
	}
	if _, err := c.Measure(ctx, "hall.lamp"); err == nil || !strings.Contains(err.Error(), "it measures nothing") {
		t.Error(err)
	}
	cmd := home.Command{ID: "c1", Device: "hall.lamp", Set: home.Settings{{Property: "state", Value: home.TextOf("on")}}, Reason: "test"}
	for _, do := range []func(context.Context, home.Command) (home.Outcome, error){c.Now, c.Command} {
		if o, err := do(ctx, cmd); err != nil || o.Result != home.Applied || o.ID != "c1" {
			t.Errorf("%+v %v", o, err)
		}
	}
	watch(t, ctx, h, c)
	h.stop()
	if _, err := c.Now(ctx, cmd); err == nil || !strings.Contains(err.Error(), "no gateway called casa is connected") {
		t.Error(err)
	}
	if _, err := c.Devices(ctx, "#"); err == nil || !strings.Contains(err.Error(), "no gateway called casa is connected") {
		t.Error(err)
	}
}

// What is asked for without a right is refused, and what may not be seen is left out.
func TestQuestionsNeedRights(t *testing.T) {
	t.Parallel()
	r := rooms{make(chan string, 1)}
	h := runBridge(t, Options{Declare: true, House: r, Names: names{"hall.lamp", "kitchen.climate"}}, &door{})
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	for _, one := range []struct{ kind, key, user, want string }{
		{typeGet, "casa.#", "guest", "kitchen.climate hall.lamp"},
		{typeGet, "casa.#", "", "kitchen.climate"},
		{typeGet, "casa.hall.lamp", "", "amqp:anonymous may not get hall.lamp|send it with user_id, which RabbitMQ checks; access: in the configuration says who may do what"},
		{typeGet, "casa.kitchen.climatt", "", "no device or property is called kitchen.climatt|did you mean kitchen.climate?"},
		{typeGet, "casa.hall.lmap", "", "no device or property is called hall.lmap|`hogar devices` lists them"}, // it may not be seen
		{typeMeasure, "casa.kitchen.climate", "", "amqp:anonymous may not measure kitchen.climate|send it with user_id, which RabbitMQ checks; access: in the configuration says who may do what"},
		{typeMeasure, "casa.kitchen.climate", "guest", "kitchen.climate"},
	} {
		_, d := c.ask(t, nowExchange, one.key, amqp.Publishing{Type: one.kind, UserId: one.user})
		var answer devicesBody
		if err := json.Unmarshal(d.Body, &answer); err != nil || d.Type != typeDevices || answer.Time.IsZero() {
			t.Fatalf("%s: %s %v", one.key, d.Body, err)
		}
		got := answer.Error + "|" + answer.Hint
		if answer.Error == "" {
			var names []string
			for _, d := range answer.Devices {
				names = append(names, d.Name)
			}
			got = strings.Join(names, " ")
		}
		if got != one.want {
			t.Errorf("%s of %s by %q:\ngot  %s\nwant %s", one.kind, one.key, one.user, got, one.want)
		}
	}
	if len(r.measured) != 1 {
		t.Errorf("measured %d times", len(r.measured))
	}
}

func watch(t *testing.T, ctx context.Context, h *house, c *Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	var seen []Seen
	err := c.Watch(ctx, "hall.lamp", func() {
		h.reading("cellar", "x", 1)
		h.reading("hall.lamp", "state", 2)
		h.event(home.Event{Kind: home.KindStatus, Device: "hall.lamp", State: home.Online, Flags: home.FlagPublished})
	}, func(s Seen) {
		if seen = append(seen, s); len(seen) == 2 {
			cancel()
		}
	})
	if err != nil || len(seen) != 2 || seen[0].Kind != home.KindReading || seen[1].Kind != home.KindStatus || seen[0].Seq != 2 {
		t.Errorf("%v %v", seen, err)
	}
}

// TestWatchWithManyHashes refuses what RabbitMQ 4.3.5 would, and binds two of them.
func TestWatchWithManyHashes(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	c, err := Connect(t.Context(), h.url, "", "casa")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Watch(t.Context(), "#.a.#.b.#", nil, nil); err == nil || !strings.Contains(err.Error(), "3 words #") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.Watch(ctx, "#.a.#", cancel, nil); err != nil {
		t.Error(err)
	}
}

// TestRedriveEndsWithWhatWasThere redrives commands that are refused once more while
// that goes on: each is sent once, and not again and again.
func TestRedriveEndsWithWhatWasThere(t *testing.T) {
	t.Parallel()
	d := &door{submit: func(c home.Command, done func(home.Outcome)) {
		done(home.Outcome{ID: c.ID, Device: c.Device, Result: home.Rejected, Error: "never"})
	}}
	h := runBridge(t, Options{Declare: true}, d)
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	const letters = 20
	for range letters {
		c.publish("hogar", "casa.command.hall.lamp.state", amqp.Publishing{Body: []byte("on")})
	}
	h.until("all are refused", func() bool { return waiting(t, c, "hogar.casa.dead") == letters })
	dead, err := OpenDead(t.Context(), Options{URLs: []string{h.url}, Gateway: "casa"})
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	if sent, err := dead.Redrive(t.Context()); err != nil || len(sent) != letters {
		t.Errorf("%d were sent, %v; want %d", len(sent), err, letters)
	}
}

func TestDead(t *testing.T) {
	t.Parallel()
	d := &door{submit: func(c home.Command, done func(home.Outcome)) {
		done(home.Outcome{ID: c.ID, Device: c.Device, Result: home.Rejected, Error: "not now"})
	}}
	h := runBridge(t, Options{Declare: true}, d)
	h.until("taking commands", func() bool { return h.Status().Commands })
	c := dialClient(t, h.url)
	for _, id := range []string{"a", "b", "c"} {
		pub := amqp.Publishing{MessageId: id, UserId: "guest", Type: typeCommand, Headers: amqp.Table{"mine": "1"},
			Body: []byte(`{"id":"` + id + `","set":{"state":true},"expires":"2100-01-01T00:00:00Z"}`)}
		if err := c.ch.Publish("hogar", "casa.command.hall.lamp", false, false, pub); err != nil {
			t.Fatal(err)
		}
	}
	h.until("all are refused", func() bool { return waiting(t, c, "hogar.casa.dead") == 3 })
	h.stop()
	letters, err := OpenDead(t.Context(), Options{URLs: []string{h.url}, Gateway: "casa"})
	if err != nil {
		t.Fatal(err)
	}
	defer letters.Close()
	for range 2 { // looking changes nothing
		list, err := letters.List(t.Context())
		if err != nil || len(list) != 3 {
			t.Fatal(list, err)
		}
		got := list[slices.IndexFunc(list, func(d Dead) bool { return d.ID == "b" })]
		if time.Since(got.Time) > time.Minute {
			t.Error(got.Time)
		}
		got.Time, got.Body = time.Time{}, ""
		want := Dead{ID: "b", Reason: "rejected: not now", Exchange: "hogar", Key: "casa.command.hall.lamp", User: "guest", Type: typeCommand}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	const none = `there is no dead letter "nothing" (hogar dead list)`
	if n, err := letters.Purge(t.Context(), "a", "nothing"); n != 1 || err == nil || err.Error() != none {
		t.Error(n, err)
	}
	if sent, err := letters.Redrive(t.Context(), "nothing"); len(sent) != 0 || err == nil || err.Error() != none {
		t.Error(sent, err)
	}
	sent, err := letters.Redrive(t.Context(), "b")
	if err != nil || len(sent) != 1 || sent[0].ID != "b" || sent[0].As == "b" {
		t.Fatal(sent, err)
	}
	anew := sent[0].As
	good := &door{}
	h = runOn(t, Options{URLs: []string{h.url}, Declare: true}, good, openJournal(t))
	// One that was copied to dead may come once more: the bridge was stopped before
	// its acknowledgement.
	index := func() int {
		return slices.IndexFunc(good.commands(), func(c home.Command) bool { return c.ID == anew })
	}
	h.until("the new command came", func() bool { return index() >= 0 })
	got := good.commands()[index()]
	if got.ID != anew || got.Set.String() != "state: true" && got.Set.String() != "state: on" || time.Until(got.Deadline) > time.Minute {
		t.Errorf("%+v", got)
	}
	if n, err := letters.Purge(t.Context()); n != 1 || err != nil {
		t.Error(n, err)
	}
	if n := waiting(t, c, "hogar.casa.dead"); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// TestExpiredIsBounded: what is more than the queue expired takes goes on to dead, and a queue that an
// earlier release made is used, and said to have no bounds.
func TestExpiredIsBounded(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"classic", "quorum"} {
		t.Run(kind, func(t *testing.T) {
			url := rabbit(t)
			o := Options{Declare: true, QueueType: kind, URLs: []string{url}}
			c := dialClient(t, url)
			if _, err := c.ch.QueueDeclare("hogar.casa.expired", true, false, false, false, amqp.Table{"x-queue-type": kind}); err != nil {
				t.Fatal(err)
			}
			h := runOn(t, o, punctual(), openJournal(t))
			h.until("taking commands", func() bool { return h.Status().Commands })
			if !strings.Contains(h.log.String(), "an earlier release made queue hogar.casa.expired, and without bounds: it is made anew") {
				t.Errorf("log: %s", h.log)
			}
			o.Gateway = "casa"
			bounds := func(all []Finding) (fix string) {
				for _, f := range all {
					if f.What == "queue hogar.casa.expired" {
						fix = f.Fix
					}
				}
				return fix
			}
			if fix := bounds(Examine(t.Context(), o, true)); !strings.Contains(fix, `rabbitmqctl set_policy -p `+vhostOf(url)+` --priority 1 --apply-to queues hogar.casa.expired '^hogar\.casa\.expired$' '{"max-length":100000,`) {
				t.Errorf("doctor: %q", fix)
			}
			h.stop()
			if _, err := c.ch.QueueDelete("hogar.casa.expired", false, false, false); err != nil {
				t.Fatal(err)
			}
			h = runOn(t, o, punctual(), openJournal(t))
			h.until("taking commands", func() bool { return h.Status().Commands })
			h.stop()
			if fix := bounds(Examine(t.Context(), o, false)); fix != "" {
				t.Errorf("doctor of the new queue: %q", fix)
			}
			ctl(t, "set_policy", "-p", vhostOf(url), "small", `^hogar\.casa\.expired$`, `{"max-length":2}`, "--apply-to", "queues")
			h.until("the policy holds", func() bool {
				return strings.Contains(ctl(t, "list_queues", "-p", vhostOf(url), "name", "policy"), "hogar.casa.expired\tsmall")
			})
			for _, id := range []string{"1", "2", "3", "4", "5"} {
				c.publish("hogar", "casa.command.hall.lamp.state", amqp.Publishing{MessageId: id, Body: []byte("on"), Expiration: "1", DeliveryMode: amqp.Persistent})
			}
			h.until("three overflow", func() bool { return waiting(t, c, "hogar.casa.dead") == 3 && waiting(t, c, "hogar.casa.expired") == 2 })
			letters, err := OpenDead(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer letters.Close()
			list, err := letters.List(t.Context())
			if err != nil || len(list) != 3 || list[0].Key != "casa.command.hall.lamp.state" || list[0].Exchange != "hogar" ||
				!strings.HasSuffix(list[0].Reason, "for too long (maxlen)") {
				t.Errorf("letters %+v, %v", list, err)
			}
		})
	}
}
