package api

import (
	"net"
	"syscall"
)

// peerUID asks the kernel who is at the other end (unix(7), SO_PEERCRED).
func peerUID(c net.Conn) (int, bool) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return 0, false
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, false
	}
	var cred *syscall.Ucred
	if errControl := raw.Control(func(fd uintptr) {
		cred, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); errControl != nil || err != nil {
		return 0, false
	}
	return int(cred.Uid), true
}
