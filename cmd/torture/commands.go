package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Devices that are commanded. A dial is set to a value that no other command has,
// so that its log tells which command acted; a lamp is toggled, which must never
// be done twice.
var (
	dials = []string{"dial0", "dial1", "dial2"}
	lamps = []string{"lamp0", "lamp1"}
)

// order is a command that was sent.
type order struct {
	taken  bool // RabbitMQ has confirmed it; else nobody knows
	device string
	value  int  // of a dial
	dead   bool // poison, or expired when it was sent: it may not act
}

// commander sends commands, past all proxies, and keeps the actuators' own log.
type commander struct {
	urls    []string
	gateway string
	prefix  string // of the topics
	log     *logFile
	stop    context.CancelFunc

	disconnect func() // of the actuators
	wg         sync.WaitGroup

	mu      sync.Mutex
	orders  map[string]order
	effects map[string]map[string]int // by device and value
}

func newCommander(urls []string, gateway, prefix string, log *logFile) *commander {
	return &commander{urls: urls, gateway: gateway, prefix: prefix, log: log, stop: func() {}, disconnect: func() {},
		orders: make(map[string]order), effects: make(map[string]map[string]int)}
}

// devices are their lines of the configuration.
func (c *commander) devices() string {
	var b strings.Builder
	for _, d := range dials {
		fmt.Fprintf(&b, "  %s: {driver: mqtt, topic: %[2]s%[1]s, property: level, command_topic: %[2]s%[1]s/set}\n", d, c.prefix)
	}
	for _, d := range lamps {
		fmt.Fprintf(&b, "  %s: {driver: mqtt, topic: %[2]s%[1]s, property: state, type: boolean, command_topic: %[2]s%[1]s/set}\n", d, c.prefix)
	}
	return b.String()
}

// start connects the actuators to Mosquitto, and begins to send.
func (c *commander) start(addr string, seed uint64) error {
	client, err := connectMQTT(addr, "actuator-"+strings.Trim(c.prefix, "/"), func(client paho.Client) {
		client.Subscribe(c.prefix+"+/set", 1, func(_ paho.Client, m paho.Message) {
			device := strings.TrimSuffix(strings.TrimPrefix(m.Topic(), c.prefix), "/set")
			if m.Duplicate() {
				return // Mosquitto asks whether it came
			}
			c.act(device, string(m.Payload()))
			client.Publish(c.prefix+device, 1, false, m.Payload())
		})
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	c.wg.Go(func() {
		chance := rand.New(rand.NewPCG(seed, 3))
		for n, i := 1, 0; ctx.Err() == nil; i++ {
			n = c.send(ctx, c.urls[i%len(c.urls)], chance, n)
			sleep(ctx, 200*time.Millisecond)
		}
	})
	c.disconnect = func() { client.Disconnect(100) }
	return nil
}

func (c *commander) act(device, value string) {
	c.log.add("acted %s %s", device, value)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.effects[device] == nil {
		c.effects[device] = make(map[string]int)
	}
	c.effects[device][value]++
}

// send sends commands over one connection, from number n on, and returns where it
// stopped.
func (c *commander) send(ctx context.Context, url string, chance *rand.Rand, n int) int {
	conn, err := amqp.DialConfig(url, amqp.Config{Dial: amqp.DefaultDial(5 * time.Second), Heartbeat: 10 * time.Second})
	if err != nil {
		return n
	}
	defer func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) }()
	ch, err := conn.Channel()
	if err != nil || ch.Confirm(false) != nil {
		return n
	}
	returns := ch.NotifyReturn(make(chan amqp.Return, 16))
	for ; ctx.Err() == nil; n++ {
		key, pub, o := c.command(chance, n)
		c.ordered(pub.MessageId, o)
		times := 1
		if chance.IntN(10) == 0 {
			times = 2 // a sender that is not sure
		}
		for range times {
			sent, err := ch.PublishWithDeferredConfirm(exchangeName, key, true, false, pub)
			if err != nil {
				return n + 1
			}
			waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
			taken, err := sent.WaitContext(waiting)
			cancel()
			if err != nil {
				return n + 1 // nobody knows
			}
			select {
			case <-returns:
				taken = false
			default:
			}
			if taken {
				o.taken = true
				c.ordered(pub.MessageId, o)
				c.log.add("sent %s %s %s dead=%v", pub.MessageId, key, pub.Body, o.dead)
			}
		}
		sleep(ctx, 150*time.Millisecond)
	}
	return n
}

