package web

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// served is a server whose API says who asks.
func served(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8480"
	}
	o.Gateway, o.Log, o.Secrets = "casa", slog.New(slog.DiscardHandler), os.ReadFile
	o.API = func(w http.ResponseWriter, r *http.Request, source string) {
		_, _ = io.WriteString(w, source+" "+r.URL.Path)
	}
	o.Metrics = func(w http.ResponseWriter, _ *http.Request, source string) {
		_, _ = io.WriteString(w, "metrics for "+source)
	}
	o.Refuse = func(w http.ResponseWriter, code int, title, detail string) { http.Error(w, title+": "+detail, code) }
	return New(o)
}

// asked makes one request; header is name, value, name, value.
func asked(s *Server, method, target, body string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:8480"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

// What another page in the same browser could send is refused.
func TestOtherPages(t *testing.T) {
	s := served(t, Options{Host: "house.example.org", Path: "/hogar"})
	const js = "application/json"
	for _, c := range []struct {
		name, method string
		header       []string
		want         int
	}{
		{"by address", "GET", nil, 200},
		{"by name", "GET", []string{"Host", "localhost:8480"}, 200},
		{"by IPv6", "GET", []string{"Host", "[::1]:8480"}, 200},
		{"by the configured name", "GET", []string{"Host", "House.example.org"}, 200},
		{"DNS rebinding", "GET", []string{"Host", "evil.example:8480"}, 421},
		{"an address of the network", "GET", []string{"Host", "192.168.1.7"}, 421},
		{"looks like it", "GET", []string{"Host", "localhost.evil.example"}, 421},
		{"a form", "POST", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"a form as text", "POST", []string{"Content-Type", "text/plain"}, 415},
		{"no type", "POST", nil, 415},
		{"a program", "POST", []string{"Content-Type", js}, 200},
		{"the page", "POST", []string{"Content-Type", js, "Origin", "http://127.0.0.1:8480", "Sec-Fetch-Site", "same-origin"}, 200},
		{"another site", "POST", []string{"Content-Type", js, "Sec-Fetch-Site", "cross-site"}, 403},
		{"another site, older browser", "POST", []string{"Content-Type", js, "Origin", "https://evil.example"}, 403},
		{"through the proxy", "POST", []string{"Content-Type", js, "Origin", "https://house.example.org"}, 200},
		{"another port", "DELETE", []string{"Origin", "http://127.0.0.1:9999"}, 403},
	} {
		resp := asked(s, c.method, "/api/x", "{}", c.header...)
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, resp.StatusCode, c.want)
		}
		if h := resp.Header; !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'self'") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", c.name, h)
		}
	}
}

// At the sub-path of a reverse proxy all is as at the root.
func TestSubPath(t *testing.T) {
	s := served(t, Options{Path: "/hogar"})
	for target, want := range map[string]int{"/hogar": 308, "/hogar/": 200, "/hogar/api/x": 200, "/api/x": 200, "/hogar/index.html": 200,
		"/hogarx": 404, "/nothing": 404} {
		if resp := asked(s, "GET", target, ""); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", target, resp.StatusCode, want)
		}
	}
}

const (
	password = "correct horse"
	token    = "0123456789abcdef0123"
)

