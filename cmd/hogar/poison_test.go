package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/bridge"
	"hogar/gateway/home"
)

// poison is a message that is no command. One with a time to live that is no number,
// or less than none, never gets here: RabbitMQ closes the channel of its sender.
type poison struct {
	name string
	key  string // behind the gateway's name; "": command.hall.lamp
	msg  amqp.Publishing
	want home.Result // "": rejected
}

func poisons(name string) []poison {
	noise := make([]byte, 300)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise) // it never fails
	envelope := func(body string) amqp.Publishing {
		return amqp.Publishing{Type: "hogar.command.v1", Body: []byte(body)}
	}
	plain := func(body string) amqp.Publishing { return amqp.Publishing{Body: []byte(body)} }
	state := "command.hall.lamp.state"
	return []poison{
		{name: "noise", msg: amqp.Publishing{Body: noise}},
		{name: "noise for a property", key: state, msg: amqp.Publishing{Body: noise}},
		{name: "noise in an envelope", msg: amqp.Publishing{Type: "hogar.command.v1", Body: noise}},
		{name: "noise that begins as an object", msg: amqp.Publishing{Body: append([]byte("{"), noise...)}},
		{name: "zeros", key: state, msg: amqp.Publishing{Body: make([]byte, 100)}},
		{name: "a megabyte", msg: amqp.Publishing{Body: bytes.Repeat([]byte("x"), 1<<20)}},
		{name: "a megabyte of JSON", msg: plain(`{"state":"` + strings.Repeat("x", 1<<20) + `"}`)},
		{name: "deep arrays", msg: plain(`{"state":` + strings.Repeat("[", 30_000))},
		{name: "deep objects", msg: plain(strings.Repeat(`{"a":`, 12_000))},
		{name: "deep objects that end", msg: envelope(`{"set":` + strings.Repeat(`{"a":`, 8_000) + "1" + strings.Repeat("}", 8_001))},
		{name: "no such device", key: "command.hall.lmap.state", msg: plain("on")},
		{name: "no device", key: "command", msg: plain("on")},
		{name: "a name that cannot be", key: "command.Hall.Lámpara", msg: plain("on")},
		{name: "a name without end", key: "command." + strings.Repeat("a.", 110) + "state", msg: plain("on")},
		{name: "empty words", key: "command....", msg: plain("on")},
		{name: "nothing", msg: amqp.Publishing{}},
		{name: "blanks", msg: plain(" \n\t")},
		{name: "null", key: state, msg: plain("null")},
		{name: "a number beyond numbers", key: state, msg: plain("1e999")},
		{name: "an empty object", msg: plain("{}")},
		{name: "a property twice", msg: plain(`{"state":true,"state":false}`)},
		{name: "an envelope without set", msg: envelope(`{"id":"p-1"}`)},
		{name: "a set that is a list", msg: envelope(`{"set":[1]}`)},
		{name: "two ids", msg: amqp.Publishing{Type: "hogar.command.v1", MessageId: "p-2", Body: []byte(`{"id":"p-3","set":{"state":true}}`)}},
		{name: "an id too long", msg: amqp.Publishing{MessageId: strings.Repeat("i", 200), Body: []byte("on")}},
		{name: "an id that is no text", msg: amqp.Publishing{MessageId: "\xff\x00\x01", Body: []byte("on")}},
		{name: "a type of 255 bytes", msg: amqp.Publishing{Type: strings.Repeat("t", 255), Body: []byte("on")}},
		{name: "compressed", key: state, msg: amqp.Publishing{ContentEncoding: "gzip", Body: []byte("on")}},
		{name: "expires never was", msg: envelope(`{"set":{"state":true},"expires":"soon"}`)},
		{name: "expires as a number", msg: envelope(`{"set":{"state":true},"expires":-5}`)},
		{name: "expired", msg: envelope(`{"set":{"state":true},"expires":"1999-12-31T23:59:59Z"}`), want: home.Expired},
		{name: "expired before all time", msg: envelope(`{"set":{"state":true},"expires":"0001-01-01T00:00:01Z"}`), want: home.Expired},
		{name: "no time to live", key: state, msg: amqp.Publishing{Expiration: "0", Body: []byte("on")}, want: home.Expired},
		{name: "sent long ago", key: state, msg: amqp.Publishing{Expiration: "1000", Timestamp: time.Unix(1, 0), Body: []byte("on")}, want: home.Expired},
		{name: "by CC", key: "elsewhere", msg: amqp.Publishing{Body: []byte("on"), Headers: amqp.Table{"CC": []any{name + "." + state}}}},
		{name: "nested headers", msg: amqp.Publishing{Body: []byte("{"), Headers: amqp.Table{"x": amqp.Table{"y": []any{int64(1), amqp.Table{}}}}}},
		{name: "a header of 60 kB", msg: amqp.Publishing{Body: []byte("{"), Headers: amqp.Table{"x": strings.Repeat("h", 60_000)}}},
		{name: "the same id, another wish", key: state, msg: amqp.Publishing{MessageId: "good", Body: []byte("on")}},
	}
}

