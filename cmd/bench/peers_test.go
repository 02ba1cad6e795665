package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	amqp "github.com/rabbitmq/amqp091-go"
)

// What the measurement of MQTT hands to these programs, which are tests only in that they
// may use the libraries that hogar keeps behind its walls.
const (
	stepVar   = "HOGAR_BENCH_MQTT_STEP" // setup, hear, feed, gather, round, bare or split
	countVar  = "HOGAR_BENCH_MQTT_COUNT"
	valuesVar = "HOGAR_BENCH_MQTT_VALUES" // how many of the four change
	exchVar   = "HOGAR_BENCH_MQTT_EXCHANGE"
	keyVar    = "HOGAR_BENCH_MQTT_KEY"
	eachVar   = "HOGAR_BENCH_MQTT_EACH" // AMQP messages for each MQTT message
)

const (
	benchQueue   = "bench.mqtt"
	benchDevices = 100
	benchWindow  = 128 // as hogar's
)

// TestMQTTStep is one step of the measurement.
func TestMQTTStep(t *testing.T) {
	switch os.Getenv(stepVar) {
	case "setup":
		setUp(t)
	case "hear":
		feed(t, func(f feeder) { hear(t, f) })
	case "feed":
		feed(t, func(f feeder) { f.all() })
	case "gather":
		gather(t, channel(t))
	case "round":
		feed(t, func(f feeder) { round(t, f) })
	case "bare":
		bare(t, whole)
	case "split":
		bare(t, split)
	default:
		t.Skip("make bench runs it")
	}
}

func channel(t *testing.T) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(os.Getenv(brokerVar))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func client(t *testing.T, id string, clean bool) paho.Client {
	t.Helper()
	return paho.NewClient(paho.NewClientOptions().AddBroker(os.Getenv(mqttVarName)).SetClientID(id).SetCleanSession(clean).
		SetUsername("guest").SetPassword("guest").SetAutoAckDisabled(!clean).SetOrderMatters(true).SetMessageChannelDepth(1000))
}

func must(t *testing.T, token paho.Token) {
	t.Helper()
	if !token.WaitTimeout(time.Minute) || token.Error() != nil {
		t.Fatalf("mqtt: %v", token.Error())
	}
}

// setUp makes the queue that gathers, and announces the devices.
func setUp(t *testing.T) {
	ch := channel(t)
	exchange := os.Getenv(exchVar)
	if !strings.HasPrefix(exchange, "amq.") {
		if err := ch.ExchangeDeclare(exchange, "topic", true, false, false, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ch.QueueDelete(benchQueue, false, false, false); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare(benchQueue, true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
		t.Fatal(err)
	}
	if err := ch.QueueBind(benchQueue, os.Getenv(keyVar), exchange, false, nil); err != nil {
		t.Fatal(err)
	}
	for _, peer := range []string{"bench-bare", "bench-node", "hogar-" + gatewayName} { // what was said to the others waits for them
		old := client(t, peer, true)
		must(t, old.Connect())
		old.Disconnect(100)
	}
	c := client(t, "bench-setup", true)
	must(t, c.Connect())
	defer c.Disconnect(100)
	var list []string
	for i := range benchDevices {
		list = append(list, fmt.Sprintf(`{"ieee_address":"0x%03d","friendly_name":"probe%d","definition":{"exposes":[
			{"type":"numeric","property":"temperature","access":1,"unit":"°C"},{"type":"numeric","property":"humidity","access":1,"unit":"%%"},
			{"type":"numeric","property":"battery","access":1,"unit":"%%"},{"type":"numeric","property":"linkquality","access":1,"unit":"lqi"}]}}`, i, i))
	}
	must(t, c.Publish("zigbee2mqtt/bridge/groups", 1, true, "[]"))
	must(t, c.Publish("zigbee2mqtt/bridge/devices", 1, true, "["+strings.Join(list, ",")+"]"))
}

// piece is what is published of a message.
type piece struct {
	key  string
	body []byte
}

// whole is a message as it came.
func whole(m paho.Message) []piece {
	return []piece{{strings.ReplaceAll(m.Topic(), "/", "."), m.Payload()}}
}

// split is each value by itself, as hogar publishes them.
func split(m paho.Message) (pieces []piece) {
	var values map[string]json.RawMessage
	if json.Unmarshal(m.Payload(), &values) != nil {
		return nil
	}
	topic, now := strings.ReplaceAll(m.Topic(), "/", "."), time.Now()
	for property, value := range values {
		body, _ := json.Marshal(struct {
			Device, Property string
			Value            json.RawMessage
			Time             time.Time
		}{m.Topic(), property, value, now})
		pieces = append(pieces, piece{topic + "." + property, body})
	}
	return pieces
}

// bare does what hogar does without a journal: it acknowledges to the MQTT broker what
// RabbitMQ has confirmed, in order, until its standard input ends.
func bare(t *testing.T, pieces func(paho.Message) []piece) {
	ch := channel(t)
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	type flight struct {
		m    paho.Message // nil: more of it follows
		sent *amqp.DeferredConfirmation
	}
	inbox, flights := make(chan paho.Message, 1000), make(chan flight, benchWindow)
	c := client(t, "bench-bare", false)
	go func() {
		for m := range inbox {
			list := pieces(m)
			for i, p := range list {
				sent, err := ch.PublishWithDeferredConfirmWithContext(context.Background(), os.Getenv(exchVar), p.key, false, false,
					amqp.Publishing{DeliveryMode: amqp.Persistent, ContentType: "application/json", Body: p.body})
				if err != nil {
					t.Error(err)
					return
				}
				f := flight{sent: sent}
				if i == len(list)-1 {
					f.m = m
				}
				flights <- f
			}
		}
	}()
	go func() {
		for f := range flights {
			if !f.sent.Wait() {
				return // nothing behind it is acknowledged, and all comes again
			}
			if f.m != nil {
				f.m.Ack()
			}
		}
	}()
	must(t, c.Connect())
	must(t, c.Subscribe("zigbee2mqtt/+", 1, func(_ paho.Client, m paho.Message) { inbox <- m }))
	fmt.Println("READY")
	_, _ = io.Copy(io.Discard, os.Stdin)
	c.Disconnect(100)
}
