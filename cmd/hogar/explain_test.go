package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"

	"hogar/bridge/localbroker"
)

// The devices of a real Zigbee2MQTT and real announcements; they lie beside the checkout.
const (
	zigbeeDevices = "../../../shared/data/zigbee2mqtt_devices.json.gz"
	announcements = "../../../shared/data/discovery_samples.jsonl"
)

// lockedBuffer is what a command has printed so far.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// retainAnnouncements publishes as a house does that has been running: a Zigbee2MQTT's
// devices, announcements of many programs, and a state.
func retainAnnouncements(t *testing.T, say func(topic string, retained bool, payload []byte)) {
	t.Helper()
	devices := []json.RawMessage{[]byte(`{"ieee_address":"0x01","friendly_name":"Hall","definition":{"exposes":[{"type":"numeric","property":"temperature","access":1}]}}`)}
	if packed, err := os.Open(zigbeeDevices); err == nil {
		defer packed.Close()
		plain, err := gzip.NewReader(packed)
		need(t, err)
		var real []json.RawMessage
		need(t, json.NewDecoder(plain).Decode(&real))
		devices = append(devices, real[:60]...)
	}
	text, err := json.Marshal(devices)
	need(t, err)
	say("zigbee2mqtt/bridge/devices", true, text)
	say("homeassistant/sensor/x/config", true, []byte(`{"stat_t":"x/y","uniq_id":"q","name":"X","unit_of_meas":"W","val_tpl":"{{ value_json.w }}"}`))
	samples, err := os.ReadFile(announcements)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range bytes.Lines(samples) {
		var one struct {
			Topic   string
			Payload json.RawMessage
		}
		need(t, json.Unmarshal(line, &one))
		say(one.Topic, true, one.Payload)
	}
	say("x/y", true, []byte(`{"w":7.5}`))
	say("odd", true, []byte("\xff\x00"))
}

// What a broker tells while it is listened to is explained, and what --record prints of it
// explains itself in the same way.
func TestExplainListens(t *testing.T) {
	m, err := localbroker.StartMosquitto(t.Context(), localbroker.Options{Dir: t.TempDir()})
	need(t, err)
	t.Cleanup(m.Kill)
	client := paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID("house"))
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { client.Disconnect(100) })
	say := func(topic string, retained bool, payload []byte) {
		t.Helper()
		if token := client.Publish(topic, 1, retained, payload); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
	retainAnnouncements(t, say)

	// Ctrl-C ends it, when what happens now has come, too
	ctx, interrupt := context.WithCancel(t.Context())
	var recorded lockedBuffer
	record := newRoot()
	record.SetArgs([]string{"mqtt", "explain", "--listen", "10m", "--record", "--broker", m.URL()})
	record.SetOut(&recorded)
	ended := make(chan error, 1)
	go func() { ended <- record.ExecuteContext(ctx) }()
	for end := time.Now().Add(patience); !strings.Contains(recorded.String(), "happens now"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is heard")
		}
		say("zigbee2mqtt/Hall", false, []byte(`{"temperature":21.5,"odd":"happens now"}`))
	}
	interrupt()
	need(t, <-ended)
	file := filepath.Join(t.TempDir(), "house.jsonl")
	need(t, os.WriteFile(file, []byte(recorded.String()), 0o600))
	if !strings.Contains(recorded.String(), `{"topic":"odd","payload_base64":"/wA=","retain":true}`) {
		t.Error("what is no text is not recorded")
	}

	explain := func(args ...string) (x explained) {
		t.Helper()
		var out bytes.Buffer
		root := newRoot()
		root.SetArgs(append([]string{"mqtt", "explain", "--json"}, args...))
		root.SetOut(&out)
		need(t, root.ExecuteContext(t.Context()))
		need(t, json.Unmarshal(out.Bytes(), &x))
		return x
	}
	now := explain("--listen", "3s", "--broker", m.URL()) // nothing happens now: it has what is retained
	then := explain(file)
	if diff := cmp.Diff(now.names(), then.names()); diff != "" || len(then.Devices) < 2 {
		t.Errorf("%d devices; listened -, replayed +\n%s", len(then.Devices), diff)
	}
	if diff := cmp.Diff(map[string]any{"x.x": 7.5, "hall.temperature": 21.5}, then.values()); diff != "" {
		t.Errorf("readings: want -, got +\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"x.x": 7.5}, now.values()); diff != "" {
		t.Errorf("retained readings: want -, got +\n%s", diff)
	}
	t.Logf("%d devices, %d pieces ignored", len(then.Devices), len(then.Ignored))
}

// explained is what --json prints.
type explained struct {
	Devices  []struct{ Device, ID, Via string }
	Readings []struct {
		Device, Property string
		Value            any
	}
	Ignored []struct{ Topic, Why string }
}

func (x explained) names() []string {
	var list []string
	for _, d := range x.Devices {
		list = append(list, d.Device+" "+d.ID)
	}
	return list
}

func (x explained) values() map[string]any {
	all := make(map[string]any)
	for _, r := range x.Readings {
		all[r.Device+"."+r.Property] = r.Value
	}
	return all
}

func TestExplainRefuses(t *testing.T) {
	for args, says := range map[string]string{
		"--listen 1s --broker http://x":           "url begins with 'http://', expected mqtt:// or mqtts://",
		"--listen 1s --broker localhost":          "url is no address of a broker (mqtt://localhost:1883)",
		"--listen 1s --broker mqtt://localhost:1": "broker mqtt://localhost:1: ",
		"--listen 0s":               "--listen is 0s, expected a time like 10s",
		"--listen -1s":              "expected a time like 10s",
		"--listen 1s x.jsonl":       "give a file or --listen, not both",
		"--record":                  "are for --listen",
		"--broker mqtt://localhost": "are for --listen",
		"nowhere.jsonl":             "no such file",
	} {
		root := newRoot()
		root.SetArgs(append([]string{"mqtt", "explain"}, strings.Fields(args)...))
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", args, err, says)
		}
	}
}
