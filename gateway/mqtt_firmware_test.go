package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hogar/gateway/config"
	"hogar/gateway/home"
)

// tasmotaConfig is what a Tasmota says of itself, with what differs put behind it.
func tasmotaConfig(mac, name, topic, more string) saying {
	return saying{"tasmota/discovery/" + mac + "/config", fmt.Sprintf(`{"dn":%q,"mac":%q,"t":%q,"ft":"%%prefix%%/%%topic%%/","tp":["cmnd","stat","tele"],`+
		`"ofln":"Offline","onln":"Online","state":["OFF","ON","TOGGLE","HOLD"]%s}`, name, mac, topic, more), true}
}

// What firmwares say when they have no value, when they sleep, and when nobody knows who speaks,
// at a real broker and with rules: 'vars.n' counts how often one has started.
func TestFirmwaresInTheHouse(t *testing.T) {
	probe := []saying{tasmotaConfig("A1", "probe", "probe", ""), {"tasmota/discovery/A1/sensors", `{"sn":{"SHT3X":{"Temperature":4.1},"TempUnit":"C"}}`, true},
		{"tele/probe/LWT", "Online", true}}
	const frost = "vars: {n: 0}\nrules: {frost: {when: %s < 4, do: [{set: {vars.n: = vars.n + 1}}]}}\n"
	for name, test := range map[string]struct {
		played
		more string
	}{
		"no value starts no rule": {played{
			then: []saying{{"shellies/shellyht-1/sensor/temperature", "20.5", false}, {"shellies/shellyht-1/sensor/temperature", "-99.5", false},
				{"shellies/shellyht-1/sensor/humidity", "999", false}, {"shellies/sw-1/roller/0/pos", "101", false}},
			want: map[string]string{"shellyht_1.temperature": "unknown", "shellyht_1.humidity": "unknown", "sw_1.position": "unknown", "vars.n": "0"},
		}, fmt.Sprintf(frost, "shellyht_1.temperature")},
		"a cold one does": {played{
			then: []saying{{"shellies/shellyht-1/sensor/temperature", "20.5", false}, {"shellies/shellyht-1/sensor/temperature", "3.5", false}},
			want: map[string]string{"shellyht_1.temperature": "3.5", "vars.n": "1"},
		}, fmt.Sprintf(frost, "shellyht_1.temperature")},
		"it sleeps, and says so": {played{before: probe,
			then: []saying{{"tele/probe/SENSOR", `{"SHT3X":{"Temperature":3.4},"TempUnit":"C"}`, false}, {"tele/probe/LWT", "DeepSleep", true}},
			want: map[string]string{"probe": "online", "probe.temperature": "3.4"}}, ""},
		"it says that it is offline": {played{before: probe,
			then: []saying{{"tele/probe/SENSOR", `{"SHT3X":{"Temperature":3.4},"TempUnit":"C"}`, false}, {"tele/probe/LWT", "Offline", true}},
			want: map[string]string{"probe": "offline", "probe.temperature": "unknown"}}, ""},
		"it is known to sleep": {played{before: probe,
			then: []saying{{"tele/probe/SENSOR", `{"SHT3X":{"Temperature":3.4},"TempUnit":"C"}`, false}, {"tele/probe/LWT", "Offline", true}},
			want: map[string]string{"probe": "online", "probe.temperature": "3.4"}}, "  probe: {sleeps: true, stale_after: 3h}\n"},
		"the unit changes": {played{before: probe,
			then: []saying{{"tele/probe/SENSOR", `{"SHT3X":{"Temperature":77.5},"TempUnit":"F"}`, false}, {"tele/probe/SENSOR", `{"SHT3X":{"Temperature":25.3},"TempUnit":"C"}`, false}},
			want: map[string]string{"probe.temperature": "25.3"}}, ""},
		"two on one topic": {played{before: []saying{tasmotaConfig("B1", "ups", "tasmota", `,"rl":[1]`), tasmotaConfig("B2", "cooler", "tasmota", `,"rl":[1]`), {"tele/tasmota/LWT", "Online", true}},
			then: []saying{{"stat/tasmota/RESULT", `{"POWER":"ON"}`, false}},
			want: map[string]string{"ups": "offline", "ups.state": "unknown", "cooler": "offline", "cooler.state": "unknown"}}, ""},
	} {
		t.Run(name, func(t *testing.T) { test.run(t, "tasmota: tasmota/discovery, shelly: shellies", test.more) })
	}
}

// Nothing else would say that a device is gone of which the word offline does not count.
func TestSleepsNeedsStaleAfter(t *testing.T) {
	for devices, want := range map[string]string{"probe: {sleeps: true}": "does not count", "lamp: {driver: relay, pin: GPIO4, sleeps: true}": "is for a discovered device"} {
		cfg, faults := config.Listen("gateway: casa\nmqtt: [{url: \"mqtt://localhost\", tasmota: tasmota/discovery}]\ndevices: {"+devices+"}\n", func(home.Ask) {})
		Check(cfg, faults)
		if !slices.ContainsFunc(faults.List, func(f home.Fault) bool { return strings.Contains(f.Message, want) }) {
			t.Errorf("%s: %v", devices, faults.List)
		}
	}
}