// Every kind of poison has one receipt and one outcome, the actuator does not move,
// and commands go on.
func TestPoison(t *testing.T) {
	t.Parallel()
	const name = "poisoned"
	p := newProgram(t, name)
	g := newGate(t, house(name, 0), "--amqp", broker(t).URL())
	g.run()
	until(t, "the gateway is present", func() bool { return present(t, name) })
	good := amqp.Publishing{MessageId: "good", CorrelationId: "good", Body: []byte("off")}
	if o := p.send("hogar", name+".command.hall.lamp.state", good); o.Result != home.Applied {
		t.Fatalf("%+v", o)
	}
	all := poisons(name)
	ids := map[string]string{"good": "the good one"} // id to what it was
	for _, one := range all {
		if one.key == "" {
			one.key = "command.hall.lamp"
		}
		if one.want == "" {
			one.want = home.Rejected
		}
		one.msg.CorrelationId = one.name
		key := name + "." + one.key
		if one.key == "elsewhere" {
			key = one.key
		}
		o := p.send("hogar", key, one.msg)
		if o.Result != one.want || o.Error == "" || o.ID == "" {
			t.Errorf("%s: receipt %+v, want %s with a reason", one.name, o, one.want)
		}
		if other, twice := ids[o.ID]; twice && o.ID != "good" {
			t.Errorf("%s has the id of %s", one.name, other)
		}
		ids[o.ID] = one.name
	}
	last := p.send("hogar", name+".command.hall.lamp.state", amqp.Publishing{MessageId: "last", CorrelationId: "last", Body: []byte("toggle")})
	if last.Result != home.Applied || last.Reading[0].Value != on {
		t.Errorf("after all poison: %+v, want a lamp that was off and is on", last)
	}
	outcomes := make(map[string]int)
	p.wait("the outcome of the last", func(d amqp.Delivery) bool {
		var o home.Outcome
		if d.Type != "hogar.outcome.v1" {
			return false
		}
		if err := json.Unmarshal(d.Body, &o); err != nil {
			t.Fatalf("%s: %v", d.Body, err)
		}
		outcomes[o.ID]++
		return o.ID == "last"
	})
	for id, what := range ids {
		if outcomes[id] != 1 {
			t.Errorf("%s (id %q) has %d outcomes", what, id, outcomes[id])
		}
	}
	until(t, "all are acknowledged", func() bool {
		q, err := p.ch.QueueDeclarePassive("hogar."+name+".commands", true, false, false, false, nil)
		return err == nil && q.Messages == 0
	})
	until(t, "all copies are in dead", func() bool {
		q, err := p.ch.QueueDeclarePassive("hogar."+name+".dead", true, false, false, false, nil)
		return err == nil && q.Messages >= len(all)+1
	})
	deadOnTheCommandLine(t, name, len(all)+1)
	code, _ := g.stop()
	dead, err := dial(t, broker(t).URL()).QueueDeclarePassive("hogar."+name+".dead", true, false, false, false, nil)
	if code != exitDone || err != nil || dead.Messages != 0 {
		t.Errorf("exit code %d; %d copies in dead after all were thrown away, %v", code, dead.Messages, err)
	}
}

// deadOnTheCommandLine looks at what lies in the queue dead, without a
// configuration, and throws it away.
func deadOnTheCommandLine(t *testing.T, gateway string, n int) {
	t.Helper()
	dead := func(args ...string) string {
		t.Helper()
		code, out, errs := called(t, append(append([]string{"dead"}, args...), "--amqp", broker(t).URL(), "--gateway", gateway)...)
		if code != exitDone || errs != "" {
			t.Errorf("hogar dead %v: exit code %d: %s", args, code, errs)
		}
		return out
	}
	list := dead("list")
	if got := strings.Count(list, "\n"); got != n || strings.ContainsFunc(list, func(r rune) bool { return r < ' ' && r != '\n' }) {
		t.Errorf("%d lines for %d commands:\n%s", got, n, list)
	}
	var one, other string // a command to no such device, and noise
	for line := range strings.Lines(dead("list", "--json")) {
		var d bridge.Dead
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatalf("%.200s: %v", line, err)
		}
		if strings.HasSuffix(d.Key, "hall.lmap.state") {
			one = d.ID
		} else if d.Encoding == "base64" {
			other = d.ID
		}
	}
	if out := dead("show", one); !strings.Contains(out, `reason    rejected: there is no device "hall.lmap"`) || !strings.Contains(out, "body      on\n") {
		t.Errorf("show: %s", out)
	}
	if out := dead("show", other, "--json"); !strings.Contains(out, `"body_encoding":"base64"`) {
		t.Errorf("show of noise: %s", out)
	}
	if out := dead("redrive", one); !strings.HasPrefix(out, one+" is sent again as redriven-") {
		t.Errorf("redrive: %s", out)
	}
	until(t, "it is refused again", func() bool { return strings.Contains(dead("list"), "redriven-") })
	code, _, errs := called(t, "dead", "redrive", "nothing", "--amqp", broker(t).URL(), "--gateway", gateway)
	if code != exitFailed || errs != "hogar: there is no dead letter \"nothing\" (hogar dead list)\n" {
		t.Errorf("redrive of what there is not: exit code %d: %s", code, errs)
	}
	if out := dead("purge"); out != fmt.Sprintf("%d letters thrown away\n", n) {
		t.Errorf("purge: %s", out)
	}
	if out := dead("list"); out != "there is none\n" {
		t.Errorf("list of none: %s", out)
	}
}
