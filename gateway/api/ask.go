package api

import (
	"context"
	"net/http"
	"time"

	"hogar/gateway/home"
)

// measureWait bounds how long a device may take to measure.
const measureWait = 10 * time.Second

// show answers with what fits pattern and may be seen.
func (s *Server) show(w http.ResponseWriter, r *http.Request, pattern string) {
	found := s.House.Devices(pattern)
	seen := home.Visible(found, func(device, property string) bool { return s.may(r, "get", device, property) })
	switch {
	case len(found) == 0:
		reply(w, []home.DeviceState{})
	case len(seen) == 0:
		s.forbid(w, r, "get", pattern)
	default:
		reply(w, seen)
	}
}

// measure has a device measured, and answers with what it is now.
func (s *Server) measure(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("device")
	found := s.House.Devices(name)
	switch {
	case s.Measure == nil:
		refuse(w, http.StatusNotImplemented, "this gateway does not measure on demand", "")
		return
	case len(found) != 1:
		refuse(w, http.StatusNotFound, "no device or property is called "+name, "`hogar devices` lists them")
		return
	case len(home.Visible(found, func(device, property string) bool { return s.may(r, "measure", device, property) })) == 0:
		s.forbid(w, r, "measure", name)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), measureWait)
	defer cancel()
	if err := s.Measure(ctx, found[0].Name); err != nil {
		refuse(w, http.StatusConflict, "measure "+name+": "+err.Error(), "")
		return
	}
	s.show(w, r, name)
}
