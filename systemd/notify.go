// Package systemd is how hogar lives under systemd: the unit it is shipped with,
// and the messages by which it tells that it is ready, stopping, and alive.
package systemd

import (
	"net"
	"os"
	"strconv"
	"time"
)

// Notifier sends messages to systemd (sd_notify(3)). The zero Notifier sends
// nothing. Safe for concurrent use.
type Notifier struct {
	socket string
	every  time.Duration
}

// FromEnvironment reads $NOTIFY_SOCKET and $WATCHDOG_USEC, which systemd sets for
// a service of Type=notify. Elsewhere the Notifier sends nothing.
func FromEnvironment() Notifier {
	n := Notifier{socket: os.Getenv("NOTIFY_SOCKET")}
	if usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 {
		n.every = time.Duration(usec) * time.Microsecond
	}
	return n
}

// Ready tells that the gateway runs, with a line for systemctl status.
func (n Notifier) Ready(status string) error { return n.send("READY=1\nSTATUS=" + status) }

// Stopping tells that the gateway is on its way out.
func (n Notifier) Stopping() error { return n.send("STOPPING=1") }

// Alive feeds the watchdog, when systemd has set one.
func (n Notifier) Alive() error {
	if n.every == 0 {
		return nil
	}
	return n.send("WATCHDOG=1")
}

func (n Notifier) send(message string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(message))
	return err
}
