package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// The dimmer is only checked here: a simulated house does not contact its source.
func commandHouse(name string) string {
	return house(name, 1) + `  porch.dimmer: {driver: mqtt, topic: porch, command_topic: porch/set, property: brightness, min: 0, max: 100}
mqtt:
  - url: mqtt://127.0.0.1:1
`
}

func lampSet(v home.Value) home.Settings { return home.Settings{{Property: "state", Value: v}} }

var on, off = home.BooleanOf(true), home.BooleanOf(false)

// ignore leaves out of an outcome what differs from run to run, and who gave the id.
var ignore = cmp.Options{sameValue, cmp.FilterPath(func(p cmp.Path) bool {
	return slices.Contains([]string{".ID", ".OwnID", ".TookMS", ".Source", ".Reason"}, p.Last().String())
}, cmp.Ignore())}

var sameValue = cmp.Comparer(func(a, b home.Value) bool { return a == b })

// Commands that act: their receipt, and the reading and the outcome that follow.
func TestCommandsAct(t *testing.T) {
	t.Parallel()
	const name = "doer"
	p := newProgram(t, name)
	g := newGate(t, commandHouse(name), "--amqp", broker(t).URL())
	g.run()
	p.wait("the lamp is off", func(d amqp.Delivery) bool { return d.RoutingKey == name+".reading.hall.lamp.state" })
	until(t, "commands are taken", func() bool {
		ch := dial(t, broker(t).URL()) // a queue that is not there costs the channel
		defer ch.Close()
		_, err := ch.QueueDeclarePassive("hogar."+name+".commands", true, false, false, false, nil)
		return err == nil
	})
	until(t, "the gateway is present", func() bool { return present(t, name) })

	envelope := `{"id":"e1","set":{"state":true},"expires":"2100-01-01T00:00:00Z","reason":"night mode"}`
	for _, one := range []struct {
		name, exchange, key string
		msg                 amqp.Publishing
		asked, state        home.Value
	}{
		{"plain body", "hogar", name + ".command.hall.lamp.state", amqp.Publishing{Body: []byte("on")}, on, on},
		{"plain body 0", "hogar", name + ".command.hall.lamp.state", amqp.Publishing{Body: []byte("0")}, off, off},
		{"toggle", "hogar", name + ".command.hall.lamp.state", amqp.Publishing{Body: []byte("toggle")}, home.Toggle, on},
		{"object", "hogar", name + ".command.hall.lamp", amqp.Publishing{Body: []byte(`{"state":false}`), ContentType: "application/json"}, off, off},
		{"envelope", "hogar", name + ".command.hall.lamp", amqp.Publishing{Body: []byte(envelope), Type: "hogar.command.v1", MessageId: "e1"}, on, on},
		{"now", "hogar.now", name + ".hall.lamp.state", amqp.Publishing{Body: []byte("off"), UserId: "guest"}, off, off},
	} {
		one.msg.CorrelationId = "c-" + one.name
		got := p.send(one.exchange, one.key, one.msg)
		want := home.Outcome{Device: "hall.lamp", Set: lampSet(one.asked), Result: home.Applied, Reading: lampSet(one.state)}
		if diff := cmp.Diff(want, got, ignore); diff != "" {
			t.Errorf("%s: receipt (-want +got):\n%s", one.name, diff)
		}
		if one.msg.MessageId != "" && (got.ID != one.msg.MessageId || got.Reason != "night mode") {
			t.Errorf("%s: the receipt has id %q and reason %q", one.name, got.ID, got.Reason)
		}
		if source := "amqp:" + orAnonymous(one.msg.UserId); got.Source != source {
			t.Errorf("%s: the source is %q, want %q", one.name, got.Source, source)
		}
		reading := p.wait("the reading after "+one.name, func(d amqp.Delivery) bool { return d.RoutingKey == name+".reading.hall.lamp.state" })
		if a := aboutOf(t, reading); a.Value != one.state {
			t.Errorf("%s: the reading after it is %s, want %s", one.name, a.Value, one.state)
		}
		outcome := p.wait("the outcome of "+one.name, func(d amqp.Delivery) bool { return d.RoutingKey == name+".outcome.hall.lamp" })
		ev, err := home.ParseEvent(home.KindOutcome, outcome.Body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, *ev.Outcome, sameValue); diff != "" {
			t.Errorf("%s: the outcome differs from the receipt (-receipt +outcome):\n%s", one.name, diff)
		}
	}
}