// guarded is a server that asks for a password.
func guarded(t *testing.T) (s *Server, users string) {
	t.Helper()
	dir := t.TempDir()
	users, tokens := filepath.Join(dir, "users"), filepath.Join(dir, "tokens")
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost) // as quick as it can be
	if err != nil {
		t.Fatal(err)
	}
	write(t, users, "# people\nana:"+string(hash)+"\n")
	write(t, tokens, "grafana:"+token+"\nshort:abc\n")
	return served(t, Options{Listen: "0.0.0.0:8480", Users: users, Tokens: tokens}), users
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func logIn(s *Server, user, password string) *http.Response {
	body, _ := json.Marshal(map[string]string{"user": user, "password": password})
	return asked(s, "POST", "/api/session", string(body), "Content-Type", "application/json")
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestUsersFileThatIsMended: whoever may not read the file of users says so, without its path, and
// lets people in as soon as it may, though neither time nor size of the file has changed.
func TestUsersFileThatIsMended(t *testing.T) {
	s, users := guarded(t)
	denied := true
	s.users.read = func(file string) ([]byte, error) {
		if denied {
			return nil, &os.PathError{Op: "open", Path: file, Err: os.ErrPermission}
		}
		return os.ReadFile(file)
	}
	for range 8 { // more than the wrong passwords that make the next wait
		resp := logIn(s, "ana", password)
		if body := text(t, resp); resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, users) || !strings.Contains(body, "journalctl") {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	denied = false
	resp := logIn(s, "ana", password)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("after it was mended: %d %s", resp.StatusCode, text(t, resp))
	}
	cookie := strings.Split(resp.Header.Get("Set-Cookie"), ";")[0]
	inside := func() int { return asked(s, "GET", "/api/x", "", "Cookie", cookie).StatusCode }
	if got := inside(); got != http.StatusOK {
		t.Fatal(got)
	}
	if err := os.Rename(users, users+".away"); err != nil {
		t.Fatal(err)
	}
	if got := inside(); got != http.StatusUnauthorized {
		t.Errorf("without a file of users: %d", got)
	}
	if err := os.Rename(users+".away", users); err != nil {
		t.Fatal(err)
	}
	if got := inside(); got != http.StatusOK {
		t.Errorf("the session did not outlive it: %d", got)
	}
}

// Elsewhere than on the machine's own addresses everything but the page itself and the
// health wants a session or a token.
func TestLogIn(t *testing.T) {
	s, users := guarded(t)
	for target, want := range map[string]int{"/": 200, "/healthz": 200, "/readyz": 200, "/api/session": 200, "/api/x": 401, "/metrics": 401} {
		if resp := asked(s, "GET", target, ""); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", target, resp.StatusCode, want)
		}
	}
	for _, c := range []struct{ user, password string }{{"ana", "wrong"}, {"ana", ""}, {"eve", password}, {"", ""}, {"# people", "x"}} {
		if resp := logIn(s, c.user, c.password); resp.StatusCode != 401 || len(resp.Cookies()) > 0 {
			t.Errorf("%q, %q: %d", c.user, c.password, resp.StatusCode)
		}
	}
	s.limit = limiter{}
	resp := logIn(s, "ana", password)
	if resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
		t.Fatal(resp.StatusCode, text(t, resp))
	}
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure || c.Path != "/" {
		t.Errorf("%+v", c)
	}
	cookie := c.Name + "=" + c.Value
	if got := text(t, asked(s, "GET", "/api/x", "", "Cookie", cookie)); got != "web:ana /api/x" {
		t.Error(got)
	}
	if got := text(t, asked(s, "GET", "/api/session", "", "Cookie", cookie)); got != `{"inside":true,"open":false,"user":"ana"}`+"\n" {
		t.Error(got)
	}
	for auth, want := range map[string]string{"Bearer " + token: "web:grafana /api/x", "Bearer abc": "log in first", "Bearer ": "log in first",
		"Basic YW5hOng=": "log in first"} {
		if got := text(t, asked(s, "GET", "/api/x", "", "Authorization", auth)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", auth, got)
		}
	}
	if resp := asked(s, "DELETE", "/api/session", "", "Cookie", cookie); resp.StatusCode != 204 {
		t.Error(resp.StatusCode)
	}
	if resp := asked(s, "GET", "/api/x", "", "Cookie", cookie); resp.StatusCode != 401 {
		t.Error("logged out, and still inside:", resp.StatusCode)
	}
	// Another password ends the sessions that began with the old one.
	c = logIn(s, "ana", password).Cookies()[0]
	line, _ := Hash("ana", "another password")
	write(t, users, line+"\n\n")
	if resp := asked(s, "GET", "/api/x", "", "Cookie", c.Name+"="+c.Value); resp.StatusCode != 401 {
		t.Error("another password, and the session goes on:", resp.StatusCode)
	}
}

