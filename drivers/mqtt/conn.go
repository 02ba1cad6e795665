package mqtt

import (
	"bufio"
	"crypto/rand"
	"net"
	"sync"
	"time"
)

const (
	readAhead   = 4096             // bytes that are read at once
	ackDelay    = time.Millisecond // that an acknowledgement waits for others
	mostAcks    = 4096             // bytes of them that wait
	pubackFirst = 0x40             // first byte of a PUBACK: MQTT 3.1.1, 3.4.1
)

// conn spares system calls: paho reads each packet in three pieces, and writes each
// acknowledgement by itself. Acknowledgements wait a moment for others, or go with the
// next packet; all else goes at once. Each write is bounded in time: a broker that
// stopped reading is a lost one.
type conn struct {
	net.Conn
	sieve

	mu    sync.Mutex
	acks  []byte
	timer *time.Timer // sends them; runs when there are any
	err   error       // of a write that nobody waited for
}

func newConn(c net.Conn) *conn {
	own := &conn{Conn: c, sieve: sieve{in: bufio.NewReaderSize(c, readAhead), mark: []byte("hogar left a payload out " + rand.Text() + " ")}}
	own.timer = time.AfterFunc(time.Hour, own.flush)
	own.timer.Stop()
	return own
}

// Read leaves out payloads that are too long. For one goroutine.
func (c *conn) Read(b []byte) (int, error) { return c.sieve.Read(b) }

// Write takes whole packets, as paho does. A failure to send acknowledgements ends the
// connection, and the next write tells it.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	waiting := len(c.acks)
	c.acks = append(c.acks, b...)
	if len(b) > 0 && b[0] == pubackFirst && len(c.acks) < mostAcks {
		if waiting == 0 {
			c.timer.Reset(ackDelay)
		}
		return len(b), nil
	}
	if err := c.send(); err != nil {
		return 0, err
	}
	return len(b), nil
}

// flush sends what waits.
func (c *conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && len(c.acks) > 0 && c.send() != nil {
		_ = c.Conn.Close() // who reads is told by that
	}
}

// send writes what was gathered; the caller holds mu.
func (c *conn) send() error {
	if c.err = c.SetWriteDeadline(time.Now().Add(writeTimeout)); c.err == nil {
		_, c.err = c.Conn.Write(c.acks)
	}
	if c.acks = c.acks[:0]; cap(c.acks) > 4*mostAcks {
		c.acks = nil // a large command
	}
	return c.err
}

// Close gives up the acknowledgements that wait: their messages come again.
func (c *conn) Close() error {
	c.timer.Stop()
	return c.Conn.Close()
}
