package systemd_test

import "syscall"

// leashed has the kernel end a machine when the tests end, also when they are killed.
func leashed() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