// With TLS in front the cookie is for TLS only.
func TestSecureCookie(t *testing.T) {
	s, _ := guarded(t)
	r := httptest.NewRequest("POST", "/api/session", strings.NewReader(`{"user":"ana","password":"`+password+`"}`))
	r.RemoteAddr = "127.0.0.1:5"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-Proto", "https")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if c := w.Result().Cookies(); len(c) != 1 || !c[0].Secure {
		t.Error(w.Code, c)
	}
}

// The sixth password after five wrong ones waits, and each further one longer; the
// right one is not even looked at meanwhile.
func TestWrongPasswords(t *testing.T) {
	s, _ := guarded(t)
	synctest.Test(t, func(t *testing.T) {
		for n := range freeMisses {
			if resp := logIn(s, "ana", "wrong"); resp.StatusCode != 401 {
				t.Errorf("password %d: %d", n+1, resp.StatusCode)
			}
		}
		resp := logIn(s, "ana", password)
		if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
			t.Errorf("the sixth: %d", resp.StatusCode)
		}
		time.Sleep(time.Second)
		if resp := logIn(s, "ana", "wrong"); resp.StatusCode != 401 {
			t.Errorf("after a second: %d", resp.StatusCode)
		}
		time.Sleep(time.Second)
		if resp := logIn(s, "ana", "wrong"); resp.StatusCode != 429 {
			t.Errorf("a second later: %d, two are to be waited for", resp.StatusCode)
		}
		time.Sleep(time.Second)
		if resp := logIn(s, "ana", password); resp.StatusCode != 200 {
			t.Errorf("the right one in time: %d", resp.StatusCode)
		}
		for range 2 {
			if resp := logIn(s, "ana", "wrong"); resp.StatusCode != 401 {
				t.Errorf("counted from the right one: %d", resp.StatusCode)
			}
		}
	})
}

func TestReady(t *testing.T) {
	s := served(t, Options{Ready: func() error { return errors.New("the journal takes nothing: full") }})
	if resp := asked(s, "GET", "/readyz", ""); resp.StatusCode != 503 || !strings.Contains(text(t, resp), "full") {
		t.Error(resp.StatusCode)
	}
	if resp := asked(s, "GET", "/healthz", ""); resp.StatusCode != 200 {
		t.Error(resp.StatusCode)
	}
}

// The first load is small, compressed, known again, and asks nobody else for anything.
func TestPage(t *testing.T) {
	s := served(t, Options{})
	p := s.page
	sum := 0
	for name, f := range p.of {
		if name != "/" {
			sum += len(f.zip)
		}
		for _, elsewhere := range []string{`src="http`, `href="http`, `from "http`, "url(http", "@import"} {
			if strings.Contains(string(f.plain), elsewhere) && !strings.HasSuffix(name, ".md") {
				t.Errorf("%s loads from elsewhere: %s", name, elsewhere)
			}
		}
	}
	if sum > 60_000 {
		t.Errorf("the page has %d bytes compressed, at most 60,000 are wished for", sum)
	}
	t.Logf("the page has %d bytes compressed", sum)
	resp := asked(s, "GET", "/", "", "Accept-Encoding", "gzip, br")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if resp := asked(s, "GET", "/", "", "If-None-Match", resp.Header.Get("ETag")); resp.StatusCode != 304 {
		t.Error(resp.StatusCode)
	}
	if got := text(t, asked(s, "GET", "/", "")); !strings.HasPrefix(got, "<!doctype html>") {
		t.Error(got)
	}
}

