package bridge

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

var equalValues = cmp.Comparer(func(a, b home.Value) bool { return a == b })

// names is a house with these devices.
type names []string

func (n names) Resolve(name string) (device, property string, known bool) {
	for _, d := range n {
		if name == d {
			return d, "", true
		}
		if rest, ok := strings.CutPrefix(name, d+"."); ok {
			return d, rest, true
		}
	}
	return "", "", false
}

var fromCommands = origin{exchange: "hogar", prefix: "casa.command.", ttl: commandTTL}

func TestUnderstand(t *testing.T) {
	b := New(Options{Gateway: "casa", Names: names{"hall.lamp"}}, nil, nil, nil)
	const envelopeType = "hogar.command.v1"
	for _, tc := range []struct {
		name, key, typ, body, id string
		set                      home.Settings
		problem                  string
	}{
		{name: "text", key: "hall.lamp.effect", body: " rainbow ", set: home.Settings{{Property: "effect", Value: home.TextOf("rainbow")}}},
		{name: "quoted text", key: "hall.lamp.effect", body: `"1"`, set: home.Settings{{Property: "effect", Value: home.TextOf("1")}}},
		{name: "number", key: "hall.lamp.brightness", body: "40.5", set: home.Settings{{Property: "brightness", Value: home.NumberOf(40.5)}}},
		{name: "boolean", key: "hall.lamp.state", body: "true", set: home.Settings{{Property: "state", Value: home.BooleanOf(true)}}},
		{name: "order is kept", key: "hall.lamp", body: `{"b":1,"a":2}`, set: home.Settings{{Property: "b", Value: home.NumberOf(1)}, {Property: "a", Value: home.NumberOf(2)}}},
		{name: "an unknown device goes to the door", key: "hall.lmap.state", body: "on", set: home.Settings{{Property: "state", Value: home.TextOf("on")}}},
		{name: "envelope for a property", key: "hall.lamp.state", typ: envelopeType, body: `{"set":{"state":true},"more":1}`,
			set: home.Settings{{Property: "state", Value: home.BooleanOf(true)}}},
		{name: "envelope for another property", key: "hall.lamp.state", typ: envelopeType, body: `{"set":{"brightness":1}}`, problem: "the key names state"},
		{name: "two ids", key: "hall.lamp", typ: envelopeType, body: `{"id":"a","set":{"state":true}}`, id: "b", problem: "is not the message_id b"},
		{name: "no set", key: "hall.lamp", typ: envelopeType, body: `{"id":"a"}`, problem: "no set"},
		{name: "set of nothing", key: "hall.lamp", body: `{}`, problem: "sets nothing"},
		{name: "set twice", key: "hall.lamp", body: `{"state":true,"state":false}`, problem: "set twice"},
		{name: "null", key: "hall.lamp.state", body: `null`, problem: "is null"},
		{name: "a value for a device", key: "hall.lamp", body: "on", problem: "names the device hall.lamp, and the body is a single value"},
		{name: "no UTF-8", key: "hall.lamp.state", body: "\xff", problem: "not UTF-8"},
		{name: "long", key: "hall.lamp.state", body: strings.Repeat("x", maxCommand+1), problem: "at most"},
		{name: "id with a space", key: "hall.lamp.state", body: "on", id: "a b", problem: "has a character"},
		{name: "long id", key: "hall.lamp.state", body: "on", id: strings.Repeat("x", 200), problem: "at most 128"},
		{name: "no name", key: "", body: "on", problem: "names no device"},
		{name: "one word", key: "lamp", body: "on", problem: "names no device"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &amqp.Delivery{Exchange: "hogar", RoutingKey: "casa.command." + tc.key, Type: tc.typ, Body: []byte(tc.body), MessageId: tc.id}
			c, bad := b.understand(d, fromCommands, time.Now())
			if c.ID == "" {
				t.Error("it has no id")
			}
			if tc.problem != "" {
				if bad == nil || !strings.Contains(bad.problem, tc.problem) {
					t.Fatalf("got %+v, want %q", bad, tc.problem)
				}
				return
			}
			if bad != nil {
				t.Fatal(bad.problem)
			}
			if diff := cmp.Diff(tc.set, c.Set, equalValues); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	now := time.Now()
	for _, tc := range []struct {
		name    string
		d       amqp.Delivery
		expires time.Duration // from now; 0: none
		ttl     int64
		want    time.Duration
	}{
		{name: "queue", ttl: commandTTL, want: time.Minute},
		{name: "now", ttl: nowTTL, want: 5 * time.Second},
		{name: "expiration", d: amqp.Delivery{Expiration: "1500"}, ttl: commandTTL, want: 1500 * time.Millisecond},
		{name: "long expiration", d: amqp.Delivery{Expiration: "90000"}, ttl: commandTTL, want: time.Minute},
		{name: "absurd expiration", d: amqp.Delivery{Expiration: "9223372036854775807", Timestamp: now}, ttl: commandTTL, want: time.Minute},
		{name: "no number", d: amqp.Delivery{Expiration: "60s"}, ttl: commandTTL, want: time.Minute},
		{name: "waited", d: amqp.Delivery{Expiration: "30000", Timestamp: now.Add(-20 * time.Second)}, ttl: commandTTL, want: 11 * time.Second},
		{name: "waited too long", d: amqp.Delivery{Expiration: "30000", Timestamp: now.Add(-40 * time.Second)}, ttl: commandTTL, want: -9 * time.Second},
		{name: "envelope", expires: 2 * time.Second, ttl: commandTTL, want: 2 * time.Second},
		{name: "envelope in the past", expires: -time.Hour, ttl: commandTTL, want: -time.Hour},
	} {
		var expires time.Time
		if tc.expires != 0 {
			expires = now.Add(tc.expires).UTC().Round(0)
		}
		if got := (&Bridge{}).deadline(&tc.d, expires, now, tc.ttl).Sub(now); got.Round(time.Millisecond) != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestMayReply(t *testing.T) {
	for to, want := range map[string]bool{
		"amq.rabbitmq.reply-to.g1h2.x": true, "answers": true, "hogarth": true,
		"": false, "hogar.history": false, "hogar.casa.commands": false, "amq.gen-x": false, "amq.rabbitmq.reply-to": false,
		strings.Repeat("x", 256): false,
	} {
		if got := mayReply(to); got != want {
			t.Errorf("%s: %t, want %t", to, got, want)
		}
	}
}

// FuzzUnderstand holds of any delivery: what is understood is fit for the door,
// what is not has a reason, and nothing lives longer than its queue allows.
func FuzzUnderstand(f *testing.F) {
	f.Add("casa.command.hall.lamp.state", "", "on", "", "", int64(0))
	f.Add("casa.command.hall.lamp", "", `{"state":true,"brightness":40}`, "m1", "1500", int64(1_800_000_000))
	f.Add("casa.command.hall.lamp", "hogar.command.v1", `{"id":"a","set":{"state":"toggle"},"expires":"2026-01-01T00:00:00Z"}`, "a", "x", int64(-1))
	f.Add("villa.command.x", "hogar.get.v1", `{"`, "\x00", "-5", int64(1)<<60)
	b := New(Options{Gateway: "casa", Names: names{"hall.lamp"}}, nil, nil, nil)
	f.Fuzz(func(t *testing.T, key, typ, body, id, expiration string, stamp int64) {
		d := &amqp.Delivery{Exchange: "hogar", RoutingKey: key, Type: typ, Body: []byte(body), MessageId: id, Expiration: expiration}
		if stamp != 0 {
			d.Timestamp = time.Unix(stamp, 0)
		}
		now := time.Now()
		c, bad := b.understand(d, fromCommands, now)
		if c.ID == "" || checkID(c.ID) != nil {
			t.Errorf("id %q", c.ID)
		}
		if c.Deadline.After(now.Add(time.Minute)) {
			t.Errorf("lives until %s", c.Deadline)
		}
		if bad != nil {
			if bad.problem == "" {
				t.Error("refused without a reason")
			}
			return
		}
		if err := home.CheckDevice(c.Device); err != nil {
			t.Error(err)
		}
		if bad := checkSet(c.Set); bad != nil {
			t.Error(bad.problem)
		}
		if id != "" && c.ID != id {
			t.Errorf("id %q became %q", id, c.ID)
		}
		e := home.Event{Kind: home.KindCommand, At: now, Command: &c, Device: c.Device}
		if _, err := e.AppendJSON(nil); err != nil {
			t.Errorf("it cannot be recorded: %v", err)
		}
	})
}
