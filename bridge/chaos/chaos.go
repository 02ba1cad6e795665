// Package chaos is a TCP proxy that does to a connection what networks do:
//
//	p, err := chaos.New("127.0.0.1:5672", seed)
//	defer p.Close()
//	connect(p.Addr())
//	p.Drop(chaos.Down, true) // nothing comes back any more, and nobody is told
//	p.Heal()
//
// Faults are set for one [Way] at a time and act on the connections there are and
// on those to come, until they are taken back. What is left to chance (which bit,
// how much jitter) comes from the seed.
package chaos

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Way is a direction through the proxy.
type Way int

// The two ways.
const (
	Up   Way = iota // from who connected to the target
	Down            // back
)

// faults of one way.
type faults struct {
	stall, drop   bool
	delay, jitter time.Duration
	rate          int   // bytes a second; 0: as fast as it goes
	cut           int64 // bytes until all connections are reset; -1: never
	corrupt       int64 // bytes until the one of which a bit is changed; -1: never
}

var none = faults{cut: -1, corrupt: -1}

// Proxy is a running proxy. Its methods are safe for concurrent use.
type Proxy struct {
	target   string
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	rand    *rand.Rand
	faults  [2]faults
	changed chan struct{} // closed when faults change
	refuse  bool
	closed  bool
	pairs   map[*pair]struct{}
}

// pair is a connection and its other half.
type pair struct {
	ends  [2]*net.TCPConn // what is read for each way
	ended chan struct{}
	once  sync.Once
}

// New starts a proxy on a free port of 127.0.0.1.
func New(target string, seed uint64) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	p := &Proxy{target: target, listener: l, rand: rand.New(rand.NewPCG(seed, seed)), faults: [2]faults{none, none},
		changed: make(chan struct{}), pairs: make(map[*pair]struct{})}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is where to connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends the proxy and all connections, and returns when its goroutines have ended.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.end(false)
	p.wg.Wait()
	return err
}

// Cut closes all connections in order, as a program that ends does.
func (p *Proxy) Cut() { p.end(false) }

// Reset breaks all connections off (TCP RST): what is on the way is lost.
func (p *Proxy) Reset() { p.end(true) }

// Refuse has new connections broken off at once.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// Stall stops reading: the sender's window closes, and its writes block.
func (p *Proxy) Stall(w Way, on bool) { p.set(w, func(f *faults) { f.stall = on }) }

// Drop swallows what comes, an end included: a half-open connection. Its sender
// notices nothing.
func (p *Proxy) Drop(w Way, on bool) { p.set(w, func(f *faults) { f.drop = on }) }

// Delay holds each piece of data back for d and up to jitter more.
func (p *Proxy) Delay(w Way, d, jitter time.Duration) {
	p.set(w, func(f *faults) { f.delay, f.jitter = d, jitter })
}

// Throttle lets so many bytes a second pass; 0: all.
func (p *Proxy) Throttle(w Way, bytesPerSecond int) {
	p.set(w, func(f *faults) { f.rate = bytesPerSecond })
}

// CutAfter resets all connections when n more bytes have passed, wherever in a
// frame that is.
func (p *Proxy) CutAfter(w Way, n int64) { p.set(w, func(f *faults) { f.cut = n }) }

// Corrupt changes one bit of the byte that comes after n more.
func (p *Proxy) Corrupt(w Way, n int64) { p.set(w, func(f *faults) { f.corrupt = n }) }

// Heal takes all faults back. Connections that lost bytes stay as they are.
func (p *Proxy) Heal() {
	p.Refuse(false)
	for _, w := range []Way{Up, Down} {
		p.set(w, func(f *faults) { *f = none })
	}
}

func (p *Proxy) set(w Way, change func(*faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.faults[w])
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) end(reset bool) {
	p.mu.Lock()
	var all []*pair
	for x := range p.pairs {
		all = append(all, x)
	}
	p.mu.Unlock()
	for _, x := range all {
		x.close(reset)
	}
}

func (x *pair) close(reset bool) {
	x.once.Do(func() {
		close(x.ended)
		for _, c := range x.ends {
			if reset {
				_ = c.SetLinger(0)
			}
			_ = c.Close()
		}
	})
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c.(*net.TCPConn)) })
	}
}

// buffer is the kernel's for each connection: small, so that a stall is felt soon, and yet some
// segments of the loopback interface, which have up to 64 kB: with less room than one of them the
// kernel sends a piece each 200 ms.
const buffer = 128 << 10

func (p *Proxy) serve(in *net.TCPConn) {
	p.mu.Lock()
	refuse := p.refuse
	p.mu.Unlock()
	out, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if refuse || err != nil {
		_ = in.SetLinger(0)
		_ = in.Close()
		if err == nil {
			_ = out.Close()
		}
		return
	}
	x := &pair{ends: [2]*net.TCPConn{in, out.(*net.TCPConn)}, ended: make(chan struct{})}
	for _, c := range x.ends {
		_, _ = c.SetReadBuffer(buffer), c.SetWriteBuffer(buffer)
	}
	p.mu.Lock()
	p.pairs[x] = struct{}{}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		x.close(false)
	}
	var wg sync.WaitGroup
	for _, w := range []Way{Up, Down} {
		wg.Go(func() { p.pump(x, w) })
	}
	wg.Wait()
	x.close(false)
	p.mu.Lock()
	delete(p.pairs, x)
	p.mu.Unlock()
}
