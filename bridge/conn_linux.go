package bridge

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// limitUnacked ends a connection whose peer acknowledges nothing for 20 s, where
// the system's own limit is about a quarter of an hour.
func limitUnacked(_, _ string, c syscall.RawConn) error {
	const ms = 20_000
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, ms)
	}); cerr != nil {
		return cerr
	}
	return err
}
