package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"hogar/gateway/home"
)

// described is docs/asyncapi.yaml, for holding messages against it.
type described struct {
	t   *testing.T
	doc map[string]any
	c   *jsonschema.Compiler
}

func describeMessages(t *testing.T) *described {
	t.Helper()
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var written any
	if err := yaml.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	d := &described{t: t, doc: doc.(map[string]any), c: jsonschema.NewCompiler()}
	d.c.DefaultDraft(jsonschema.Draft7) // AsyncAPI's own dialect is made of it
	d.c.AssertFormat()
	allNamed(d.doc["components"])
	if err := d.c.AddResource("asyncapi.json", d.doc); err != nil {
		t.Fatal(err)
	}
	return d
}

// allNamed has the schemas allow no member that they do not name: readers must expect
// them, this version does not send them.
func allNamed(node any) {
	switch n := node.(type) {
	case map[string]any:
		if _, ok := n["properties"].(map[string]any); ok && n["type"] == "object" {
			n["additionalProperties"] = false
		}
		for _, below := range n {
			allNamed(below)
		}
	case []any:
		for _, below := range n {
			allNamed(below)
		}
	}
}

// at is a place in the document.
func (d *described) at(path ...string) any {
	var node any = d.doc
	for _, step := range path {
		in, _ := node.(map[string]any)
		node = in[step]
	}
	return node
}

// fits holds a value against the schema at a place.
func (d *described) fits(what string, value any, path ...string) {
	d.t.Helper()
	schema, err := d.c.Compile("asyncapi.json#/" + strings.Join(path, "/"))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		d.t.Errorf("%s: %v\n%.600v", what, err, value)
	}
}

// body holds a body in JSON against the payload of a message.
func (d *described) body(message string, body []byte) {
	d.t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		d.t.Fatalf("%s: %v: %s", message, err, body)
	}
	d.fits(message, value, "components", "messages", message, "payload")
}

// headers holds the headers of a message against the document.
func (d *described) headers(message string, table amqp.Table) {
	d.t.Helper()
	text, err := json.Marshal(table)
	if err != nil {
		d.t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		d.t.Fatal(err)
	}
	if d.at("components", "messages", message, "traits") != nil {
		d.fits(message+"'s headers", value, "components", "messageTraits", "told", "headers")
		return
	}
	d.fits(message+"'s headers", value, "components", "messages", message, "headers")
}

// delivery holds a message of the house against the document, and returns its name there.
func (d *described) delivery(m amqp.Delivery) string {
	d.t.Helper()
	name := strings.TrimSuffix(strings.TrimPrefix(m.Type, "hogar."), ".v1")
	if d.at("components", "messages", name, "name") != m.Type {
		d.t.Errorf("the document has no message %s", m.Type)
		return ""
	}
	d.body(name, m.Body)
	d.headers(name, m.Headers)
	if m.ContentType != "application/json" {
		d.t.Errorf("%s has the content type %q", m.Type, m.ContentType)
	}
	return name
}

// address tells whether a key is one of the channel with a message.
func (d *described) address(message, key string) bool {
	d.t.Helper()
	for name, channel := range d.at("channels").(map[string]any) {
		address, _ := channel.(map[string]any)["address"].(string)
		if d.at("channels", name, "messages", message) == nil || address == "" {
			continue
		}
		pattern := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllStringFunc(regexp.QuoteMeta(address), func(parameter string) string {
			if parameter == `\{gateway\}` {
				return `[a-z0-9_-]+`
			}
			return `.+`
		})
		if regexp.MustCompile("^" + pattern + "$").MatchString(key) {
			return true
		}
	}
	return false
}

