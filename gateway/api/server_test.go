package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// fake is a house with one lamp, and its door.
type fake struct {
	events   chan followed // what Follow gives
	pattern  string        // asked for last
	commands []home.Command
	silent   bool // Submit tells no outcome
}

type followed struct {
	ev   home.Event
	lost uint64
}

func (f *fake) Status() Status { return Status{Gateway: "casa", Devices: 1} }

func (f *fake) Devices(pattern string) []home.DeviceState {
	f.pattern = pattern
	if !home.Match(pattern, "hall.lamp") {
		return nil
	}
	return []home.DeviceState{{Name: "hall.lamp", Status: home.Online}}
}

func (f *fake) Follow() func(ctx context.Context) (home.Event, uint64, error) {
	take := func(e followed, ok bool) (home.Event, uint64, error) {
		if !ok {
			return home.Event{}, 0, io.EOF
		}
		return e.ev, e.lost, nil
	}
	return func(ctx context.Context) (home.Event, uint64, error) {
		select { // what is there comes first, also when ctx has ended
		case e, ok := <-f.events:
			return take(e, ok)
		default:
		}
		select {
		case e, ok := <-f.events:
			return take(e, ok)
		case <-ctx.Done():
			return home.Event{}, 0, ctx.Err()
		}
	}
}

func (f *fake) Submit(cmd home.Command, done func(home.Outcome)) {
	f.commands = append(f.commands, cmd)
	if !f.silent {
		done(home.Outcome{ID: "id", Device: cmd.Device, Set: cmd.Set, Result: home.Applied})
	}
}

