package systemd

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

func TestNotifierTellsSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "30000000")
	n := FromEnvironment()
	for _, c := range []struct {
		send func() error
		want string
	}{
		{func() error { return n.Ready("casa, 3 devices") }, "READY=1\nSTATUS=casa, 3 devices"},
		{n.Alive, "WATCHDOG=1"},
		{n.Stopping, "STOPPING=1"},
	} {
		if err := c.send(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 256)
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		got, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if string(buf[:got]) != c.want {
			t.Errorf("sent %q, want %q", buf[:got], c.want)
		}
	}
}

func TestNotifierIsSilentElsewhere(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := FromEnvironment().Ready("x"); err != nil {
		t.Error(err)
	}
}
