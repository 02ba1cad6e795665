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

// TestNothingIsLost has two gateways. One lives through a crash of the broker.
// The other is killed while the broker is down, is started again before it is
// back, and is killed once more in the middle of publishing; it has an MQTT
// device that tells a number of its own with every message. At the end the
// journals say what was durable, and all of that has arrived.
//
// It does not run beside other tests, for they have the same broker.
func TestNothingIsLost(t *testing.T) {
	r := broker(t)
	m, err := localbroker.StartMosquitto(t.Context(), localbroker.Options{Dir: filepath.Join(rabbit.dir, "mosquitto")})
	need(t, err)
	t.Cleanup(m.Kill)
	ch := dial(t, r.URL())
	bindAll(t, ch, "rock")
	bindAll(t, ch, "storm")
	args := []string{"--amqp", r.URL(), "--with-mqtt", "--speed", "5"}
	rock := newGate(t, house("rock", 4), args...)
	rock.run()
	storm := newGate(t, house("storm", 4)+fmt.Sprintf(`  yard.meter: {driver: mqtt, topic: meter, property: count}
mqtt:
  - url: %s
`, m.URL()), args...)
	storm.run()
	meter := startMeter(t, m.Addr())
	until(t, "the meter is heard", func() bool { return storm.value("yard.meter").Known() })
	from := int(storm.value("yard.meter").Number()) // nobody had subscribed to those before
	confirmed(rock, 200)
	confirmed(storm, 200)

	// The broker crashes. The one goes on; the other is killed with all that waits,
	// and the next one is there before its broker.
	r.Kill()
	waiting(rock, 100)
	waiting(storm, 100)
	storm.kill()
	storm.run()
	waiting(storm, 200)
	again(t, r)
	for _, g := range []*gate{rock, storm} {
		until(t, "the gateway has caught up", func() bool { s := g.status(); return s.AMQP.Connected && s.Journal.Waiting < 100 })
	}

	// The gateway crashes in the middle of publishing.
	confirmed(storm, storm.status().AMQP.Confirmed+100)
	storm.kill()
	storm.run()
	confirmed(storm, 100)

	sent := meter.stop()
	until(t, "the meter's last number is here", func() bool { return storm.value("yard.meter") == home.NumberOf(float64(sent)) })
	for _, g := range []*gate{rock, storm} {
		if code, took := g.stop(); code != 0 || took > 20*time.Second {
			t.Errorf("SIGTERM: exit code %d after %s", code, took)
		}
	}
	arrived := collect(t, r, "test.rock")
	compareJournal(t, rock.journal(), arrived)
	compareLedger(t, rock.journal(), arrived)
	arrived = collect(t, r, "test.storm")
	compareJournal(t, storm.journal(), arrived)
	compareLedger(t, storm.journal(), arrived)
	compareMeter(t, arrived, from, sent)
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
func compareJournal(t *testing.T, dir string, arrived []amqp.Delivery) {
	t.Helper()
	c := newCounter()
	for _, d := range arrived {
		c.add(t, d)
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
	t.Logf("%d messages arrived, %d of them readings, and %d once more", len(c.ids), c.readings, c.again)
}

// compareMeter looks for each number that Mosquitto took.
func compareMeter(t *testing.T, arrived []amqp.Delivery, from, to int) {
	t.Helper()
	numbers := make(map[int]bool)
	for _, d := range arrived {
		if d.RoutingKey == "storm.reading.yard.meter.count" {
			numbers[int(aboutOf(t, d).Value.Number())] = true
		}
	}
	missing := 0
	for n := from; n <= to; n++ {
		if !numbers[n] {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d messages that Mosquitto took did not arrive", missing, to-from+1)
	}
	t.Logf("the meter told %d numbers", to-from+1)
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
