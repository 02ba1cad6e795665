package bridge

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// These benchmarks send commands to a hogar that runs as a process of its own,
// which cmd/bench starts: its name is in HOGAR_BENCH_GATEWAY. Its house has
// hall.lamp, the switches flood.n0 to flood.n14, the dimmers flood.n15 to
// flood.n49, and pairs probe.nN, mirror.nN of which a rule sets the second to what
// the first becomes.

const (
	benchActuators = 50
	benchSwitches  = 15 // the first of them
	benchPairs     = 4
)

func benchGateway(b *testing.B) (url, gateway string) {
	b.Helper()
	gateway = os.Getenv("HOGAR_BENCH_GATEWAY")
	if gateway == "" {
		b.Skip("cmd/bench runs it, beside a hogar that it starts (HOGAR_BENCH_GATEWAY)")
	}
	return benchHost(b, "stream"), gateway
}

// caller sends commands and gets their receipts by direct reply-to.
type caller struct {
	b       *testing.B
	ch      *amqp.Channel
	replies <-chan amqp.Delivery
}

func newCaller(b *testing.B, url string) *caller {
	b.Helper()
	c := &caller{b: b, ch: dialClient(b, url).ch}
	if err := c.ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	replies, err := c.ch.Consume("amq.rabbitmq.reply-to", "", true, false, false, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	c.replies = replies
	return c
}

// send publishes a command as a program would that wants it to survive: persistent
// and confirmed.
func (c *caller) send(exchange, key, id, body string) *amqp.DeferredConfirmation {
	c.b.Helper()
	sent, err := c.ch.PublishWithDeferredConfirm(exchange, key, true, false, amqp.Publishing{MessageId: id, CorrelationId: id,
		ReplyTo: "amq.rabbitmq.reply-to", DeliveryMode: amqp.Persistent, Body: []byte(body)})
	if err != nil {
		c.b.Fatal(err)
	}
	return sent
}

// receipt waits for the next one.
func (c *caller) receipt() home.Outcome {
	c.b.Helper()
	select {
	case d := <-c.replies:
		var o home.Outcome
		if err := json.Unmarshal(d.Body, &o); err != nil {
			c.b.Fatalf("receipt %q: %v", d.Body, err)
		}
		return o
	case <-time.After(30 * time.Second):
		c.b.Fatal("no receipt within 30 s")
	}
	panic("unreachable")
}

// BenchmarkTrip is the way of one command from its publishing to its receipt: to a
// bare consumer that confirms its reply and acknowledges; to one that syncs a line to
// the disk before, as who remembers outcomes must; to one that also publishes what it
// did, as two messages over another connection; and to hogar, which does all of it.
func BenchmarkTrip(b *testing.B) {
	url, gateway := benchGateway(b)
	for _, bare := range []bareWork{{name: "bare"}, {name: "bare_sync", sync: true}, {name: "bare_all", sync: true, publish: true}} {
		b.Run(bare.name, func(b *testing.B) {
			queue := "bench." + bare.name
			bareConsumer(b, url, queue, bare)
			trips(b, url, "hogar", queue, func(int) string { return "on" })
		})
	}
	b.Run("set", func(b *testing.B) {
		trips(b, url, "hogar", gateway+".command.hall.lamp.state", func(i int) string { return []string{"on", "off"}[i%2] })
	})
	b.Run("toggle", func(b *testing.B) {
		trips(b, url, "hogar", gateway+".command.hall.lamp.state", func(int) string { return "toggle" })
	})
}

func trips(b *testing.B, url, exchange, key string, body func(int) string) {
	c := newCaller(b, url)
	stem := fmt.Sprintf("%s-%d-", b.Name(), time.Now().UnixNano())
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		began := time.Now()
		sent := c.send(exchange, key, fmt.Sprint(stem, i), body(i))
		if o := c.receipt(); o.Result != home.Applied {
			b.Fatalf("%+v", o)
		}
		took = append(took, time.Since(began))
		if !sent.Wait() {
			b.Fatal("not confirmed")
		}
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
}

// bareWork is what a bare consumer does beside answering.
type bareWork struct {
	name          string
	sync, publish bool
}

// bareConsumer answers each message of a queue, bound by its own name, until the
// benchmark ends: over a connection of its own the reply, then the acknowledgement.
func bareConsumer(b *testing.B, url, queue string, work bareWork) {
	b.Helper()
	in, out := dialClient(b, url), dialClient(b, url)
	in.bind(queue, "hogar", queue)
	if err := in.ch.Qos(prefetch, 0, false); err != nil {
		b.Fatal(err)
	}
	deliveries, err := in.ch.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := out.ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	file, err := os.Create(filepath.Join(b.TempDir(), "outcomes"))
	if err != nil {
		b.Fatal(err)
	}
	tell := dialClient(b, url)
	if err := tell.ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for d := range deliveries {
			body, _ := json.Marshal(home.Outcome{ID: d.MessageId, Result: home.Applied}) // texts always encode
			if work.sync {
				if _, err := file.Write(append(body, '\n')); err != nil {
					b.Error(err)
				}
				if err := file.Sync(); err != nil {
					b.Error(err)
				}
			}
			for i := 0; work.publish && i < 2; i++ {
				_, err := tell.ch.PublishWithDeferredConfirm("hogar", "bench.reading.hall.lamp.state", true, false,
					amqp.Publishing{DeliveryMode: amqp.Persistent, Body: body})
				if err != nil {
					b.Error(err)
				}
			}
			sent, err := out.ch.PublishWithDeferredConfirm("", d.ReplyTo, false, false, amqp.Publishing{CorrelationId: d.CorrelationId, Body: body})
			if err != nil || !sent.Wait() {
				b.Error("the reply was not taken: ", err)
			}
			if err := d.Ack(false); err != nil {
				b.Error(err)
			}
		}
	}()
	b.Cleanup(func() {
		_ = in.ch.Close() // ends the deliveries
		<-ended
		_ = file.Close()
	})
}

