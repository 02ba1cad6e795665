package mqtt

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
)

const (
	// mostPacket is how long a packet may be, in bytes. The list of devices of Zigbee2MQTT is the longest that
	// anybody needs: some 10 kB for each device.
	mostPacket   = 32 << 20
	publish      = 3          // type of a packet: MQTT 3.1.1, 2.2.1
	pingresp     = "\xd0\x00" // a whole packet
	pingEach     = 64 << 10   // bytes of a payload that are thrown away for one
	mostLengths  = 4          // bytes of a remaining length: 2.2.3
	continuation = 0x80       // set in all of them but the last
)

// sieve keeps packets over the limit out of memory: paho reads each whole. The length of a packet
// comes first (2.2.3), the topic and the identifier of a PUBLISH before its payload. Such a message
// passes with a mark and its size in the place of the payload, so that it is counted and acknowledged, and
// does not come again; the payload is read and thrown away, and pingresps say meanwhile that the broker lives.
type sieve struct {
	in   *bufio.Reader
	mark []byte // nobody can guess it
	out  []byte // is read before anything else
	pass int    // bytes of the present packet that pass
	drop int    // bytes of it that are thrown away
	cut  []byte // the packet that passes in its place, when they were
}

// leftOut returns how long the payload was that was left out, if it was.
func (s *sieve) leftOut(payload []byte) (size int, is bool) {
	text, is := bytes.CutPrefix(payload, s.mark)
	if !is {
		return 0, false
	}
	size, err := strconv.Atoi(string(text))
	return size, err == nil
}

func (s *sieve) Read(b []byte) (int, error) {
	for {
		switch {
		case len(s.out) > 0:
			n := copy(b, s.out)
			s.out = s.out[n:]
			return n, nil
		case s.pass > 0:
			n, err := s.in.Read(b[:min(len(b), s.pass)])
			s.pass -= n
			return n, err
		case s.drop > 0:
			n, err := s.in.Discard(min(s.drop, pingEach))
			s.drop -= n
			if err != nil {
				return 0, err
			}
			if s.out = []byte(pingresp); s.drop == 0 {
				s.out = s.cut
			}
		default:
			if err := s.packet(); err != nil {
				return 0, err
			}
		}
	}
}

// packet looks at the beginning of a packet, and decides what becomes of it.
func (s *sieve) packet() error {
	first, length, head, err := s.fixedHeader()
	switch {
	case err != nil:
		return err
	case length <= mostPacket:
		s.pass = head + length
		return nil
	case first>>4 != publish:
		return fmt.Errorf("the broker sent a packet of %d bytes and type %d; at most %d are read", length, first>>4, mostPacket)
	}
	_, _ = s.in.Discard(head) // it is in the buffer
	return s.leaveOut(first, length)
}

// fixedHeader looks at a fixed header and takes nothing.
func (s *sieve) fixedHeader() (first byte, length, size int, err error) {
	for n := range mostLengths {
		b, err := s.in.Peek(2 + n)
		if err != nil {
			return 0, 0, 0, err
		}
		last := b[1+n]
		length |= int(last&^continuation) << (7 * n)
		if last&continuation == 0 {
			return b[0], length, 2 + n, nil
		}
	}
	return 0, 0, 0, fmt.Errorf("the broker sent a packet without a length")
}

// leaveOut passes a message on without its payload. Its fixed header was read.
func (s *sieve) leaveOut(first byte, length int) error {
	var topic [2]byte
	if _, err := io.ReadFull(s.in, topic[:]); err != nil {
		return err
	}
	rest := int(binary.BigEndian.Uint16(topic[:]))
	if first&0x06 != 0 { // the QoS: there is a packet identifier
		rest += 2
	}
	variable := make([]byte, 2+rest)
	copy(variable, topic[:])
	if _, err := io.ReadFull(s.in, variable[2:]); err != nil {
		return err
	}
	s.drop = length - len(variable) // a limit is longer than any topic
	payload := strconv.AppendInt(bytes.Clone(s.mark), int64(s.drop), 10)
	s.cut = []byte{first}
	for n := len(variable) + len(payload); ; n >>= 7 {
		if n < continuation {
			s.cut = append(s.cut, byte(n))
			break
		}
		s.cut = append(s.cut, byte(n)|continuation)
	}
	s.cut = append(append(s.cut, variable...), payload...)
	return nil
}
