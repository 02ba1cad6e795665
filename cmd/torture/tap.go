package main

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
)

// newTap stands between the gateway and the way to Mosquitto and reads along. What
// the gateway acknowledges there, it has accepted: no lost connection afterwards
// takes that back. What it is given, and in which order, is what it has to keep to:
// Mosquitto 2.0.11 itself loses and reorders messages when it is restarted.
func newTap(target string, w witness) (*forwarder, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return forward(l, target, func() (up, down io.Writer) {
		s := &exchange{open: make(map[uint16]published), witness: w}
		return &packets{take: s.up}, &packets{take: s.down}
	}), nil
}

// witness is told of the messages at QoS 1, by the goroutines of the connections.
type witness interface {
	given(topic string, payload []byte)    // by the broker
	accepted(topic string, payload []byte) // acknowledged by the gateway
}

// published is a message that the broker sent and that is not acknowledged.
type published struct {
	topic   string
	payload []byte
}

// exchange is what goes on over one connection.
type exchange struct {
	witness
	mu   sync.Mutex
	open map[uint16]published
}

// MQTT 3.1.1, 2.2.1: the kinds of packets that are looked at.
const (
	packetPublish = 3
	packetPuback  = 4
)

func (s *exchange) down(head byte, body []byte) {
	qos := head >> 1 & 3
	if head>>4 != packetPublish || qos == 0 || len(body) < 2 {
		return
	}
	n := 2 + int(binary.BigEndian.Uint16(body))
	if len(body) < n+2 {
		return
	}
	p := published{string(body[2:n]), body[n+2:]}
	s.mu.Lock()
	s.open[binary.BigEndian.Uint16(body[n:])] = p
	s.mu.Unlock()
	s.given(p.topic, p.payload)
}

func (s *exchange) up(head byte, body []byte) {
	if head>>4 != packetPuback || len(body) < 2 {
		return
	}
	id := binary.BigEndian.Uint16(body)
	s.mu.Lock()
	p, known := s.open[id]
	delete(s.open, id)
	s.mu.Unlock()
	if known {
		s.accepted(p.topic, p.payload)
	}
}

// packets cuts a stream into MQTT's control packets (2.2.3).
type packets struct {
	take func(head byte, body []byte)
	rest []byte
}

func (p *packets) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for {
		size, used := 0, 0
		for i := 1; i < len(p.rest) && i <= 4; i++ {
			size |= int(p.rest[i]&0x7f) << (7 * (i - 1))
			if p.rest[i]&0x80 == 0 {
				used = i + 1
				break
			}
		}
		if used == 0 || len(p.rest) < used+size {
			return len(b), nil
		}
		p.take(p.rest[0], append([]byte(nil), p.rest[used:used+size]...))
		p.rest = p.rest[used+size:]
	}
}
