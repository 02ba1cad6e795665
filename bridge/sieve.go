package bridge

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"
)

// limits are how much of one message may come into memory, in bytes.
type limits struct {
	body    uint64
	headers uint32 // of the table of headers, as it is on the wire
}

var (
	// taken is what the gateway takes: commands, questions, messages of other
	// applications. 256 of these wait for the disk at most.
	takenLimits = limits{maxCommand, 8 << 10}
	// toolLimits are for a program that reads a few messages and ends: an answer has all
	// devices of a house in it.
	toolLimits = limits{16 << 20, 64 << 10}
)

// Headers that stand in a message in the place of what was left out of it, with its
// size in bytes (int64).
const (
	bodyBytesHeader    = "hogar-body-bytes"
	headersBytesHeader = "hogar-headers-bytes"
)

// bodyLeftOut returns how long the body was that was left out of d; 0: none was. A
// sender who sets the header by himself has his own message refused.
func bodyLeftOut(headers amqp.Table) int64 {
	n, _ := headers[bodyBytesHeader].(int64)
	return n
}

// bodySize returns how long the body of d was when it was sent.
func bodySize(d *amqp.Delivery) int64 { return max(bodyLeftOut(d.Headers), int64(len(d.Body))) }

// Frames of AMQP 0-9-1, 4.2.3: type, channel and size of the payload, the payload,
// and an octet that ends it.
const (
	frameMethod    = 1
	frameHeader    = 2
	frameBody      = 3
	frameHead      = 7
	frameEnd       = 0xCE
	contentHead    = 14          // class, weight, size of the body and flags: 4.2.6.1
	flagType       = 1 << 15     // content_type, the first of the properties
	flagEncoding   = 1 << 14     // content_encoding, the second
	flagHeaders    = 1 << 13     // headers, the third
	propertiesMost = 12*256 + 32 // bytes of all that may follow them: shortstrs and numbers
	readAhead      = 16 << 10    // bytes that are read at once
)

// heartbeatFrame is what the reader is given while a body is left out, so that it knows that
// the broker lives.
const heartbeatFrame = "\x08\x00\x00\x00\x00\x00\x00\xCE"

var errContent = errors.New("rabbitmq sent a content header that cannot be read")

// sieve keeps what is over its limits out of memory. amqp091 collects a body whole
// before it delivers it, so this decides below it, while frames come: a content header
// says how long the body will be. A message over the limits is delivered at once with
// an empty body, or without headers, and a header that says so; the frames of its
// body are read and thrown away. All other frames pass unchanged. The reads are for
// one goroutine.
type sieve struct {
	net.Conn
	in     *bufio.Reader
	limits limits
	out    []byte            // is read before anything else
	pass   uint64            // bytes of the present frame that pass
	drop   uint64            // bytes of the present frame that are thrown away
	left   map[uint16]uint64 // by channel: bytes still to come of a body that is left out
	count  *atomic.Uint64    // messages of which something was left out
}

func newSieve(c net.Conn, l limits, count *atomic.Uint64) *sieve {
	return &sieve{Conn: c, in: bufio.NewReaderSize(c, readAhead), limits: l, left: make(map[uint16]uint64), count: count}
}

func (s *sieve) Read(p []byte) (int, error) {
	for {
		switch {
		case len(s.out) > 0:
			n := copy(p, s.out)
			s.out = s.out[n:]
			return n, nil
		case s.pass > 0:
			n, err := s.in.Read(p[:min(uint64(len(p)), s.pass)])
			s.pass -= uint64(n)
			return n, err
		case s.drop > 0:
			n, err := s.in.Discard(int(min(s.drop, readAhead)))
			s.drop -= uint64(n)
			if err != nil {
				return 0, err
			}
			s.out = []byte(heartbeatFrame)
		default:
			if err := s.frame(); err != nil {
				return 0, err
			}
		}
	}
}

// frame looks at the beginning of a frame, and decides what becomes of it.
func (s *sieve) frame() error {
	head, err := s.in.Peek(frameHead)
	if err != nil {
		return err
	}
	kind, channel, size := head[0], binary.BigEndian.Uint16(head[1:]), binary.BigEndian.Uint32(head[3:])
	whole := frameHead + uint64(size) + 1
	if kind == frameHeader && size >= contentHead {
		return s.content(channel, size)
	}
	left, is := s.left[channel]
	switch {
	case !is || kind != frameMethod && kind != frameBody:
		s.pass = whole
	case kind == frameMethod: // it ends a body before its time: the channel is being closed
		delete(s.left, channel)
		s.pass = whole
	default:
		s.drop = whole
		if s.left[channel] = left - uint64(size); left <= uint64(size) {
			delete(s.left, channel)
		}
	}
	return nil
}

