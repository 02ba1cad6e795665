package systemd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/bridge/localbroker"
)

// witness knows what went in, what came out, and what was done.
type witness struct {
	t         *testing.T
	mosquitto *localbroker.Mosquitto
	client    paho.Client
	publish   func(id string, level int) error

	mu       sync.Mutex
	numbers  int                 // given to Mosquitto, which has them for sure
	commands map[string]int      // id to level, confirmed by RabbitMQ
	bodies   map[string]string   // by message_id
	seen     map[int]int         // number to how often it came under another message_id
	last     int                 // the largest number so far
	outcomes map[string][]string // by id of the command
	effects  map[int]int         // by level: how often the dimmer was told
	again    int
}

func newWitness(t *testing.T, broker *localbroker.RabbitMQ) *witness {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mosquitto, err := localbroker.StartMosquitto(ctx, localbroker.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mosquitto.Kill)
	w := &witness{t: t, mosquitto: mosquitto, commands: make(map[string]int), bodies: make(map[string]string), last: -1,
		seen: make(map[int]int), outcomes: make(map[string][]string), effects: make(map[int]int)}
	w.client = paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + mosquitto.Addr()).SetClientID("witness"))
	w.done(w.client.Connect())
	w.done(w.client.Subscribe("lab/dimmer/set", 1, func(c paho.Client, msg paho.Message) {
		level, err := strconv.Atoi(string(msg.Payload()))
		if err != nil {
			t.Errorf("the dimmer is told %q", msg.Payload())
			return
		}
		w.mu.Lock()
		w.effects[level]++
		w.mu.Unlock()
		c.Publish("lab/dimmer", 1, false, msg.Payload()) // it tells what it is now
	}))
	t.Cleanup(func() { w.client.Disconnect(100) })
	conn, err := amqp.Dial(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err == nil {
		err = ch.Confirm(false)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.publish = func(id string, level int) error {
		c, err := ch.PublishWithDeferredConfirm("hogar", "casa.command.lab.dimmer.level", false, false,
			amqp.Publishing{MessageId: id, DeliveryMode: amqp.Persistent, Body: []byte(strconv.Itoa(level))})
		if err == nil && !c.Wait() {
			err = fmt.Errorf("command %s was not confirmed", id)
		}
		return err
	}
	return w
}

func (w *witness) done(token paho.Token) {
	w.t.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		w.t.Fatalf("mosquitto: %v", token.Error())
	}
}

// traffic gives twenty numbers a second and a command every other second.
func (w *witness) traffic() (stop func()) {
	var wg sync.WaitGroup
	stopped := make(chan struct{})
	wg.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-tick.C:
			case <-stopped:
				return
			}
			w.give(n)
			if n%40 == 0 {
				id := fmt.Sprintf("command-%d", n)
				if err := w.publish(id, n); err != nil {
					w.t.Error(err)
					return
				}
				w.mu.Lock()
				w.commands[id] = n
				w.mu.Unlock()
			}
		}
	})
	return func() { close(stopped); wg.Wait() }
}

// give gives a number to Mosquitto, which says that it has it.
func (w *witness) give(n int) {
	token := w.client.Publish("lab/count", 1, false, strconv.Itoa(n))
	if !token.WaitTimeout(patience) || token.Error() != nil {
		w.t.Errorf("mosquitto does not take %d: %v", n, token.Error())
		return
	}
	w.mu.Lock()
	w.numbers = n
	w.mu.Unlock()
}

// repeated is how many messages came again.
func (w *witness) repeated() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.again
}

// behind is how many numbers were given and have not arrived.
func (w *witness) behind() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.numbers - w.last
}

func (w *witness) given() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.numbers
}

// collect takes in what arrives on RabbitMQ.
func (w *witness) collect(deliveries <-chan amqp.Delivery) {
	go func() { // ends with the connection
		for d := range deliveries {
			w.arrived(d)
		}
	}()
}

func (w *witness) arrived(d amqp.Delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, again := w.bodies[d.MessageId]
	if again {
		if w.again++; body != string(d.Body) {
			w.t.Errorf("message %s came with two bodies:\n%s\n%s", d.MessageId, body, d.Body)
		}
		return
	}
	w.bodies[d.MessageId] = string(d.Body)
	var about struct {
		Value   json.Number
		ID      string
		Outcome string
	}
	if err := json.Unmarshal(d.Body, &about); err != nil {
		w.t.Errorf("%s: %v", d.Body, err)
	}
	switch d.RoutingKey {
	case "casa.reading.lab.count.count":
		n, err := strconv.Atoi(about.Value.String())
		if err != nil {
			return // unknown: the connection to Mosquitto was away
		}
		if w.seen[n]++; w.seen[n] == 1 && n < w.last {
			w.t.Errorf("number %d came for the first time after %d", n, w.last)
		}
		w.last = max(w.last, n)
	case "casa.gateway.gap":
		w.t.Errorf("something is missing in the journal: %s", d.Body)
	case "casa.outcome.lab.dimmer":
		w.outcomes[about.ID] = append(w.outcomes[about.ID], about.Outcome)
	}
}

// awaitNumber waits until a number has arrived; number 0 is given again until then.
func (w *witness) awaitNumber(n int) {
	w.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if n == 0 {
			w.give(0)
		}
		w.mu.Lock()
		last := w.last
		w.mu.Unlock()
		if last >= n {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("number %d did not come; the last is %d", n, last)
		}
	}
}

func (w *witness) awaitOutcomes() {
	w.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		w.mu.Lock()
		missing := len(w.commands)
		for id := range w.commands {
			if len(w.outcomes[id]) > 0 {
				missing--
			}
		}
		w.mu.Unlock()
		if missing == 0 {
			return
		}
	}
}

// verdict says whether anything was lost, invented, or done twice.
func (w *witness) verdict(cuts int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := 1; n <= w.numbers; n++ {
		if w.seen[n] == 0 {
			w.t.Errorf("number %d is lost", n)
		}
	}
	for n := range w.seen {
		if n < 0 || n > w.numbers {
			w.t.Errorf("number %d was never given", n)
		}
	}
	count, twice := make(map[string]int), 0
	for id, level := range w.commands {
		switch all := w.outcomes[id]; {
		case len(all) == 0:
			w.t.Errorf("%s has no outcome", id)
		case len(all) > 1:
			w.t.Errorf("%s has the outcomes %v", id, all)
		default:
			if count[all[0]]++; w.effects[level] == 0 && (all[0] == "applied" || all[0] == "verified") {
				w.t.Errorf("%s is %s, and the dimmer was told nothing", id, all[0])
			}
		}
		if w.effects[level] > 2 {
			w.t.Errorf("%s was done %d times", id, w.effects[level])
		} else if w.effects[level] == 2 {
			twice++ // a value that was set just before the cut is set once more
		}
	}
	if twice > cuts {
		w.t.Errorf("%d commands were done twice, with %d cuts", twice, cuts)
	}
	w.t.Logf("%d numbers, %d commands %v, %d of them done twice, %d messages came again under the same id (%.1f %%)",
		w.numbers, len(w.commands), count, twice, w.again, 100*float64(w.again)/float64(len(w.bodies)))
}

func (w *witness) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%d numbers given, %d commands", w.numbers, len(w.commands))
}
