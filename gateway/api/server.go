package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hogar/gateway/home"
)

// House is what can be asked. Its methods are safe for concurrent use.
type House interface {
	Status() Status
	Devices(pattern string) []home.DeviceState
	// Follow returns a function that waits for the next event, and for how many
	// were left out before it. With a context that has ended it does not wait.
	Follow() func(ctx context.Context) (ev home.Event, lost uint64, err error)
}

// Door takes commands; see [hogar/gateway/control.Control.Submit].
type Door interface {
	Submit(cmd home.Command, done func(home.Outcome))
}

// Sender is the outbox. Its methods are safe for concurrent use.
type Sender interface {
	Outbox() Outbox
	Resend(ctx context.Context, since time.Time) (Resent, error)
}

// Server answers the requests. Who asks is told by the kernel on a unix socket
// (cli:<user>), and by [WithSource] where somebody else stands at the door.
type Server struct {
	House  House
	Door   Door
	Sender Sender
	Rules  Rules
	Past   Past // nil: nothing is kept

	Simulation Simulation                      // nil: the house is real
	Reload     func(ctx context.Context) error // nil: not possible
	Config     func() Configuration            // reads it; nil: not possible
	// Measure returns when the house has new readings of the device, or why it has
	// not; nil: not possible.
	Measure func(ctx context.Context, device string) error
	// May reports whether a source has a right: set, get or measure; property may be "".
	// nil: everybody has every right.
	May func(source, verb, device, property string) bool
	// Rights is what a source may do now, as a text: when it becomes another, the streams
	// of the source end. nil: it never does.
	Rights func(source string) string
	// Raw is [House.Follow] with the measurements before the filters; nil: not possible.
	Raw func() func(ctx context.Context) (ev home.Event, lost uint64, err error)

	looks atomic.Int64 // how many read the journal
	now   struct {     // the gateway's own state, for all streams
		sync.Mutex
		at   time.Time
		body []byte
	}
}

// route is one kind of request.
type route struct {
	pattern string
	needs   right
	serve   http.HandlerFunc
}

// routes are all there are; openapi.json describes them.
func (s *Server) routes() []route {
	return []route{
		{"GET /api/house", everybody, s.house},
		{"GET /api/status", everybody, s.house},
		{"GET /api/devices", byName, s.devices},
		{"GET /api/events", byName, s.events},
		{"GET /api/events/past", byName, s.past},
		{"GET /api/history", byName, s.history},
		{"POST /api/commands", byName, s.command},
		{"POST /api/measure", byName, s.measure},
		{"POST /api/reload", "set gateway.reload", s.reload},
		{"GET /api/configuration", "get gateway.configuration", s.configuration},
		{"GET /api/rules", byName, s.rules},
		{"GET /api/rules/{name}", "get rule.{name}", s.rule},
		{"POST /api/rules/{name}/enable", "set rule.{name}", s.switchRule(true)},
		{"POST /api/rules/{name}/disable", "set rule.{name}", s.switchRule(false)},
		{"GET /api/simulation", "get gateway.simulate", s.simulation},
		{"POST /api/simulation", "set gateway.simulate", s.simulation},
		{"GET /api/outbox", "get gateway.outbox", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Sender.Outbox()) }},
		{"POST /api/outbox/resend", "set gateway.resend", s.resend},
		{"GET /api/openapi.json", everybody, describe},
	}
}

// streamRoute is the one whose requests last.
const streamRoute = "GET /api/events"