func orAnonymous(user string) string {
	if user == "" {
		return "anonymous"
	}
	return user
}

// present is the presence test of the contract: a mandatory message to hogar.now
// comes back at once when the gateway is not there. The key names nothing.
func present(t *testing.T, name string) bool {
	t.Helper()
	ch := dial(t, broker(t).URL())
	defer ch.Close()
	returns := ch.NotifyReturn(make(chan amqp.Return, 1))
	confirms := ch.NotifyPublish(make(chan amqp.Confirmation, 1))
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	if err := ch.Publish("hogar.now", name+".nobody", true, false, amqp.Publishing{Body: []byte("ping")}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-confirms:
		return len(returns) == 0
	case <-closed: // there is no exchange yet
		return false
	case <-time.After(patience):
		t.Fatal("no confirm")
		return false
	}
}

// The same id does not act twice, and gets the same receipt again.
func TestCommandTwice(t *testing.T) {
	t.Parallel()
	const name = "twice"
	p := newProgram(t, name)
	g := newGate(t, commandHouse(name), "--amqp", broker(t).URL())
	g.run()
	until(t, "the gateway is present", func() bool { return present(t, name) })
	toggle := amqp.Publishing{Body: []byte("toggle"), MessageId: "only-once", CorrelationId: "1"}
	first := p.send("hogar", name+".command.hall.lamp.state", toggle)
	toggle.CorrelationId = "2"
	again := p.send("hogar", name+".command.hall.lamp.state", toggle)
	if diff := cmp.Diff(first, again, sameValue); diff != "" || first.Result != home.Applied {
		t.Errorf("receipt of the same id (-first +again):\n%s", diff)
	}
	if v := g.value("hall.lamp"); v != on {
		t.Errorf("the lamp is %s after the same toggle twice, want on", v)
	}
	other := p.send("hogar", name+".command.hall.lamp.state", amqp.Publishing{Body: []byte("off"), MessageId: "only-once", CorrelationId: "3"})
	if other.Result != home.Rejected || !strings.Contains(other.Error, "used for another command") || g.value("hall.lamp") != on {
		t.Errorf("the same id with another body: %+v, the lamp is %s", other, g.value("hall.lamp"))
	}
}

