package chaos

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo is a server that sends back what it reads.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func start(t *testing.T, seed uint64) (*Proxy, net.Conn) {
	t.Helper()
	p, err := New(echo(t), seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, dial(t, p)
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// say sends a text and returns what comes back, as far as it does.
func say(t *testing.T, c net.Conn, text string) (string, error) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		return "", err
	}
	b := make([]byte, len(text))
	n, err := io.ReadFull(c, b)
	return string(b[:n]), err
}

func TestPasses(t *testing.T) {
	p, c := start(t, 1)
	p.Delay(Up, time.Millisecond, time.Millisecond)
	p.Throttle(Down, 100)
	began := time.Now()
	if got, err := say(t, c, "hello, hello, hello"); got != "hello, hello, hello" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("19 bytes at 100 a second took %s", took)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
		t.Errorf("after the end: %q %v", rest, err)
	}
}

func TestEnds(t *testing.T) {
	p, c := start(t, 1)
	if got, err := say(t, c, "a"); got != "a" || err != nil {
		t.Fatal(got, err)
	}
	p.Cut()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after Cut: %v", err)
	}
	c = dial(t, p)
	if _, err := say(t, c, "a"); err != nil {
		t.Fatal(err)
	}
	p.Reset()
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after Reset: %v", err)
	}
	p.Refuse(true)
	if c, err := net.Dial("tcp", p.Addr()); err == nil { // it may be reset as early as here
		defer c.Close()
		if _, err := say(t, c, "a"); err == nil {
			t.Error("it was not refused")
		}
	}
	p.Heal()
	if _, err := say(t, dial(t, p), "a"); err != nil {
		t.Error(err)
	}
}

func TestDrop(t *testing.T) {
	for _, w := range []Way{Up, Down} {
		p, c := start(t, 1)
		p.Drop(w, true)
		_ = c.SetDeadline(time.Now().Add(100 * time.Millisecond))
		if got, err := say(t, c, "lost"); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("way %d: %q %v", w, got, err)
		}
		p.Heal()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if got, err := say(t, c, "there"); got != "there" || err != nil {
			t.Errorf("way %d: %q %v", w, got, err)
		}
	}
}

// TestStall fills the way: the writes block, and nothing is lost.
func TestStall(t *testing.T) {
	p, c := start(t, 1)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_ = c.(*net.TCPConn).SetWriteBuffer(buffer)
	p.Stall(Up, true)
	block, sent := bytes.Repeat([]byte("x"), 64<<10), 0
	for i := 0; ; i++ {
		_ = c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := c.Write(block)
		sent += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil || i > 1000 {
			t.Fatal(i, err)
		}
	}
	p.Stall(Up, false)
	if n, err := io.CopyN(io.Discard, c, int64(sent)); err != nil {
		t.Errorf("%d of %d bytes came back: %v", n, sent, err)
	}
}

func TestBytes(t *testing.T) {
	p, c := start(t, 7)
	p.Corrupt(Up, 3)
	got, err := say(t, c, "abcdef")
	if err != nil || got[:3] != "abc" || got[3] == 'd' || got[4:] != "ef" {
		t.Errorf("%q %v", got, err)
	}
	q, d := start(t, 7)
	q.Corrupt(Up, 3)
	if again, _ := say(t, d, "abcdef"); again != got {
		t.Errorf("the same seed changed %q to %q", got, again)
	}
	p.CutAfter(Up, 2)
	if got, err := say(t, c, "ghij"); err == nil || len(got) > 2 {
		t.Errorf("%q %v", got, err)
	}
}
