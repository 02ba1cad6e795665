package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hogar/gateway/api"
	"hogar/gateway/clock"
)

// guardedHouse has two lamps and two rules: kids may see one of each, nobody nothing.
const guardedHouse = `gateway: casa
devices:
  kids.lamp: {driver: relay, pin: GPIO17}
  vault.lamp: {driver: relay, pin: GPIO27}
vars: {vault_mode: {options: [shut, open], start: shut}}
rules:
  bedtime: {when: kids.lamp.state, do: [{log: it is on}]}
  vault_alarm: {when: vault.lamp.state, do: [{set: {vars.vault_mode: open}}]}
web:
  users_file: users
  tokens_file: tokens
access:
  web:ana: "#"
  web:kids: {set: kids.lamp, get: [kids.#, rule.bedtime]}
`

// userTokens are the tokens of the users, by name.
var userTokens = map[string]string{"ana": "ana-0123456789abcdef", "kids": "kids-0123456789abcdef", "nobody": "nobody-0123456789abcdef"}

func planGuarded(t *testing.T, yaml string) (plan *Plan, dir string) {
	t.Helper()
	dir = t.TempDir()
	var lines strings.Builder
	for name, token := range userTokens {
		lines.WriteString(name + ":" + token + "\n")
	}
	for file, text := range map[string]string{"users": "", "tokens": lines.String()} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return planIn(t, dir, yaml), dir
}

// runGuarded runs the house with its page, whose address it returns.
func runGuarded(t *testing.T, plan *Plan, change func(*Options)) (h *testHouse, url string) {
	t.Helper()
	opened := make(chan string, 1)
	h = runHouse(t, plan, clock.New(time.Time{}, 1), func(o *Options) {
		o.Web, o.WebOpened = "127.0.0.1:0", func(url string) { opened <- url }
		o.Config = func() api.Configuration {
			return api.Configuration{Files: []api.File{{Name: "hogar.yaml", Text: guardedHouse}}}
		}
		o.Reload = func() (*Plan, error) { return plan, nil }
		o.Simulation = vaultSimulation{}
		if change != nil {
			change(o)
		}
	})
	return h, strings.TrimSuffix(<-opened, "/")
}

// vaultSimulation is one in which the vault's lamp is broken.
type vaultSimulation struct{ api.Simulation }

func (vaultSimulation) State() api.SimulationState {
	return api.SimulationState{Broken: map[string]string{"vault.lamp": "welded"}}
}

func (vaultSimulation) Speed(float64) error { return nil }

func requestOf(t *testing.T, user, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+userTokens[user])
	return r
}

// askAs makes a request, and returns its code and body; of a stream, what comes in a second.
func askAs(t *testing.T, user, method, url, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	resp, err := http.DefaultClient.Do(requestOf(t, user, method, url, body).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		time.AfterFunc(time.Second, cancel)
		said, _ := io.ReadAll(resp.Body) // ends with ctx
		return resp.StatusCode, string(said)
	}
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(said)
}

