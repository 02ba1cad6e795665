package web

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
)

// Bounds of connections. The rest of the files that may be open is the house's: journal,
// brokers, socket and devices go on whatever the page suffers.
const (
	mostConns  = 160
	leastConns = 8
)

// connections is how many the page may have at once: a quarter of the files that the
// process may open, and never more than are of use.
func connections() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return leastConns
	}
	return int(min(max(uint64(limit.Cur)/4, leastConns), mostConns))
}

// room is a listener that bounds the connections: in all, and of each address that is no
// proxy's. At the bound the oldest that nobody uses who was let in is
// closed for the newer one: who is slow, or idle, gives way.
type room struct {
	net.Listener
	most  int // in all
	ofOne int // of one address
	proxy func(netip.Addr) bool

	mu    sync.Mutex
	conns []*conn // the oldest first
}

// conn is a connection to the page.
type conn struct {
	net.Conn
	room *room
	from string       // its network; "": a proxy's
	used atomic.Int32 // requests under way of somebody who was let in
	gone sync.Once
}

// Accept returns the next connection that there is room for.
func (m *room) Accept() (net.Conn, error) {
	for {
		raw, err := m.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: raw, room: m}
		if addr, ok := addressOf(raw.RemoteAddr().String()); !ok || !m.proxy(addr) {
			c.from = network(addr)
		}
		out := m.enter(c)
		if out != nil {
			_ = out.Close() // nobody waits for what it says
		}
		if out != c {
			return c, nil
		}
	}
}

// enter takes a connection in, and returns which has to go for it: itself, when all others
// are used; nil, when there is room.
func (m *room) enter(c *conn) (out *conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	same := 0
	for _, o := range m.conns {
		if o.from == c.from {
			same++
		}
	}
	m.conns = append(m.conns, c)
	own := c.from != "" && same >= m.ofOne
	if !own && len(m.conns) <= m.most {
		return nil
	}
	i := slices.IndexFunc(m.conns, func(o *conn) bool { return o.used.Load() == 0 && (!own || o.from == c.from) })
	return m.conns[i] // c is the last of them
}

// Close closes the connection and gives its place back.
func (c *conn) Close() error {
	c.gone.Do(func() {
		c.room.mu.Lock()
		defer c.room.mu.Unlock()
		c.room.conns = slices.DeleteFunc(c.room.conns, func(o *conn) bool { return o == c })
	})
	return c.Conn.Close()
}

// connKey finds the connection in a request's context.
type connKey struct{}

// withConn puts the connection into the context of its requests.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// use notes that somebody who was let in uses the request's connection: from when the whole
// body is there, until done is called.
func use(r *http.Request) (done func()) {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok {
		return func() {}
	}
	if r.ContentLength == 0 {
		c.used.Add(1)
		return func() { c.used.Add(-1) }
	}
	b := &body{ReadCloser: r.Body, conn: c}
	r.Body = b
	return func() {
		if b.whole.Load() {
			c.used.Add(-1)
		}
	}
}

// body notes when it was read to its end.
type body struct {
	io.ReadCloser
	conn  *conn
	whole atomic.Bool
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && b.whole.CompareAndSwap(false, true) {
		b.conn.used.Add(1)
	}
	return n, err
}
