package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// mostGrown is what a process may need, in kB, for messages of 16 to 133 MB, beside what it needs anyway.
const mostGrown = 32 << 10

// highest is the most that was resident, in kB, of a status in /proc; 0: it is not there.
func highest(status string) int {
	_, rest, _ := strings.Cut(status, "VmHWM:")
	kB, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.Atoi(kB)
	return n
}

// peak is the most of a process that was resident since it was forgotten, in kB.
func peak(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || highest(string(status)) == 0 {
		t.Fatalf("no peak in %q: %v", status, err)
	}
	return highest(string(status))
}

// forgetPeak begins the peak anew (proc_pid_clear_refs(5)), and returns what is resident.
func forgetPeak(t *testing.T, pid int) int {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	return peak(t, pid)
}

// largeHouse listens to another application and switches its lamp.
func largeHouse(name string) string {
	return house(name, 0) + "rules:\n  order: {when: {message: {exchange: " + name + ".shop, key: 'order.#'}}, mode: queued, do: [{log: an order}]}\n"
}

// large are the sizes of the messages, in MB: one of the first killed a gateway at each start.
var large = []int{133, 110, 16, 16, 16}

// TestLargeMessages sends messages of up to 133 MB to every place where the gateway takes
// messages. None is ever in its memory; each has one outcome, or leaves its trace, and what comes
// behind it is served in order; a kill in the middle changes nothing.
func TestLargeMessages(t *testing.T) {
	const name = "large"
	p := newProgram(t, name)
	if err := p.ch.ExchangeDeclare(name+".shop", "topic", false, true, false, false, nil); err != nil {
		t.Fatal(err)
	}
	patientRabbit(t)
	body := bytes.Repeat([]byte("x"), 133_000_000)
	g := newGate(t, largeHouse(name), "--amqp", broker(t).URL())
	g.run()
	until(t, "the gateway is present", func() bool { return present(t, name) })
	pid := g.cmd.Process.Pid
	before := forgetPeak(t, pid)

	for _, to := range []struct{ exchange, key string }{{"hogar", name + ".command.hall.lamp.state"}, {"hogar.now", name + ".hall.lamp.state"}} {
		for i, mb := range large {
			if to.exchange == "hogar.now" && i%5 > 0 {
				continue
			}
			id := fmt.Sprintf("%s-%d", to.exchange, i)
			o := p.send(to.exchange, to.key, amqp.Publishing{MessageId: id, CorrelationId: id, Body: body[:mb*1_000_000]})
			if want := fmt.Sprintf("the body has %d bytes; a command has at most 65536", mb*1_000_000); o.Result != home.Rejected || o.ID != id || o.Error != want {
				t.Errorf("%s: receipt %+v", id, o)
			}
			o = p.send(to.exchange, to.key, amqp.Publishing{MessageId: id + "-next", CorrelationId: id + "-next", Body: []byte("toggle")})
			if o.Result != home.Applied {
				t.Errorf("behind %s: receipt %+v", id, o)
			}
		}
	}
	largeOrders(t, p, body)
	grown := peak(t, pid) - before
	t.Logf("messages of up to 133 MB to commands, now and messages: %d kB more than the %d kB before", grown, before)
	if grown > mostGrown {
		t.Errorf("the gateway grew by %d kB", grown)
	}
	largeWhileAway(t, g, p, body)
	largeDead(t, name, body)
}

// patientRabbit has RabbitMQ take messages beyond 400 MB of memory, from now on: its alarm would
// stop the outcomes, too.
func patientRabbit(t *testing.T) {
	t.Helper()
	if _, err := broker(t).Ctl(t.Context(), "set_vm_memory_high_watermark", "absolute", "4GB"); err != nil {
		t.Fatal(err)
	}
}