// Every word that the page shows has its Spanish: those in its code, and those that
// come from the gateway and that it translates.
func TestSpanish(t *testing.T) {
	words, err := files.ReadFile("page/words.js")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, m := range regexp.MustCompile(`"([^"]+)": "[^"]+"`).FindAllSubmatch(words, -1) {
		known[string(m[1])] = true
	}
	wanted := []string{"Devices", "Rules", "Log", "Delivery", "Configuration", "as the system", "Light", "Dark", "hour", "hours", "day", "days",
		"online", "offline", "stale", "idle", "running", "paused", "disabled", "started", "done", "failed", "stopped", "missed",
		"applied", "verified", "rejected", "expired", "superseded", "reading", "event", "status", "outcome", "rule", "gateway", "variable",
		"sampled", "filtered", "refused", "accepted", "confirmed", "waiting", "dropped", "set aside", "control", "listen", "mqtt", "poll",
		"readings", "events", "states", "commands", "Waiting for RabbitMQ", "Oldest", "Accepted", "Confirmed", "Empty in", "group", "scene"}
	calls, texts := regexp.MustCompile(`\bt\(((?:[^()]|\([^()]*\))*)\)`), regexp.MustCompile(`"([^"]+)"`)
	found, err := files.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if !strings.HasSuffix(f.Name(), ".js") {
			continue
		}
		code, err := files.ReadFile("page/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range calls.FindAllSubmatch(code, -1) {
			for _, m := range texts.FindAllSubmatch(call[1], -1) {
				wanted = append(wanted, string(m[1]))
			}
		}
	}
	if len(wanted) < 120 {
		t.Errorf("only %d words found: %q", len(wanted), wanted)
	}
	for _, word := range wanted {
		if word = strings.TrimSuffix(word, " ago"); !known[word] && !slices.Contains([]string{"minute", "second", "full"}, word) {
			t.Errorf("words.js has no Spanish for %q", word)
		}
	}
}

// The parts of others are those that the table names, unchanged.
func TestVendored(t *testing.T) {
	table, err := files.ReadFile("page/vendor/README.md")
	if err != nil {
		t.Fatal(err)
	}
	found, err := files.ReadDir("page/vendor")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Name() == "README.md" {
			continue
		}
		data, err := files.ReadFile("page/vendor/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("`%s` |.*`%x` |", f.Name(), sha256.Sum256(data)); !regexp.MustCompile(strings.ReplaceAll(sum, "|", `\|`)).Match(table) {
			t.Errorf("page/vendor/README.md has no line %s", sum)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("ana:x\n# b:c\n:x\nb:\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, secret := range lines(data) {
			if name == "" || secret == "" || strings.ContainsAny(name+secret, "\n") {
				t.Errorf("%q: %q", name, secret)
			}
		}
	})
}

// What lasts, like a stream, ends soon after what let it in: the log-out, another password,
// another file of users, another token; and nothing else ends it.
func TestLongRequestsEndWithTheSession(t *testing.T) {
	other, err := Hash("ana", "another password")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		token bool
		end   func(s *Server, cookie, users, tokens string)
	}{
		{"log-out", false, func(s *Server, cookie, _, _ string) { asked(s, "DELETE", "/api/session", "", "Cookie", cookie) }},
		{"another password", false, func(_ *Server, _, users, _ string) { write(t, users, other+"\n") }},
		{"the user is gone", false, func(_ *Server, _, users, _ string) { write(t, users, "# nobody\n") }},
		{"the file is gone", false, func(_ *Server, _, users, _ string) { _ = os.Remove(users) }},
		{"the token is gone", true, func(_ *Server, _, _, tokens string) { write(t, tokens, "# none\n") }},
		{"the token is another's", true, func(_ *Server, _, _, tokens string) { write(t, tokens, "eve:"+token+"\n") }},
	} {
		s, users := guarded(t)
		synctest.Test(t, func(t *testing.T) {
			began := make(chan time.Time, 1)
			s.o.API = func(_ http.ResponseWriter, r *http.Request, _ string) {
				began <- time.Now()
				<-r.Context().Done()
			}
			header := []string{"Authorization", "Bearer " + token}
			cookie := ""
			if !c.token {
				one := logIn(s, "ana", password).Cookies()[0]
				cookie = one.Name + "=" + one.Value
				header = []string{"Cookie", cookie}
			}
			ended := make(chan time.Time, 1)
			go func() {
				asked(s, "GET", "/api/events", "", header...)
				ended <- time.Now()
			}()
			<-began
			time.Sleep(time.Hour)
			select {
			case <-ended:
				t.Errorf("%s: it ended before", c.name)
				return
			default:
			}
			over := time.Now()
			c.end(s, cookie, users, filepath.Join(filepath.Dir(users), "tokens"))
			if took := (<-ended).Sub(over); took > 1500*time.Millisecond {
				t.Errorf("%s: it ended %s later", c.name, took)
			}
		})
	}
}
