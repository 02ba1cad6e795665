package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Bounds of sessions.
const (
	maxLogIn    = 4096 // bytes of a log-in
	sessionLife = 30 * 24 * time.Hour
	maxSessions = 500
	maxOfOne    = 50 // of one user
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
	s.bound(maxOfOne, func(one session) bool { return one.user == user })
	s.bound(maxSessions, func(session) bool { return true })
	s.of[sha256.Sum256([]byte(id))] = session{user, hash, time.Now().Add(sessionLife)}
	return id
}

// bound ends of some sessions the one that would end first, when there are as many as may
// be; the lock is held.
func (s *sessions) bound(most int, of func(session) bool) {
	var first [32]byte
	var ends time.Time
	n := 0
	for id, one := range s.of {
		if of(one) {
			if n++; ends.IsZero() || one.ends.Before(ends) {
				first, ends = id, one.ends
			}
		}
	}
	if n >= most {
		delete(s.of, first)
	}
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
	if err != nil {
		return "", false // it goes on when the file can be read again
	}
	if of[one.user] != one.hash || time.Now().After(one.ends) {
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
	var who struct{ User, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxLogIn)).Decode(&who); err != nil {
		s.o.Refuse(w, http.StatusBadRequest, "the log-in cannot be read: "+err.Error(), `send {"user":"ana","password":"…"}`)
		return
	}
	from := s.sender(r)
	g, wait := s.limit.begin(r.Context(), from, who.User)
	if g == nil {
		seconds := int(wait/time.Second) + 1
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		s.o.Refuse(w, http.StatusTooManyRequests, "too many wrong passwords", "try again in "+strconv.Itoa(seconds)+" s")
		return
	}
	hash, err := s.users.check(who.User, who.Password)
	s.limit.end(g, err == nil || errors.Is(err, errUsers))
	switch {
	case errors.Is(err, errUsers): // the log has the file: who has not logged in need not know it
		s.o.Log.Error("log-in is not possible", "user", strconv.Quote(who.User), "from", from, "error", err)
		s.o.Refuse(w, http.StatusServiceUnavailable, "the file of users cannot be read",
			"the gateway's log says why: journalctl -u hogar; and so does sudo hogar check")
		return
	case err != nil:
		s.o.Log.Warn("log-in refused", "user", strconv.Quote(who.User), "from", from, "error", err)
		s.o.Refuse(w, http.StatusUnauthorized, errUnfit.Error(), "sudo hogar password NAME --add FILE writes a line into web.users_file")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookie(), Value: s.sessions.begin(who.User, hash), Path: s.o.Path + "/",
		MaxAge: int(sessionLife / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.secure(r)})
	answer(w, map[string]any{"user": who.User, "inside": true, "open": false})
}

func (s *Server) logOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(s.cookie()); err == nil {
		s.sessions.end(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookie(), Path: s.o.Path + "/", MaxAge: -1, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: s.secure(r)})
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the reader went: nobody is left to be told
}
