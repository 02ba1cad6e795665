package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/home"
)

// Every route says which right it needs, and the description says the same.
func TestRoutesHaveRights(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			Right string `json:"x-right"`
		}
	}
	if err := json.Unmarshal(OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	for _, r := range (&Server{}).routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		verb, name, _ := strings.Cut(string(r.needs), " ")
		if r.needs != everybody && r.needs != byName && (!slices.Contains([]string{"get", "set", "measure"}, verb) || !strings.Contains(name, ".")) {
			t.Errorf("%s needs %q", r.pattern, r.needs)
		}
		if got := doc.Paths[path][strings.ToLower(method)].Right; got != string(r.needs) {
			t.Errorf("%s: the description's x-right is %q, want %q", r.pattern, got, r.needs)
		}
	}
}

// A route without a right refuses everybody when there are rights.
func TestNoRightIsNone(t *testing.T) {
	s := &Server{May: func(_, verb, device, _ string) bool { return verb != "" && device != "" }}
	w := httptest.NewRecorder()
	s.permit(route{"GET /x", "", func(http.ResponseWriter, *http.Request) { t.Error("served") }})(w, httptest.NewRequest("GET", "/x", nil))
	if w.Code != http.StatusForbidden {
		t.Error(w.Code)
	}
}

// Each event is seen by who may get what it is about, and by nobody else.
func TestEventsByRight(t *testing.T) {
	detail := json.RawMessage(`{"key":"casa.reading.safe.door"}`)
	for _, c := range []struct {
		ev   home.Event
		name string // "": everybody's
	}{
		{home.Event{Kind: home.KindReading, Device: "hall.lamp", Property: "state"}, "hall.lamp.state"},
		{home.Event{Kind: home.KindOutcome, Device: "hall.lamp"}, "hall.lamp"},
		{home.Event{Kind: home.KindRule, Name: "night"}, "rule.night"},
		{home.Event{Kind: home.KindVariable, Name: "guests"}, "vars.guests"},
		{home.Event{Kind: home.KindMessage, Message: &home.Message{Key: "weather.storm"}}, "message.weather.storm"},
		{home.Event{Kind: home.KindPublish, Message: &home.Message{Key: "to.phone"}}, "message.to.phone"},
		{home.Event{Kind: home.KindGateway, Name: "reloaded"}, ""},
		{home.Event{Kind: home.KindGateway, Name: "started", Detail: detail}, ""},
		{home.Event{Kind: home.KindGateway, Name: "set_aside", Detail: detail}, "gateway.set_aside"},
		{home.Event{Kind: 77, Name: "new"}, "unknown"},
	} {
		asked := ""
		if got := sees(&c.ev, func(device, property string) bool {
			asked = strings.TrimSuffix(device+"."+property, ".")
			return false
		}); got != (c.name == "") || asked != c.name {
			t.Errorf("%+v: %t, asked of %q, want %q", c.ev, got, asked, c.name)
		}
		if !sees(&c.ev, func(string, string) bool { return true }) {
			t.Errorf("%+v is hidden from who may get everything", c.ev)
		}
	}
}

// A stream ends within a second or so when its source has other rights, also when nothing
// happens in the house.
func TestStreamEndsWithItsRights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, query := range []string{"", "?rate=4&house=true"} {
			f := &fake{events: make(chan followed, 10)}
			var rights atomic.Value
			rights.Store("ana: all")
			s := &Server{House: f, Door: f, Rights: func(source string) string { return source + rights.Load().(string) }}
			w := &recorder{ResponseRecorder: httptest.NewRecorder()}
			ctx, cancel := context.WithCancel(t.Context())
			began, ended := time.Now(), time.Duration(0)
			var wg sync.WaitGroup
			wg.Go(func() {
				s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/events"+query, nil))
				ended = time.Since(began)
			})
			time.Sleep(time.Minute)
			rights.Store("ana: some")
			time.Sleep(time.Minute)
			cancel()
			wg.Wait()
			if ended < time.Minute || ended > time.Minute+1500*time.Millisecond {
				t.Errorf("%s: ended after %s, the rights changed after a minute", query, ended)
			}
		}
	})
}

// Nothing of the API is kept by a cache, not even an error.
func TestNoStore(t *testing.T) {
	f := &fake{events: make(chan followed)}
	close(f.events)
	s := &Server{House: f, Door: f, Past: &shelf{1, 10}, May: func(_, verb, _, _ string) bool { return verb == "get" }}
	for _, target := range []string{"/api/status", "/api/devices", "/api/events", "/api/events/past", "/api/nothing", "/api/openapi.json", "/api/history"} {
		if w := ask(s, "GET", target, ""); w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, Cache-Control: %q", target, w.Code, w.Header().Get("Cache-Control"))
		}
	}
}

// Streams through one door leave the other its own.
func TestDoorsHaveRoomsOfTheirOwn(t *testing.T) {
	f := &fake{events: make(chan followed)}
	s := &Server{House: f, Door: f}
	page, socket := httptest.NewServer(s.Handler()), httptest.NewServer(s.Handler())
	defer page.Close()
	defer socket.Close()
	defer close(f.events)
	open := func(at *httptest.Server) int {
		resp, err := http.Get(at.URL + "/api/events")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp.StatusCode
	}
	for n := range maxStreams {
		if code := open(page); code != http.StatusOK {
			t.Fatalf("stream %d: %d", n+1, code)
		}
	}
	if code := open(page); code != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", code)
	}
	if code := open(socket); code != http.StatusOK {
		t.Errorf("at the other door: %d", code)
	}
}

// What is past is bounded in bytes, too: the newest are there.
func TestPastIsBounded(t *testing.T) {
	s := &Server{House: &fake{}, Past: longPast{&shelf{1, 200}}}
	body := ask(s, "GET", "/api/events/past?limit=2000", "").Body
	if n := body.Len(); n < maxLogBytes/2 || n > maxLogBytes*5/4 {
		t.Errorf("%d bytes", n)
	}
	if !bytes.Contains(body.Bytes(), []byte(`"seq":200,`)) || bytes.Contains(body.Bytes(), []byte(`"seq":1,`)) {
		t.Error("not the newest")
	}
}

// longPast has 200 events of 30 kB.
type longPast struct{ *shelf }

func (longPast) Range(_ context.Context, from, _ time.Time, _ func(home.Kind, []byte) bool) iter.Seq[home.Event] {
	return func(yield func(home.Event) bool) {
		for n := range uint64(200) {
			ev := home.Event{Kind: home.KindReading, Seq: n + 1, Device: "hall", Property: "t", Value: home.TextOf(strings.Repeat("x", 30_000)), At: from, Time: from}
			if !yield(ev) {
				return
			}
		}
	}
}

// So many requests are under way at most; one more waits a while, and is refused then.
func TestRequestsHaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{House: &fake{}, Door: &fake{silent: true}}
		h := s.Handler()
		var wg sync.WaitGroup
		for range maxRequests {
			body, hold := io.Pipe()
			time.AfterFunc(9*time.Second, func() { hold.CloseWithError(fmt.Errorf("cut off")) })
			wg.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/api/commands", body)) })
		}
		synctest.Wait()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/api/status", nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("while %d are under way: %d", maxRequests, w.Code)
		}
		wg.Wait()
		w = httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest("GET", "/api/status", nil)); w.Code != http.StatusOK {
			t.Errorf("afterwards: %d", w.Code)
		}
	})
}
