package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// SystemSocket is where the gateway listens when it runs as a service.
const SystemSocket = "/run/hogar/hogar.sock"

// SocketPath returns where a gateway of that name listens when it does not run as
// a service: below $XDG_RUNTIME_DIR, else in a folder of the user's own.
func SocketPath(gateway string) string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "hogar", gateway+".sock")
	}
	return filepath.Join(os.TempDir(), "hogar-"+strconv.Itoa(os.Getuid()), gateway+".sock")
}

// FindSocket returns where the running gateway of that name listens; with no name,
// where the only one does: the service's, else the user's.
func FindSocket(gateway string) (string, error) {
	if gateway != "" {
		return SocketPath(gateway), nil
	}
	if _, err := os.Stat(SystemSocket); err == nil {
		return SystemSocket, nil
	}
	found, err := filepath.Glob(SocketPath("*"))
	if err != nil || len(found) == 0 {
		return "", &Error{Title: "no gateway runs here", Hint: "start one: hogar run --simulate, or hogar demo"}
	}
	var alive, names []string
	for _, path := range found {
		if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
			conn.Close()
			alive = append(alive, path)
			names = append(names, strings.TrimSuffix(filepath.Base(path), ".sock"))
		}
	}
	switch len(alive) {
	case 0:
		return "", &Error{Title: "no gateway runs here", Hint: "start one: hogar run --simulate, or hogar demo"}
	case 1:
		return alive[0], nil
	}
	return "", &Error{Title: "several gateways run: " + strings.Join(names, ", "), Hint: "say which: --gateway " + names[0]}
}

// Listen makes the socket: for the user alone, or for the group too when it
// stands in systemd's runtime directory. A socket that a dead gateway left behind
// is replaced; one that answers is an error, and so is anything that is no socket.
func Listen(path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	if dir == filepath.Dir(SocketPath("")) { // a folder that the user named is the user's business
		if err := own(dir); err != nil {
			return nil, fmt.Errorf("socket %s: %w", path, err)
		}
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return nil, fmt.Errorf("socket %s: another gateway listens there; stop it, or give this one another name (--gateway) or socket (--socket)", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("socket %s: there is something that is no socket; give another path (--socket), or remove it", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	mode := os.FileMode(0o600)
	if dir == filepath.Dir(SystemSocket) {
		mode = 0o660
	}
	if err := os.Chmod(path, mode); err != nil {
		l.Close()
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return l, nil
}

// own says why a folder is not safe for a socket: somebody else's, or open to
// others.
func own(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || ownerOf(info) != os.Getuid() {
		return fmt.Errorf("%s is not a folder of this user; remove it", dir)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write in %s (mode %#o); chmod 700 it", dir, info.Mode().Perm())
	}
	return nil
}

func ownerOf(info os.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}

// callerKey finds the caller's name in a request's context.
type callerKey struct{}

// maxConns is how many connections the socket has at once: more than there may be streams and
// requests, so that those who send nothing, and are cut off for it, keep nobody out for long.
const maxConns = 256

// places is a listener that accepts a connection when there is a place for it. Whoever closes
// one that was accepted calls left.
type places struct {
	net.Listener
	taken  chan struct{}
	closed context.Context
}

func (p *places) Accept() (net.Conn, error) {
	select {
	case p.taken <- struct{}{}:
	case <-p.closed.Done():
		return nil, net.ErrClosed
	}
	c, err := p.Listener.Accept()
	if err != nil {
		<-p.taken
	}
	return c, err
}

// left gives the place of a connection back that is closed.
func (p *places) left(_ net.Conn, now http.ConnState) {
	if now == http.StateClosed || now == http.StateHijacked {
		<-p.taken
	}
}

// Serve answers requests until ctx ends; requests under way have two seconds
// more. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	p := &places{l, make(chan struct{}, maxConns), ctx}
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second, // the body has to come, too
		IdleTimeout:       10 * time.Second,
		ConnState:         p.left,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, callerKey{}, caller(c))
		},
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(late) != nil {
			server.Close()
		}
	})
	err := server.Serve(p)
	if !stop() {
		<-stopped
		return nil
	}
	return err
}

// sourceKey finds in a request's context what [WithSource] has put there.
type sourceKey struct{}

// WithSource says who sends the request with this context: web:ana.
func WithSource(ctx context.Context, source string) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}

// source says who sent a request.
func source(r *http.Request) string {
	if s, ok := r.Context().Value(sourceKey{}).(string); ok {
		return s
	}
	name, _ := r.Context().Value(callerKey{}).(string)
	if name == "" {
		return "http"
	}
	return "cli:" + name
}

// caller is the name of the user at the other end of a unix socket, or "".
func caller(c net.Conn) string {
	uid, ok := peerUID(c)
	if !ok {
		return ""
	}
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
