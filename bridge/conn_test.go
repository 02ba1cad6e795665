package bridge

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

// TestGuardDeadline has a peer that reads nothing: a write ends after its
// deadline, and with coalesced writes the writer is told at the next.
func TestGuardDeadline(t *testing.T) {
	for name, coalesce := range map[string]bool{"plain": false, "coalesced": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer far.Close()
				c := guard(near, coalesce, writeTimeout)
				began := time.Now()
				var err error
				for err == nil {
					if _, err = c.Write(make([]byte, 100<<10)); time.Since(began) > time.Minute {
						t.Fatal("writes go on without a reader")
					}
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != writeTimeout {
					t.Errorf("%v after %s, want a timeout after %s", err, time.Since(began), writeTimeout)
				}
				_ = c.Close()
			})
		})
	}
}

func TestCoalesced(t *testing.T) {
	near, far := net.Pipe()
	c := guard(near, true, writeTimeout)
	var want, got []byte
	for i := range 5000 {
		want = append(want, byte(i), byte(i>>8))
	}
	read := make(chan error, 1)
	go func() {
		var err error
		got, err = io.ReadAll(io.LimitReader(far, int64(len(want))))
		read <- err
	}()
	for i := 0; i < len(want); i += 2 {
		if n, err := c.Write(want[i : i+2]); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := <-read; err != nil || !bytes.Equal(want, got) {
		t.Errorf("%d bytes arrived of %d, in another order or broken (%v)", len(got), len(want), err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after Close: %v", err)
	}
	_ = c.Close() // twice does no harm
}

func TestBackoff(t *testing.T) {
	b := New(Options{Gateway: "casa"}, nil, nil, nil)
	for failures, most := range map[int]time.Duration{0: 500 * time.Millisecond, 1: time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		least, largest := time.Hour, time.Duration(0)
		for range 2000 {
			d := b.backoff(failures)
			least, largest = min(least, d), max(largest, d)
		}
		if largest > most+time.Millisecond || largest < most*9/10 || least > most/10 {
			t.Errorf("after %d failures from %s to %s, want up to %s", failures, least, largest, most)
		}
	}
}

func TestTarget(t *testing.T) {
	got, err := parseTarget("amqps://casa:geheim@broker.lan/house?cacertfile=/etc/ca.pem")
	if err != nil || got.show != "amqps://casa@broker.lan/house" || got.user != "casa" || got.addr != "broker.lan:5671" || got.vhost() != "house" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := parseTarget("amqps://x@broker.lan/?auth_mechanism=external"); err != nil || got.user != "" {
		t.Errorf("%+v, %v: a certificate says who it is", got, err)
	}
	if _, err := parseTarget("http://casa:geheim@broker.lan"); err == nil || bytes.Contains([]byte(err.Error()), []byte("geheim")) {
		t.Errorf("error %v", err)
	}
	bad := New(Options{Gateway: "Not A Word"}, nil, nil, nil)
	if bad.Run(t.Context()) == nil {
		t.Error("ran with a wrong name")
	}
}
