package zigbee2mqtt

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// corpora are the lists of devices that are not part of the project: the sample
// that lies beside the checkout, and all that make z2m-corpus makes.
var corpora = []string{"../../../../shared/data/zigbee2mqtt_devices.json.gz", "../../../build/z2m-corpus.json.gz"}

func TestCorpus(t *testing.T) {
	for _, file := range corpora {
		t.Run(filepath.Base(file), func(t *testing.T) {
			list := readCorpus(t, file)
			testAll(t, list)
		})
	}
}

func readCorpus(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not there", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	var list json.RawMessage
	if err := json.NewDecoder(zip).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

// testAll holds every device against the exposes it came from, read here in
// another way: by walking the plain JSON.
func testAll(t *testing.T, list []byte) {
	b := New(Options{LinkQuality: true})
	told, _ := b.Read(dialect.Message{Topic: "zigbee2mqtt/bridge/devices", Payload: list})
	devices := make(map[string]dialect.Device)
	for _, d := range told.Devices {
		devices[d.ID] = d
		if len(d.Properties) == 0 {
			t.Errorf("%s has no property", d.Label)
		}
		names := make(map[string]bool)
		for _, p := range d.Properties {
			if err := home.CheckWord(p.Name); err != nil || names[p.Name] {
				t.Errorf("%s: property %q: %v, or twice", d.Label, p.Name, err)
			}
			names[p.Name] = true
		}
	}
	ignored := make(map[string]string)
	for _, i := range told.Ignored {
		ignored[i.ID+" "+i.What] = i.Why
		if i.Fault {
			t.Errorf("fault: %+v", i)
		}
	}
	var entries []map[string]any
	if err := json.Unmarshal(list, &entries); err == nil && len(entries) < 500 {
		t.Errorf("only %d entries", len(entries))
	} else if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for _, e := range entries {
		id := e["ieee_address"].(string)
		d, ok := devices[id]
		if !ok {
			if ignored[id+" "+e["friendly_name"].(string)] == "" {
				t.Errorf("%s is dropped silently", id)
			}
			continue
		}
		definition, _ := e["definition"].(map[string]any)
		for _, x := range leavesOf(definition["exposes"]) {
			keys++
			testLeaf(t, b, d, x, ignored)
		}
	}
	t.Logf("%d entries, %d devices, %d keys, %d ignored", len(entries), len(devices), keys, len(ignored))
}

func leavesOf(list any) []map[string]any {
	var leaves []map[string]any
	items, _ := list.([]any)
	for _, item := range items {
		x := item.(map[string]any)
		if slices.Contains([]string{"light", "switch", "fan", "cover", "lock", "climate"}, x["type"].(string)) {
			leaves = append(leaves, leavesOf(x["features"])...)
			continue
		}
		leaves = append(leaves, x)
	}
	return leaves
}

func testLeaf(t *testing.T, b *Bridge, d dialect.Device, x map[string]any, ignored map[string]string) {
	t.Helper()
	key, _ := x["property"].(string)
	one := b.byID[d.ID]
	var f *feature
	for i := range one.features {
		if one.features[i].key == key {
			f = &one.features[i]
		}
	}
	access := int(x["access"].(float64))
	if f == nil {
		if ignored[d.ID+" "+key] == "" {
			t.Errorf("%s (%s) is dropped silently", key, d.ID)
		}
		return
	}
	if access&2 != 0 && !f.Settable {
		t.Errorf("%s of %s can be set", key, d.ID)
	}
	types := map[string]home.Type{"binary": "boolean", "numeric": "number", "enum": "choice", "text": "text", "composite": "object", "list": "object"}
	want := types[x["type"].(string)]
	if f.Type == home.TypeEvent {
		want = home.TypeEvent
	}
	if f.Type != want && ignored[d.ID+" "+key] == "" {
		t.Errorf("%s of %s is a %s, want a %s", key, d.ID, f.Type, want)
	}
	if f.Settable {
		testCommand(t, b, d, f)
	}
}

// testCommand sets one property, and the message that confirms it must say so.
func testCommand(t *testing.T, b *Bridge, d dialect.Device, f *feature) {
	t.Helper()
	var v home.Value
	switch f.Type {
	case home.TypeBoolean:
		v = home.BooleanOf(true)
	case home.TypeNumber:
		v = home.NumberOf(1)
		if f.Min != nil {
			v = home.NumberOf(*f.Min)
		}
	case home.TypeChoice:
		if len(f.Options) == 0 {
			return
		}
		v = home.TextOf(f.Options[len(f.Options)-1])
	case home.TypeText:
		v = home.TextOf("a")
	case home.TypeObject:
		v, _ = home.ParseValue([]byte(`{"x":1}`))
	}
	accepted, err := f.Accept(v)
	if err != nil {
		t.Errorf("%s of %s: %v", f.Name, d.ID, err)
		return
	}
	order, err := b.Command(d.ID, f.Name, accepted)
	if err != nil {
		t.Errorf("%s of %s: %v", f.Name, d.ID, err)
		return
	}
	topic, ok := strings.CutSuffix(order.Topic, "/set")
	if !ok || !json.Valid(order.Payload) {
		t.Errorf("%s of %s: %s %s", f.Name, d.ID, order.Topic, order.Payload)
	}
	told, _ := b.Read(dialect.Message{Topic: topic, Payload: order.Payload})
	if len(told.Readings) != 1 || len(told.Ignored) != 0 {
		t.Errorf("%s of %s: %s is read as %+v, ignored %+v", f.Name, d.ID, order.Payload, told.Readings, told.Ignored)
		return
	}
	if r := told.Readings[0]; order.Confirmed && r.Value != order.Want {
		t.Errorf("%s of %s: %s is read as %s, want %s", f.Name, d.ID, order.Payload, r.Value, order.Want)
	}
}
