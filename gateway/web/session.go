package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of sessions.
const (
	sessionLife = 30 * 24 * time.Hour
	maxSessions = 500
)

// sessions are those who have logged in. They are kept in memory only: after a
// restart everybody logs in again.
type sessions struct {
	mu sync.Mutex
	of map[[32]byte]session // by the checksum of the cookie
}

type session struct {
	user, hash string // the hash with which it began: another password ends it
	ends       time.Time
}

// begin starts a session and returns its cookie's value.
func (s *sessions) begin(user, hash string) string {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = make(map[[32]byte]session)
	}
	if len(s.of) >= maxSessions {
		s.dropOne()
	}
	s.of[sha256.Sum256([]byte(id))] = session{user, hash, time.Now().Add(sessionLife)}
	return id
}

// dropOne ends the session that would end first; the lock is held.
func (s *sessions) dropOne() {
	var first [32]byte
	var ends time.Time
	for id, one := range s.of {
		if ends.IsZero() || one.ends.Before(ends) {
			first, ends = id, one.ends
		}
	}
	delete(s.of, first)
}

// user is who has begun the session, if it goes on.
func (s *sessions) user(id string, users *secrets) (string, bool) {
	key := sha256.Sum256([]byte(id))
	s.mu.Lock()
	one, ok := s.of[key]
	s.mu.Unlock()
	if !ok {
		return "", false
	}
	of, err := users.all()
	if err != nil || of[one.user] != one.hash || time.Now().After(one.ends) {
		s.end(id)
		return "", false
	}
	return one.user, true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, sha256.Sum256([]byte(id)))
}

func (s *Server) cookie() string { return "hogar_" + s.o.Gateway }

// who answers who the caller is.
func (s *Server) who(w http.ResponseWriter, r *http.Request) {
	name, ok := s.caller(r)
	answer(w, map[string]any{"user": name, "inside": ok, "open": s.open()})
}

func (s *Server) logIn(w http.ResponseWriter, r *http.Request) {
	from := sender(r)
	if wait := s.limit.wait(from); wait > 0 {
		seconds := int(wait/time.Second) + 1
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		s.o.Refuse(w, http.StatusTooManyRequests, "too many wrong passwords", "try again in "+strconv.Itoa(seconds)+" s")
		return
	}
	var who struct{ User, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&who); err != nil {
		s.o.Refuse(w, http.StatusBadRequest, "the log-in cannot be read: "+err.Error(), `send {"user":"ana","password":"…"}`)
		return
	}
	hash, err := s.check(from, who.User, who.Password)
	if err != nil {
		s.o.Log.Warn("log-in refused", "user", strconv.Quote(who.User), "from", from, "error", err)
		s.o.Refuse(w, http.StatusUnauthorized, err.Error(), "hogar password NAME makes the line for web.users_file")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookie(), Value: s.sessions.begin(who.User, hash), Path: s.o.Path + "/",
		MaxAge: int(sessionLife / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.secure(r)})
	answer(w, map[string]any{"user": who.User, "inside": true, "open": false})
}

// check holds a password against the file, one at a time: it costs time on purpose.
func (s *Server) check(from, user, password string) (string, error) {
	s.limit.turn.Lock()
	defer s.limit.turn.Unlock()
	hash, err := s.users.check(user, password)
	s.limit.note(from, err == nil)
	return hash, err
}

func (s *Server) logOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(s.cookie()); err == nil {
		s.sessions.end(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookie(), Path: s.o.Path + "/", MaxAge: -1, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: s.secure(r)})
	w.WriteHeader(http.StatusNoContent)
}

// secure reports whether the browser came with TLS, here or at a proxy on this machine.
func (s *Server) secure(r *http.Request) bool {
	return r.TLS != nil || loopback(remote(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

func remote(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}

// sender is the address that a request comes from; what a proxy on this machine says
// of it is believed.
func sender(r *http.Request) string {
	from := remote(r)
	if !loopback(from) {
		return from
	}
	forwarded := r.Header.Get("X-Forwarded-For")
	if last := strings.TrimSpace(forwarded[strings.LastIndexByte(forwarded, ',')+1:]); net.ParseIP(last) != nil {
		return last
	}
	return from
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the reader went: nobody is left to be told
}
