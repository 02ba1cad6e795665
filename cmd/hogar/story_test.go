package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/bridge/localbroker"
	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// TestNothingIsLost kills the broker, the gateway, and both, while chips are read
// and an MQTT device tells a number of its own with every message. At the end the
// journal says what was durable, and all of that has arrived.
//
// It does not run beside other tests, for they have the same broker.
func TestNothingIsLost(t *testing.T) {
	const name = "storm"
	r := broker(t)
	m, err := localbroker.StartMosquitto(t.Context(), localbroker.Options{Dir: filepath.Join(rabbit.dir, "mosquitto")})
	need(t, err)
	t.Cleanup(m.Kill)
	queue := bindAll(t, dial(t, r.URL()), name)

	yaml := house(name, 6) + fmt.Sprintf(`  yard.meter: {driver: mqtt, topic: meter, property: count}
mqtt:
  - url: %s
`, m.URL())
	g := newGate(t, yaml, "--amqp", r.URL(), "--with-mqtt", "--speed", "5")
	g.run()
	meter := startMeter(t, m.Addr())
	until(t, "the meter is heard", func() bool { return g.value("yard.meter").Known() })
	from := int(g.value("yard.meter").Number()) // nobody had subscribed to those before
	confirmed(g, 300)

	// The broker crashes, and the gateway goes on without it.
	r.Kill()
	waiting(g, 100)
	again(t, r)
	until(t, "the gateway has caught up", func() bool { s := g.status(); return s.AMQP.Connected && s.Journal.Waiting < 100 })

	// The gateway crashes in the middle of publishing.
	confirmed(g, g.status().AMQP.Confirmed+100)
	g.kill()
	g.run()
	confirmed(g, 100)

	// The broker stops, and then the gateway crashes with all that waits. The next
	// one is there before its broker.
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	waiting(g, 100)
	g.kill()
	g.run()
	waiting(g, 200)
	again(t, r)
	until(t, "the new gateway has caught up", func() bool { s := g.status(); return s.AMQP.Connected && s.Journal.Waiting < 100 })

	sent := meter.stop()
	until(t, "the meter's last number is here", func() bool { return g.value("yard.meter") == home.NumberOf(float64(sent)) })
	if code, took := g.stop(); code != 0 || took > 20*time.Second {
		t.Errorf("SIGTERM: exit code %d after %s", code, took)
	}
	compareJournal(t, g.journal(), collect(t, r, queue), name, from, sent)
}

func again(t *testing.T, r *localbroker.RabbitMQ) {
	t.Helper()
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// confirmed waits until the broker has taken so many messages of this gateway.
func confirmed(g *gate, n uint64) {
	g.t.Helper()
	until(g.t, fmt.Sprintf("%d messages are confirmed", n), func() bool { return g.status().AMQP.Confirmed >= n })
}

// waiting waits until so many records wait for the broker.
func waiting(g *gate, n uint64) {
	g.t.Helper()
	until(g.t, fmt.Sprintf("%d records wait", n), func() bool { s := g.status(); return !s.AMQP.Connected && s.Journal.Waiting >= n })
}

// collect takes all messages out of the queue, in their order.
func collect(t *testing.T, r *localbroker.RabbitMQ, queue string) []amqp.Delivery {
	t.Helper()
	ch := dial(t, r.URL())
	q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	deliveries := consume(t, ch, queue)
	var all []amqp.Delivery
	for range q.Messages {
		select {
		case d := <-deliveries:
			all = append(all, d)
		case <-time.After(patience):
			t.Fatalf("%d of %d messages within %s", len(all), q.Messages, patience)
		}
	}
	return all
}

// compareJournal holds what has arrived against what the journal has.
func compareJournal(t *testing.T, dir string, arrived []amqp.Delivery, name string, from, sent int) {
	t.Helper()
	c, numbers := newCounter(), make(map[float64]bool)
	for _, d := range arrived {
		c.add(t, d)
		if d.RoutingKey == name+".reading.yard.meter.count" {
			numbers[aboutOf(t, d).Value.Number()] = true
		}
	}
	j, err := journal.Open(dir, journal.Options{Keep: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	records := 0
	for rec, err := range j.Scan(0) {
		if err != nil {
			t.Fatal(err)
		}
		if home.Flags(rec.Flags)&home.FlagPublished == 0 {
			continue
		}
		records++
		id := fmt.Sprintf("%s-%d", j.ID(), rec.Seq)
		if body, ok := c.ids[id]; !ok {
			t.Errorf("durable, and not arrived: %s %s", id, rec.Body)
		} else if body != string(rec.Body) {
			t.Errorf("%s arrived as\n%s, the journal has\n%s", id, body, rec.Body)
		}
	}
	if records != len(c.ids) {
		t.Errorf("%d messages arrived, the journal has %d", len(c.ids), records)
	}
	missing := 0
	for n := from; n <= sent; n++ {
		if !numbers[float64(n)] {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d messages that Mosquitto took did not arrive", missing, sent-from+1)
	}
	t.Logf("%d messages arrived, %d of them %d times more; %d readings; the meter told %d numbers",
		len(c.ids), min(c.again, len(c.ids)), c.again, c.readings, sent)
}

// meter is an MQTT device that counts, with QoS 1.
type meter struct {
	end  context.CancelFunc
	done sync.WaitGroup
	sent int
}

func startMeter(t *testing.T, addr string) *meter {
	t.Helper()
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("meter"))
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("mqtt: %v", token.Error())
	}
	ctx, cancel := context.WithCancel(t.Context())
	m := &meter{end: cancel}
	t.Cleanup(func() { m.stop(); client.Disconnect(100) })
	m.done.Go(func() {
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-pace.C:
			case <-ctx.Done():
				return
			}
			token := client.Publish("meter", 1, false, fmt.Sprint(m.sent+1))
			if !token.WaitTimeout(patience) || token.Error() != nil {
				t.Errorf("mqtt: %v", token.Error())
				return
			}
			m.sent++ // Mosquitto has it
		}
	})
	return m
}

// stop ends the counting and returns how far it came.
func (m *meter) stop() int {
	m.end()
	m.done.Wait()
	return m.sent
}

// Of two gateways of one name the first has the commands; the second publishes,
// and leaves them alone.
func TestSecondGatewayOfTheName(t *testing.T) {
	t.Parallel()
	const name = "double"
	first := newGate(t, house(name, 0), "--amqp", broker(t).URL())
	first.run()
	until(t, "the first is present", func() bool { return present(t, name) })
	second := newGate(t, house(name, 0), "--amqp", broker(t).URL())
	second.run()
	until(t, "the second publishes", func() bool { return second.status().AMQP.Confirmed > 0 })
	p := newProgram(t, name)
	for i := range 20 {
		o := p.send("hogar", name+".command.hall.lamp.state", amqp.Publishing{Body: []byte("toggle"), CorrelationId: fmt.Sprint(i)})
		if want := home.BooleanOf(i%2 == 0); o.Result != home.Applied || first.value("hall.lamp") != want {
			t.Errorf("%+v; the lamp is %s, want %s", o, first.value("hall.lamp"), want)
		}
	}
	if v := second.value("hall.lamp"); v != off {
		t.Errorf("the second has switched its lamp %s", v)
	}
}
