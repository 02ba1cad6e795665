package gateway

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/bridge/localbroker"
	"hogar/gateway/home"
)

// RabbitMQ, as an MQTT broker, has ten messages under way. They do not wait for the interval
// of the disk each time: with this one it would take a minute.
func TestABrokerThatHasGivenAllItMay(t *testing.T) {
	t.Parallel()
	r, err := localbroker.StartRabbitMQ(t.Context(), localbroker.Options{Dir: t.TempDir(), MQTT: -1})
	if errors.Is(err, localbroker.ErrNotInstalled) && os.Getenv("CI") == "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	h := runHouse(t, planOf(t, `
gateway: casa
mqtt: [{url: "`+strings.Replace(r.MQTTURL(), "//", "//guest:guest@", 1)+`"}]
journal: {sync: 5s}
devices:
  garden.meter: {driver: mqtt, topic: meter, property: count}
`), nil, nil)
	client := paho.NewClient(paho.NewClientOptions().AddBroker(r.MQTTURL()).SetClientID("meter").SetUsername("guest").SetPassword("guest"))
	finish(t, client.Connect())
	t.Cleanup(func() { client.Disconnect(100) })
	say := func(n int) { finish(t, client.Publish("meter", 1, false, strconv.Itoa(n))) }
	until(t, "the meter to be heard", func() bool { say(0); return h.reading("garden.meter.count").Value.Known() })
	began := time.Now()
	until(t, "the first interval, in which nothing waits, to end", func() bool { return time.Since(began) > 5*time.Second })
	const messages = 120
	for n := range messages {
		say(n + 1)
	}
	until(t, "all messages", func() bool { return h.reading("garden.meter.count").Value == home.NumberOf(messages) })
	h.stop()
}