// TestAsyncAPI holds what a gateway publishes, takes and answers against docs/asyncapi.yaml,
// in which no member is unnamed.
func TestAsyncAPI(t *testing.T) {
	t.Parallel()
	d := describeMessages(t)
	p := newProgram(t, "told")
	g := newGate(t, `gateway: told
location: {latitude: 52.52, longitude: 13.4, timezone: Europe/Berlin}
amqp: {urls: ["`+broker(t).URL()+`"]}
journal: {path: journal}
groups: {all.lamps: [hall.lamp, porch.lamp]}
scenes: {night: {hall.lamp.state: off}}
devices:
  hall.lamp: {driver: relay, pin: GPIO17, label: The lamp}
  porch.lamp: {driver: relay, pin: GPIO18}
  hall.probe: {driver: tmp102, every: 1s}
rules:
  lit: {when: hall.lamp.state, do: [{log: it changed}]}
`)
	g.run()
	seen := make(map[string]int)
	until(t, "the gateway takes commands", func() bool { return strings.Contains(g.log.String(), "taking commands") })
	for _, c := range []struct{ message, key, kind, body string }{
		{"value", "told.command.hall.lamp.state", "", "true"},
		{"value", "told.command.hall.lamp.state", "", `"toggle"`},
		{"settings", "told.command.hall.lamp", "", `{"state":true}`},
		{"command", "told.command.hall.lamp", "hogar.command.v1", `{"id":"one","set":{"state":false},"expires":"2099-01-01T00:00:00Z","reason":"a test"}`},
		{"command", "told.command.hall.lamp.state", "hogar.command.v1", `{"set":{"state":true}}`},
		{"settings", "told.command.hall.lamp.state", "hogar.command.v1", `{"state":true}`}, // refused
		{"settings", "told.command.all.lamps", "", `{"state":true}`},
		{"settings", "told.command.night", "", `{"activate":true}`},
		{"value", "told.command.hall.lmap.state", "", `"on"`}, // refused
		{"get", "told.command.#", "hogar.get.v1", ""},
		{"get", "told.command.hall.lmap", "hogar.get.v1", ""},
		{"measure", "told.command.hall.probe", "hogar.measure.v1", ""},
		{"trace", "told.command.#", "hogar.trace.v1", ""},
		{"trace", "told.command.lit", "hogar.trace.v1", ""},
		{"trace", "told.command.lid", "hogar.trace.v1", ""},
	} {
		if c.body != "" {
			d.body(c.message, []byte(c.body))
		}
		if !d.address(c.message, c.key) {
			t.Errorf("no channel for %s has the address %s", c.message, c.key)
		}
		seen[d.delivery(p.ask("hogar", c.key, amqp.Publishing{Type: c.kind, Body: []byte(c.body), CorrelationId: "asked"}))]++
	}
	p.wait("all kinds of messages", func(m amqp.Delivery) bool {
		if strings.HasPrefix(m.RoutingKey, "told.command.") {
			return false // our own
		}
		name := d.delivery(m)
		if seen["told "+name]++; !d.address(name, m.RoutingKey) {
			t.Errorf("no channel for %s has the address %s", name, m.RoutingKey)
		}
		return t.Failed() || seen["told reading"] > 3 && seen["told status"] > 0 && seen["told outcome"] > 7 && seen["told rule"] > 0
	})
	if seen["devices"] != 3 || seen["rules"] != 3 || seen["outcome"] != 9 {
		t.Errorf("answers came: %v", seen)
	}
	var dead amqp.Delivery
	until(t, "the refused command is set aside", func() (ok bool) {
		var err error
		if dead, ok, err = p.ch.Get("hogar.told.dead", true); err != nil {
			t.Fatal(err)
		}
		return ok
	})
	d.headers("dead", dead.Headers)
}

// TestAsyncAPIKnowsEachKind: all that is published has its message, also what the house of
// TestAsyncAPI does not say, and the document's own examples are right.
func TestAsyncAPIKnowsEachKind(t *testing.T) {
	d := describeMessages(t)
	now := time.Now()
	for _, e := range []home.Event{
		{Kind: home.KindEvent, Device: "hall.button", Property: "action", Value: home.TextOf("single"), At: now, DSeq: 3},
		{Kind: home.KindReading, Device: "hall.probe", Property: "temperature", Unknown: "offline", At: now, DSeq: 4},
		{Kind: home.KindStatus, Device: "hall.probe", State: home.Stale, Reason: "silent for 3 m", At: now, DSeq: 5},
		{Kind: home.KindGateway, Name: "gap", Reason: "damaged", Detail: json.RawMessage(`{"from":1,"to":2,"file":"x"}`), At: now},
		{Kind: home.KindCatalog, Device: "hall.probe", Catalog: &home.Catalog{Removed: true}, At: now, DSeq: 6},
		{Kind: home.KindRule, Name: "lit", State: "paused", Reason: "too often", At: now},
	} {
		body, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		d.body(e.Kind.String(), body)
	}
	for name, message := range d.at("components", "messages").(map[string]any) {
		examples, _ := message.(map[string]any)["examples"].([]any)
		for _, example := range examples {
			d.fits("an example of "+name, example.(map[string]any)["payload"], "components", "messages", name, "payload")
		}
	}
	for _, name := range []string{"reading", "event", "status", "outcome", "rule", "gateway", "catalog", "command", "devices", "rules"} {
		schema := d.c.MustCompile("asyncapi.json#/components/messages/" + name + "/payload")
		if schema.Validate(map[string]any{"device": "hall.lamp", "colour": "red"}) == nil {
			t.Errorf("the schema of %s takes anything", name)
		}
	}
}

// TestAsyncAPIHasEachGatewayEvent holds both lists of the gateway's events against the code's own,
// and that list against the code: no event has a name that is not on it.
func TestAsyncAPIHasEachGatewayEvent(t *testing.T) {
	d := describeMessages(t)
	var want []any
	for _, name := range home.GatewayEvents() {
		want = append(want, name)
	}
	for _, path := range [][]string{
		{"channels", "gateways", "parameters", "what", "enum"},
		{"components", "messages", "gateway", "payload", "properties", "gateway", "enum"},
	} {
		if diff := cmp.Diff(want, d.at(path...)); diff != "" {
			t.Errorf("%s (-code +document):\n%s", strings.Join(path, "."), diff)
		}
	}
	literal := regexp.MustCompile(`KindGateway,[^}\n]*Name: "|\.tell\("[a-z_]+", (nil|map)`)
	for _, folder := range []string{"../../gateway", "../../bridge"} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if found := literal.Find(text); found != nil {
				t.Errorf("%s: %s names an event that is not in home.GatewayEvents", path, found)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