// largeOrders sends messages of another application; each is an event without its body, in order.
func largeOrders(t *testing.T, p *program, body []byte) {
	t.Helper()
	for i, mb := range []int{133, 16, 16} {
		for what, of := range map[string][]byte{"large": body[:mb*1_000_000], "small": []byte(`{"on":true}`)} {
			if err := p.ch.Publish(p.gateway+".shop", "order."+what, false, false, amqp.Publishing{MessageId: fmt.Sprint(what, i), Body: of}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 6 {
		p.wait("an order starts the rule", func(d amqp.Delivery) bool {
			return d.RoutingKey == p.gateway+".rule.order" && bytes.Contains(d.Body, []byte(`"state":"started"`))
		})
	}
}

// largeWhileAway kills the gateway among large commands, lets others expire, and starts it again.
func largeWhileAway(t *testing.T, g *gate, p *program, body []byte) {
	t.Helper()
	key := p.gateway + ".command.hall.lamp.state"
	send := func(id string, msg amqp.Publishing) {
		t.Helper()
		msg.MessageId, msg.DeliveryMode = id, amqp.Persistent
		if err := p.ch.Publish("hogar", key, true, false, msg); err != nil {
			t.Fatal(err)
		}
	}
	want := make(map[string]home.Result)
	for i := range 2 {
		id := fmt.Sprint("killed-", i)
		send(id, amqp.Publishing{Body: body[:110_000_000]})
		want[id] = home.Rejected
		if i == 0 {
			g.kill()
		}
	}
	for i, mb := range []int{110, 16} {
		id := fmt.Sprint("expired-", i)
		send(id, amqp.Publishing{Body: body[:mb*1_000_000], Expiration: "1"})
		want[id] = home.Rejected
	}
	send("small", amqp.Publishing{Body: []byte("off")})
	want["small"] = home.Applied
	g.run()
	before := forgetPeak(t, g.cmd.Process.Pid)
	got := make(map[string]home.Result)
	for len(got) < len(want) {
		p.wait(fmt.Sprintf("outcomes of all (has %v)", got), func(d amqp.Delivery) bool {
			var o home.Outcome
			if d.Type != "hogar.outcome.v1" || json.Unmarshal(d.Body, &o) != nil || want[o.ID] == "" {
				return false
			}
			got[o.ID] = o.Result
			return true
		})
	}
	for id, result := range want {
		if got[id] != result {
			t.Errorf("%s is %s, want %s", id, got[id], result)
		}
	}
	for _, queue := range []string{"commands", "expired", "messages"} {
		until(t, "queue "+queue+" is empty", func() bool {
			q, err := p.ch.QueueDeclarePassive("hogar."+p.gateway+"."+queue, true, false, false, false, nil)
			return err == nil && q.Messages == 0
		})
	}
	grown := peak(t, g.cmd.Process.Pid) - before
	t.Logf("after the kill: %d kB more than the %d kB before", grown, before)
	if grown > mostGrown {
		t.Errorf("the gateway grew by %d kB", grown)
	}
	g.stop()
}

// largeDead lists dead letters of 133 and 110 MB.
func largeDead(t *testing.T, name string, body []byte) {
	t.Helper()
	ch := dial(t, broker(t).URL())
	queue := "hogar." + name + "_dead.dead"
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil { // by an operator, without bounds
		t.Fatal(err)
	}
	for i, mb := range []int{133, 110, 110} {
		if err := ch.Publish("", queue, false, false, amqp.Publishing{MessageId: fmt.Sprint("letter-", i), Body: body[:mb*1_000_000]}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the letters are there", func() bool {
		q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
		return err == nil && q.Messages == 3
	})
	for _, args := range [][]string{{"dead", "list", "--json"}, {"dead", "show", "letter-1"}, {"dead", "redrive"}} {
		out, kB := ranLarge(t, append(args, "--amqp", broker(t).URL(), "--gateway", name+"_dead")...)
		t.Logf("hogar %s needs %d kB", strings.Join(args, " "), kB)
		for _, part := range map[string][]string{"list": {`"body_bytes":133000000`, `"body_bytes":110000000`},
			"show": {"left out: it had 110000000 bytes"}, "redrive": {"letter-0 stays: its body is left out, it had 133000000 bytes"}}[args[1]] {
			if !strings.Contains(out, part) {
				t.Errorf("hogar %v says %q, want %q in it", args, out, part)
			}
		}
		if kB > 2*mostGrown {
			t.Errorf("hogar %v needed %d kB", args, kB)
		}
	}
	if q, err := ch.QueueDelete(queue, false, false, false); err != nil || q != 3 {
		t.Errorf("%d letters were left, %v", q, err)
	}
}

// ranLarge runs a command line in a process of its own, and returns what it says and the most it
// needed. (The peak that wait reports begins with the parent's own.)
func ranLarge(t *testing.T, args ...string) (out string, kB int) {
	t.Helper()
	var said lines
	cmd := hogar(t.TempDir(), args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // some end with an error
	}()
	for {
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)); err == nil {
			kB = max(kB, highest(string(status)))
		}
		select {
		case <-ended:
			return said.String(), kB
		case <-time.After(time.Millisecond):
		}
	}
}

// TestLargeAnswer asks a gateway that answers with 100 MB.
func TestLargeAnswer(t *testing.T) {
	const name = "largeanswer"
	patientRabbit(t)
	ch := dial(t, broker(t).URL())
	if err := ch.ExchangeDeclare("hogar.now", "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare("hogar."+name+".now", false, true, true, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := ch.QueueBind("hogar."+name+".now", name+".#", "hogar.now", false, nil); err != nil {
		t.Fatal(err)
	}
	questions := consume(t, ch, "hogar."+name+".now")
	go func() {
		for d := range questions {
			_ = ch.Publish("", d.ReplyTo, false, false, amqp.Publishing{CorrelationId: d.CorrelationId, Type: "hogar.devices.v1",
				Timestamp: time.Now(), Body: bytes.Repeat([]byte(" "), 100_000_000)})
		}
	}()
	out, kB := ranLarge(t, "devices", "--amqp", broker(t).URL(), "--gateway", name)
	t.Logf("an answer of 100 MB: %d kB", kB)
	if want := "the gateway's answer has 100000000 bytes; at most 16777216 are read"; !strings.Contains(out, want) || kB > 2*mostGrown {
		t.Errorf("%d kB, %s", kB, out)
	}
}
