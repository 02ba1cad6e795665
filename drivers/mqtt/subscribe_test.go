package mqtt

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/homeassistant"
	"hogar/gateway/home"
)

// A Mosquitto as it comes keeps 1,000 messages for a client and drops what is more. A
// house that retains more announcements, and more states, is known whole all the same, and
// what is said meanwhile is heard.
func TestMoreRetainedThanABrokerKeeps(t *testing.T) {
	const devices = 1500
	broker := startMosquitto(t, "allow_anonymous true\nmax_queued_messages 1000")
	client := broker.client("devices")
	var last paho.Token
	for i := range devices {
		client.Publish(fmt.Sprintf("homeassistant/sensor/n%d/config", i), 1, true,
			fmt.Sprintf(`{"name":"t","stat_t":"n/%d","uniq_id":"u%d","unit_of_meas":"W","dev":{"ids":"d%d","name":"Dev %d"}}`, i, i, i, i))
		if last = client.Publish(fmt.Sprintf("n/%d", i), 1, true, fmt.Sprint(i)); i%20 == 0 {
			finish(t, last)
		}
	}
	finish(t, last)
	h := new(house)
	h.commits(t)
	c := NewWith(Options{Broker: DecodeBroker(options("url", "mqtt://"+broker.address)), Gateway: "casa", Accept: h.accept,
		Sources: []Source{{"homeassistant", "homeassistant", homeassistant.New(homeassistant.Options{})}},
		Names:   dialect.NewNames(dialect.NamesOptions{}), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	run(t, c)
	live, end := devices, devices+1_000_000
	for pace := time.NewTicker(10 * time.Millisecond); live < end; live++ {
		<-pace.C
		finish(t, client.Publish("n/0", 1, false, fmt.Sprint(live)))
		if end > devices+500_000 && c.Connected() {
			end = live + 10
		}
	}
	eventually(t, "what was said last", func() bool {
		events := h.seen()
		return len(events) > 0 && events[len(events)-1].Value == home.NumberOf(float64(live-1))
	})
	known, values := 0, make(map[string]float64)
	for _, ev := range h.seen() {
		switch ev.Kind {
		case home.KindCatalog:
			known++
		case home.KindReading:
			v := ev.Value.Number()
			if v > devices && values["dev_0"] >= devices && v != values["dev_0"]+1 {
				t.Errorf("%v after %v, late: %v", v, values["dev_0"], ev.Late())
			}
			values[ev.Device] = v
		}
	}
	if known != devices || len(values) != devices {
		t.Errorf("%d devices and %d of their values are known, want %d", known, len(values), devices)
	}
	for i := 1; i < devices; i++ {
		if v := values[fmt.Sprintf("dev_%d", i)]; v != float64(i) {
			t.Fatalf("device %d says %v", i, v)
		}
	}
}
