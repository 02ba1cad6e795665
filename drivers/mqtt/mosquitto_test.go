package mqtt

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/gateway/home"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for !is() {
		if time.Now().After(end) {
			t.Fatalf("waited %s for: %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// mosquitto is a real broker with a folder of its own.
type mosquitto struct {
	t       *testing.T
	folder  string
	address string
	extra   string // lines of its configuration
	process *exec.Cmd
	done    chan struct{}
}

// startMosquitto runs a broker until the test ends.
func startMosquitto(t *testing.T, extra string) *mosquitto {
	t.Helper()
	if _, err := mosquittoPath(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("mosquitto is not installed: %v", err)
	}
	m := &mosquitto{t: t, folder: t.TempDir(), extra: extra}
	for range 5 { // another program may take the free port first
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		m.address = l.Addr().String()
		l.Close()
		if m.start() {
			t.Cleanup(m.kill)
			return m
		}
	}
	log, _ := os.ReadFile(filepath.Join(m.folder, "log"))
	t.Fatalf("mosquitto does not start:\n%s", log)
	return nil
}

// mosquittoPath looks where Debian puts it, too.
func mosquittoPath() (string, error) {
	if path, err := exec.LookPath("mosquitto"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/mosquitto")
}

// start reports whether the broker answers. It keeps its sessions over a stop.
func (m *mosquitto) start() bool {
	m.t.Helper()
	_, port, _ := net.SplitHostPort(m.address)
	text := fmt.Sprintf("listener %s 127.0.0.1\npersistence true\npersistence_location %s/\n"+
		"log_dest stderr\n%s\n", port, m.folder, m.extra)
	if !strings.Contains(m.extra, "max_queued_messages") {
		text += "max_queued_messages 100000\n"
	}
	if os.Geteuid() == 0 {
		text += "user root\n" // or it could not write to the folder
	}
	file := filepath.Join(m.folder, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(m.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	defer log.Close()
	path, _ := mosquittoPath()
	m.process, m.done = exec.Command(path, "-c", file), make(chan struct{})
	m.process.Stderr = log
	if err := m.process.Start(); err != nil {
		m.t.Fatal(err)
	}
	process, done := m.process, m.done
	go func() { defer close(done); _ = process.Wait() }()
	for {
		conn, err := net.Dial("tcp", m.address)
		if err == nil {
			conn.Close()
			return true
		}
		select {
		case <-done:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// stop ends the broker in good order, so that it writes its sessions down.
func (m *mosquitto) stop() {
	for {
		_ = m.process.Process.Signal(os.Interrupt)
		select {
		case <-m.done:
			return
		case <-time.After(200 * time.Millisecond): // one that comes while it starts is lost
		}
	}
}

func (m *mosquitto) kill() {
	_ = m.process.Process.Kill() // may have ended
	<-m.done
}

// client is another program on the broker.
func (m *mosquitto) client(id string) paho.Client {
	m.t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + m.address).SetClientID(id).SetAutoReconnect(false))
	finish(m.t, c.Connect())
	m.t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func finish(t *testing.T, token paho.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("mqtt: %v", token.Error())
	}
}

// house takes events in as the hub does; commit says they are on the disk.
type house struct {
	mu     sync.Mutex
	events []home.Event
	dones  []func(error)
	auto   func(n int) (err error, commit bool) // about the n-th events; nil: keep them waiting
	raw    bool                                 // lines shows raw measurements, too
}

func (h *house) accept(events []home.Event, done func(error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, events...)
	h.dones = append(h.dones, done)
	if h.auto == nil {
		return
	}
	if err, commit := h.auto(len(h.dones) - 1); commit {
		go done(err) // the committer's goroutine, never the hub's
	}
}

func (h *house) commit(i int, err error) {
	h.mu.Lock()
	done := h.dones[i]
	h.mu.Unlock()
	done(err)
}

func (h *house) seen() []home.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]home.Event(nil), h.events...)
}

// values shows what was seen: 7, and ~7 when it was late.
func (h *house) values() []string {
	var list []string
	for _, e := range h.seen() {
		mark := ""
		if e.Late() {
			mark = "~"
		}
		list = append(list, mark+e.Value.String())
	}
	return list
}

func always(int) (error, bool) { return nil, true }

// commits makes durable every few milliseconds what came since, as a journal does.
func (h *house) commits(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var committer sync.WaitGroup
	t.Cleanup(func() { cancel(); committer.Wait() })
	committer.Go(func() {
		for next := 0; ctx.Err() == nil; {
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
			}
			h.mu.Lock()
			dones := h.dones[next:]
			next = len(h.dones)
			h.mu.Unlock()
			for _, done := range dones {
				done(nil)
			}
		}
	})
}

// run runs a connection until the returned function has stopped it.
func run(t *testing.T, c *Connection) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run = %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// proxy stands between a connection and its broker and can cut the line.
type proxy struct {
	address string
	mu      sync.Mutex
	conns   []net.Conn
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: l.Addr().String()}
	var copies sync.WaitGroup
	copies.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			copies.Go(func() { _, _ = io.Copy(in, out); in.Close(); out.Close() })
			copies.Go(func() { _, _ = io.Copy(out, in); in.Close(); out.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); p.cut(); copies.Wait() })
	return p
}

func (p *proxy) cut() {
	p.mu.Lock()
	conns := p.conns
	p.conns = nil
	p.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}
