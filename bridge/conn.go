package bridge

import (
	"net"
	"sync"
	"time"
)

// guard gives every write a deadline: without one, a broker that stopped reading
// hangs the writer for ever, and closing the connection as well. With coalesce,
// what is written while a write is under way is gathered and sent together.
func guard(conn net.Conn, coalesce bool, most time.Duration) net.Conn {
	d := deadlined{conn, most}
	if !coalesce {
		return d
	}
	c := &coalesced{Conn: d, ended: make(chan struct{})}
	c.more.L, c.room.L = &c.mu, &c.mu
	go c.flush() // ends with Close, or when a write fails
	return c
}

type deadlined struct {
	net.Conn
	most time.Duration // of one write
}

func (d deadlined) Write(b []byte) (int, error) {
	if err := d.SetWriteDeadline(time.Now().Add(d.most)); err != nil {
		return 0, err
	}
	return d.Conn.Write(b)
}

// maxGathered is how many bytes wait for the connection before Write does.
const maxGathered = 256 << 10

// coalesced saves system calls: amqp091 makes one for each message. An error of
// a write is told to the writes after it.
type coalesced struct {
	net.Conn
	ended chan struct{}

	mu         sync.Mutex
	more, room sync.Cond
	waiting    []byte
	err        error
}

func (c *coalesced) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.err == nil && len(c.waiting) > maxGathered {
		c.room.Wait()
	}
	if c.err != nil {
		return 0, c.err
	}
	c.waiting = append(c.waiting, b...)
	c.more.Signal()
	return len(b), nil
}

func (c *coalesced) flush() {
	defer close(c.ended)
	var sending []byte
	for {
		c.mu.Lock()
		for c.err == nil && len(c.waiting) == 0 {
			c.more.Wait()
		}
		if c.err != nil {
			c.mu.Unlock()
			return
		}
		sending, c.waiting = c.waiting, sending[:0]
		c.room.Broadcast()
		c.mu.Unlock()
		if _, err := c.Conn.Write(sending); err != nil {
			c.fail(err)
			return
		}
	}
}

func (c *coalesced) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	c.more.Broadcast()
	c.room.Broadcast()
}

// Close gives up what is still gathered.
func (c *coalesced) Close() error {
	c.fail(net.ErrClosed)
	err := c.Conn.Close() // frees a write under way
	<-c.ended
	return err
}
