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
	stepVar   = "HOGAR_BENCH_MQTT_STEP" // setup, hear, feed, gather, round, bare or readings
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
	case "readings":
		bare(t, readings())
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

// whole is a message as it came.
func whole(m paho.Message) []piece {
	return []piece{{strings.ReplaceAll(m.Topic(), "/", "."), amqp.Publishing{DeliveryMode: amqp.Persistent, ContentType: "application/json", Body: m.Payload()}}}
}

// piece is what is published of a message.
type piece struct {
	key string
	pub amqp.Publishing
}

// readings makes hogar's messages: one for each value that is new, with hogar's body and
// properties.
func readings() func(paho.Message) []piece {
	last := make(map[string]map[string]string) // by topic and property
	seq := int64(0)
	return func(m paho.Message) (pieces []piece) {
		var values map[string]json.RawMessage
		if json.Unmarshal(m.Payload(), &values) != nil {
			return nil
		}
		known := last[m.Topic()]
		if known == nil {
			known = make(map[string]string)
			last[m.Topic()] = known
		}
		device := strings.TrimPrefix(m.Topic(), "zigbee2mqtt/")
		for property, value := range values {
			if known[property] == string(value) {
				continue
			}
			known[property] = string(value)
			seq++
			now := time.Now()
			body, _ := json.Marshal(struct {
				Device   string          `json:"device"`
				Property string          `json:"property"`
				Value    json.RawMessage `json:"value"`
				Unit     string          `json:"unit"`
				Time     time.Time       `json:"time"`
				Seq      int64           `json:"dseq"`
			}{device, property, value, "°C", now.UTC().Truncate(time.Millisecond), seq})
			pieces = append(pieces, piece{"casa.reading." + device + "." + property, amqp.Publishing{
				Headers:     amqp.Table{"seq": seq, "late": false, "simulated": true, "dseq": seq},
				ContentType: "application/json", DeliveryMode: amqp.Persistent, Type: "hogar.reading.v1", AppId: "hogar/bench", Timestamp: now, UserId: "guest",
				MessageId: fmt.Sprintf("0198a7c2-7a3e-7c11-9d1f-000000000000-%d", seq), Body: body,
			}})
		}
		return pieces
	}
}

// bare does what hogar does without a journal: it acknowledges to the MQTT broker what
// RabbitMQ has confirmed, in order, until its standard input ends.
func bare(t *testing.T, pieces func(paho.Message) []piece) {
	ch := channel(t)
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	type flight struct {
		m    paho.Message               // nil: more of it follows
		sent *amqp.DeferredConfirmation // nil: it said nothing new
	}
	inbox, flights := make(chan paho.Message, 1000), make(chan flight, benchWindow)
	c := client(t, "bench-bare", false)
	go func() {
		for m := range inbox {
			list := pieces(m)
			if len(list) == 0 {
				flights <- flight{m: m}
			}
			for i, p := range list {
				sent, err := ch.PublishWithDeferredConfirmWithContext(context.Background(), os.Getenv(exchVar), p.key, false, false, p.pub)
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
			if f.sent != nil && !f.sent.Wait() {
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
