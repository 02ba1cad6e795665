package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/gateway/home"
)

// keepers is a house with a device on a plain topic and one that is discovered; more is added to it.
func keepers(url, more string) string {
	return `gateway: keepers
mqtt:
  - {url: "` + url + `", zigbee2mqtt: zigbee2mqtt}
devices:
  plain.count: {driver: mqtt, topic: plain/count, property: count, type: number}
` + more
}

// TestReloadLosesNoMessage reloads a hundred times while a program publishes at QoS 0 and 1, to a device on
// a plain topic and to a discovered one. The configuration changes each time, and not the settings of the
// broker: each number is emitted.
func TestReloadLosesNoMessage(t *testing.T) {
	t.Parallel()
	m := mosquitto(t)
	z := newZ2M(t, m)
	z.devices("Lamp", "Probe")
	z.obey("Lamp")
	dir := t.TempDir()
	n := 0
	next := func() (*Plan, error) {
		n++
		return planIn(t, dir, keepers(m.URL(), fmt.Sprintf("  extra%d: {driver: tmp102, bus: I2C1, address: 0x48, every: 1h}\n"+
			"rules:\n  lit: {when: probe.temperature > %d, do: [{set: {lamp.state: on}}]}\n", n%5, 1000+n))), nil
	}
	plan, err := next()
	if err != nil {
		t.Fatal(err)
	}
	h := runHouse(t, plan, nil, func(o *Options) { o.Reload = next })
	defer h.stop()
	until(t, "the devices are there", func() bool { return len(h.House.Devices("lamp")) == 1 && h.House.Status().MQTT[0].Connected })
	follow := h.House.Follow()
	var mu sync.Mutex
	seen := map[string]map[int]bool{"plain.count": {}, "probe": {}}
	go func() {
		for {
			ev, lost, err := follow(t.Context())
			if err != nil {
				return
			}
			mu.Lock()
			if lost > 0 {
				t.Errorf("the test itself was too slow: %d", lost)
			}
			if ev.Kind == home.KindReading && seen[ev.Device] != nil && ev.Value.Known() {
				number, _ := strconv.Atoi(ev.Value.String())
				seen[ev.Device][number] = true
			}
			mu.Unlock()
		}
	}()
	pub := paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID("counter"))
	finish(t, pub.Connect())
	defer pub.Disconnect(100)
	over := make(chan struct{})
	sent := make(chan int)
	go func() {
		for i := 1; ; i++ {
			finish(t, pub.Publish("plain/count", byte(i%2), false, strconv.Itoa(i)))
			finish(t, pub.Publish("zigbee2mqtt/Probe", byte(i%2), false, fmt.Sprintf(`{"temperature":%d}`, i)))
			select {
			case <-over:
				sent <- i
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	for i := range 100 {
		if err := h.Reload(t.Context()); err != nil {
			t.Fatalf("reload %d: %v", i, err)
		}
		if s := h.House.Status(); !s.MQTT[0].Connected {
			t.Fatalf("reload %d returned without a connection", i)
		}
	}
	close(over)
	last := <-sent
	lost := func(device string) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for i := 1; i <= last; i++ {
			if !seen[device][i] {
				n++
			}
		}
		return n
	}
	for device := range seen {
		for end := time.Now().Add(10 * time.Second); lost(device) > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Errorf("%s: %d of %d messages were lost", device, lost(device), last)
				break
			}
		}
	}
	if o := h.set("lamp", "state", home.BooleanOf(true)); o.Result == home.Rejected || o.Result == home.Failed {
		t.Errorf("the discovered lamp after the reloads: %+v", o)
	}
	t.Logf("%d messages to each during 100 reloads", last)
}

// TestReloadSubscribes: when a reload with another topic returns, a message at QoS 0 to it is not lost.
func TestReloadSubscribes(t *testing.T) {
	t.Parallel()
	m := mosquitto(t)
	dir := t.TempDir()
	n := 0
	next := func() (*Plan, error) {
		n++
		return planIn(t, dir, strings.ReplaceAll(keepers(m.URL(), ""), "plain/count", fmt.Sprintf("plain/count%d", n))), nil
	}
	plan, err := next()
	if err != nil {
		t.Fatal(err)
	}
	h := runHouse(t, plan, nil, func(o *Options) { o.Reload = next })
	defer h.stop()
	pub := paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID("counter"))
	finish(t, pub.Connect())
	defer pub.Disconnect(100)
	for i := 1; i <= 10; i++ {
		if err := h.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		finish(t, pub.Publish(fmt.Sprintf("plain/count%d", n), 0, false, strconv.Itoa(i)))
		until(t, "the number is there", func() bool {
			d := h.device("plain.count")
			return len(d.Readings) == 1 && d.Readings[0].Value.String() == strconv.Itoa(i)
		})
	}
}

// TestReloadUsesRenewedFiles: a connection whose certificate or password was written anew does not go on.
func TestReloadUsesRenewedFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cert")
	before := stamps(file, "")
	if err := os.WriteFile(file, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	written := stamps(file, "")
	if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if renewed := stamps(file, ""); slices.Equal(before, written) || slices.Equal(written, renewed) || !slices.Equal(renewed, stamps(file, "")) {
		t.Errorf("%q %q %q", before, written, renewed)
	}
}

// TestReloadKeepsTheBridge reloads with other devices, and then with another rule that publishes elsewhere.
func TestReloadKeepsTheBridge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const house = "gateway: keepers\namqp: {urls: [\"amqp://127.0.0.1:1\"]}\ndevices:\n  hall.lamp: {driver: relay, pin: GPIO17}\n"
	rule := func(exchange string) string {
		return "rules:\n  say: {when: hall.lamp.state, do: [{publish: {exchange: " + exchange + ", key: a.b, body: {n: 1}}}]}\n"
	}
	is := func(more string) bridgeSettings {
		return settingsOf(planIn(t, dir, house+more), []string{"amqp://127.0.0.1:1"})
	}
	first := &bridged{is: is(rule("one"))}
	fits := func(more, url string) bool { return first.fits(planIn(t, dir, house+more), []string{url}) }
	if !fits("  porch.lamp: {driver: relay, pin: GPIO18}\n"+rule("one"), "amqp://127.0.0.1:1") {
		t.Error("another device ends the bridge")
	}
	if fits(rule("two"), "amqp://127.0.0.1:1") || fits(rule("one"), "amqp://127.0.0.1:2") {
		t.Error("another exchange or another broker leaves the bridge alone")
	}
}
