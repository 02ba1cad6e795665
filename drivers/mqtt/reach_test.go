package mqtt

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"
)

// A broker that is away for long takes its devices with it; when it is back, what
// they said last holds again.
func TestBrokerAway(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	h := &house{auto: always}
	c, _ := connect(t, broker.address, h)
	c.awayAfter = 50 * time.Millisecond
	run(t, c)
	connected(t, c)
	device := broker.client("device")
	finish(t, device.Publish("garden/soil", 0, false, "42")) // not sent twice
	eventually(t, "the reading", func() bool { return slices.Contains(h.values(), "42") })
	h.mu.Lock()
	h.events = nil
	h.mu.Unlock()
	device.Disconnect(100)
	broker.stop()
	eventually(t, "the devices to be offline", func() bool { return len(h.seen()) >= 2 })
	if !broker.start() {
		t.Fatal("mosquitto does not start again")
	}
	connected(t, c)
	away := strings.TrimSpace(("broker mqtt://" + broker.address + " is away")[:30])
	h.waitFor(t, "garden.soil offline "+away, "porch.lamp offline "+away,
		"garden.soil online", "~garden.soil.moisture 42 %", "porch.lamp offline nothing heard of it since the")
}

// A short loss is not told: the broker keeps what is said meanwhile.
func TestBrokerAwayShortly(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	line := startProxy(t, broker.address)
	h := &house{auto: always}
	c, _ := connect(t, line.address, h)
	run(t, c)
	connected(t, c)
	device := broker.client("device")
	for i, value := range []string{"1", "2", "3"} {
		finish(t, device.Publish("garden/soil", 0, false, value)) // not sent twice
		eventually(t, "the reading", func() bool { return len(h.seen()) > i })
		line.cut()
		eventually(t, "the loss", func() bool { return !c.Connected() })
		connected(t, c)
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, h.values()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// What waited is late even when it comes long after the subscription; what comes
// after the marker is not.
func TestMarker(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true\nmax_inflight_messages 1")
	c, _ := connect(t, broker.address, &house{auto: always})
	stop := run(t, c)
	connected(t, c)
	stop()
	device := broker.client("device")
	var want []string
	for value := range strings.FieldsSeq("1 2 3 4 5 6 7 8 9") {
		finish(t, device.Publish("garden/soil", 1, false, value))
		want = append(want, "~"+value)
	}
	h := new(house)
	h.commits(t)
	c, _ = connect(t, broker.address, h)
	run(t, c)
	connected(t, c)
	finish(t, device.Publish("garden/soil", 1, false, "10"))
	want = append(want, "10")
	eventually(t, "all", func() bool { return len(h.seen()) >= len(want) })
	if diff := cmp.Diff(want, h.values()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// A broker whose rules keep the marker back is told of, and used.
func TestNoMarker(t *testing.T) {
	folder := t.TempDir()
	rules := filepath.Join(folder, "acl")
	if err := os.WriteFile(rules, []byte("topic readwrite garden/#\ntopic readwrite porch/#\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	extra := "allow_anonymous true\nacl_file " + rules
	broker := startMosquitto(t, extra)
	h := &house{auto: always}
	c, log := connect(t, broker.address, h)
	c.markerQuiet = 50 * time.Millisecond
	run(t, c)
	connected(t, c)
	device := broker.client("device")
	finish(t, device.Publish("garden/soil", 1, false, "1"))
	eventually(t, "the reading", func() bool { return len(h.seen()) > 0 })
	if diff := cmp.Diff([]string{"1"}, h.values()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if !strings.Contains(log.String(), "hogar/casa/marker") {
		t.Errorf("log %s", log)
	}
}

// Others see whether the gateway is there.
func TestStatusTopic(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	line := startProxy(t, broker.address)
	c, _ := connect(t, line.address, &house{auto: always})
	stop := run(t, c)
	connected(t, c)
	said := make(chan string, 10)
	other := broker.client("other")
	finish(t, other.Subscribe("hogar/casa/status", 1, func(_ paho.Client, m paho.Message) { said <- string(m.Payload()) }))
	next := func(want string) {
		t.Helper()
		select {
		case got := <-said:
			if got != want {
				t.Errorf("said %q, want %q", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("waited for %q", want)
		}
	}
	next("online")
	line.cut() // the broker says the will
	next("offline")
	next("online")
	connected(t, c)
	stop()
	next("offline")
}
