package api

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"time"

	"hogar/gateway/home"
)

// Past is what the journal keeps. Its methods are safe for concurrent use.
type Past interface {
	// Kept returns the numbers of the oldest event that is kept, and of the newest
	// that followers were told of.
	Kept() (oldest, newest uint64)
	// Between gives out the events with numbers after one, up to another, in order,
	// and waits for those that are not on the disk yet.
	Between(ctx context.Context, after, to uint64) iter.Seq[home.Event]
	// Range gives out the events on the disk that were accepted from a house time on,
	// up to another. When want is not nil, it chooses them before they are decoded.
	Range(ctx context.Context, from, to time.Time, want func(kind home.Kind, body []byte) bool) iter.Seq[home.Event]
}

// Logged is an event that is past.
type Logged struct {
	Seq   uint64          `json:"seq"`
	Kind  string          `json:"kind"`
	Event json.RawMessage `json:"event"`
}

// History is the past of one property.
type History struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit,omitempty"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Count  int       `json:"count"`  // readings in it
	Points []Point   `json:"points"` // at most four in each part of the time
}

// Point is a moment (ms since 1970, house time) and a value. JSON: [ms, value].
type Point struct {
	At    int64
	Value home.Value
}

// MarshalJSON writes an array, which is short.
func (p Point) MarshalJSON() ([]byte, error) {
	dst := strconv.AppendInt([]byte{'['}, p.At, 10)
	return append(p.Value.AppendJSON(append(dst, ',')), ']'), nil
}

const (
	usualPast   = 24 * time.Hour
	usualPoints = 300 // parts of the time
	maxPoints   = 2000
	usualLog    = 200
	maxLog      = 2000
	maxLogBytes = 2 << 20 // of the events in one answer; the oldest are left out
)

// span reads from and to; without them it is the last day.
func (s *Server) span(r *http.Request) (from, to time.Time, err error) {
	q := r.URL.Query()
	to = s.House.Status().HouseTime
	if t := q.Get("to"); t != "" {
		if to, err = time.Parse(time.RFC3339, t); err != nil {
			return from, to, fmt.Errorf("to is %q, expected a time like 2026-11-22T20:15:00Z", t)
		}
	}
	from = to.Add(-usualPast)
	if t := q.Get("from"); t != "" {
		if from, err = time.Parse(time.RFC3339, t); err != nil {
			return from, to, fmt.Errorf("from is %q, expected a time like 2026-11-22T20:15:00Z", t)
		}
	}
	if !from.Before(to) {
		return from, to, fmt.Errorf("from is not before to")
	}
	return from, to, nil
}

func number(r *http.Request, name string, usual, most int) (int, error) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s is %q, expected a number from 1 to %d", name, s, most)
	}
	return n, nil
}

// history answers with the readings of one property, thinned out to what a chart
// can show.
func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	device, property := home.Split(name)
	from, to, err := s.span(r)
	parts, wrong := number(r, "points", usualPoints, maxPoints)
	switch {
	case device == "":
		refuse(w, http.StatusBadRequest, fmt.Sprintf("name is %q, expected the full name of a property", name), "like kitchen.climate.temperature")
		return
	case err != nil || wrong != nil:
		refuse(w, http.StatusBadRequest, reason(err, wrong), "/api/openapi.json describes the request")
		return
	case !s.may(r, "get", device, property):
		s.forbid(w, r, "get", name)
		return
	}
	release, ok := s.look(w)
	if !ok {
		return
	}
	defer release()
	h := History{Name: name, From: from, To: to, Points: []Point{}}
	t := thinner{from: from.UnixMilli(), width: max(1, to.Sub(from).Milliseconds()/int64(parts))}
	for ev := range s.Past.Range(r.Context(), from, to, readingOf(device, property)) {
		if ev.Device == device && ev.Property == property {
			h.Count++
			h.Unit = ev.Unit
			t.add(Point{ev.Time.UnixMilli(), ev.Value})
		}
	}
	h.Points = append(h.Points, t.end()...)
	reply(w, h)
}

// readingOf chooses the readings of a property by how they begin.
func readingOf(device, property string) func(home.Kind, []byte) bool {
	begin := `{"device":"` + device + `","property":"` + property + `"`
	return func(kind home.Kind, body []byte) bool {
		return kind == home.KindReading && len(body) > len(begin) && string(body[:len(begin)]) == begin
	}
}

// past answers with the last events of a time that fit, the oldest first.
func (s *Server) past(w http.ResponseWriter, r *http.Request) {
	kinds, err := kindsOf(r.URL.Query().Get("kinds"))
	from, to, wrong := s.span(r)
	limit, far := number(r, "limit", usualLog, maxLog)
	if why := reason(err, wrong, far); why != "" {
		refuse(w, http.StatusBadRequest, why, "/api/openapi.json describes the request")
		return
	}
	release, ok := s.look(w)
	if !ok {
		return
	}
	defer release()
	may := func(device, property string) bool { return s.may(r, "get", device, property) }
	want := wish{match: pattern(r), kinds: kinds}
	chosen := func(kind home.Kind, _ []byte) bool { return len(kinds) == 0 || slices.Contains(kinds, kind) }
	found, size := []Logged{}, 0
	for ev := range s.Past.Range(r.Context(), from, to, chosen) {
		if !want.wants(&ev) || !sees(&ev, may) {
			continue
		}
		one := Logged{Seq: ev.Seq, Kind: ev.Kind.String()}
		if one.Event, err = ev.AppendJSON(nil); err != nil {
			continue
		}
		found, size = append(found, one), size+len(one.Event)
		for len(found) > limit || size > maxLogBytes {
			found, size = found[1:], size-len(found[0].Event)
		}
	}
	reply(w, found)
}

// maxLooks is how many may read the journal at once: it costs time and the disk.
const maxLooks = 8

// look takes a turn to read the journal.
func (s *Server) look(w http.ResponseWriter) (release func(), ok bool) {
	if s.Past == nil {
		refuse(w, http.StatusNotImplemented, "this gateway keeps no past", "start it with a journal")
		return nil, false
	}
	if s.looks.Add(1) > maxLooks {
		s.looks.Add(-1)
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "too many read the journal now", "try again in a second")
		return nil, false
	}
	return func() { s.looks.Add(-1) }, true
}

// reason is the first error's text.
func reason(errs ...error) string {
	for _, err := range errs {
		if err != nil {
			return err.Error()
		}
	}
	return ""
}
