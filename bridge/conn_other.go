//go:build !linux

package bridge

import "syscall"

// limitUnacked does nothing here: only Linux has TCP_USER_TIMEOUT. Heartbeats and
// the write deadline find a dead peer as well, a little later.
func limitUnacked(_, _ string, _ syscall.RawConn) error { return nil }
