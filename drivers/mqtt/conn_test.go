package mqtt

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a conn and what its peer gets, write by write.
func pipe(t *testing.T) (*conn, <-chan []byte) {
	near, far := net.Pipe()
	writes := make(chan []byte)
	go func() {
		defer close(writes)
		buf := make([]byte, 1<<16)
		for {
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			writes <- bytes.Clone(buf[:n])
		}
	}()
	c := newConn(near)
	t.Cleanup(func() { c.Close(); far.Close() })
	return c, writes
}

var puback = []byte{0x40, 2, 0, 7}

// TestAcknowledgementsTravelTogether is for few system calls: what is acknowledged at once
// leaves in one write, a moment later.
func TestAcknowledgementsTravelTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, writes := pipe(t)
		began := time.Now()
		for range 3 {
			if n, err := c.Write(puback); n != len(puback) || err != nil {
				t.Fatal(n, err)
			}
		}
		if got := <-writes; !bytes.Equal(got, bytes.Repeat(puback, 3)) || time.Since(began) != ackDelay {
			t.Errorf("%x after %s", got, time.Since(began))
		}
		began = time.Now()
		_, _ = c.Write(puback)
		disconnect := []byte{0xe0, 0}
		go func() {
			if _, err := c.Write(disconnect); err != nil {
				t.Error(err)
			}
		}()
		if got := <-writes; !bytes.Equal(got, append(bytes.Clone(puback), disconnect...)) || time.Since(began) != 0 {
			t.Errorf("%x after %s, want it to take the acknowledgement along at once", got, time.Since(began))
		}
		select {
		case got := <-writes:
			t.Errorf("%x came besides", got)
		case <-time.After(time.Second):
		}
	})
}

// TestManyAcknowledgementsDoNotWait has more of them than are gathered.
func TestManyAcknowledgementsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, writes := pipe(t)
		began := time.Now()
		go func() {
			for range mostAcks / len(puback) {
				_, _ = c.Write(puback)
			}
		}()
		if got := <-writes; len(got) != mostAcks || time.Since(began) != 0 {
			t.Errorf("%d bytes after %s", len(got), time.Since(began))
		}
	})
}

// TestAWriteToADeafBrokerEnds has a peer that reads nothing.
func TestAWriteToADeafBrokerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := newConn(near)
		began := time.Now()
		if _, err := c.Write([]byte{0x30, 0}); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != writeTimeout {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		_ = c.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := newConn(near)
		began := time.Now()
		if _, err := c.Write(puback); err != nil {
			t.Error(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) || time.Since(began) != ackDelay+writeTimeout {
			t.Errorf("who reads is told %v after %s", err, time.Since(began))
		}
		if _, err := c.Write(puback); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("who writes next is told %v", err)
		}
	})
}

// counted counts the reads.
type counted struct {
	net.Conn
	reads int
}

func (c *counted) Read(b []byte) (int, error) {
	c.reads++
	return c.Conn.Read(b)
}

// TestReadsAhead has packets that came together, and a reader that takes them by bytes, as
// paho does.
func TestReadsAhead(t *testing.T) {
	near, far := net.Pipe()
	under := &counted{Conn: near}
	c := newConn(under)
	defer c.Close()
	go func() { _, _ = far.Write([]byte("abcdef")) }()
	var got []byte
	for range 6 {
		one := make([]byte, 1)
		if _, err := c.Read(one); err != nil {
			t.Fatal(err)
		}
		got = append(got, one...)
	}
	if string(got) != "abcdef" || under.reads != 1 {
		t.Errorf("%q in %d reads", got, under.reads)
	}
}