// Handler returns the routes, with room of their own for streams and for other requests:
// each door has one.
func (s *Server) Handler() http.Handler {
	mux, room := http.NewServeMux(), newRoom()
	for _, r := range s.routes() {
		bound := room.bound
		if r.pattern == streamRoute {
			bound = room.stream
		}
		mux.HandleFunc(r.pattern, bound(s.permit(r)))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path, "see /api/house, /api/devices, /api/events, /api/commands")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// house answers with the gateway's own state.
func (s *Server) house(w http.ResponseWriter, _ *http.Request) { reply(w, s.House.Status()) }

// houseNow is the gateway's own state as JSON, not older than half a second.
func (s *Server) houseNow(now time.Time) []byte {
	s.now.Lock()
	defer s.now.Unlock()
	if now.Sub(s.now.at) > beat/2 {
		s.now.at = now
		s.now.body, _ = json.Marshal(s.House.Status()) // texts and numbers always encode
	}
	return s.now.body
}

func (s *Server) devices(w http.ResponseWriter, r *http.Request) {
	if s.Past != nil { // asked first: what comes after it may be in already, and is never missing
		_, newest := s.Past.Kept()
		w.Header().Set("Last-Event-ID", strconv.FormatUint(newest, 10))
	}
	s.show(w, r, pattern(r))
}

func pattern(r *http.Request) string {
	if p := r.URL.Query().Get("pattern"); p != "" {
		return p
	}
	return "#"
}

// about reports whether the event's name, its device, or the rule fits pattern.
func about(pattern string, ev *home.Event) bool {
	if ev.Device == "" {
		return home.Match(pattern, cmp.Or(ev.Name, ev.Kind.String()))
	}
	return home.Match(pattern, ev.FullName()) || home.Match(pattern, ev.Device)
}

// maxBody bounds a command's body.
const maxBody = 64 << 10

// commandWait bounds how long a request waits for the outcome; the command goes
// on without it.
const commandWait = 30 * time.Second

func (s *Server) command(w http.ResponseWriter, r *http.Request) {
	var cmd struct {
		ID      string        `json:"id"`
		Device  string        `json:"device"`
		Set     home.Settings `json:"set"`
		Reason  string        `json:"reason"`
		Expires time.Time     `json:"expires"`
	}
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	if err := body.Decode(&cmd); err != nil {
		refuse(w, http.StatusBadRequest, "the command cannot be read: "+err.Error(), `send {"device":"hall.lamp","set":{"state":true}}`)
		return
	}
	if _, err := body.Token(); !errors.Is(err, io.EOF) {
		refuse(w, http.StatusBadRequest, "the command cannot be read: more follows after it", "send one JSON object")
		return
	}
	cmd.ID = cmp.Or(cmd.ID, r.Header.Get("Idempotency-Key"))
	answer := make(chan home.Outcome, 1)
	s.Door.Submit(home.Command{ID: cmd.ID, Device: cmd.Device, Set: cmd.Set, Reason: cmd.Reason, Expires: cmd.Expires,
		Source: source(r)}, func(o home.Outcome) { answer <- o })
	select {
	case o := <-answer:
		reply(w, o)
	case <-time.After(commandWait):
		refuse(w, http.StatusGatewayTimeout, "no outcome within "+commandWait.String(), "hogar watch shows it when it comes")
	case <-r.Context().Done():
	}
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	if s.Reload == nil {
		refuse(w, http.StatusNotImplemented, "this gateway cannot read its configuration again", "restart it")
		return
	}
	if err := s.Reload(r.Context()); err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error(), "the old configuration goes on running; hogar check shows the faults")
		return
	}
	reply(w, s.House.Status())
}

func (s *Server) resend(w http.ResponseWriter, r *http.Request) {
	since, err := time.Parse(time.RFC3339, r.URL.Query().Get("since"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "since is no time: "+err.Error(), "write it like 2026-11-22T20:15:00Z")
		return
	}
	sent, err := s.Sender.Resend(r.Context(), since)
	if err != nil {
		refuse(w, http.StatusBadGateway, err.Error(), fmt.Sprintf("%d were sent before that; hogar doctor says what is wrong with the broker", sent.Sent))
		return
	}
	reply(w, sent)
}

func (s *Server) configuration(w http.ResponseWriter, _ *http.Request) {
	if s.Config == nil {
		refuse(w, http.StatusNotImplemented, "this gateway cannot show its configuration", "hogar check shows its faults")
		return
	}
	reply(w, s.Config())
}

func reply(w http.ResponseWriter, v any) {
	inTime(w)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader went: nobody is left to be told
}

func refuse(w http.ResponseWriter, code int, title, detail string) {
	inTime(w)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(problem{title, detail, code})
}

// Refuse answers with application/problem+json: what was wrong, and what to do.
func Refuse(w http.ResponseWriter, code int, title, detail string) { refuse(w, code, title, detail) }
