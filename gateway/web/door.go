package web

import (
	"context"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// policy is what the page may load: only what comes from here.
const policy = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Handler returns everything behind the door.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/session", s.who)
	mux.HandleFunc("POST /api/session", s.logIn)
	mux.HandleFunc("DELETE /api/session", s.logOut)
	mux.HandleFunc("/api/", s.inside(s.o.API))
	if s.o.Metrics != nil {
		mux.HandleFunc("GET /metrics", s.inside(s.o.Metrics))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("/", s.page)
	return s.guard(s.below(mux))
}

// below takes the sub-path away, whether or not the reverse proxy has done so.
func (s *Server) below(h http.Handler) http.Handler {
	if s.o.Path == "" {
		return h
	}
	stripped := http.StripPrefix(s.o.Path, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == s.o.Path:
			http.Redirect(w, r, s.o.Path+"/", http.StatusPermanentRedirect)
		case strings.HasPrefix(r.URL.Path, s.o.Path+"/"):
			stripped.ServeHTTP(w, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// guard refuses what no browser that means well, and no program, sends.
func (s *Server) guard(h http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	if s.o.Host != "" {
		_ = cross.AddTrustedOrigin("https://" + s.o.Host) // a name that was checked
		_ = cross.AddTrustedOrigin("http://" + s.o.Host)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		switch {
		case s.loopback && !s.known(r.Host):
			s.o.Refuse(w, http.StatusMisdirectedRequest, "the page is not called "+r.Host,
				"use localhost, or write this name as web.host into the configuration")
		case r.Method == http.MethodPost && !isJSON(r):
			s.o.Refuse(w, http.StatusUnsupportedMediaType, "the content type is not application/json", "send it with Content-Type: application/json")
		case cross.Check(r) != nil:
			s.o.Refuse(w, http.StatusForbidden, "this request comes from another site", "only hogar's own page may send it from a browser")
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			h.ServeHTTP(w, r)
		}
	})
}

// known reports whether a request's host is one by which this machine may be called.
func (s *Server) known(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return loopback(host) || s.o.Host != "" && strings.EqualFold(host, s.o.Host)
}

func isJSON(r *http.Request) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == "application/json"
}

// open reports whether nobody need log in.
func (s *Server) open() bool { return s.o.Users == "" && s.o.Tokens == "" }

// inside lets in who is known.
func (s *Server) inside(serve func(w http.ResponseWriter, r *http.Request, source string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, ok := s.caller(r)
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="hogar"`)
			s.o.Refuse(w, http.StatusUnauthorized, "log in first", "POST /api/session with user and password, or send Authorization: Bearer TOKEN")
			return
		}
		source := "web"
		if name != "" {
			source += ":" + name
		}
		defer use(r)()
		ctx, end := s.while(r, name)
		defer end()
		serve(w, r.WithContext(ctx), source)
	}
}

// lookAgain is how soon what lasts ends when who asked for it is not let in any more.
const lookAgain = time.Second

// while returns a context that ends soon after what has let a request in: the session, the
// user, the password or the token. end has to be called.
func (s *Server) while(r *http.Request, name string) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(r.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		look := time.NewTicker(lookAgain)
		defer look.Stop()
		for {
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
			if now, ok := s.caller(r); !ok || now != name {
				cancel()
				return
			}
		}
	})
	return ctx, func() { cancel(); wg.Wait() }
}

// caller is who sends the request; "" is anybody, where the door is open.
func (s *Server) caller(r *http.Request) (name string, ok bool) {
	if s.open() {
		return "", true
	}
	if token, has := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); has {
		return s.tokens.holder(token)
	}
	c, err := r.Cookie(s.cookie())
	if err != nil {
		return "", false
	}
	return s.sessions.user(c.Value, &s.users)
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if s.o.Ready != nil {
		if err := s.o.Ready(); err != nil {
			s.o.Refuse(w, http.StatusServiceUnavailable, err.Error(), "the log says more")
			return
		}
	}
	_, _ = w.Write([]byte("ok\n"))
}