// ask makes one request of the routes.
func ask(s *Server, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

func TestAnswers(t *testing.T) {
	f := &fake{}
	s := &Server{House: f, Door: f}
	for _, one := range []struct{ method, target, body, want string }{
		{"GET", "/api/status", "", `{"gateway":"casa","version":"","simulated":false,"started":"0001-01-01T00:00:00Z",` +
			`"house_time":"0001-01-01T00:00:00Z","devices":1,"online":0,"rules":0,"amqp":{"connected":false,"url":"",` +
			`"published":0,"confirmed":0,"commands":0},"journal":{"waiting":0,"bytes":0},"clock":{"trusted":false}}`},
		{"GET", "/api/devices", "", `[{"device":"hall.lamp","status":"online","properties":null,"readings":null}]`},
		{"GET", "/api/devices?pattern=%23.lamp", "", `[{"device":"hall.lamp","status":"online","properties":null,"readings":null}]`},
		{"GET", "/api/devices?pattern=garden.*", "", `[]`},
		{"POST", "/api/commands", `{"device":"hall.lamp","set":{"state":true},"reason":"test"}`,
			`{"id":"id","device":"hall.lamp","set":{"state":true},"outcome":"applied","took_ms":0}`},
	} {
		w := ask(s, one.method, one.target, one.body)
		got := strings.TrimSpace(w.Body.String())
		if one.target == "/api/status" {
			got = without(t, got, one.want)
		}
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" || got != one.want {
			t.Errorf("%s %s: %d %s\n got %s\nwant %s", one.method, one.target, w.Code, w.Header().Get("Content-Type"), got, one.want)
		}
	}
	want := home.Command{Device: "hall.lamp", Set: home.Settings{{Property: "state", Value: home.BooleanOf(true)}}, Reason: "test", Source: "http"}
	if diff := cmp.Diff([]home.Command{want}, f.commands, cmp.Comparer(func(a, b home.Value) bool { return a == b })); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

// without takes the members out of got that want does not have: a reader ignores
// what it does not know.
func without(t *testing.T, got, want string) string {
	t.Helper()
	var g, w map[string]json.RawMessage
	if json.Unmarshal([]byte(got), &g) != nil || json.Unmarshal([]byte(want), &w) != nil {
		t.Fatal(got)
	}
	for name := range w {
		var inner, known map[string]json.RawMessage
		if json.Unmarshal(w[name], &known) == nil && json.Unmarshal(g[name], &inner) == nil {
			for k := range known {
				if string(inner[k]) != string(known[k]) {
					return got
				}
			}
			continue
		}
		if string(g[name]) != string(w[name]) {
			return got
		}
	}
	return want
}

// What is refused is told as application/problem+json, with what was wrong and
// what to do, and nothing is commanded.
func TestRefusals(t *testing.T) {
	f := &fake{}
	s := &Server{House: f, Door: f}
	long := `{"device":"hall.lamp","set":{"state":"` + strings.Repeat("x", maxBody) + `"}}`
	for _, one := range []struct {
		name, method, target, body string
		code                       int
		title                      string // what is in it
	}{
		{"no JSON", "POST", "/api/commands", "on", 400, "cannot be read"},
		{"empty", "POST", "/api/commands", "", 400, "cannot be read: EOF"},
		{"cut", "POST", "/api/commands", `{"device":`, 400, "cannot be read"},
		{"unknown member", "POST", "/api/commands", `{"device":"hall.lamp","sett":{"state":true}}`, 400, `unknown field "sett"`},
		{"two", "POST", "/api/commands", `{"device":"a.b"} {"device":"c.d"}`, 400, "more follows after it"},
		{"set twice", "POST", "/api/commands", `{"device":"a.b","set":{"state":true,"state":false}}`, 400, `property "state" is set twice`},
		{"set is no object", "POST", "/api/commands", `{"device":"a.b","set":"on"}`, 400, "expected an object of properties"},
		{"too long", "POST", "/api/commands", long, 400, "request body too large"},
		{"no route", "GET", "/api/nothing", "", 404, "there is no GET /api/nothing"},
		{"root", "GET", "/", "", 404, "there is no GET /"},
		{"wrong method", "DELETE", "/api/devices", "", 404, "there is no DELETE /api/devices"},
		{"no reload", "POST", "/api/reload", "", 501, "cannot read its configuration again"},
	} {
		w := ask(s, one.method, one.target, one.body)
		var got problem
		dec := json.NewDecoder(w.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&got); err != nil {
			t.Errorf("%s: %v", one.name, err)
		}
		if w.Code != one.code || got.Status != one.code || w.Header().Get("Content-Type") != "application/problem+json" ||
			!strings.Contains(got.Title, one.title) || got.Detail == "" {
			t.Errorf("%s: %d %s: %+v, want %d %q", one.name, w.Code, w.Header().Get("Content-Type"), got, one.code, one.title)
		}
	}
	if len(f.commands) > 0 {
		t.Errorf("commanded: %v", f.commands)
	}
}

func TestReload(t *testing.T) {
	fault := errors.New("hogar.yaml has 2 faults")
	s := &Server{House: &fake{}, Reload: func(context.Context) error { return fault }}
	if w := ask(s, "POST", "/api/reload", ""); w.Code != 422 || !strings.Contains(w.Body.String(), fault.Error()) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	fault = nil
	if w := ask(s, "POST", "/api/reload", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"gateway":"casa"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A command whose sender goes away is left alone.
func TestSenderGoes(t *testing.T) {
	f := &fake{silent: true}
	s := &Server{House: f, Door: f}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/api/commands", strings.NewReader(`{"device":"hall.lamp","set":{"state":true}}`))
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Body.Len() > 0 || len(f.commands) != 1 {
		t.Errorf("%d %s, commands %v", w.Code, w.Body, f.commands)
	}
}

func reading(device string, n float64, seq uint64) home.Event {
	return home.Event{Kind: home.KindReading, Device: device, Property: "t", Value: home.NumberOf(n), Seq: seq, DSeq: seq,
		Time: time.Date(2026, 11, 22, 20, 15, 4, 123e6, time.UTC)}
}

// The stream: what fits the pattern, as it comes, with the number of events that
// were left out, also when those before it did not fit.
func TestStream(t *testing.T) {
	f := &fake{events: make(chan followed, 10)}
	server := httptest.NewServer((&Server{House: f, Door: f}).Handler())
	defer server.Close()
	f.events <- followed{reading("kitchen", 1, 1), 0}
	f.events <- followed{reading("hall", 2, 2), 0}
	f.events <- followed{reading("hall", 3, 40), 37}
	f.events <- followed{reading("kitchen", 4, 41), 0}
	f.events <- followed{home.Event{Kind: home.KindGateway, Name: "stopping", Seq: 42, Time: reading("", 0, 0).Time}, 2}
	f.events <- followed{reading("kitchen", 5, 43), 0}
	close(f.events)
	resp, err := http.Get(server.URL + "/api/events?pattern=kitchen")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	line := func(seq int, n int) string {
		return fmt.Sprintf("id: %d\nevent: reading\ndata: {\"device\":\"kitchen\",\"property\":\"t\",\"value\":%d,\"time\":\"2026-11-22T20:15:04.123Z\",\"dseq\":%d}\n\n", seq, n, seq)
	}
	want := line(1, 1) + "event: lost\ndata: 37\n\n" + line(41, 4) + "event: lost\ndata: 2\n\n" + line(43, 5)
	if diff := cmp.Diff(want, string(body)); diff != "" || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%s (-want +got):\n%s", resp.Header.Get("Content-Type"), diff)
	}
}

// An event is sent when it happens, not when a buffer is full.
func TestStreamIsFlushed(t *testing.T) {
	f := &fake{events: make(chan followed)}
	server := httptest.NewServer((&Server{House: f, Door: f}).Handler())
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for n := range 3 {
		f.events <- followed{reading("hall", float64(n), uint64(n+1)), 0}
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
		}
		if want := fmt.Sprintf(`"value":%d`, n); !strings.Contains(lines.Text(), want) {
			t.Errorf("%q, want %s in it", lines.Text(), want)
		}
		lines.Scan()
	}
}

// What is no command to a device asks the same rights.
func TestRightsToTheGateway(t *testing.T) {
	for target, right := range map[string]string{"/api/reload": "gateway.reload", "/api/outbox/resend?since=2026-11-22T20:15:00Z": "gateway.resend",
		"/api/simulation": "gateway.simulate", "/api/rules/dusk/disable": "rule.dusk"} {
		s := &Server{House: &fake{}, Simulation: noSimulation{}, Reload: func(context.Context) error { t.Error("reloaded"); return nil },
			May: func(_, verb, device, property string) bool {
				return verb != "set" || home.Join(device, property) != right
			}}
		if w := ask(s, "POST", target, `{"speed":2}`); w.Code != 403 || !strings.Contains(w.Body.String(), "http may not set "+right) {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

// noSimulation is one that nobody may change.
type noSimulation struct{ Simulation }

// Measuring, and what a person may see.
func TestRightsToAsk(t *testing.T) {
	var measured []string
	for _, one := range []struct {
		method, target, verb string // the one right there is
		able                 error
		code                 int
		body                 string // in it
	}{
		{"POST", "/api/measure?device=hall.lamp", "measure", nil, 403, "http may not get hall.lamp"},
		{"POST", "/api/measure?device=hall.lamp", "", nil, 200, `"device":"hall.lamp"`},
		{"POST", "/api/measure?device=hall.lamp", "get", nil, 403, "http may not measure hall.lamp"},
		{"POST", "/api/measure?device=hall.lamp", "", errors.New("it is off"), 409, "measure hall.lamp: it is off"},
		{"POST", "/api/measure?device=attic", "", nil, 404, "no device or property is called attic"},
		{"GET", "/api/devices", "get", nil, 200, `"device":"hall.lamp"`},
		{"GET", "/api/devices", "measure", nil, 403, "http may not get #"},
		{"GET", "/api/devices?pattern=attic", "measure", nil, 200, "[]"},
	} {
		s := &Server{House: &fake{}, May: func(source, verb, device, _ string) bool { return one.verb == "" || verb == one.verb },
			Measure: func(_ context.Context, device string) error {
				measured = append(measured, device)
				return one.able
			}}
		if w := ask(s, one.method, one.target, ""); w.Code != one.code || !strings.Contains(w.Body.String(), one.body) {
			t.Errorf("%s with the right to %q: %d %s", one.target, one.verb, w.Code, w.Body)
		}
	}
	if diff := cmp.Diff([]string{"hall.lamp", "hall.lamp", "hall.lamp"}, measured); diff != "" {
		t.Error(diff)
	}
	if w := ask(&Server{House: &fake{}}, "POST", "/api/measure?device=hall.lamp", ""); w.Code != 501 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	f := &fake{events: make(chan followed, 2)}
	f.events <- followed{ev: home.Event{Kind: home.KindReading, Device: "hall.lamp", Property: "state", Value: home.BooleanOf(true)}}
	f.events <- followed{ev: home.Event{Kind: home.KindGateway, Name: "reloaded"}}
	close(f.events)
	s := &Server{House: f, May: func(_, _, _, _ string) bool { return false }}
	if body := ask(s, "GET", "/api/events", "").Body.String(); strings.Contains(body, "hall.lamp") || !strings.Contains(body, "reloaded") {
		t.Errorf("who may get nothing sees %s", body)
	}
}