// effects is what the house published of the flood's actuators and of the pairs.
type effects struct {
	applied, driven map[string]int // by device: outcomes applied, readings
	outcomes        map[string]int // by id
	results         map[home.Result]int
	changed         map[string]time.Time // last reading of a probe, by its number
	reactions       []time.Duration      // from a probe's reading to its mirror's
}

// BenchmarkCommands sends commands to 50 actuators, 2,000 a second, half of those
// to switches toggles, and then as fast as the broker takes them, while commands to the probes
// start rules. It fails when one is lost or acts twice.
func BenchmarkCommands(b *testing.B) {
	url, gateway := benchGateway(b)
	for _, one := range []struct {
		name string
		rate int // a second; 0: as fast as it goes
	}{{"rate=2000", 2000}, {"flood", 0}} {
		b.Run(one.name, func(b *testing.B) { benchCommands(b, url, gateway, one.rate) })
	}
}

func benchCommands(b *testing.B, url, gateway string, rate int) {
	seen := dialClient(b, url)
	if _, err := seen.ch.QueueDeclare("bench.seen", false, true, true, false, nil); err != nil {
		b.Fatal(err)
	}
	for _, key := range []string{".reading.#", ".outcome.#"} {
		if err := seen.ch.QueueBind("bench.seen", gateway+key, "hogar", false, nil); err != nil {
			b.Fatal(err)
		}
	}
	arrived, err := seen.ch.Consume("bench.seen", "", true, false, false, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	stem := fmt.Sprintf("%s-%d-", b.Name(), time.Now().UnixNano())
	began := time.Now()
	sent, over := make(chan int, 1), make(chan struct{})
	go func() { sent <- sendCommands(b, url, gateway, stem, rate, over) }()
	e := effects{applied: make(map[string]int), driven: make(map[string]int), outcomes: make(map[string]int),
		results: make(map[home.Result]int), changed: make(map[string]time.Time)}
	for len(e.outcomes) < b.N {
		select {
		case d := <-arrived:
			e.take(b, d, gateway, stem)
		case <-time.After(60 * time.Second):
			b.Fatalf("%d of %d commands have an outcome: %v", len(e.outcomes), b.N, e.results)
		}
	}
	took := time.Since(began)
	close(over)
	probes := <-sent
	e.judge(b)
	b.ReportMetric(float64(b.N)/took.Seconds(), "commands/s")
	b.ReportMetric(float64(e.results[home.Superseded]), "superseded")
	if b.N == 1 {
		return // the testing package's first try
	}
	slices.Sort(e.reactions)
	if len(e.reactions) < probes/2 || probes == 0 {
		b.Fatalf("%d reactions to %d probes", len(e.reactions), probes)
	}
	b.ReportMetric(float64(e.reactions[len(e.reactions)/2].Milliseconds()), "ms-reaction-p50")
	b.ReportMetric(float64(e.reactions[len(e.reactions)-1].Milliseconds()), "ms-reaction-max")
}

// sendCommands sends b.N commands to the actuators in turn, and commands to the
// probes between them and until all is over, which go before what waits. It returns
// how many those were.
func sendCommands(b *testing.B, url, gateway, stem string, rate int, over <-chan struct{}) (probes int) {
	ch, began := dialClient(b, url).ch, time.Now()
	publish := func(exchange, key, id, body string) {
		if err := ch.Publish(exchange, key, false, false, amqp.Publishing{MessageId: id, DeliveryMode: amqp.Persistent, Body: []byte(body)}); err != nil {
			b.Error(err)
		}
	}
	probe := func() { // a rule may start 30 times a minute, and there are two runs within it
		if probes < 12*benchPairs && time.Since(began) > time.Duration(probes)*200*time.Millisecond {
			publish(nowExchange, fmt.Sprintf("%s.probe.n%d.state", gateway, probes%benchPairs), fmt.Sprint(stem, "probe-", probes),
				[]string{"on", "off"}[probes/benchPairs%2])
			probes++
		}
	}
	for i := range b.N {
		if rate > 0 && i%(rate/100) == 0 {
			time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		}
		device, property, body := i%benchActuators, "level", fmt.Sprint(i/benchActuators%101)
		if device < benchSwitches {
			property, body = "state", []string{"on", "off", "toggle", "toggle"}[i/benchActuators%4]
		}
		publish("hogar", fmt.Sprintf("%s.command.flood.n%d.%s", gateway, device, property), fmt.Sprint(stem, i), body)
		if i%20 == 0 {
			probe()
		}
	}
	for {
		select {
		case <-over:
			return probes
		case <-time.After(20 * time.Millisecond):
			probe()
		}
	}
}

func (e *effects) take(b *testing.B, d amqp.Delivery, gateway, stem string) {
	name := strings.TrimPrefix(d.RoutingKey, gateway+".")
	kind, name, _ := strings.Cut(name, ".")
	switch {
	case kind == "outcome" && strings.HasPrefix(name, "flood."):
		var o home.Outcome
		if err := json.Unmarshal(d.Body, &o); err != nil {
			b.Fatalf("%s: %v", d.Body, err)
		}
		if !strings.HasPrefix(o.ID, stem) {
			return // of the round before
		}
		e.outcomes[o.ID]++
		e.results[o.Result]++
		if o.Result == home.Applied {
			e.applied[name]++
		}
	case kind == "reading":
		device, _ := home.Split(name)
		e.reading(b, d, device)
	}
}

func (e *effects) reading(b *testing.B, d amqp.Delivery, device string) {
	var r struct {
		Time time.Time `json:"time"`
	}
	if err := json.Unmarshal(d.Body, &r); err != nil {
		b.Fatalf("%s: %v", d.Body, err)
	}
	number, isMirror := strings.CutPrefix(device, "mirror.")
	switch {
	case strings.HasPrefix(device, "flood."):
		e.driven[device]++
	case strings.HasPrefix(device, "probe."):
		e.changed[strings.TrimPrefix(device, "probe.")] = r.Time
	case isMirror && !e.changed[number].IsZero():
		e.reactions = append(e.reactions, r.Time.Sub(e.changed[number]))
	}
}

// judge fails when a command was lost or acted twice: each outcome that says
// applied stands beside one reading of its actuator, and each id has one outcome.
func (e *effects) judge(b *testing.B) {
	for id, n := range e.outcomes {
		if n != 1 {
			b.Errorf("%s has %d outcomes", id, n)
		}
	}
	for device, n := range e.applied {
		if e.driven[device] != n {
			b.Errorf("%s was driven %d times by %d commands", device, e.driven[device], n)
		}
	}
	if e.results[home.Applied]+e.results[home.Superseded] != b.N {
		b.Errorf("outcomes %v", e.results)
	}
}
