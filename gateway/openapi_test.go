package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hogar/gateway/api"
	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// described is the description of the API, for holding answers against it.
type described struct {
	t   *testing.T
	doc map[string]any
	c   *jsonschema.Compiler
}

// strict has the schemas allow no member that they do not name, but for those of events, which
// depend on the kind.
func strict(node any) {
	switch n := node.(type) {
	case map[string]any:
		if _, ok := n["properties"]; ok && n["type"] == "object" {
			if about, _ := n["description"].(string); !strings.HasPrefix(about, "The one JSON form of an event") {
				n["additionalProperties"] = false
			}
		}
		for _, below := range n {
			strict(below)
		}
	case []any:
		for _, below := range n {
			strict(below)
		}
	}
}

func describe(t *testing.T) *described {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(api.OpenAPI))
	if err != nil {
		t.Fatal(err)
	}
	d := &described{t: t, doc: doc.(map[string]any), c: jsonschema.NewCompiler()}
	strict(d.doc["components"])
	d.c.AssertFormat()
	if err := d.c.AddResource("openapi.json", d.doc); err != nil {
		t.Fatal(err)
	}
	return d
}

// fits holds the answer to a request against its description.
func (d *described) fits(method, path string, resp *http.Response) {
	d.t.Helper()
	answer, media := "200", "application~1json"
	if resp.StatusCode != http.StatusOK {
		answer, media = "default", "application~1problem+json"
	}
	at := "openapi.json#/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + strings.ToLower(method) + "/responses/" + answer + "/content/" + media + "/schema"
	schema, err := d.c.Compile(at)
	if err != nil {
		d.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		d.t.Errorf("%s %s: %v: %s", method, path, err, body)
		return
	}
	if err := schema.Validate(value); err != nil {
		d.t.Errorf("%s %s, %d: %v\n%.600s", method, path, resp.StatusCode, err, body)
	}
}

// TestOpenAPI asks a running house everything that is described, and holds the answers
// against the description, in which no member is unnamed.
func TestOpenAPI(t *testing.T) {
	opened := make(chan string, 1)
	h := runHouse(t, planOf(t, `gateway: casa
groups: {all.lamps: [hall.lamp]}
scenes: {night: {hall.lamp.state: off}}
devices:
  hall.lamp: {driver: relay, pin: GPIO17, label: The lamp}
  hall.door: {driver: contact, pin: GPIO27}
  hall.probe: {driver: tmp102, every: 1s}
rules:
  night: {when: hall.lamp.state, if: hall.probe.temperature > -50, do: [{log: it is on}]}
  never: {when: hall.lamp.state, if: hall.probe.temperature > 90, do: [{set: {hall.lamp.state: off}}]}
`), clock.New(time.Time{}, 1), func(o *Options) {
		o.Web, o.WebOpened = "127.0.0.1:0", func(url string) { opened <- url }
		o.Config = func() api.Configuration {
			return api.Configuration{Files: []api.File{{Name: "a", Text: "b"}}, Problems: []api.Problem{{File: "a", Line: 1, Column: 2, Message: "m", Hint: "h", Warning: true}}}
		}
	})
	url := strings.TrimSuffix(<-opened, "/")
	d := describe(t)
	until := time.Now().Add(30 * time.Second)
	for !h.device("hall.probe").Readings[0].Value.Known() && time.Now().Before(until) {
		time.Sleep(10 * time.Millisecond)
	}
	asked := make(map[string]bool)
	for _, c := range []struct {
		method, path, query, body string
		code                      int
	}{
		{"GET", "/api/house", "", "", 200},
		{"GET", "/api/status", "", "", 200},
		{"POST", "/api/commands", "", `{"device":"hall.lamp","set":{"state":true},"id":"one","reason":"a test"}`, 200},
		{"POST", "/api/commands", "", `{"device":"hall.lamp","set":{"colour":true}}`, 200},
		{"POST", "/api/commands", "", `{"device":"all.lamps","set":{"state":true}}`, 200},
		{"POST", "/api/commands", "", `{"lamp":1}`, 400},
		{"GET", "/api/devices", "", "", 200},
		{"GET", "/api/devices", "?pattern=nothing.%23", "", 200},
		{"POST", "/api/measure", "?device=hall.probe", "", 200},
		{"POST", "/api/measure", "?device=nothing", "", 404},
		{"GET", "/api/events/past", "", "", 200},
		{"GET", "/api/events/past", "?limit=x", "", 400},
		{"GET", "/api/history", "?name=hall.probe.temperature", "", 200},
		{"GET", "/api/history", "", "", 400},
		{"GET", "/api/events", "?rate=x", "", 400},
		{"GET", "/api/rules", "", "", 200},
		{"GET", "/api/rules/{name}", "night", "", 200},
		{"GET", "/api/rules/{name}", "never", "", 200},
		{"GET", "/api/rules/{name}", "nothing", "", 404},
		{"POST", "/api/rules/{name}/disable", "night", "", 200},
		{"POST", "/api/rules/{name}/enable", "night", "", 200},
		{"GET", "/api/outbox", "", "", 200},
		{"POST", "/api/outbox/resend", "?since=2026-01-01T00:00:00Z", "", 502},
		{"GET", "/api/configuration", "", "", 200},
		{"POST", "/api/reload", "", "", 501},
		{"GET", "/api/simulation", "", "", 409},
		{"POST", "/api/simulation", "", "{}", 409},
		{"GET", "/api/openapi.json", "", "", 200},
	} {
		target := url + c.path + c.query
		if strings.Contains(c.path, "{name}") {
			target = url + strings.Replace(c.path, "{name}", c.query, 1)
		}
		req, err := http.NewRequestWithContext(t.Context(), c.method, target, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.code {
			t.Errorf("%s %s%s: %d, want %d", c.method, c.path, c.query, resp.StatusCode, c.code)
		}
		d.fits(c.method, c.path, resp)
		resp.Body.Close()
		asked[strings.ToLower(c.method)+" "+c.path] = true
	}
	paths, _ := d.doc["paths"].(map[string]any)
	for path, methods := range paths {
		for method := range methods.(map[string]any) {
			if !asked[method+" "+path] {
				t.Errorf("%s %s is described and was not asked", method, path)
			}
		}
	}
	var one home.Outcome // the same id again is the same command
	body := post(t, url+"/api/commands", `{"device":"hall.lamp","set":{"state":true},"reason":"a test"}`, "Idempotency-Key", "one")
	before := get(t, url+"/api/events/past?kinds=outcome")
	if err := json.Unmarshal(body, &one); err != nil || one.ID != "one" || !one.Result.OK() || strings.Count(before, `"id":"one"`) != 1 {
		t.Errorf("the same id: %v %s", err, body)
	}
}

func post(t *testing.T, url, body string, header ...string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
