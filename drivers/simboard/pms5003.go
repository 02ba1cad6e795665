package simboard

import (
	"io/fs"
	"math"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"hogar/drivers"
)

// pmsPause is between two frames of a PMS5003; it sends every 0.2 to 2.3 s.
const pmsPause = 900 * time.Millisecond

// Serial opens a port at which a part is.
func (b *Board) Serial(path string, baud int) (drivers.Port, error) {
	s := b.ports[path]
	err := error(syscall.ENOENT)
	if s != nil {
		err = s.fault.err()
	}
	if err == syscall.ENXIO { // an adapter that was unplugged
		err = syscall.ENOENT
	}
	if err == nil && baud != 9600 {
		err = syscall.EINVAL
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	p := &port{path: path, seat: s, pms: b.meter(s), around: b.air(s), next: time.Now().Add(pmsPause), changed: make(chan struct{})}
	if p.pms.sends() {
		p.waiting = p.frame()[21:] // it is opened in the midst of a frame
	}
	return p, nil
}

// pms is a Plantower PMS5003 from one opening of its port to the next.
type pms struct {
	mu      sync.Mutex
	asleep  bool
	passive bool      // it sends only what it is asked for
	woke    time.Time // zero: it runs for long
}

// meter is the sensor at a seat.
func (b *Board) meter(s *seat) *pms {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.meters == nil {
		b.meters = make(map[*seat]*pms)
	}
	if b.meters[s] == nil {
		b.meters[s] = &pms{}
	}
	return b.meters[s]
}

// feel takes what another program has done to it.
func (m *pms) feel(f Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asleep, m.passive = m.asleep || f == Asleep, m.passive || f == Passive
}

func (m *pms) sends() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.asleep && !m.passive
}

// steady reports whether the fan runs for 30 s.
func (m *pms) steady(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.woke.IsZero() || now.Sub(m.woke) >= 30*time.Second
}

// obey carries out an order (appendix II); what has a wrong sum is none.
func (m *pms) obey(order string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch order {
	case "\x42\x4D\xE4\x00\x00\x01\x73":
		m.asleep = true
	case "\x42\x4D\xE4\x00\x01\x01\x74":
		if m.asleep {
			m.woke = now
		}
		m.asleep = false
	case "\x42\x4D\xE1\x00\x00\x01\x70":
		m.passive = true
	case "\x42\x4D\xE1\x00\x01\x01\x71":
		m.passive = false
	}
}

// port is an open serial port with a Plantower PMS5003, which sends by itself
// (data manual version 2.3, appendix I).
type port struct {
	path   string
	seat   *seat
	pms    *pms
	around air

	mu       sync.Mutex
	waiting  []byte    // sent and not read
	next     time.Time // when the next frame comes
	deadline time.Time
	closed   bool
	changed  chan struct{} // closed with each change of deadline and closed
}

var _ drivers.Port = (*port)(nil)

// frame is what is sent now.
func (p *port) frame() []byte {
	f := []byte{0x42, 0x4D, 0, 28}
	var masses [3]uint16
	for i, quantity := range []string{"pm1", "pm25", "pm10"} {
		masses[i] = uint16(math.Round(min(max(p.around(quantity), 0), math.MaxUint16)))
		if !p.pms.steady(time.Now()) {
			masses[i] = 0 // the fan has not brought any air yet
		}
	}
	const version = 0x9700
	for _, w := range []uint16{masses[0], masses[1], masses[2], masses[0], masses[1], masses[2], 900, 270, 60, 12, 3, 1, version} {
		f = append(f, byte(w>>8), byte(w))
	}
	sum := 0
	for _, b := range f {
		sum += int(b)
	}
	if p.seat.fault.is() == Checksum {
		sum++
	}
	return append(f, byte(sum>>8), byte(sum))
}

// Read waits for bytes.
func (p *port) Read(b []byte) (int, error) {
	for {
		if err := p.seat.fault.err(); err != nil {
			return 0, &fs.PathError{Op: "read", Path: p.path, Err: err}
		}
		p.mu.Lock()
		now, changed, next, deadline := time.Now(), p.changed, p.next, p.deadline
		n := p.take(now, b)
		closed, late := p.closed, !deadline.IsZero() && !now.Before(deadline)
		p.mu.Unlock()
		switch {
		case closed:
			return 0, &fs.PathError{Op: "read", Path: p.path, Err: os.ErrClosed}
		case late:
			return 0, &fs.PathError{Op: "read", Path: p.path, Err: os.ErrDeadlineExceeded}
		case n > 0:
			return n, nil
		}
		if !deadline.IsZero() && deadline.Before(next) {
			next = deadline
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-t.C:
		case <-changed:
			t.Stop()
		}
	}
}

// take hands out what has come. Called with mu held.
func (p *port) take(now time.Time, b []byte) int {
	if !now.Before(p.next) {
		p.next = now.Add(pmsPause)
		if p.pms.sends() {
			p.waiting = append(p.waiting, p.frame()...)
		}
	}
	n := copy(b, p.waiting)
	p.waiting = p.waiting[n:]
	if p.seat.fault.is() == Stuck {
		for i := range b[:n] {
			b[i] = 0xFF
		}
	}
	return n
}

// Write gives the sensor orders of seven bytes.
func (p *port) Write(b []byte) (int, error) {
	for order := range slices.Chunk(b, 7) {
		p.pms.obey(string(order), time.Now())
	}
	return len(b), nil
}

// SetReadDeadline ends Reads at a time.
func (p *port) SetReadDeadline(t time.Time) error {
	p.change(func() { p.deadline = t })
	return nil
}

// Close ends Reads.
func (p *port) Close() error {
	p.change(func() { p.closed = true })
	return nil
}

func (p *port) change(how func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how()
	close(p.changed)
	p.changed = make(chan struct{})
}
