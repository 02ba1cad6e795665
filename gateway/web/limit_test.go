package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// slowly makes each password take so long to look at, and counts them.
func slowly(s *Server, took time.Duration) (looked *int) {
	looked = new(int) // one password is looked at at a time
	compare := s.users.compare
	s.users.compare = func(hash, given []byte) error {
		time.Sleep(took)
		*looked++
		return compare(hash, given)
	}
	return looked
}

// logInFrom sends a password from an address.
func logInFrom(s *Server, from, user, password string) int {
	body, _ := json.Marshal(map[string]string{"user": user, "password": password})
	r := httptest.NewRequest("POST", "/api/session", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code
}

// Guesses that come at once are not tried at once: an address has one under way, and the
// rest are told to wait. Whatever is guessed, and from wherever, the right password from
// another address is looked at next.
func TestGuessesAtOnce(t *testing.T) {
	const took = 100 * time.Millisecond
	for _, c := range []struct {
		name string
		user string
		from func(n int) string
		most int // that are looked at
	}{
		{"one address", "ana", func(int) string { return "10.0.0.1:5" }, 2},
		{"one IPv6 network", "ana", func(n int) string { return fmt.Sprintf("[2001:db8::%x]:5", n) }, 2},
		{"many addresses", "ana", func(n int) string { return fmt.Sprintf("10.0.%d.%d:5", n/250, n%250) }, maxOfUser + 2},
		{"many addresses and users", "", func(n int) string { return fmt.Sprintf("10.0.%d.%d:5", n/250, n%250) }, maxQueue + 2},
	} {
		s, _ := guarded(t)
		synctest.Test(t, func(t *testing.T) {
			looked := slowly(s, took)
			codes := make(chan int, 300)
			for n := range 300 {
				user := c.user
				if user == "" {
					user = fmt.Sprint("user", n)
				}
				go func() { codes <- logInFrom(s, c.from(n), user, "wrong") }()
			}
			synctest.Wait()
			began := time.Now()
			if code := logInFrom(s, "192.168.7.7:5", "ana", password); code != http.StatusOK {
				t.Errorf("%s: the right one from another address: %d", c.name, code)
			}
			if d := time.Since(began); d > 2*took {
				t.Errorf("%s: the right one from another address waited %s", c.name, d)
			}
			tried, refused := 0, 0
			for range 300 {
				switch code := <-codes; code {
				case http.StatusUnauthorized:
					tried++
				case http.StatusTooManyRequests:
					refused++
				default:
					t.Errorf("%s: %d", c.name, code)
				}
			}
			if *looked > c.most || tried+1 != *looked || tried+refused != 300 {
				t.Errorf("%s: %d were tried, %d refused, %d looked at; at most %d should be", c.name, tried, refused, *looked, c.most)
			}
		})
	}
}

// An hour of guesses: what one address, one network, and a thousand for one user get tried.
func TestGuessesInAnHour(t *testing.T) {
	for _, c := range []struct {
		name string
		from func(n int) string
		most int
	}{
		// 5 free, then after 1, 2, 4, 8, 16, 32 s, and one each minute
		{"one address", func(int) string { return "10.0.0.1:5" }, 5 + 6 + 60},
		{"one IPv6 network", func(n int) string { return fmt.Sprintf("[2001:db8::%x]:5", n) }, 5 + 6 + 60},
		// 20 are free for the user; then each address has one, and waits as above
		{"a hundred addresses", func(n int) string { return fmt.Sprintf("10.0.0.%d:5", n%100) }, 20 + 100*(1+6+60)},
	} {
		s, _ := guarded(t)
		synctest.Test(t, func(t *testing.T) {
			looked := slowly(s, 0)
			for n := range 7200 {
				logInFrom(s, c.from(n), "ana", "wrong")
				time.Sleep(500 * time.Millisecond)
			}
			t.Logf("%s: %d of 7,200", c.name, *looked)
			if *looked > c.most {
				t.Errorf("%s: %d were looked at, at most %d should be", c.name, *looked, c.most)
			}
			if code := logInFrom(s, "192.168.7.7:5", "ana", password); code != http.StatusOK {
				t.Errorf("%s: the right one from another address: %d", c.name, code)
			}
			if n := len(s.limit.queue) + len(s.limit.under); n != 0 || s.limit.busy {
				t.Errorf("%s: %d are left over", c.name, n)
			}
		})
	}
}

// Who goes away while he waits, or when it is his turn, leaves it to the next.
func TestGuesserGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l limiter
		first, _ := l.begin(t.Context(), "a", "ana")
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if g, _ := l.begin(ctx, "b", "ana"); g != nil {
				t.Error("his turn, and he has gone")
			}
		})
		wg.Go(func() {
			if g, _ := l.begin(t.Context(), "c", "ana"); g == nil {
				t.Error("no turn")
			} else {
				l.end(g, false)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		l.end(first, false)
		wg.Wait()
		if l.busy || len(l.queue) != 0 || len(l.under) != 0 {
			t.Errorf("%+v", l.queue)
		}
		for n := range 3 * maxSenders {
			l.from = l.from.add(fmt.Sprint(n))
		}
		if len(l.from) > maxSenders || l.from.of(fmt.Sprint(3*maxSenders-1)).count != 1 {
			t.Errorf("%d are remembered", len(l.from))
		}
	})
}

