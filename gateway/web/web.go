// Package web is the page, and the door through which the page and other programs
// reach the API over the network.
//
// On the machine's own addresses the door is open, for requests that name this
// machine or the configured host (so that no other page can send a browser here under
// a name of its own). Elsewhere it wants a session, begun with a name and a password,
// or a token. What a person may do is decided behind it, as for every command.
//
//	GET    /                page/, which is built in
//	GET    /api/session     who am I, and need I log in
//	POST   /api/session     {"user":…,"password":…}
//	DELETE /api/session     log out
//	       /api/…           see package api
//	GET    /metrics         for Prometheus
//	GET    /healthz         200: the process is well
//	GET    /readyz          200: the house runs; else why it does not
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Options of a server.
type Options struct {
	Gateway string         // its name; part of the cookie's
	Listen  string         // host:port
	Host    string         // another name by which it is reached; empty: none
	Path    string         // the sub-path at which a reverse proxy has it; empty: the root
	Proxies []netip.Prefix // what these say of the sender is believed
	Users   string         // file as of htpasswd -B; empty: none
	Tokens  string         // file of name:token; empty: none
	Cert    string         // file; empty: no TLS
	Key     string

	Secrets func(file string) ([]byte, error) // reads Users and Tokens
	// API serves a request below /api/; source says who asks: web, or web:<name>.
	API     func(w http.ResponseWriter, r *http.Request, source string)
	Metrics func(w http.ResponseWriter, r *http.Request, source string) // the same for /metrics; nil: there are none
	Ready   func() error                                                // why the house does not run; nil: it does
	// Refuse answers with a problem.
	Refuse func(w http.ResponseWriter, code int, title, detail string)
	Opened func(url string) // called when the address is known; may be nil
	Log    *slog.Logger
}

// Server is the page and its door.
type Server struct {
	o        Options
	page     *page
	loopback bool
	users    secrets
	tokens   secrets
	sessions sessions
	limit    limiter
}

// New makes a server. Nothing is opened before [Server.Run].
func New(o Options) *Server {
	host, _, _ := net.SplitHostPort(o.Listen)
	return &Server{o: o, page: newPage(o.Refuse), loopback: loopback(host), users: secrets{file: o.Users, read: o.Secrets, compare: bcrypt.CompareHashAndPassword},
		tokens: secrets{file: o.Tokens, read: o.Secrets}}
}

// Bounds of the network.
const (
	retryEvery  = 5 * time.Second  // for an address that cannot be listened on
	slowHeader  = 10 * time.Second // until the header of a request is there
	slowRequest = 15 * time.Second // until its body is, too
	slowReader  = 30 * time.Second // until an answer is taken, from the request on; the API has bounds of its own
	idle        = 2 * time.Minute
	maxHeader   = 8 << 10  // bytes; HTTP/1 adds 4 kB
	maxBody     = 64 << 10 // bytes of a request's body
	streams     = 8        // under way on an HTTP/2 connection
	window      = 64 << 10 // bytes that an HTTP/2 connection sends ahead
)

// Run serves until ctx ends. An address that is taken is told in the log and tried
// again: the house goes on without its page.
func (s *Server) Run(ctx context.Context) error {
	told := ""
	for {
		l, err := s.listen(ctx)
		if err == nil {
			return s.serve(ctx, l)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err.Error() != told {
			told = err.Error()
			s.o.Log.Error("the page cannot be served, trying again", "error", err, "every", retryEvery)
		}
		select {
		case <-time.After(retryEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	if s.o.Cert != "" {
		if _, err := tls.LoadX509KeyPair(s.o.Cert, s.o.Key); err != nil {
			return nil, fmt.Errorf("web: certificate: %w", err)
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.o.Listen)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	return l, nil
}

func (s *Server) serve(ctx context.Context, l net.Listener) error {
	server := s.bounded()
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	most := connections()
	l = &room{Listener: l, most: most, ofOne: most * 3 / 4, proxy: s.proxy}
	url := s.url(l.Addr())
	if s.o.Cert != "" {
		c := &certificate{cert: s.o.Cert, key: s.o.Key}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	}
	s.o.Log.Info("the page is served", "url", url)
	if s.o.Opened != nil {
		s.o.Opened(url)
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(late) != nil {
			server.Close()
		}
	})
	var err error
	if s.o.Cert != "" {
		err = server.ServeTLS(l, "", "")
	} else {
		err = server.Serve(l)
	}
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// bounded is a server that waits for nobody who is slow, and holds little for anybody.
func (s *Server) bounded() *http.Server {
	return &http.Server{Handler: s.Handler(), ConnContext: withConn, ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: slowHeader, ReadTimeout: slowRequest, WriteTimeout: slowReader, IdleTimeout: idle, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: streams, MaxReceiveBufferPerConnection: window, MaxReceiveBufferPerStream: window}}
}

// url is what to type into a browser.
func (s *Server) url(addr net.Addr) string {
	scheme := "http://"
	if s.o.Cert != "" {
		scheme = "https://"
	}
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		if host = s.o.Host; host == "" {
			host, _ = os.Hostname()
		}
	}
	return scheme + net.JoinHostPort(host, port) + s.o.Path + "/"
}

// certificate reads the certificate again when its file has changed.
type certificate struct {
	cert, key string

	mu     sync.Mutex
	at     time.Time
	loaded *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && (c.loaded == nil || !info.ModTime().Equal(c.at)) {
		if pair, err := tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.loaded, c.at = &pair, info.ModTime()
		} // else both files are being replaced: the old pair serves until they fit
	}
	if c.loaded == nil {
		return nil, errors.New("there is no certificate")
	}
	return c.loaded, nil
}

// loopback reports whether a host without port is this machine, seen from itself.
func loopback(host string) bool {
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
