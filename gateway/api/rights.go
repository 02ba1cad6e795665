package api

import (
	"net/http"
	"strings"

	"hogar/gateway/home"
)

// right is what who asks needs for a request: a verb and a name, in which {name} is the
// request's own. A route without one refuses everybody.
type right string

const (
	// everybody may ask: the answer says nothing of devices, rules and messages.
	everybody right = "everybody"
	// byName is asked of each name in the answer, or in the command.
	byName right = "by name"
)

// may reports whether who asks has a right: set, get or measure. What is no device's has a
// name, too: gateway.reload, rule.night. device is its first word then.
func (s *Server) may(r *http.Request, verb, device, property string) bool {
	return s.May == nil || s.May(source(r), verb, device, property)
}

// permit serves a route to who has its right.
func (s *Server) permit(rt route) http.HandlerFunc {
	if rt.needs == everybody || rt.needs == byName {
		return rt.serve
	}
	verb, name, _ := strings.Cut(string(rt.needs), " ")
	device, property, _ := strings.Cut(name, ".")
	return func(w http.ResponseWriter, r *http.Request) {
		property := property
		if property == "{name}" {
			property = r.PathValue("name")
		}
		if !s.may(r, verb, device, property) {
			s.forbid(w, r, verb, home.Join(device, property))
			return
		}
		rt.serve(w, r)
	}
}

func (s *Server) forbid(w http.ResponseWriter, r *http.Request, verb, name string) {
	refuse(w, http.StatusForbidden, source(r)+" may not "+verb+" "+name, "access: in the configuration says who may do what")
}

// sees reports whether an event may be seen, by the right to get what it is about.
func sees(ev *home.Event, may func(device, property string) bool) bool {
	switch {
	case ev.Device != "":
		return may(ev.Device, ev.Property)
	case ev.Kind == home.KindRule:
		return may("rule", ev.Name)
	case ev.Kind == home.KindVariable:
		return may(home.Vars, ev.Name)
	case ev.Message != nil:
		return may("message", ev.Message.Key)
	case ev.Kind != home.KindGateway:
		return may(ev.Kind.String(), "")
	case ev.Detail == nil, ev.Name == home.EventStarted, ev.Name == home.EventReloaded:
		return true // as the status, which everybody may see
	}
	return may("gateway", ev.Name) // its detail may have names of the house
}

// rights is what the source of a request may do now, as a text to compare.
func (s *Server) rights(r *http.Request) string {
	if s.Rights == nil {
		return ""
	}
	return s.Rights(source(r))
}
