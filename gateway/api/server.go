package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"hogar/gateway/home"
)

// House is what can be asked. Its methods are safe for concurrent use.
type House interface {
	Status() Status
	Devices(pattern string) []home.DeviceState
	// Follow returns a function that waits for the next event, and for how many
	// were left out before it.
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

// Server answers the requests. The caller of a unix socket is told by the
// kernel, so a request's source is cli:<user>.
type Server struct {
	House  House
	Door   Door
	Sender Sender
	Rules  Rules
	Reload func(ctx context.Context) error // nil: not possible
	// Measure returns when the house has new readings of the device, or why it has
	// not; nil: not possible.
	Measure func(ctx context.Context, device string) error
	// May reports whether a source has a right: get or measure; property may be "".
	// nil: everybody has every right.
	May func(source, verb, device, property string) bool
	// Raw is [House.Follow] with the measurements before the filters; nil: not possible.
	Raw func() func(ctx context.Context) (ev home.Event, lost uint64, err error)
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, r *http.Request) { reply(w, s.House.Status()) })
	mux.HandleFunc("GET /api/devices", s.devices)
	mux.HandleFunc("GET /api/events", s.events)
	mux.HandleFunc("POST /api/commands", s.command)
	mux.HandleFunc("POST /api/measure", s.measure)
	mux.HandleFunc("POST /api/reload", s.reload)
	mux.HandleFunc("GET /api/outbox", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Sender.Outbox()) })
	mux.HandleFunc("POST /api/outbox/resend", s.resend)
	s.addRules(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path, "see /api/status, /api/devices, /api/events, /api/commands")
	})
	return mux
}

func (s *Server) devices(w http.ResponseWriter, r *http.Request) { s.show(w, r, pattern(r)) }

func pattern(r *http.Request) string {
	if p := r.URL.Query().Get("pattern"); p != "" {
		return p
	}
	return "#"
}

// events streams what happens, until the reader goes.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	match := pattern(r)
	follow := s.House.Follow
	if s.Raw != nil && r.URL.Query().Get("raw") == "true" {
		follow = s.Raw
	}
	next := follow()
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_ = out.Flush()
	var lost uint64 // since the last event that was sent: any of them may have fitted
	for {
		ev, more, err := next(r.Context())
		if err != nil {
			return
		}
		lost += more
		if !about(match, &ev) || ev.Device != "" && !s.may(r, "get", ev.Device, ev.Property) {
			continue
		}
		data, err := ev.AppendJSON(nil)
		if err != nil {
			continue
		}
		if lost > 0 {
			fmt.Fprintf(w, "event: lost\ndata: %d\n\n", lost)
			lost = 0
		}
		fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", ev.Seq, ev.Kind, data)
		if out.Flush() != nil {
			return
		}
	}
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

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader went: nobody is left to be told
}

func refuse(w http.ResponseWriter, code int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(problem{title, detail, code})
}