// TestEveryRouteByRight asks everything that is described, and the metrics, as users with
// different rights: nobody is told a name that he may not get. A route that the table does
// not have is a fault.
func TestEveryRouteByRight(t *testing.T) {
	t.Parallel()
	plan, _ := planGuarded(t, guardedHouse)
	_, url := runGuarded(t, plan, nil)
	for _, lamp := range []string{"kids.lamp", "vault.lamp"} {
		if _, said := askAs(t, "ana", "POST", url+"/api/commands", `{"device":"`+lamp+`","set":{"state":true}}`); !strings.Contains(said, "applied") {
			t.Fatal(said)
		}
	}
	const trigger = `{"device":"vault.lamp","set":{"state":false}}`
	table := map[string][]struct {
		query, body     string
		kids, nobody    int
		secret, visible string // ana is told the one, kids the other; "": nothing of the kind
	}{
		"GET /api/house":   {{"", "", 200, 200, "", `"gateway":"casa"`}},
		"GET /api/status":  {{"", "", 200, 200, "", `"gateway":"casa"`}},
		"GET /api/devices": {{"", "", 200, 403, "vault.lamp", "kids.lamp"}, {"?pattern=vault.lamp", "", 403, 403, "vault.lamp", ""}},
		"GET /api/events/past": {{"", "", 200, 200, "vault.lamp", "kids.lamp"}, {"?kinds=rule", "", 200, 200, "vault_alarm", "bedtime"},
			{"?kinds=reading&pattern=vars.%23", "", 200, 200, "vault_mode", ""}, {"?kinds=command,outcome,catalog", "", 200, 200, "vault.lamp", "kids.lamp"}},
		"GET /api/events": {{"?after=1", "", 200, 200, "vault.lamp", "kids.lamp"}, {"?after=1&kinds=rule", "", 200, 200, "vault_alarm", "bedtime"},
			{"?after=1&kinds=variable&raw=true", "", 200, 200, "vault_mode", ""}, {"?house=true", "", 200, 200, "", "event: house"}},
		"GET /api/history":       {{"?name=vault.lamp.state", "", 403, 403, "vault.lamp", ""}, {"?name=kids.lamp.state", "", 200, 403, "", "kids.lamp"}},
		"POST /api/commands":     {{"", trigger, 200, 200, `"applied"`, `"rejected"`}},
		"POST /api/measure":      {{"?device=vault.lamp", "{}", 403, 403, "", ""}},
		"POST /api/reload":       {{"", "{}", 403, 403, "", ""}},
		"GET /api/configuration": {{"", "", 403, 403, "vault", ""}},
		"GET /api/rules":         {{"", "", 200, 403, "vault_alarm", "bedtime"}},
		"GET /api/rules/{name}": {{"vault_alarm", "", 403, 403, "vault.lamp", ""}, {"bedtime", "", 200, 403, "", "kids.lamp"},
			{"nothing", "", 403, 403, "", ""}},
		"POST /api/rules/{name}/enable":  {{"vault_alarm", "{}", 403, 403, "vault_alarm", ""}, {"bedtime", "{}", 403, 403, "", ""}},
		"POST /api/rules/{name}/disable": {{"vault_alarm", "{}", 403, 403, "vault_alarm", ""}, {"bedtime", "{}", 403, 403, "", ""}},
		"GET /api/simulation":            {{"", "", 403, 403, "vault.lamp", ""}},
		"POST /api/simulation":           {{"", `{"speed":1}`, 403, 403, "vault.lamp", ""}},
		"GET /api/outbox":                {{"", "", 403, 403, "set_aside", ""}},
		"POST /api/outbox/resend":        {{"?since=2026-01-01T00:00:00Z", "{}", 403, 403, "", ""}},
		"GET /api/openapi.json":          {{"", "", 200, 200, "", "openapi"}},
		"GET /metrics": {{"", "", 200, 200, `hogar_reading{name="vault.lamp.state"`, `hogar_reading{name="kids.lamp.state"`},
			{"", "", 200, 200, `rule="vault_alarm"`, `rule="bedtime"`}},
	}
	for _, route := range append(routesOf(t), "GET /metrics") {
		cases := table[route]
		if len(cases) == 0 {
			t.Errorf("%s: nobody has said here who may ask for it", route)
		}
		method, path, _ := strings.Cut(route, " ")
		for _, c := range cases {
			target := url + path + c.query
			if strings.Contains(path, "{name}") {
				target = url + strings.Replace(path, "{name}", c.query, 1)
			}
			for user, want := range map[string]int{"kids": c.kids, "nobody": c.nobody} {
				code, said := askAs(t, user, method, target, c.body)
				said = strings.ReplaceAll(said, "may not get "+strings.TrimPrefix(c.query, "?pattern="), "") // his own words
				said = strings.ReplaceAll(strings.ReplaceAll(said, "web:kids may not", ""), "web:nobody may not", "")
				if code != want {
					t.Errorf("%s %s%s: %d, want %d: %.300s", user, route, c.query, code, want, said)
				}
				if code == 200 && c.body == "" && strings.Contains(said, "vault") {
					t.Errorf("%s %s%s is told of the vault: %.2000s", user, route, c.query, said)
				}
				if user == "kids" && !strings.Contains(said, c.visible) {
					t.Errorf("%s%s: kids are not told %q: %.600s", route, c.query, c.visible, said)
				}
				if user == "nobody" && code == 200 && strings.Contains(said, "kids.lamp") {
					t.Errorf("nobody %s%s is told %.600s", route, c.query, said)
				}
			}
			if _, said := askAs(t, "ana", method, target, c.body); !strings.Contains(said, c.secret) {
				t.Errorf("%s%s: ana is not told %q: %.600s", route, c.query, c.secret, said)
			}
		}
	}
}

// routesOf are those that openapi.json describes.
func routesOf(t *testing.T) (routes []string) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(api.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			routes = append(routes, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(routes)
	return routes
}

// A stream ends soon after what let it begin has ended: its token, or its right.
func TestStreamEndsWithWhatLetItBegin(t *testing.T) {
	plan, dir := planGuarded(t, guardedHouse)
	less := planIn(t, dir, strings.Replace(guardedHouse, "get: [kids.#, rule.bedtime]", "get: rule.bedtime", 1))
	var h *testHouse
	h, url := runGuarded(t, plan, func(o *Options) { o.Reload = func() (*Plan, error) { return less, nil } })
	for _, c := range []struct {
		name string
		user string
		end  func()
	}{
		{"the right, by a reload", "kids", func() {
			if err := h.Reload(t.Context()); err != nil {
				t.Error(err)
			}
		}},
		{"the token", "ana", func() {
			if err := os.WriteFile(filepath.Join(dir, "tokens"), []byte("kids:"+userTokens["kids"]+"\n"), 0o600); err != nil {
				t.Error(err)
			}
		}},
	} {
		resp, err := http.DefaultClient.Do(requestOf(t, c.user, "GET", url+"/api/events?house=true", ""))
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		if !lines.Scan() {
			t.Errorf("%s: no stream: %v", c.name, lines.Err())
		}
		c.end()
		began := time.Now()
		time.AfterFunc(30*time.Second, func() { resp.Body.Close() })
		for lines.Scan() {
		}
		resp.Body.Close()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: the stream went on for %s", c.name, took)
		}
	}
	if code, _ := askAs(t, "ana", "GET", url+"/api/status", ""); code != 401 {
		t.Errorf("without a token: %d", code)
	}
}
