package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
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
	// compare holds a password against a bcrypt hash.
	compare func(hash, password []byte) error

	mu   sync.Mutex
	at   time.Time
	size int64
	of   map[string]string // by name; nil: not read
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
		return s.of, nil
	}
	s.of = nil
	data, err := s.read(s.file) // an error is not kept: what mends it need not change time and size
	if err != nil {
		return nil, err
	}
	s.at, s.size, s.of = info.ModTime(), info.Size(), lines(data)
	return s.of, nil
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

// Bounds of bcrypt: the bytes of a password that it takes, and the cost of a hash (htpasswd
// makes none that costs more).
const (
	maxPassword = 72
	maxCost     = 17
)

// standIn is a hash of a cost that fits no password.
func standIn(cost int) []byte {
	return fmt.Appendf(nil, "$2a$%02d$3qAeDf41U9JGhXVwlYKTT.DeXruUbIYnRLtZt3eN4AZTRbyaCTxM2", cost)
}

// errUsers says that the file of users cannot be read.
var errUsers = errors.New("nobody can log in")

var errUnfit = errors.New("user and password do not fit")

// check says why a password does not fit. It does the same work for each user, known or
// not, whatever their hashes cost: as much as the dearest, so that the time does not say
// who is known.
func (s *secrets) check(user, password string) (hash string, err error) {
	of, err := s.all()
	if err != nil {
		return "", fmt.Errorf("%w: web.users_file: %w", errUsers, err)
	}
	most := 0
	for _, one := range of {
		cost, _ := costOf(one)
		most = max(most, cost)
	}
	most = cmp.Or(most, bcrypt.DefaultCost)
	cost, err := costOf(of[user])
	against := []byte(of[user])
	if err != nil {
		cost, against = most, standIn(most)
	}
	given := []byte(password)
	whole := len(given) <= maxPassword && !bytes.Contains(given, []byte{0}) // bcrypt would take another for it
	right := s.compare(against, given[:min(len(given), maxPassword)]) == nil
	for c := cost; c < most; c++ { // a step more is twice the work: the sum is that of most
		_ = s.compare(standIn(c), given[:min(len(given), maxPassword)])
	}
	switch _, known := of[user]; {
	case known && err != nil:
		return "", fmt.Errorf("web.users_file: the hash of the user cannot be used: %w", err)
	case err != nil, !right, !whole:
		return "", errUnfit
	}
	return of[user], nil
}

// costOf returns what a bcrypt hash costs, or why it cannot be used.
func costOf(hash string) (int, error) {
	cost, err := bcrypt.Cost([]byte(hash))
	if err == nil && cost > maxCost {
		err = fmt.Errorf("its cost is %d, at most %d is usable", cost, maxCost)
	}
	if err != nil {
		return 0, err
	}
	return cost, nil
}

// Hash returns the line for a file of users: name:bcrypt.
func Hash(user, password string) (string, error) {
	if user == "" || strings.ContainsAny(user, ":# \t\n") {
		return "", fmt.Errorf("%q is no name of a user: it may not be empty, nor have blanks, : or #", user)
	}
	if len(password) < 8 || len(password) > maxPassword {
		return "", fmt.Errorf("a password has from 8 to %d bytes", maxPassword)
	}
	if strings.Contains(password, "\x00") {
		return "", errors.New("a password has no NUL")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return user + ":" + string(hash), err
}
