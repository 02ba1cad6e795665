package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	amqp "github.com/rabbitmq/amqp091-go"
)

// body is what Zigbee2MQTT says; n makes one or all of the values new. The temperature is a
// tenth of n.
func body(n, values int) string {
	if values == 1 {
		return fmt.Sprintf(`{"temperature":%.1f,"humidity":44,"battery":97,"linkquality":120}`, float64(n)/10)
	}
	return fmt.Sprintf(`{"temperature":%.1f,"humidity":%d,"battery":%d,"linkquality":%d}`, float64(n)/10, n%100, n%99, n%255)
}

// number is the whole number in a variable.
func number(t *testing.T, variable string) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv(variable))
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// feeder is who speaks for the devices.
type feeder struct {
	t      *testing.T
	c      paho.Client
	values int
	count  int
}

func feed(t *testing.T, with func(feeder)) {
	f := feeder{t, client(t, "bench-feed", true), number(t, valuesVar), number(t, countVar)}
	must(t, f.c.Connect())
	defer f.c.Disconnect(100)
	with(f)
}

// say has a device tell its n-th values.
func (f feeder) say(device, n int) paho.Token {
	return f.c.Publish(fmt.Sprintf("zigbee2mqtt/probe%d", device), 1, false, body(n, f.values))
}

// all says all as fast as the broker takes it: of each device the values from 1 on.
func (f feeder) all() {
	window := make(chan paho.Token, 1000)
	go func() {
		defer close(window)
		for n := range f.count {
			window <- f.say(n%benchDevices, 1+n/benchDevices)
		}
	}()
	for token := range window {
		must(f.t, token)
	}
}

// arrived is one temperature in RabbitMQ, in tenths.
func arrived(d amqp.Delivery) (device, n int, ok bool) {
	var body struct {
		Device, Property   string
		Value, Temperature *float64
	}
	if json.Unmarshal(d.Body, &body) != nil {
		return 0, 0, false
	}
	v := body.Temperature // as Zigbee2MQTT wrote it, below its topic
	if v == nil && body.Property == "temperature" {
		v = body.Value
	}
	at := strings.LastIndex(d.RoutingKey, "probe")
	if v == nil || at < 0 {
		return 0, 0, false
	}
	if _, err := fmt.Sscanf(d.RoutingKey[at:], "probe%d", &device); err != nil {
		return 0, 0, false
	}
	return device, int(math.Round(*v * 10)), true
}

// hear waits until each device is heard and nothing of that is under way any more: the last
// that each says then has arrived, and behind it comes nothing.
func hear(t *testing.T, f feeder) {
	ch := channel(t)
	in, err := ch.Consume(benchQueue, "bench-hear", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	const last = 1 << 20
	for round := range 60 {
		for device := range benchDevices {
			must(t, f.say(device, last+round))
		}
		heard := make(map[int]bool)
		for quiet := time.After(2 * time.Second); len(heard) < benchDevices && quiet != nil; {
			select {
			case d := <-in:
				if device, n, ok := arrived(d); ok && n == last+round {
					heard[device] = true
				}
			case <-quiet:
				quiet = nil
			}
		}
		if len(heard) == benchDevices {
			if err := ch.Cancel("bench-hear", false); err != nil {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond) // the other values of the last message
			if _, err := ch.QueuePurge(benchQueue, false); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("not all devices are heard")
}

// depth is how many messages have arrived.
func depth(t *testing.T, ch *amqp.Channel) int {
	t.Helper()
	q, err := ch.QueueDeclarePassive(benchQueue, true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q.Messages
}

// round tells how long it is until all that is said has arrived in RabbitMQ.
func round(t *testing.T, f feeder) {
	ch := channel(t)
	began := time.Now()
	f.all()
	want := f.count * number(t, eachVar)
	for deadline := time.Now().Add(2 * time.Minute); depth(t, ch) < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("lost: %d of %d arrived", depth(t, ch), want)
		}
	}
	fmt.Printf("SECONDS %.4f\n", time.Since(began).Seconds())
	gather(t, ch)
}

// gather takes what arrived, until all is there, and counts: of each device every value must
// be there, in order. What came twice came because the MQTT broker sent it again.
func gather(t *testing.T, ch *amqp.Channel) {
	in, err := ch.Consume(benchQueue, "bench-gather", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	count := number(t, countVar)
	var next [benchDevices]int
	came, others, twice, complete := 0, 0, 0, 0
	take := func(d amqp.Delivery) {
		came++
		device, n, ok := arrived(d)
		switch {
		case !ok: // another property, which a gateway that has just started tells once
			others++
		case n <= next[device]:
			twice++
		case n > next[device]+1:
			t.Errorf("probe%d: %d came after %d", device, n, next[device])
			fallthrough
		default:
			if next[device] = n; n == count/benchDevices {
				complete++
			}
		}
	}
	for deadline := time.After(3 * time.Minute); complete < benchDevices; {
		select {
		case d := <-in:
			take(d)
		case <-deadline:
			t.Fatalf("%d devices of %d are complete, after %d messages", complete, benchDevices, came)
		}
	}
	for quiet := time.After(time.Second); quiet != nil; { // nothing may follow but the other values of the last
		select {
		case d := <-in:
			take(d)
		case <-quiet:
			quiet = nil
		}
	}
	if came-others != count+twice {
		t.Errorf("%d temperatures came, %d of them twice, expected %d", came-others, twice, count)
	}
	fmt.Printf("TWICE %d\n", twice)
}