// content lets a content header pass, or writes another in its place.
func (s *sieve) content(channel uint16, size uint32) error {
	head, err := s.in.Peek(frameHead + contentHead)
	if err != nil {
		return err
	}
	delete(s.left, channel)
	body := binary.BigEndian.Uint64(head[frameHead+4:])
	if body <= s.limits.body && size <= s.limits.headers {
		s.pass = frameHead + uint64(size) + 1
		return nil
	}
	var first [frameHead + contentHead]byte
	_, _ = io.ReadFull(s.in, first[:]) // it is in the buffer
	h := header{in: s.in, rest: size - contentHead, flags: binary.BigEndian.Uint16(first[frameHead+12:]), most: s.limits.headers}
	if err := h.read(); err != nil {
		return err
	}
	if body > s.limits.body {
		h.add(bodyBytesHeader, body)
		s.left[channel] = body
		body = 0
	}
	if len(h.added) > 0 {
		s.count.Add(1)
	}
	s.out = h.frame(first, body)
	return nil
}

// header is a content header that is read from the wire, without the table of headers when
// that is too long, and written anew.
type header struct {
	in     *bufio.Reader
	rest   uint32 // bytes of it that are not read
	most   uint32 // bytes of the table
	flags  uint16
	before []byte // the properties that come before the table
	table  []byte // without its length
	added  []byte // to the table
	after  []byte // the properties that come after it, and the end of the frame
}

func (h *header) read() error {
	for _, flag := range []uint16{flagType, flagEncoding} {
		if h.flags&flag != 0 {
			if err := h.short(); err != nil {
				return err
			}
		}
	}
	if h.flags&flagHeaders != 0 {
		if err := h.headers(); err != nil {
			return err
		}
	}
	if h.rest > propertiesMost {
		return errContent
	}
	var err error
	if h.after, err = h.take(h.rest); err != nil {
		return err
	}
	end, err := h.in.ReadByte()
	if err == nil && end != frameEnd {
		err = errContent
	}
	h.after = append(h.after, end)
	return err
}

// take reads n bytes, which were found to be few.
func (h *header) take(n uint32) ([]byte, error) {
	if n > h.rest {
		return nil, errContent
	}
	h.rest -= n
	b := make([]byte, n, n+1)
	_, err := io.ReadFull(h.in, b)
	return b, err
}

// short reads a short string, which is a property that comes before the table.
func (h *header) short() error {
	n, err := h.take(1)
	if err != nil {
		return err
	}
	text, err := h.take(uint32(n[0]))
	h.before = append(append(h.before, n...), text...)
	return err
}

// headers reads the table, or leaves it out.
func (h *header) headers() error {
	length, err := h.take(4)
	if err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(length)
	if n <= h.most {
		h.table, err = h.take(n)
		return err
	}
	if n > h.rest {
		return errContent
	}
	h.rest -= n
	h.add(headersBytesHeader, uint64(n))
	_, err = io.CopyN(io.Discard, h.in, int64(n))
	return err
}

// add adds an entry to the table: where a key is there twice, the last one holds.
func (h *header) add(key string, n uint64) {
	h.added = append(append(append(h.added, byte(len(key))), key...), 'l')
	h.added = binary.BigEndian.AppendUint64(h.added, min(n, math.MaxInt64))
}

// frame makes the frame anew, for a body of that length.
func (h *header) frame(first [frameHead + contentHead]byte, body uint64) []byte {
	flags := h.flags
	table := len(h.table) + len(h.added)
	f := append([]byte(nil), first[:]...)
	f = append(f, h.before...)
	if flags&flagHeaders != 0 || table > 0 {
		flags |= flagHeaders
		f = binary.BigEndian.AppendUint32(f, uint32(table))
		f = append(append(f, h.table...), h.added...)
	}
	f = append(f, h.after...)
	binary.BigEndian.PutUint32(f[3:], uint32(len(f)-frameHead-1))
	binary.BigEndian.PutUint64(f[frameHead+4:], body)
	binary.BigEndian.PutUint16(f[frameHead+12:], flags)
	return f
}
