package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/api"
)

// house is a configuration with a relay, a contact and as many bme280 as asked for.
func house(gateway string, chips int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "gateway: %s\njournal: {path: journal, sync: 20ms}\ndevices:\n", gateway)
	b.WriteString("  hall.lamp: {driver: relay, pin: GPIO17, active_low: true}\n")
	for i := range chips {
		fmt.Fprintf(&b, "  room%d.climate: {driver: bme280, bus: I2C%d, address: %#x, every: 1s}\n", i, 1+i/2, 0x76+i%2)
	}
	return b.String()
}

// 5,000 readings from simulated chips arrive once each, in order for each device.
func TestReadingsArriveOnceInOrder(t *testing.T) {
	t.Parallel()
	const name, chips, readings = "flood", 16, 5000
	p := newProgram(t, name)
	g := newGate(t, house(name, chips), "--amqp", broker(t).URL(), "--speed", "20", "--start", "2026-03-21 18:30")
	g.run()
	began := time.Now()
	c := newCounter()
	var lamp, climate amqp.Delivery
	for c.readings < readings {
		d := p.wait("the next reading", func(amqp.Delivery) bool { return true })
		c.add(t, d)
		switch d.RoutingKey {
		case name + ".reading.hall.lamp.state":
			lamp = d
		case name + ".reading.room3.climate.temperature":
			climate = d
		}
	}
	t.Logf("%d readings of %d chips in %.1f s", c.readings, chips, time.Since(began).Seconds())
	if c.again > 0 {
		t.Errorf("%d messages came twice", c.again)
	}
	if len(c.dseq) != chips+1 {
		t.Errorf("%d devices told something, want %d", len(c.dseq), chips+1)
	}
	compareReading(t, lamp, name, "hall.lamp", "state", "false", "")
	compareReading(t, climate, name, "room3.climate", "temperature", aboutOf(t, climate).Value.String(), "°C")
	if code, took := g.stop(); code != 0 || took > 20*time.Second {
		t.Errorf("SIGTERM: exit code %d after %s", code, took)
	}
}

// compareReading holds a whole message against the contract. Its time, its
// numbers and whether it is late are taken from it, and their form is checked.
func compareReading(t *testing.T, d amqp.Delivery, gateway, device, property, value, unit string) {
	t.Helper()
	a := aboutOf(t, d)
	if at, err := time.Parse("2006-01-02T15:04:05.000Z", a.Time); err != nil {
		t.Errorf("time %q: %v", a.Time, err)
	} else if since := d.Timestamp.Sub(at); since < -time.Second || since > time.Minute {
		t.Errorf("the timestamp %s is %s after the measurement at %s", d.Timestamp.UTC(), since, a.Time)
	}
	if unit != "" {
		unit = `,"unit":"` + unit + `"`
	}
	want := message{
		Exchange: "hogar", Key: gateway + ".reading." + device + "." + property, ContentType: "application/json", DeliveryMode: 2,
		Type: "hogar.reading.v1", AppID: "hogar/dev", UserID: "guest", MessageID: d.MessageId,
		Headers: amqp.Table{"seq": d.Headers["seq"], "dseq": a.DSeq, "late": d.Headers["late"], "simulated": true},
		Body:    fmt.Sprintf(`{"device":%q,"property":%q,"value":%s%s,"time":%q,"dseq":%d}`, device, property, value, unit, a.Time, a.DSeq),
	}
	if diff := cmp.Diff(want, messageOf(d)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", d.RoutingKey, diff)
	}
	if _, ok := d.Headers["late"].(bool); !ok {
		t.Errorf("header late is %v", d.Headers["late"])
	}
	id := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-(\d+)$`).FindStringSubmatch(d.MessageId)
	if id == nil || id[2] != fmt.Sprint(d.Headers["seq"]) {
		t.Errorf("message id %q, expected the journal's id and seq %v", d.MessageId, d.Headers["seq"])
	}
}

// What a gateway tells about itself and its devices goes to hogar.history, too,
// and the status says that all is well.
func TestHistoryIsAStream(t *testing.T) {
	t.Parallel()
	const name = "annals"
	p := newProgram(t, name)
	g := newGate(t, house(name, 1), "--amqp", broker(t).URL())
	g.run()
	seen := make(map[string]bool)
	for !seen["reading"] || !seen["status"] || !seen["catalog"] || !seen["gateway"] {
		d := p.wait("messages of four kinds", func(amqp.Delivery) bool { return true })
		seen[strings.Split(d.RoutingKey, ".")[1]] = true
	}
	ch := dial(t, broker(t).URL())
	if err := ch.Qos(100, 0, false); err != nil {
		t.Fatal(err)
	}
	stream, err := ch.Consume("hogar.history", "", false, false, false, false, amqp.Table{"x-stream-offset": "first"})
	if err != nil {
		t.Fatal(err)
	}
	for timeout := time.After(patience); ; {
		select {
		case d := <-stream:
			_ = d.Ack(false)
			if d.RoutingKey == name+".reading.room0.climate.pressure" {
				until(t, "all is confirmed", func() bool { s := g.status(); return s.Journal.Waiting == 0 })
				checkStatus(t, g.status(), name)
				return
			}
		case <-timeout:
			t.Fatal("no reading in hogar.history")
		}
	}
}

func checkStatus(t *testing.T, got api.Status, name string) {
	t.Helper()
	if !got.AMQP.Connected || got.AMQP.Confirmed == 0 || got.AMQP.Published < got.AMQP.Confirmed || got.Journal.Bytes == 0 ||
		got.Started.IsZero() || got.HouseTime.IsZero() || strings.Contains(got.AMQP.URL, "guest:guest") {
		t.Errorf("status: %+v", got)
	}
	want := api.Status{Gateway: name, Version: "dev", Simulated: true, Clock: api.Clock{Trusted: true}, Started: got.Started, HouseTime: got.HouseTime,
		Speed: 1, Devices: 2, Online: 2, AMQP: got.AMQP, Journal: got.Journal}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}
