package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hogar/gateway/config"
)

// What owners write wrong below mqtt: is told at load.
func TestSlipsBelowMQTT(t *testing.T) {
	const one = "mqtt: [{url: mqtt://x, zigbee2mqtt: zigbee2mqtt}]\n"
	for _, c := range []struct{ yaml, says string }{
		{"mqtt: [{url: 'mqtt://x:99999'}]", "1:14: mqtt.0.url has the port 99999, expected 1 to 65535"},
		{"mqtt: [{url: 'mqtt://x:0'}]", "1:14: mqtt.0.url has the port 0, expected 1 to 65535"},
		{"mqtt: [{url: mqtt://x, zigbee2mqtt: true}]", "mqtt.0.zigbee2mqtt is 'true', expected a base topic (zigbee2mqtt: zigbee2mqtt)"},
		{"mqtt: [{url: mqtt://x, tasmota: on}]", "mqtt.0.tasmota is 'on', expected a base topic (tasmota: tasmota/discovery)"},
		{"mqtt: [{url: mqtt://x, shelly: a/#}]", "mqtt.0.shelly is 'a/#', expected a base topic (shelly: shellies)"},
		{"mqtt: [{url: mqtt://x}, {url: 'mqtt://x:1883'}]", "mqtt.1.url: mqtt.0 has the same broker and client_id, and a broker lets in only one"},
		{"mqtt: [{url: mqtt://x}, {url: mqtt://x, client_id: b}]", ""},
		{"mqtt: [{url: mqtt://x}, {url: mqtt://y}]", ""},
		{"mqtt: [{url: mqtt://x, user: u, password: geheim}]", "mqtt.0.password: unknown key 'password' (known here: "},
		{"devices: {a.b: {driver: mqtt, topic: x, property: p}}", "devices.a.b.driver: there is no broker below mqtt: (mqtt: [{url: mqtt://localhost}])"},
		{one + "devices: {a.b: {driver: mqtt, topic: x, property: p, every: 5s}}", "devices.a.b.every: a device on MQTT tells by itself and is not polled"},
		{one + "devices: {a.b: {filters: {t: [{offst: 1}]}}}", "2:32: devices.a.b.filters.t.0.offst: there is no filter 'offst' (did you mean offset?)"},
		{one + "devices: {a.b: {filters: {t: [{offset: 1}], s: [{debounce: 1s}]}}}", ""},
		{one + "devices:\n  a.b: {driver: mqtt, topic: x, property: p, value_template: {{ value }}}", "YAML cannot read a template without quotes"},
	} {
		file := filepath.Join(t.TempDir(), "x.yaml")
		if err := os.WriteFile(file, []byte(c.yaml+"\ngateway: casa\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, source, faults := config.Load(file)
		Check(cfg, faults)
		var all strings.Builder
		for _, p := range source.Problems(faults) {
			all.WriteString(p.String() + "\n")
		}
		if !strings.Contains(all.String(), c.says) || c.says == "" && all.String() != "" || strings.Contains(all.String(), "geheim") {
			t.Errorf("%s:\n%s\nwant %s", c.yaml, all.String(), c.says)
		}
	}
}