// The work for a password is the same whoever it is for: known or not, with a cheap hash,
// a dear one, or one that cannot be used.
func TestUnknownUsersCostTheSame(t *testing.T) {
	hash := func(cost int) string {
		h, err := bcrypt.GenerateFromPassword([]byte(password), cost)
		if err != nil {
			t.Fatal(err)
		}
		return string(h)
	}
	cheap, middle, dear := hash(4), hash(6), hash(9)
	for _, file := range []string{
		"cheap:" + cheap + "\n", "dear:" + dear + "\n",
		"cheap:" + cheap + "\nmiddle:" + middle + "\ndear:" + dear + "\nplain:secret\nmd5:$apr1$x$y\nendless:$2a$31$3qAeDf41U9JGhXVwlYKTT.DeXruUbIYnRLtZt3eN4AZTRbyaCTxM2\n",
		"# nobody\n",
	} {
		s, users := guarded(t)
		write(t, users, file)
		work := make(map[string]int)
		for _, user := range []string{"cheap", "middle", "dear", "plain", "md5", "endless", "eve", ""} {
			for _, given := range []string{password, "wrong", "", strings.Repeat("x", 500)} {
				sum := 0
				s.users.compare = func(hash, given []byte) error {
					cost, err := bcrypt.Cost(hash)
					if err != nil || len(given) > maxPassword {
						t.Errorf("%q: %v, %d bytes", hash, err, len(given))
					}
					sum += 1 << cost
					if string(given) == password && slices.Contains([]string{cheap, middle, dear}, string(hash)) {
						return nil
					}
					return bcrypt.ErrMismatchedHashAndPassword
				}
				_, err := s.users.check(user, given)
				if fits := given == password && strings.Contains(file, "\n"+user+":$2a$0") || strings.HasPrefix(file, user+":$2a$0"); fits != (err == nil) && given == password {
					t.Errorf("%q with %q: %v", user, given, err)
				}
				work[fmt.Sprint(sum)]++
			}
		}
		if len(work) != 1 {
			t.Errorf("%s the work differs: %v", file, work)
		}
	}
}

// bcrypt looks at 72 bytes, and takes what follows a NUL for a repetition: neither makes
// another password fit.
func TestPasswordsBeyondBcrypt(t *testing.T) {
	long := strings.Repeat("p", maxPassword)
	s, users := guarded(t)
	var file strings.Builder
	for name, secret := range map[string]string{"long": long, "short": "right"} {
		h, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, "%s:%s\n", name, h)
	}
	write(t, users, file.String())
	for _, c := range []struct {
		user, given string
		fits        bool
	}{{"long", long, true}, {"long", long + "x", false}, {"short", "right", true}, {"short", "right\x00right", false}, {"short", "right\x00", false}} {
		if _, err := s.users.check(c.user, c.given); (err == nil) != c.fits {
			t.Errorf("%s with %q: %v", c.user, c.given, err)
		}
	}
	for _, wrong := range []string{long + "x", "long enough\x00", "short"} {
		if _, err := Hash("ana", wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// What a proxy says of the sender is believed when the configuration names the proxy.
func TestSender(t *testing.T) {
	s := &Server{o: Options{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("fd00:1::/64")}}}
	for _, c := range []struct {
		remote string
		said   []string
		want   string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{"198.51.100.9"}, "192.0.2.1"}, // no proxy: not believed
		{"[::1]:5", []string{"198.51.100.9"}, "::/64"},
		{"127.0.0.1:5", []string{"198.51.100.9"}, "198.51.100.9"},
		{"[::ffff:127.0.0.1]:5", []string{"198.51.100.9"}, "198.51.100.9"},
		{"127.0.0.1:5", []string{"6.6.6.6, 198.51.100.9"}, "198.51.100.9"}, // the first is the client's own word
		{"127.0.0.1:5", []string{"6.6.6.6", "198.51.100.9"}, "198.51.100.9"},
		{"127.0.0.1:5", []string{"198.51.100.9, 10.1.0.7"}, "198.51.100.9"}, // two proxies
		{"127.0.0.1:5", []string{"198.51.100.9, 10.2.0.7"}, "10.2.0.7"},
		{"127.0.0.1:5", []string{"198.51.100.9:4711"}, "198.51.100.9"},
		{"127.0.0.1:5", []string{"[2001:db8:1:2:3:4:5:6]:4711"}, "2001:db8:1:2::/64"},
		{"127.0.0.1:5", []string{"nonsense"}, "127.0.0.1"},
		{"127.0.0.1:5", []string{"198.51.100.9, nonsense"}, "127.0.0.1"},
		{"127.0.0.1:5", nil, "127.0.0.1"},
		{"[2001:db8:1:2:3:4:5:6]:5", nil, "2001:db8:1:2::/64"},
		{"[fd00:1::9]:5", []string{"2001:db8:9::1"}, "2001:db8:9::/64"},
		{"[fe80::1%eth0]:5", nil, "fe80::/64"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.said
		if got := s.sender(r); got != c.want {
			t.Errorf("%s, X-Forwarded-For %q: %s, want %s", c.remote, c.said, got, c.want)
		}
	}
}

// A user cannot drive out the sessions of others.
func TestSessionsOfOneUser(t *testing.T) {
	var s sessions
	bea := s.begin("bea", "hash")
	for range 3 * maxSessions {
		s.begin("ana", "hash")
	}
	dir := t.TempDir()
	write(t, dir+"/users", "bea:hash\n")
	if who, ok := s.user(bea, &secrets{file: dir + "/users", read: func(string) ([]byte, error) { return []byte("bea:hash\n"), nil }}); !ok || who != "bea" {
		t.Error("bea has been driven out")
	}
	if len(s.of) > maxOfOne+1 {
		t.Errorf("%d sessions", len(s.of))
	}
}
