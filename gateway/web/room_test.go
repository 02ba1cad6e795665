package web

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

// incoming is a listener to which connections come as a test says.
type incoming struct{ conns chan net.Conn }

func (l incoming) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, io.EOF
	}
	return c, nil
}
func (incoming) Close() error   { return nil }
func (incoming) Addr() net.Addr { return &net.TCPAddr{} }

// caller is a connection from an address, and whether it was closed.
type caller struct {
	net.Conn
	from   string
	closed bool
}

func (c *caller) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.from))
}
func (c *caller) Close() error { c.closed = true; return nil }

// At the bound the oldest that nobody uses gives way: of the same address when that has
// its share, else of all; and the newcomer itself when all are used. A proxy's are bounded
// only with all others.
func TestRoom(t *testing.T) {
	proxies := &Server{o: Options{Proxies: []netip.Prefix{netip.MustParsePrefix("10.9.0.1/32")}}}
	for _, c := range []struct {
		name string
		from []string // in the order in which they come, to a room for six
		used []int
		out  []int
	}{
		{"room for all", []string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1", "10.0.0.2:2", "10.0.0.3:1", "10.0.0.3:2"}, nil, nil},
		{"one address has three", []string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.1:2", "10.0.0.1:3", "10.0.0.1:4", "10.0.0.1:5"}, nil, []int{0, 2}},
		{"and its used ones stay", []string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3", "10.0.0.1:4"}, []int{0}, []int{1}},
		{"all of it used", []string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3", "10.0.0.1:4", "10.0.0.2:1"}, []int{0, 1, 2}, []int{3}},
		{"an IPv6 network is one", []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3:3]:1", "[2001:db8::4]:1", "[2001:db8:0:1::1]:1"}, nil, []int{0}},
		{"full", []string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1", "10.0.0.5:1", "10.0.0.6:1", "10.0.0.7:1"}, []int{0}, []int{1}},
		{"full and used", []string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1", "10.0.0.5:1", "10.0.0.6:1", "10.0.0.7:1"}, []int{0, 1, 2, 3, 4, 5}, []int{6}},
		{"a proxy", []string{"10.9.0.1:1", "10.9.0.1:2", "10.9.0.1:3", "10.9.0.1:4", "10.9.0.1:5", "10.9.0.1:6", "10.9.0.1:7"}, nil, []int{0}},
	} {
		l := incoming{make(chan net.Conn, len(c.from))}
		m := &room{Listener: l, most: 6, ofOne: 3, proxy: proxies.proxy}
		var came []*caller
		for i, from := range c.from {
			one := &caller{from: from}
			came = append(came, one)
			l.conns <- one
			if i == len(c.from)-1 {
				close(l.conns)
			}
		}
		for i := range came {
			got, err := m.Accept()
			if err != nil {
				break // the last of them was sent away
			}
			for _, used := range c.used {
				if used == i {
					got.(*conn).used.Add(1)
				}
			}
		}
		var out []int
		for i, one := range came {
			if one.closed {
				out = append(out, i)
			}
		}
		if fmt.Sprint(out) != fmt.Sprint(c.out) {
			t.Errorf("%s: %v had to go, want %v", c.name, out, c.out)
		}
		if len(m.conns) != len(came)-len(out) {
			t.Errorf("%s: %d are counted", c.name, len(m.conns))
		}
		for len(m.conns) > 0 {
			_ = m.conns[0].Close() // and with that it has no place any more
		}
	}
}

// A connection is used from when the whole body is there, and only by who was let in.
func TestUse(t *testing.T) {
	s, _ := guarded(t)
	c := &conn{room: &room{}}
	var during []int32
	s.o.API = func(_ http.ResponseWriter, r *http.Request, _ string) {
		during = append(during, c.used.Load())
		_, _ = io.ReadAll(r.Body)
		during = append(during, c.used.Load())
	}
	for _, one := range []struct {
		method, body, token string
		want                string
	}{
		{"GET", "", token, "[1 1]"},
		{"POST", `{"a":1}`, token, "[0 1]"},
		{"GET", "", "wrong token 0123456789", "[]"},
	} {
		during = nil
		r := httptest.NewRequest(one.method, "/api/x", bytes.NewReader([]byte(one.body)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+one.token)
		s.Handler().ServeHTTP(httptest.NewRecorder(), r.WithContext(withConn(r.Context(), c)))
		if got := fmt.Sprint(during); got != one.want || c.used.Load() != 0 {
			t.Errorf("%s %s: used %s, want %s; afterwards %d", one.method, one.body, got, one.want, c.used.Load())
		}
	}
}

// Whatever the limit of open files is, most of them are the house's.
func TestFilesAreKeptBack(t *testing.T) {
	if n := connections(); n < leastConns || n > mostConns {
		t.Errorf("%d connections", n)
	}
}

// A header that is too long, a body that is too long, a header or a body that does not
// come: each is cut off in time.
func TestSlowAreCut(t *testing.T) {
	t.Parallel()
	s, _ := guarded(t)
	s.o.API = func(_ http.ResponseWriter, r *http.Request, _ string) { _, _ = io.Copy(io.Discard, r.Body) }
	server := s.bounded()
	if server.ReadHeaderTimeout != slowHeader || server.ReadTimeout != slowRequest || server.WriteTimeout != slowReader || server.IdleTimeout != idle {
		t.Errorf("%+v", server)
	}
	const soon = 200 * time.Millisecond
	server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout = soon, soon, soon
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	head := "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	inside := "POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer " + token + "\r\n"
	long := bytes.Repeat([]byte("x"), 20<<10)
	for _, c := range []struct{ name, sent, want string }{
		{"nothing", "", ""},
		{"half of a header", "GET / HTTP/1.1\r\nHost: loc", ""},
		{"one byte of a body", head + "Content-Length: 100\r\n\r\n{", "HTTP/1.1 400"},
		{"one byte of a body, inside", inside + "Content-Length: 100\r\n\r\n{", "HTTP/1.1 200"},
		{"no request after the first", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200"},
		{"a long header", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + string(long) + "\r\n\r\n", "HTTP/1.1 431"},
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(c.sent))
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		said, err := io.ReadAll(conn)
		if e, ok := err.(net.Error); ok && e.Timeout() {
			t.Errorf("%s: the connection stays open", c.name)
		}
		if !bytes.HasPrefix(said, []byte(c.want)) || c.want == "" && len(said) > 0 && !bytes.HasPrefix(said, []byte("HTTP/1.1 4")) {
			t.Errorf("%s: %.100q, want %s", c.name, said, c.want)
		}
		conn.Close()
	}
}
