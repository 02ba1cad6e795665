package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/bridge/localbroker"
	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// TestZigbeeIsNotLost plays a session of Zigbee2MQTT against a real Mosquitto. The
// gateway is killed in the middle, then the broker; what Mosquitto had taken is in
// the gateway's journal at the end: of each device all, in order, and under the name
// that it had before it was renamed.
func TestZigbeeIsNotLost(t *testing.T) {
	m, err := localbroker.StartMosquitto(t.Context(), localbroker.Options{Dir: t.TempDir()})
	need(t, err)
	t.Cleanup(m.Kill)
	const probes = 4
	client := paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID("z2m").SetConnectRetry(true).
		SetConnectRetryInterval(100 * time.Millisecond).SetMaxReconnectInterval(100 * time.Millisecond))
	say := func(topic, payload string, retained bool) {
		t.Helper()
		if token := client.Publish("zigbee2mqtt/"+topic, 1, retained, payload); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatalf("mqtt: %v", token.Error())
		}
	}
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { client.Disconnect(100) })
	announce := func(last string) {
		var list []string
		for i := range probes {
			name := fmt.Sprintf("Probe %d", i)
			if i == probes-1 {
				name = last
			}
			list = append(list, fmt.Sprintf(`{"ieee_address":"0x%02d","friendly_name":%q,"definition":{"exposes":[{"type":"numeric","property":"temperature","access":1},{"type":"numeric","property":"humidity","access":1}]}}`, i, name))
		}
		say("bridge/groups", "[]", true)
		say("bridge/devices", "["+strings.Join(list, ",")+"]", true)
	}
	announce("Probe 3")
	g := newGate(t, fmt.Sprintf("gateway: zigbee\njournal: {path: journal}\nmqtt: [{url: %q, zigbee2mqtt: zigbee2mqtt}]\n", m.URL()), "--with-mqtt")
	g.run()
	sent, last := 0, "Probe 3"
	tell := func(rounds int) { // each message repeats the humidity, and has another link quality
		t.Helper()
		for range rounds {
			sent++
			for i := range probes {
				name := fmt.Sprintf("Probe %d", i)
				if i == probes-1 {
					name = last
				}
				say(name, fmt.Sprintf(`{"temperature":%d,"humidity":44,"linkquality":%d}`, sent, sent%255), false)
			}
		}
	}
	arrived := func() {
		t.Helper()
		until(t, "the last message is here", func() bool {
			for i := range probes {
				if g.value(fmt.Sprintf("probe_%d", i)) != home.NumberOf(float64(sent)) {
					return false
				}
			}
			return true
		})
	}
	until(t, "the devices are heard", func() bool { tell(1); return g.value("probe_0").Known() && g.value("probe_3").Known() })
	from := sent + 1
	tell(100)
	g.kill() // in the middle: what it has not acknowledged comes again
	tell(50)
	announce("Attic") // renamed while the gateway is off: what waits has two names
	last = "Attic"
	g.run()
	until(t, "the renamed device is heard", func() bool { // nobody subscribes to a name that nobody knows yet
		say(last, `{"temperature":-1}`, false)
		return g.value("probe_3") == home.NumberOf(-1)
	})
	tell(50)
	arrived()
	m.Kill()
	need(t, m.Start(t.Context()))
	until(t, "the devices are heard again", func() bool { tell(1); return g.value("probe_0") == home.NumberOf(float64(sent)) })
	tell(50)
	arrived()
	if code, _ := g.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	compareProbes(t, g.journal(), probes, from, sent)
}

// compareProbes looks for each number of each probe, in order, in the journal.
func compareProbes(t *testing.T, dir string, probes, from, to int) {
	t.Helper()
	view, err := journal.Look(dir)
	need(t, err)
	defer view.Close()
	next := make(map[string]int)
	late, again := 0, 0
	for r, err := range view.Scan(0) {
		need(t, err)
		ev, err := home.ParseEvent(home.Kind(r.Kind), r.Body)
		if err != nil || ev.Kind != home.KindReading || !ev.Value.Known() {
			continue
		}
		n := int(ev.Value.Number())
		switch {
		case ev.Property == "humidity":
			again++
		case n < from:
		case next[ev.Device] == 0 && n == from || n == next[ev.Device]:
			next[ev.Device] = n + 1
			if home.Flags(r.Flags)&home.FlagLate != 0 {
				late++
			}
		case n > next[ev.Device]:
			t.Errorf("%s: %d follows %d", ev.Device, n, next[ev.Device]-1)
			next[ev.Device] = n + 1
		}
	}
	for i := range probes {
		if got := next[fmt.Sprintf("probe_%d", i)] - 1; got != to {
			t.Errorf("probe_%d: the last in order is %d, want %d", i, got, to)
		}
	}
	if late == 0 {
		t.Error("nothing was late, although messages waited in the broker")
	}
	if again > 10*probes {
		t.Errorf("the humidity, which never changed, was told %d times", again)
	}
	t.Logf("%d messages of each probe, %d of them late", to-from+1, late)
}
