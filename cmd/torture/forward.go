package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// forwarder hands connections on to a target.
type forwarder struct {
	listener net.Listener
	target   string
	readers  func() (up, down io.Writer) // are given what passes; nil: nobody
	wg       sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// forward serves a listener, which close closes.
func forward(l net.Listener, target string, readers func() (up, down io.Writer)) *forwarder {
	f := &forwarder{listener: l, target: target, readers: readers, conns: make(map[net.Conn]struct{})}
	f.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.serve(c) })
		}
	})
	return f
}

func (f *forwarder) addr() string { return f.listener.Addr().String() }

// close ends all connections and returns when the goroutines have ended.
func (f *forwarder) close() {
	_ = f.listener.Close()
	f.mu.Lock()
	f.closed = true
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

func (f *forwarder) serve(in net.Conn) {
	defer in.Close()
	out, err := net.DialTimeout("tcp", f.target, 5*time.Second)
	if err != nil {
		return
	}
	defer out.Close()
	if !f.keep(in, out) {
		return
	}
	defer f.forget(in, out)
	up, down := io.Discard, io.Discard
	if f.readers != nil {
		up, down = f.readers()
	}
	var both sync.WaitGroup
	carry := func(to, from net.Conn, reader io.Writer) {
		_, _ = io.Copy(to, io.TeeReader(from, reader))
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { carry(out, in, up) })
	both.Go(func() { carry(in, out, down) })
	both.Wait()
}

func (f *forwarder) keep(conns ...net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range conns {
		f.conns[c] = struct{}{}
	}
	return !f.closed
}

func (f *forwarder) forget(conns ...net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range conns {
		delete(f.conns, c)
	}
}