func (c *commander) ordered(id string, o order) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.orders[id] = o
}

// command makes the nth: one in twenty is poison, and one in twenty is too late.
func (c *commander) command(chance *rand.Rand, n int) (key string, pub amqp.Publishing, o order) {
	o = order{device: dials[n%len(dials)], value: n}
	property, body := "level", fmt.Sprint(n)
	if n%5 == 0 {
		o, property, body = order{device: lamps[n/5%len(lamps)]}, "state", "toggle"
	}
	key = c.gateway + ".command." + o.device + "." + property
	pub = amqp.Publishing{MessageId: fmt.Sprintf("c-%d", n), DeliveryMode: amqp.Persistent, Timestamp: time.Now(), Body: []byte(body)}
	switch chance.IntN(20) {
	case 0:
		poisons := []string{"", "\xff\xfe", `{"level":`, `{"a":{"b":[1,2]}}`, "purple", strings.Repeat("9", 70_000)}
		pub.Body, o.dead = []byte(poisons[chance.IntN(len(poisons))]), true
	case 1:
		pub.Type, o.dead = "hogar.command.v1", true
		pub.Body = fmt.Appendf(nil, `{"set":{%q:%s},"expires":%q}`, property, map[bool]string{true: `"toggle"`, false: body}[body == "toggle"],
			time.Now().Add(-10*time.Second).UTC().Format(time.RFC3339))
	}
	return key, pub, o
}

// end sends no more; the actuators go on to act.
func (c *commander) end() {
	c.stop()
	c.wg.Wait()
}

// close ends both. The actuators of the next run may have the same name.
func (c *commander) close() {
	c.end()
	c.disconnect()
}

// outcomes are the distinct final outcomes by id, as they arrived.
func outcomes(arrived []delivery) map[string]map[string]bool {
	all := make(map[string]map[string]bool)
	for _, d := range arrived {
		var o struct{ ID, Outcome string }
		if d.kind != "outcome" || json.Unmarshal([]byte(d.body), &o) != nil {
			continue
		}
		if all[o.ID] == nil {
			all[o.ID] = make(map[string]bool)
		}
		all[o.ID][o.Outcome] = true
	}
	return all
}

// unanswered counts the commands without an outcome.
func (c *commander) unanswered(arrived []delivery) (n int) {
	told := outcomes(arrived)
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, o := range c.orders {
		if o.taken && len(told[id]) == 0 {
			n++
		}
	}
	return n
}

// judgeCommands holds the invariant of commands (one outcome, at most one effect)
// against the logs. kills is how often the gateway was started; lossy says that
// Mosquitto may have lost what an actuator was to do.
func judgeCommands(v *verdict, orders map[string]order, effects map[string]map[string]int, arrived []delivery, kills int, lossy bool) {
	told := outcomes(arrived)
	twice := 0
	applied, unsure := make(map[string]int), make(map[string]int) // of lamps
	for id, o := range orders {
		if !o.taken && len(told[id]) == 0 {
			continue // it never came to the gateway
		}
		v.commands++
		switch len(told[id]) {
		case 1:
		case 0:
			v.unanswered++
			v.complain("command %s has no outcome", id)
		default:
			v.complain("command %s has several outcomes: %v", id, told[id])
		}
		result := ""
		for result = range told[id] {
		}
		done := result == "applied" || result == "verified"
		if o.value == 0 {
			switch {
			case done:
				applied[o.device]++
			case result == "unknown" || result == "failed":
				unsure[o.device]++
			}
			if o.dead && result != "rejected" && result != "expired" {
				v.complain("command %s was not to act, and is %s", id, result)
			}
			continue
		}
		n := effects[o.device][fmt.Sprint(o.value)]
		switch {
		case o.dead && n > 0, n > 2:
			v.complain("command %s (%s) acted %d times", id, result, n)
		case n == 2:
			twice++
		case done && n == 0 && !lossy:
			v.complain("command %s is %s, and nothing happened", id, result)
		}
		if result == "unknown" {
			v.complain("command %s sets a value, and is unknown", id)
		}
	}
	v.twice = twice
	if twice > kills*len(dials) {
		v.complain("%d commands acted twice, and the gateway was started %d times", twice, kills)
	}
	for _, lamp := range lamps {
		n := 0
		for _, times := range effects[lamp] {
			n += times
		}
		if least, most := applied[lamp], applied[lamp]+unsure[lamp]; n > most || n < least && !lossy {
			v.complain("%s was switched %d times, expected %d to %d", lamp, n, least, most)
		}
	}
}
