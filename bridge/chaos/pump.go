package chaos

import (
	"net"
	"time"
)

// pump carries the bytes of one way until one end closes.
func (p *Proxy) pump(x *pair, w Way) {
	from, to := x.ends[w], x.ends[1-w]
	buf := make([]byte, buffer)
	for {
		n, err := from.Read(buf)
		if n > 0 && !p.pass(x, w, to, buf[:n]) {
			x.close(false)
			return
		}
		if err != nil {
			if p.dropping(x, w) {
				<-x.ended // nobody hears of the end
				return
			}
			_ = to.CloseWrite()
			return
		}
	}
}

// dropping waits while the way is stalled, and reports whether it swallows.
func (p *Proxy) dropping(x *pair, w Way) bool {
	f, alive := p.await(x, w)
	return alive && f.drop
}

// await returns the faults of a way when it is not stalled, or false when the
// connection has ended.
func (p *Proxy) await(x *pair, w Way) (faults, bool) {
	for {
		p.mu.Lock()
		f, changed := p.faults[w], p.changed
		p.mu.Unlock()
		if !f.stall {
			return f, true
		}
		select {
		case <-changed:
		case <-x.ended:
			return f, false
		}
	}
}

// pass hands on a piece, or what the faults leave of it. It returns false when the
// connection is over.
func (p *Proxy) pass(x *pair, w Way, to *net.TCPConn, b []byte) bool {
	f, alive := p.await(x, w)
	if !alive {
		return false
	}
	if f.drop {
		return true
	}
	if f.rate > 0 { // in pieces of a tenth of a second
		if n := max(1, f.rate/10); len(b) > n {
			return p.pass(x, w, to, b[:n]) && p.pass(x, w, to, b[n:])
		}
	}
	if !x.sleep(p.hold(f, len(b))) {
		return false
	}
	b, cut := p.count(w, b)
	_, err := to.Write(b)
	if cut {
		p.end(true)
		return false
	}
	return err == nil
}

// hold is how long a piece of n bytes is held back.
func (p *Proxy) hold(f faults, n int) time.Duration {
	d := f.delay
	if f.jitter > 0 {
		p.mu.Lock()
		d += time.Duration(p.rand.Int64N(int64(f.jitter)))
		p.mu.Unlock()
	}
	if f.rate > 0 {
		d += time.Duration(n) * time.Second / time.Duration(f.rate)
	}
	return d
}

func (x *pair) sleep(d time.Duration) bool {
	if d == 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.ended:
		return false
	}
}

// count takes a piece off what is left until a cut or a changed bit, and does
// these when they are due.
func (p *Proxy) count(w Way, b []byte) (pass []byte, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &p.faults[w]
	n := int64(len(b))
	switch {
	case f.corrupt < 0:
	case f.corrupt < n:
		b[f.corrupt] ^= 1 << p.rand.IntN(8)
		f.corrupt = -1
	default:
		f.corrupt -= n
	}
	switch {
	case f.cut < 0:
	case f.cut < n:
		b, cut, f.cut = b[:f.cut], true, -1
	default:
		f.cut -= n
	}
	return b, cut
}
