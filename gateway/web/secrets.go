package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// secrets is a file of lines name:secret, which is read again when it has changed.
type secrets struct {
	file string
	read func(string) ([]byte, error)

	mu   sync.Mutex
	at   time.Time
	size int64
	of   map[string]string // by name
	err  error
}

// all returns the secrets by name; the map is not changed afterwards.
func (s *secrets) all() (map[string]string, error) {
	if s.file == "" {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.file)
	if err != nil {
		return nil, err
	}
	if s.of != nil && info.ModTime().Equal(s.at) && info.Size() == s.size {
		return s.of, s.err
	}
	data, err := s.read(s.file)
	s.at, s.size, s.err = info.ModTime(), info.Size(), err
	s.of = lines(data)
	return s.of, s.err
}

// lines reads name:secret; empty lines and those that begin with # are comments.
func lines(data []byte) map[string]string {
	of := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if name, secret, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") && name != "" && secret != "" {
			of[name] = secret
		}
	}
	return of
}

// leastToken is how many characters a token has at least.
const leastToken = 16

// holder is whose token it is.
func (s *secrets) holder(token string) (name string, ok bool) {
	of, err := s.all()
	if err != nil || len(token) < leastToken {
		return "", false
	}
	given := sha256.Sum256([]byte(token))
	for holder, secret := range of { // all of them, so that the time tells nothing
		want := sha256.Sum256([]byte(secret))
		if subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			name, ok = holder, true
		}
	}
	return name, ok
}

// nobody is the hash that the password of an unknown user is held against, so that the time
// does not tell who is known.
const nobody = "$2a$10$3qAeDf41U9JGhXVwlYKTT.DeXruUbIYnRLtZt3eN4AZTRbyaCTxM2"

// maxPassword is how much of a password bcrypt takes, in bytes.
const maxPassword = 72

// check says why a password does not fit.
func (s *secrets) check(user, password string) (hash string, err error) {
	of, err := s.all()
	if err != nil {
		return "", err
	}
	hash, known := of[user]
	if !known {
		hash = nobody
	}
	err = bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	if !known || err != nil {
		return "", fmt.Errorf("user and password do not fit")
	}
	return hash, nil
}

// Hash returns the line for a file of users: name:bcrypt.
func Hash(user, password string) (string, error) {
	if user == "" || strings.ContainsAny(user, ":# \t\n") {
		return "", fmt.Errorf("%q is no name of a user: it may not be empty, nor have blanks, : or #", user)
	}
	if len(password) < 8 || len(password) > maxPassword {
		return "", fmt.Errorf("a password has from 8 to %d bytes", maxPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return user + ":" + string(hash), err
}