// Commands that are refused: the receipt says what was wrong, and a copy with
// the reason lies in the queue dead.
func TestCommandsRefused(t *testing.T) {
	t.Parallel()
	const name = "picky"
	p := newProgram(t, name)
	g := newGate(t, commandHouse(name), "--amqp", broker(t).URL())
	g.run()
	until(t, "the gateway is present", func() bool { return present(t, name) })
	dead := consume(t, p.ch, "hogar."+name+".dead")
	<-dead // the ping of present

	const prefix = name + ".command."
	for _, one := range []struct {
		name, key string
		msg       amqp.Publishing
		want      home.Outcome
	}{
		{"malformed object", "hall.lamp", amqp.Publishing{Body: []byte(`{"state":`)},
			home.Outcome{Device: "hall.lamp", Result: home.Rejected, Error: "the body cannot be read: *",
				Hint: `send an object of properties and values, like {"state":true}`}},
		{"malformed envelope", "hall.lamp", amqp.Publishing{Body: []byte(`on`), Type: "hogar.command.v1"},
			home.Outcome{Device: "hall.lamp", Result: home.Rejected, Error: "the envelope cannot be read: *",
				Hint: `it looks like {"id":"…","set":{"state":true},"expires":"2026-11-22T20:15:00Z","reason":"…"}`}},
		{"empty", "hall.lamp.state", amqp.Publishing{},
			home.Outcome{Device: "hall.lamp", Result: home.Rejected, Error: "the body is empty",
				Hint: `send a value, like on, or an object, like {"state":true}`}},
		{"unknown device", "hall.lmap.state", amqp.Publishing{Body: []byte("on")},
			home.Outcome{Device: "hall.lmap", Set: lampSet(home.TextOf("on")), Result: home.Rejected,
				Error: `there is no device "hall.lmap"`, Hint: "did you mean hall.lamp?"}},
		{"unknown property", "hall.lamp.colour", amqp.Publishing{Body: []byte(`"red"`)},
			home.Outcome{Device: "hall.lamp", Set: home.Settings{{Property: "colour", Value: home.TextOf("red")}}, Result: home.Rejected,
				Error: `hall.lamp has no property "colour"`, Hint: "what can be set: state"}},
		{"wrong type", "hall.lamp.state", amqp.Publishing{Body: []byte("maybe")},
			home.Outcome{Device: "hall.lamp", Set: lampSet(home.TextOf("maybe")), Result: home.Rejected,
				Error: "hall.lamp.state: maybe is not on, off or toggle", Hint: "send on, off or toggle"}},
		{"out of range", "porch.dimmer.brightness", amqp.Publishing{Body: []byte("101")},
			home.Outcome{Device: "porch.dimmer", Set: home.Settings{{Property: "brightness", Value: home.NumberOf(101)}}, Result: home.Rejected,
				Error: "porch.dimmer.brightness: 101 is not between 0 and 100", Hint: "send a number between 0 and 100"}},
		{"no actuator", "room0.climate.temperature", amqp.Publishing{Body: []byte("21")},
			home.Outcome{Device: "room0.climate", Set: home.Settings{{Property: "temperature", Value: home.NumberOf(21)}}, Result: home.Rejected,
				Error: "room0.climate.temperature cannot be set", Hint: "nothing of room0.climate can be set"}},
		{"expired", "hall.lamp", amqp.Publishing{Body: []byte(`{"set":{"state":true},"expires":"2020-01-01T00:00:00Z"}`), Type: "hogar.command.v1",
			MessageId: "old"}, home.Outcome{Device: "hall.lamp", Set: lampSet(on), Result: home.Expired, Error: "its time was over when it came"}},
		{"other type", "hall.lamp", amqp.Publishing{Body: []byte("x"), Type: "acme.order"},
			home.Outcome{Device: "hall.lamp", Result: home.Rejected, Error: `type "acme.order" is not understood`,
				Hint: "leave type empty for a plain body, or use hogar.command.v1"}},
	} {
		one.msg.CorrelationId = "c-" + one.name
		one.msg.Headers = amqp.Table{"mine": "kept"}
		got := p.send("hogar", prefix+one.key, one.msg)
		if before, wild := strings.CutSuffix(one.want.Error, "*"); wild && strings.HasPrefix(got.Error, before) {
			one.want.Error = got.Error // the library's words
		}
		if one.want.Set == nil {
			one.want.Set = home.Settings{}
		}
		if diff := cmp.Diff(one.want, got, ignore, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: receipt (-want +got):\n%s", one.name, diff)
		}
		compareDead(t, <-dead, one.name, prefix+one.key, one.msg, got)
	}
	if v := g.value("hall.lamp"); v != off {
		t.Errorf("refused commands have switched the lamp %s", v)
	}
}

// compareDead holds the copy of a refused command against what was sent.
func compareDead(t *testing.T, d amqp.Delivery, name, key string, sent amqp.Publishing, o home.Outcome) {
	t.Helper()
	at, _ := d.Headers["hogar-time"].(string)
	if when, err := time.Parse(time.RFC3339, at); err != nil || time.Since(when) > time.Minute {
		t.Errorf("%s: hogar-time is %q", name, at)
	}
	id := sent.MessageId
	if id == "" {
		id = o.ID
	}
	want := message{Exchange: "", Key: d.RoutingKey, Type: sent.Type, MessageID: id, DeliveryMode: 2, Body: string(sent.Body),
		Headers: amqp.Table{"mine": "kept", "hogar-reason": string(o.Result) + ": " + o.Error, "hogar-user-id": "",
			"hogar-exchange": "hogar", "hogar-key": key, "hogar-time": at}}
	if diff := cmp.Diff(want, messageOf(d)); diff != "" || d.CorrelationId != sent.CorrelationId {
		t.Errorf("%s: the copy in dead, correlation id %q (-want +got):\n%s", name, d.CorrelationId, diff)
	}
}
